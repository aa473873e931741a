"""The devices that a device process has opened, and the contexts of the clients on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.device.backends.base import Backend
from rocverify.device.base import DeviceInfo, RejectedDevice
from rocverify.device.emulator.launch.schedule import Schedule
from rocverify.device.hip.checking import make_streams
from rocverify.device.hip.context import Client, Context
from rocverify.device.hip.control import DeviceControl
from rocverify.device.hip.executor import Order
from rocverify.device.hip.items import StreamQueues
from rocverify.device.process.placed import Ordering
from rocverify.device.trace.native import NativeLines
from rocverify.errors import DeviceUnavailableError, UsageError
from rocverify.toolchain.lines import DebugTwin

if TYPE_CHECKING:
    from rocverify.device.hip.rtc.gate import RtcGate

ORDERS = ("eager", "lazy", "shuffled")


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """How a device is to be opened. `root` is the project under verification, if there is one: call sites are
    told relative to it. Tools are paths; None where the device needs none. `seed` decides what `shuffled`
    executes when; with `drawn` also in which order waves and workgroups run, and what memory holds that
    nobody has written. `coverage` notes which code of kernels is executed, where a device can tell. hipRTC
    takes from a project what a build manifest may ask for, and these flags and folders of headers."""

    kind: str
    target: str
    root: Path | None = None
    order: Order = "eager"
    seed: int = 0
    drawn: bool = False
    counters: bool = False
    coverage: bool = False
    sanitize: bool = False
    strict_lockstep: bool = False
    threads: int | None = None
    launch_timeout_s: float | None = None
    cache_dir: Path | None = None
    objdump: Path | None = None
    clang: Path | None = None
    library: Path | None = None
    allow_flags: tuple[str, ...] = ()
    allow_includes: tuple[Path, ...] = ()
    rejected: tuple[RejectedDevice, ...] = ()

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise UsageError(f"there is no order {self.order!r}", hint=f"use one of {', '.join(ORDERS)}")


@dataclass(slots=True)
class OpenedDevice:
    """One device: what all its clients share. `open_backend` gives a new client its memory and modules;
    `schedule` is None where nobody decides the order of waves."""

    options: DeviceOptions
    info: DeviceInfo
    open_backend: Callable[[], Backend]
    control: DeviceControl
    schedule: Schedule | None = None
    _ordering: Ordering = field(init=False)

    def __post_init__(self) -> None:
        self._ordering = Ordering(self.options.order, self.options.seed)

    def reorder(self, ordering: Ordering | None) -> None:
        """Has what comes be executed in another order, by all clients, those of now too; None: as the options
        say. What was queued and nobody has waited for is forgotten: its memory may be gone."""
        options = self.options
        drawn = options.seed if options.drawn else None
        self._ordering = ordering or Ordering(options.order, options.seed)
        if self.schedule is not None:
            self.schedule.seed = drawn if ordering is None else ordering.seed
        for context in self.control.all_contexts():
            context.streams.forget()
            context.streams.reorder(self._ordering.streams, self._ordering.seed)

    def context(self, pid: int, program: str) -> Context:
        """A context for a new client; DeviceError if there is no room for one."""
        return Context(self.open_backend(), self.control, self._streams, Client(pid, program))

    def _streams(self, context: Context) -> StreamQueues:
        return make_streams(context, self._ordering.streams, self._ordering.seed)


def open_device(options: DeviceOptions, debug_twin: DebugTwin | None = None) -> OpenedDevice:
    """Opens a device of the kind that is named; DeviceUnavailableError if there is none.

    `debug_twin` is for the emulator, see EmulatorOptions.
    """
    opener = KINDS.get(options.kind)
    if opener is None:
        raise UsageError(f"there is no device {options.kind!r}", hint=f"use one of auto, {', '.join(KINDS)}")
    info, open_backend, schedule = opener(options, debug_twin)
    lines = NativeLines(_symbolizer(options))
    control = DeviceControl(
        root=options.root, sanitize=options.sanitize, native_lines=lines, rtc_gate=_rtc_gate(options)
    )
    return OpenedDevice(options, info, open_backend, control, schedule)


def _rtc_gate(options: DeviceOptions) -> RtcGate | None:
    if options.root is None:
        return None
    from rocverify.device.hip.rtc.gate import RtcGate

    return RtcGate(options.root, options.allow_flags, options.allow_includes)


def _symbolizer(options: DeviceOptions) -> Path | None:
    """llvm-symbolizer beside the other tools, if it is there."""
    beside = None if options.objdump is None else options.objdump.with_name("llvm-symbolizer")
    return beside if beside is not None and beside.is_file() else None


_Opened = tuple[DeviceInfo, Callable[[], Backend], Schedule | None]


def _open_emulator(options: DeviceOptions, debug_twin: DebugTwin | None) -> _Opened:
    from rocverify.device.backends.emulator import EmulatorBackend, EmulatorOptions, check_target, describe

    check_target(options.target)
    how = EmulatorOptions(
        options.target,
        options.objdump,
        options.clang,
        threads=options.threads,
        launch_timeout_s=options.launch_timeout_s,
        cache_dir=options.cache_dir,
        counters=options.counters,
        coverage=options.coverage,
        sanitize=options.sanitize,
        strict_lockstep=options.strict_lockstep,
        debug_twin=debug_twin,
        schedule=Schedule(options.seed if options.drawn else None),
    )
    info = describe(options.target, options.rejected)
    return info, lambda: EmulatorBackend(how, info), how.schedule


def _open_amd(options: DeviceOptions, debug_twin: DebugTwin | None) -> _Opened:  # noqa: ARG001
    if options.sanitize or options.counters:
        lack = "has no sanitizer" if options.sanitize else "does not count launches exactly"
        raise DeviceUnavailableError(f"a GPU {lack}", hint="use --device emulator")
    from rocverify.device.backends.amd import AmdBackend
    from rocverify.device.backends.runtime import AmdRuntime

    runtime = AmdRuntime.open(options.library, rejected=options.rejected)
    return runtime.info, lambda: AmdBackend(runtime), None


def _open_nvidia(options: DeviceOptions, debug_twin: DebugTwin | None) -> _Opened:  # noqa: ARG001
    from rocverify.device.backends.nvidia import open_nvidia

    open_nvidia()


KINDS: dict[str, Callable[[DeviceOptions, DebugTwin | None], _Opened]] = {
    "amd": _open_amd,
    "nvidia": _open_nvidia,
    "emulator": _open_emulator,
}
"""The built-in kinds."""
