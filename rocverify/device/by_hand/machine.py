"""An emulated GPU for launches by hand, with what is to watch them."""

from __future__ import annotations

from dataclasses import dataclass

from rocverify.device.by_hand.workspace import Workspace
from rocverify.device.emulator.isa.targets import SUPPORTED_TARGETS
from rocverify.device.emulator.launch.instruments import Instrument
from rocverify.device.emulator.launch.schedule import Schedule
from rocverify.device.emulator.machine import DEFAULT_INSTRUCTION_LIMIT, Machine
from rocverify.errors import DeviceUnavailableError


@dataclass(frozen=True, slots=True)
class Watch:
    """What is to be seen of every launch: exact counters; the sanitizer; that without lockstep
    (`strict`), or with accesses that other GPUs fault on (`portable`); which code is executed."""

    counters: bool = False
    sanitize: bool = False
    strict: bool = False
    portable: bool = False
    coverage: bool = False


def open_machine(
    target: str,
    workspace: Workspace,
    watch: Watch,
    *,
    where: str,
    threads: int | None = None,
    instruction_limit: int | None = None,
    seed: int | None = None,
) -> Machine:
    """`seed` decides the order of waves and workgroups; None: their own. Raises DeviceUnavailableError where
    the emulator does not run the target (`where` asked for it), and ToolchainError where its runtime was not
    installed and there is no clang."""
    if target not in SUPPORTED_TARGETS:
        raise DeviceUnavailableError(
            f"the emulator does not run {target}",
            where=where,
            hint=f"compile for one of {', '.join(SUPPORTED_TARGETS)}",
        )
    from rocverify.device.emulator.sanitize.memory import SanitizedMemory

    return Machine(
        target,
        objdump=workspace.objdump,
        clang=workspace.clang,
        memory=SanitizedMemory() if watch.sanitize else None,
        threads=threads or workspace.settings.emulator_threads,
        cache_dir=workspace.cache_dir,
        instruction_limit=instruction_limit or DEFAULT_INSTRUCTION_LIMIT,
        instruments=_instruments(watch),
        schedule=Schedule(seed),
    )


def _instruments(watch: Watch) -> list[Instrument]:
    from rocverify.device.emulator.counters import CounterInstrument
    from rocverify.device.emulator.coverage.instrument import CoverageInstrument
    from rocverify.device.emulator.sanitize.sanitizer import Sanitizer

    found: list[Instrument] = []
    if watch.sanitize:
        found.append(Sanitizer(strict=watch.strict, portable=watch.portable))
    if watch.counters:
        found.append(CounterInstrument())
    if watch.coverage:
        found.append(CoverageInstrument())
    return found
