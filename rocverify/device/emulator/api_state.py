"""What the emulator's HIP functions share: the machine, handles, error codes and how a call is made."""

from __future__ import annotations

import functools
import inspect
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_type_hints

from rocverify.device.trace.proxy import real_hip

if TYPE_CHECKING:
    from rocverify.device.emulator.counters import Counters
    from rocverify.device.emulator.load.memory import DeviceMemory
    from rocverify.device.emulator.machine import LaunchStats, LoadedKernel, LoadedModule, Machine
    from rocverify.device.emulator.sanitize.findings import Finding
    from rocverify.device.faults import FaultReport

_handles = itertools.count(0x1000, 0x10)
"""Handles are numbers below any mapped page, unique in the process: one of a closed device, or one
used after its end, never stands for something else."""

_THREAD_ERRORS = frozenset({"hipSuccess", "hipErrorNotReady"})


class HipCallError(Exception):
    """A call that ends with an error code. `reason` is for people: HIP itself only tells the code."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """A loaded code object."""

    module: LoadedModule


@dataclass(frozen=True, slots=True)
class FunctionEntry:
    """A kernel of a loaded code object."""

    name: str
    module: int
    kernel: LoadedKernel


@dataclass(slots=True)
class StreamEntry:
    """A stream. Work is done when the call that asks for it returns: there is nothing to wait for."""

    flags: int = 0
    priority: int = 0


@dataclass(slots=True)
class EventEntry:
    """An event, with the host time (seconds) at which it was recorded."""

    flags: int = 0
    recorded: float | None = None


@dataclass(slots=True)
class HipState:
    """The state of one emulated device. `allocations` maps the bases of what HIP functions allocated
    to the hipMemoryType of each; modules have memory of their own. `sticky` is the error that a fault
    leaves behind for every further call. `launch_counters` has what was counted, with kernels' names,
    `findings` what the sanitizer found."""

    machine: Machine
    memory: DeviceMemory
    target: str
    launch_timeout_s: float | None = None
    modules: dict[int, ModuleEntry] = field(default_factory=dict)
    functions: dict[int, FunctionEntry] = field(default_factory=dict)
    streams: dict[int, StreamEntry] = field(default_factory=dict)
    events: dict[int, EventEntry] = field(default_factory=dict)
    allocations: dict[int, str] = field(default_factory=dict)
    sticky: HipCallError | None = None
    fault: FaultReport | None = None
    stats: LaunchStats | None = None
    launch_counters: list[tuple[str, Counters]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    thread: threading.local = field(default_factory=threading.local)

    def new_handle(self) -> int:
        return next(_handles)

    def close_call(self, code: str, reason: str | None) -> Any:
        """Notes how the calling thread's last call ended; returns the enum's member."""
        if code not in _THREAD_ERRORS:
            self.thread.last_error = code
        self.thread.reason = reason
        return real_hip().hipError_t[code]

    def memory_type(self, address: int) -> str | None:
        """`Device`, `Host` or `Managed` for an address in a live allocation, else None."""
        allocation = self.memory.find(address)
        return None if allocation is None else self.allocations.get(allocation.base, "Device")


class HipCalls:
    """Base of the groups of functions that make up the emulator's HIP."""

    _state: HipState


def offered(*empty: Any, faulted: str = "refuse") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a method a HIP function: converts arguments by its annotations and returns hip-python's
    tuple, the error code first.

    `empty` is what follows the code when the call fails; its length tells how many values the method
    returns. After a fault the call is refused (`refuse`), made but reported as failed (`report`), or
    made as ever (`allow`).
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        convert = _argument_reader(method)

        @functools.wraps(method)
        def call(self: HipCalls, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
            values = convert(args, kwargs)
            state = self._state
            sticky = state.sticky if faulted != "allow" else None
            if sticky is not None and faulted == "refuse":
                return (state.close_call(sticky.code, sticky.reason), *empty)
            try:
                result = method(self, *values)
            except HipCallError as failure:
                return (state.close_call(failure.code, failure.reason), *empty)
            if sticky is not None:
                return (state.close_call(sticky.code, sticky.reason), *empty)
            return (state.close_call("hipSuccess", None), *_as_values(result, len(empty)))

        return call

    return decorate


def _as_values(result: Any, count: int) -> tuple[Any, ...]:
    if count == 1:
        return (result,)
    return tuple(result) if count else ()


def _argument_reader(method: Callable[..., Any]) -> Callable[[tuple[Any, ...], dict[str, Any]], list[Any]]:
    signature = inspect.signature(method)
    names = [name for name in signature.parameters if name != "self"]
    hints = get_type_hints(method, include_extras=True)
    converters = [hints[name].__metadata__[0] for name in names]
    public = signature.replace(parameters=[signature.parameters[name] for name in names])

    def read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        if kwargs or len(args) != len(names):
            args = _bound(method.__name__, public, args, kwargs)
        return [convert(value, name) for convert, value, name in zip(converters, args, names, strict=True)]

    return read


def _bound(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    try:
        return signature.bind(*args, **kwargs).args
    except TypeError as error:
        raise TypeError(f"{name}(): {error}") from None
