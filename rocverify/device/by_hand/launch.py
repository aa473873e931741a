"""One launch by hand: arguments checked against the kernel's metadata, memory made, run, read back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from rocverify.device.by_hand.arguments import DTYPES, Argument, Array, Buffer, Null, Same, Scalar, is_float
from rocverify.device.by_hand.parameter_types import element_bytes, is_float_type, is_integer_type
from rocverify.device.emulator.coverage.executed import Modelled
from rocverify.device.emulator.coverage.record import LaunchCoverage
from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.launch.observed import Observed
from rocverify.device.emulator.load.kernarg import Geometry, Triple
from rocverify.device.emulator.machine import LaunchStats, LoadedKernel, Machine
from rocverify.device.emulator.sanitize.findings import Findings
from rocverify.device.faults import FaultReport
from rocverify.errors import UsageError
from rocverify.toolchain.code_metadata import KernelArg

POINTER_BYTES = 8
HEAD = 8
"""Elements of an array that are shown."""

_STOP_S = 0.05


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What to launch: `grid` in workgroups, `block` in workitems, dynamic LDS in bytes."""

    grid: Triple
    block: Triple
    shared_bytes: int
    arguments: tuple[Argument, ...]
    timeout_s: float | None = None
    cooperative: bool = False


@dataclass(frozen=True, eq=False)
class BufferAfter:
    """An array argument after the launch, flat. `name` is the source's, if the compiler kept it."""

    index: int
    name: str | None
    type_name: str
    before: Array
    after: Array

    @cached_property
    def changed(self) -> int:
        """Elements of which any byte is another than before."""
        size = self.after.dtype.itemsize
        differs = self.before.view(np.uint8) != self.after.view(np.uint8)
        return int(differs.reshape(-1, size).any(axis=1).sum())

    @cached_property
    def special(self) -> int:
        """Elements that are NaN or infinite."""
        return int(np.count_nonzero(~np.isfinite(self._numbers))) if is_float(self.after.dtype) else 0

    @cached_property
    def limits(self) -> tuple[float, float] | None:
        """The least and the greatest finite element; None if no element is finite."""
        finite = self._numbers[np.isfinite(self._numbers)] if self.special else self._numbers
        return (finite.min().item(), finite.max().item()) if finite.size else None

    @property
    def head(self) -> list[Any]:
        """The first elements as Python numbers."""
        return [number.item() for number in self._numbers[:HEAD]]

    @cached_property
    def sha256(self) -> str:
        """The digest of what the array holds after the launch, in hexadecimal."""
        return hashlib.sha256(self.after.tobytes()).hexdigest()

    @property
    def saved(self) -> Array:
        """What a .npy file can hold: bf16 widened to float32, which is exact."""
        return self._numbers

    @cached_property
    def _numbers(self) -> Array:
        known = self.after.dtype.kind in "iuf" and self.after.dtype.isbuiltin == 1
        return self.after if known else self.after.astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; NaN and infinities as text."""
        least, greatest = self.limits or (None, None)
        return {
            "index": self.index,
            "name": self.name,
            "type": self.type_name,
            "count": self.after.size,
            "changed": self.changed,
            "not_finite": self.special,
            "min": least,
            "max": greatest,
            "head": [number if np.isfinite(number) else str(number) for number in self.head],
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Emulation:
    """What a launch did: `fault` and no arrays, or counts and the arrays after it."""

    kernel: str
    request: LaunchRequest
    stats: LaunchStats | None
    buffers: tuple[BufferAfter, ...]
    fault: FaultReport | None = None
    hint: str | None = None
    observed: Observed = field(default_factory=dict)

    @property
    def findings(self) -> Findings | None:
        """What the sanitizer found, also before a fault; None on a machine without it."""
        found: Findings | None = self.observed.get("sanitizer")
        return found

    @property
    def models(self) -> tuple[Modelled, ...] | None:
        """The executed instructions whose result is a model of the hardware's; None on a machine that does
        not note what is executed."""
        covered: LaunchCoverage | None = self.observed.get("coverage")
        return None if covered is None else covered.models

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, `rocverify.emulate/1`."""
        return {
            "schema": "rocverify.emulate/1",
            "kernel": self.kernel,
            "grid": self.request.grid,
            "block": self.request.block,
            "shared_bytes": self.request.shared_bytes,
            "arguments": [argument.text for argument in self.request.arguments],
            "stats": None if self.stats is None else self.stats.to_json(),
            "buffers": [buffer.to_json() for buffer in self.buffers],
            "fault": None if self.fault is None else self.fault.to_json(),
        }


def check_arguments(
    kernel: LoadedKernel, arguments: Sequence[Argument], types: Sequence[str | None] = ()
) -> None:
    """UsageError, naming argument and kernel, where number, kind or size are not the kernel's, or not of the
    parameters' C++ types, where these are known."""
    takes = kernel.metadata.explicit_args
    if len(arguments) != len(takes):
        listed = ", ".join(f"{_called(i, arg)}: {_wanted(arg)}" for i, arg in enumerate(takes))
        raise UsageError(
            f"takes {len(takes)} argument(s), {len(arguments)} given",
            where=kernel.name,
            hint=f"it takes {listed}" if listed else "give no --arg",
        )
    for index, (argument, arg) in enumerate(zip(arguments, takes, strict=True)):
        type_name = types[index] if types else None
        wrong = _mismatch(argument, arg, arguments) or _wrong_type(argument, type_name)
        if wrong:
            raise UsageError(
                f"argument {_called(index, arg)} is {type_name or _wanted(arg)}, but {wrong}",
                where=f"{kernel.name} ({argument.text})",
                hint="`rocverify inspect` lists the arguments of every kernel",
            )


def _called(index: int, arg: KernelArg) -> str:
    return f"{index} ({arg.name})" if arg.name else str(index)


def _wanted(arg: KernelArg) -> str:
    if _is_pointer(arg):
        return "a pointer"
    if arg.kind == "by_value":
        return f"a value of {arg.size} byte(s)"
    return f"{arg.kind} of {arg.size} byte(s)"


def _is_pointer(arg: KernelArg) -> bool:
    return arg.kind == "global_buffer"


def _mismatch(argument: Argument, arg: KernelArg, arguments: Sequence[Argument]) -> str | None:
    match argument:
        case Scalar() if _is_pointer(arg):
            return "a value was given: write an array, such as f32[1024]:zeros, or null"
        case Scalar() if len(argument.data) != arg.size:
            return f"the value given has {len(argument.data)}"
        case Buffer() | Same() | Null() if not _is_pointer(arg):
            return "an array or pointer was given"
        case Same(index=index) if index >= len(arguments) or not isinstance(arguments[index], Buffer):
            return f"argument {index} is not an array"
        case _:
            return None


def _wrong_type(argument: Argument, type_name: str | None) -> str | None:
    """What is wrong with an argument of the right kind and size, by the parameter's C++ type."""
    if isinstance(argument, Buffer):
        size, wanted = argument.content.dtype.itemsize, element_bytes(type_name)
        if wanted is not None and size not in (1, wanted):
            return f"the array holds {argument.type_name}"
    if isinstance(argument, Scalar):
        dtype = DTYPES.get(argument.text.partition(":")[0])
        if dtype is not None and (is_float_type if not is_float(dtype) else is_integer_type)(type_name):
            return "a value of another kind was given"
    return None


def emulate(machine: Machine, kernel: LoadedKernel, request: LaunchRequest) -> Emulation:
    """Launches once; every array is an allocation of its own, given back afterwards.

    Raises UsageError for arguments that are not the kernel's, and what Machine.launch raises except for
    faults, which are in the result.
    """
    check_arguments(kernel, request.arguments)
    takes = kernel.metadata.explicit_args
    addresses: dict[int, int] = {}
    try:
        for index, argument in enumerate(request.arguments):
            if isinstance(argument, Buffer):
                label = f"argument {_called(index, takes[index])}"
                addresses[index] = machine.memory.malloc(argument.content.nbytes, label)
                machine.memory.write(addresses[index], argument.content.view(np.uint8).data)
                if argument.undefined:
                    machine.memory.undefine(addresses[index], argument.content.nbytes)
        kernarg = _kernarg(takes, request.arguments, addresses)
        try:
            geometry = Geometry(request.grid, request.block, request.shared_bytes, request.cooperative)
            stats = launch_interruptibly(machine, kernel, geometry, kernarg, request.timeout_s)
        except KernelFaultError as error:
            return Emulation(kernel.name, request, None, (), error.report, error.hint, error.observed)
        buffers = tuple(_after(machine, request, takes, i, at) for i, at in addresses.items())
        return Emulation(kernel.name, request, stats, buffers, observed=stats.observed)
    finally:
        for address in addresses.values():
            machine.memory.free(address)


def _kernarg(takes: Sequence[KernelArg], arguments: Sequence[Argument], addresses: dict[int, int]) -> bytes:
    segment = bytearray(max((arg.offset + arg.size for arg in takes), default=0))
    for index, (arg, argument) in enumerate(zip(takes, arguments, strict=True)):
        match argument:
            case Scalar():
                data = argument.data
            case Null():
                data = bytes(POINTER_BYTES)
            case _:
                source = argument.index if isinstance(argument, Same) else index
                data = addresses[source].to_bytes(POINTER_BYTES, "little")
        segment[arg.offset : arg.offset + len(data)] = data
    return bytes(segment)


def launch_interruptibly(
    machine: Machine,
    kernel: LoadedKernel,
    geometry: Geometry,
    kernarg: bytes,
    timeout_s: float | None = None,
) -> LaunchStats:
    """The launch on a thread of its own: an interruption reaches Python while native code runs. Raises what
    Machine.launch raises."""
    with ThreadPoolExecutor(1, thread_name_prefix="emulate") as pool:
        running = pool.submit(
            machine.launch,
            kernel,
            geometry.grid,
            geometry.block,
            geometry.shared_bytes,
            kernarg,
            timeout_s=timeout_s,
            cooperative=geometry.cooperative,
        )
        try:
            return running.result()
        except KeyboardInterrupt:
            while not running.done():
                machine.stop("interrupted")
                wait([running], _STOP_S)
            raise


def _after(
    machine: Machine, request: LaunchRequest, takes: Sequence[KernelArg], index: int, address: int
) -> BufferAfter:
    argument = request.arguments[index]
    assert isinstance(argument, Buffer)
    data = np.frombuffer(machine.memory.read(address, argument.content.nbytes), argument.content.dtype)
    return BufferAfter(index, takes[index].name, argument.type_name, argument.content, data)
