"""The emulator as a device: hip-python's functions on a machine that executes gfx11 code objects.

Host code that was written for hip-python runs on it unchanged: the functions have the same names,
parameters and tuple returns, and the enums, structures and arrays are hip-python's own classes. What
is not offered is an AttributeError that says so, never a call that quietly does nothing.

Execution is synchronous. A kernel that faults makes its launch return hipErrorIllegalAddress (or the
code that fits), and every later call too, as HIP does; `last_fault` has the particulars, `clear_fault`
makes the device usable again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify.device.base import DeviceInfo, RejectedDevice
from rocverify.device.emulator.api_copy import CopyCalls
from rocverify.device.emulator.api_errors import ErrorCalls
from rocverify.device.emulator.api_launch import LaunchCalls
from rocverify.device.emulator.api_memory import MemoryCalls, MemoryQueryCalls
from rocverify.device.emulator.api_module import FunctionCalls, ModuleCalls
from rocverify.device.emulator.api_properties import DeviceCalls, device_name
from rocverify.device.emulator.api_state import HipState, offered
from rocverify.device.emulator.api_stream import EventCalls, StreamCalls
from rocverify.device.emulator.api_symbol import SymbolCalls
from rocverify.device.emulator.isa.occupancy import LIMITS
from rocverify.device.faults import FaultReport
from rocverify.device.trace.proxy import is_function, real_hip
from rocverify.errors import DeviceUnavailableError

if TYPE_CHECKING:
    from rocverify.device.emulator.counters import Counters
    from rocverify.device.emulator.launch.instruments import Instrument
    from rocverify.device.emulator.load.memory import DeviceMemory
    from rocverify.device.emulator.machine import LaunchStats, Machine
    from rocverify.device.emulator.sanitize.findings import Finding


class EmulatorHip(
    DeviceCalls,
    ErrorCalls,
    MemoryCalls,
    MemoryQueryCalls,
    CopyCalls,
    ModuleCalls,
    FunctionCalls,
    LaunchCalls,
    StreamCalls,
    EventCalls,
    SymbolCalls,
):
    """The namespace that stands for `rocm.bindings.hip`."""

    def __init__(self, state: HipState) -> None:
        self._state = state

    def __getattr__(self, name: str) -> Any:
        value = getattr(real_hip(), name)
        if is_function(value):
            raise AttributeError(f"the emulator does not offer {name}", name=name, obj=self)
        return value

    def has_symbol(self, name: str | bytes) -> bool:
        """Whether a HIP function is there to be called."""
        text = name.decode() if isinstance(name, bytes) else name
        return text.startswith("hip") and callable(getattr(type(self), text, None))

    @offered(faulted="allow")
    def hipDeviceReset(self) -> None:  # noqa: N802 - HIP's name
        """Gives up every allocation, module, stream and event, and the error of a fault."""
        reset(self._state)


class EmulatorDevice:
    """An emulated GPU. Each has memory, modules and errors of its own."""

    kind = "emulator"

    def __init__(self, machine: Machine, info: DeviceInfo, launch_timeout_s: float | None = None) -> None:
        self.info = info
        self._state = HipState(machine, machine.memory, info.target, launch_timeout_s)
        self.hip = EmulatorHip(self._state)

    @classmethod
    def open(
        cls,
        target: str,
        *,
        objdump: Path,
        clang: Path,
        linker: Path,
        threads: int | None = None,
        launch_timeout_s: float | None = None,
        cache_dir: Path | None = None,
        counters: bool = False,
        sanitize: bool = False,
        strict_lockstep: bool = False,
        with_lines: Callable[[bytes], bytes | None] | None = None,
        rejected: tuple[RejectedDevice, ...] = (),
    ) -> EmulatorDevice:
        """An emulated GPU of a gfx11 target; DeviceUnavailableError for any other.

        `objdump` disassembles, `clang` and `linker` build the emulator's runtime, `threads` is how many
        host threads run workgroups (None: all), `launch_timeout_s` what one launch may take once it is
        translated (None: any time), `cache_dir` where translations are kept, `counters` whether launches
        are counted (`launch_counters`), `sanitize` whether the sanitizer watches them (`findings`), with
        `strict_lockstep` for lanes of one wave too. `with_lines` gives, for a code object without line
        tables, one of the same instructions that has them, or None: so faults and findings name lines.
        """
        from rocverify.device.emulator.machine import SUPPORTED_TARGETS, Machine

        if target not in SUPPORTED_TARGETS:
            raise DeviceUnavailableError(
                f"the emulator executes code objects for {', '.join(SUPPORTED_TARGETS)}, not for {target}",
                hint="use --target gfx1100 or a real GPU",
            )
        instruments: list[Instrument] = []
        memory = None
        if sanitize:
            from rocverify.device.emulator.sanitize.memory import SanitizedMemory
            from rocverify.device.emulator.sanitize.sanitizer import Sanitizer

            memory = SanitizedMemory()
            instruments.append(Sanitizer(strict=strict_lockstep))
        if counters:
            from rocverify.device.emulator.counters import CounterInstrument

            instruments.append(CounterInstrument())
        machine = Machine(
            target,
            objdump=objdump,
            clang=clang,
            linker=linker,
            memory=memory,
            threads=threads,
            cache_dir=cache_dir,
            instruments=instruments,
            with_lines=with_lines,
        )
        return cls(machine, _info(target, machine.memory, rejected), launch_timeout_s)

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def target(self) -> str:
        return self.info.target

    @property
    def last_launch(self) -> LaunchStats | None:
        """The counters of the last launch that ended well."""
        return self._state.stats

    @property
    def launch_counters(self) -> list[tuple[str, Counters]]:
        """Kernel and counters of every launch that ended well, in their order, if the device was opened with
        `counters`. The caller may clear the list; hipDeviceReset leaves it as it is."""
        return self._state.launch_counters

    @property
    def findings(self) -> list[Finding]:
        """What the sanitizer found in all launches, in their order, those that faulted too, if the device was
        opened with `sanitize`. The caller may clear the list; hipDeviceReset leaves it as it is."""
        return self._state.findings

    @property
    def memory(self) -> DeviceMemory:
        """The device's memory, for harness code that looks behind HIP."""
        return self._state.memory

    def is_device_address(self, address: int) -> bool | None:
        """True for the whole arena, freed memory included; False for what hipHostMalloc gave."""
        return self._state.memory.owns(address) and self._state.memory_type(address) != "Host"

    def kernel_name(self, function: int) -> str | None:
        entry = self._state.functions.get(function)
        return None if entry is None else entry.name

    def last_fault(self) -> FaultReport | None:
        return self._state.fault

    def last_reason(self) -> str | None:
        return getattr(self._state.thread, "reason", None)

    def clear_fault(self) -> None:
        """Forgets the fault: memory and modules stay as they are."""
        self._state.sticky = self._state.fault = None
        self._state.thread.last_error = None

    def close(self) -> None:
        """Gives memory and threads back. The device is not to be used afterwards."""
        reset(self._state)
        self._state.machine.close()


def reset(state: HipState) -> None:
    """Frees what HIP functions allocated and loaded, and forgets errors."""
    with state.lock:
        for address in list(state.allocations):
            state.memory.free(address)
        for entry in state.modules.values():
            state.machine.unload(entry.module)
        for table in (state.allocations, state.modules, state.functions, state.streams, state.events):
            table.clear()
        state.sticky = state.fault = state.stats = None
        state.thread.last_error = None


def _info(target: str, memory: DeviceMemory, rejected: tuple[RejectedDevice, ...]) -> DeviceInfo:
    return DeviceInfo(
        kind=EmulatorDevice.kind,
        name=device_name(target),
        target=target,
        arch=target,
        runtime="rocverify emulator",
        rejected=rejected,
        details={
            "multiprocessors": LIMITS.multiprocessors,
            "wavefront_size": LIMITS.wavefront_size,
            "global_memory_bytes": memory.capacity,
        },
    )
