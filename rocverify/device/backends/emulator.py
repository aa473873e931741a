"""The emulator as a backend: one Machine for each client, with memory of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify.device.backends import arenas
from rocverify.device.backends.base import Geometry, LaunchOutcome
from rocverify.device.backends.emulated_memory import EmulatedMemory
from rocverify.device.base import DeviceInfo, RejectedDevice
from rocverify.device.emulator.isa.targets import TARGETS
from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.launch.schedule import Schedule
from rocverify.device.emulator.load.memory import ARENA_BYTES, DeviceMemory, Span
from rocverify.device.emulator.machine import SUPPORTED_TARGETS, LoadedModule, Machine
from rocverify.device.launch_limits import MULTIPROCESSORS
from rocverify.errors import DeviceUnavailableError
from rocverify.store.content_cache import ContentCache
from rocverify.toolchain.lines import DebugTwin

if TYPE_CHECKING:
    from rocverify.device.emulator.launch.instruments import Instrument
    from rocverify.device.emulator.launch.observed import Observed

KIND = "emulator"
SHARED_BYTES, SANITIZED_SHARED_BYTES = 1 << 36, 1 << 34


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """How emulated devices are opened. `threads` run workgroups (None: all), `launch_timeout_s` is what
    one launch may take (None: any time), `cache_dir` keeps translations, `strict_lockstep` makes the
    sanitizer take lanes of one wave to be unordered. `debug_twin` gives, for a code object without line
    tables, one of the same instructions that has them, or None. `schedule` may be
    changed at any time, for what comes then: with a seed it also decides what fresh device memory holds."""

    target: str
    objdump: Path | None
    clang: Path | None
    threads: int | None = None
    launch_timeout_s: float | None = None
    cache_dir: Path | None = None
    counters: bool = False
    coverage: bool = False
    sanitize: bool = False
    strict_lockstep: bool = False
    debug_twin: DebugTwin | None = None
    schedule: Schedule = field(default_factory=Schedule)
    rejected: tuple[RejectedDevice, ...] = ()


def check_target(target: str) -> None:
    """DeviceUnavailableError for a target that the emulator does not run."""
    if target not in SUPPORTED_TARGETS:
        raise DeviceUnavailableError(
            f"the emulator executes code objects for {', '.join(SUPPORTED_TARGETS)}, not for {target}",
            hint="use --target gfx1100 or a real GPU",
        )


def describe(target: str, rejected: tuple[RejectedDevice, ...] = ()) -> DeviceInfo:
    """The facts that a report names, of a device that need not be open yet."""
    return DeviceInfo(
        kind=KIND,
        name=f"rocverify emulator ({target})",
        target=target,
        arch=target,
        runtime="rocverify emulator",
        rejected=rejected,
        details={
            "multiprocessors": MULTIPROCESSORS,
            "wavefront_size": TARGETS[target].wave_sizes[0],
            "global_memory_bytes": ARENA_BYTES,
        },
    )


class EmulatorBackend(EmulatedMemory):
    """One client's emulated GPU."""

    kind = KIND

    def __init__(self, options: EmulatorOptions, info: DeviceInfo) -> None:
        super().__init__()
        self.options = options
        self.info = info
        self._arena = arenas.take()
        try:
            self.memory = self._memory(arenas.start(self._arena))
            self.machine = self._machine()
        except BaseException:
            arenas.give_back(self._arena)
            raise
        self._lock = threading.Lock()

    def _memory(self, start: int) -> DeviceMemory:
        """Shared memory follows the arena at once, so that the sanitizer's records reach over both."""
        if self.options.sanitize:
            from rocverify.device.emulator.sanitize.memory import SANITIZED_ARENA_BYTES, SanitizedMemory

            shared = Span(start + SANITIZED_ARENA_BYTES, SANITIZED_SHARED_BYTES)
            return SanitizedMemory(SANITIZED_ARENA_BYTES, at=start, shared=shared)
        return DeviceMemory(ARENA_BYTES, at=start, shared=Span(start + ARENA_BYTES, SHARED_BYTES))

    def _machine(self) -> Machine:
        options = self.options
        instruments: list[Instrument] = []
        if options.sanitize:
            from rocverify.device.emulator.sanitize.sanitizer import Sanitizer

            self._sanitizer = Sanitizer(strict=options.strict_lockstep)
            instruments.append(self._sanitizer)
        if options.counters:
            from rocverify.device.emulator.counters import CounterInstrument

            instruments.append(CounterInstrument())
        if options.coverage:
            from rocverify.device.emulator.coverage.instrument import CoverageInstrument

            kept = None if options.cache_dir is None else options.cache_dir / "coverage"
            instruments.append(CoverageInstrument(ContentCache(kept)))
        machine = Machine(
            options.target,
            objdump=options.objdump,
            clang=options.clang,
            memory=self.memory,
            threads=options.threads,
            cache_dir=options.cache_dir,
            instruments=instruments,
            debug_twin=options.debug_twin,
            schedule=options.schedule,
        )
        machine.printer = lambda _stream, _text: None  # the client prints: see LaunchOutcome.printed
        return machine

    # ---- memory

    def properties_r0600(self) -> bytes | None:
        """None: there is no runtime that could tell."""
        return None

    def attribute(self, number: int) -> int | None:  # noqa: ARG002
        """None: there is no runtime that could tell."""
        return None

    def malloc(self, size: int, label: str) -> int:
        """Device memory, poisoned where the schedule has a seed; OutOfDeviceMemoryError if there is not
        enough."""
        address = self.memory.malloc(size, label)
        if self.options.schedule.seed is not None:
            self.memory.poison(address, size, self.options.schedule.poison)
        return address

    # ---- code

    def load(self, code_object: bytes, label: str) -> LoadedModule:
        """Loads a code object of this device's target."""
        return self.machine.load(code_object, label)

    def unload(self, module: Any) -> None:
        """Ends a module; its memory is given back."""
        self.machine.unload(module)

    def launch(self, module: Any, kernel: str, geometry: Geometry, kernarg: bytes) -> LaunchOutcome:
        """Executes a kernel to its end. DeviceError for a launch that no device of the target could run."""
        begun, excerpt = self.clock(), self._part_of(geometry)
        try:
            stats = self.machine.launch(
                module.kernel(kernel),
                geometry.grid,
                geometry.block,
                geometry.shared_bytes,
                kernarg,
                timeout_s=self.options.launch_timeout_s,
                cooperative=geometry.cooperative,
                excerpt=excerpt,
            )
        except KernelFaultError as error:
            return _outcome(begun, self.clock(), error.observed, fault=error.report, printed=error.printed)
        accesses = self._accesses(module, stats.observed)
        return _outcome(begun, self.clock(), stats.observed, printed=stats.printed, accesses=accesses)

    def _accesses(self, module: LoadedModule, observed: Observed) -> Any:
        """Where it is told what a launch has accessed; None without the sanitizer."""
        found = observed.get("sanitizer")
        if found is None:
            return None
        from rocverify.device.emulator.sanitize.accesses import EmulatedAccesses
        from rocverify.device.emulator.sanitize.memory import SanitizedMemory

        assert isinstance(self.memory, SanitizedMemory)
        return EmulatedAccesses(self._sanitizer, self.memory, module, found.segments)

    def stop(self) -> None:
        """Ends the launch that is under way, if any, with a fault, where that can be done."""
        self.machine.stop("its program has ended")

    def clock(self) -> float:
        """Seconds, steady: what events are stamped with."""
        return time.perf_counter()

    def close(self) -> None:
        """Gives memory, threads and the arena back. Closing twice is harmless."""
        with self._lock:
            if self._arena < 0:
                return
            arena, self._arena = self._arena, -1
        self.machine.close()
        self.memory.close()
        arenas.give_back(arena)


def _outcome(begun: float, ended: float, observed: Observed, **more: object) -> LaunchOutcome:
    found = observed.get("sanitizer")
    return LaunchOutcome(
        begun,
        ended,
        findings=() if found is None else tuple(found.found),
        counters=observed.get("counters"),
        coverage=observed.get("coverage"),
        **more,  # type: ignore[arg-type]
    )
