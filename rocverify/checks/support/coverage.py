"""Whether the geometry of a launch covers the data: which elements stayed as they were, and whose fault.

Elements that the reference changes and the launch left untouched may be the kernel's mistake or the
grid's. The launch is repeated, on fresh copies of the same data, with a larger grid: what is reached
then, the grid had missed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rocverify.checks.support.launch_arguments import Block, is_pointer
from rocverify.device.trace.events import LaunchArgument, TraceEvent
from rocverify.errors import DeviceError
from rocverify.oracle.contract import ContractSpec, Role
from rocverify.oracle.drive import CaseRun, checked
from rocverify.toolchain.code_metadata import KernelMetadata

if TYPE_CHECKING:
    from rocverify.subject.launch_session import LaunchSession

_TELLING = 1e-2
"""Relative change of an element above which an unchanged one was certainly not written."""


@dataclass(frozen=True, slots=True)
class Untouched:
    """Elements of one array that should have changed and did not: how many, of how many, the first."""

    name: str
    count: int
    total: int
    first: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.count} of {self.total} elements of {self.name} (the first at {list(self.first)})"


def untouched(spec: ContractSpec, run: CaseRun) -> tuple[Untouched, ...]:
    """The elements that a run should have written and left as they were."""
    return _left(spec, run, run.outputs)


def _left(spec: ContractSpec, run: CaseRun, outputs: Mapping[str, NDArray[Any]]) -> tuple[Untouched, ...]:
    values = {name: _wide(spec, name, array) for name, array in run.inputs.items()}
    reference = spec.reference(values, run.case.dims)
    found = []
    for name, after in outputs.items():
        before = run.inputs[name]
        missed = _same_bits(before, after)
        if spec.arrays[name].role is Role.INOUT:
            old, new = np.nan_to_num(values[name]), np.nan_to_num(reference[name])
            missed &= np.abs(new - old) > _TELLING * (np.abs(old) + np.abs(new))
        if missed.any():
            first = tuple(int(i) for i in np.argwhere(missed)[0])
            found.append(Untouched(name, int(missed.sum()), missed.size, first))
    return tuple(found)


def _wide(spec: ContractSpec, name: str, array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float64) if all(d.is_float for d in spec.arrays[name].dtypes) else array


def _same_bits(before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.bool_]:
    shape = (*before.shape, before.dtype.itemsize)
    pairs = (np.ascontiguousarray(a).view(np.uint8).reshape(shape) for a in (before, after))
    first, second = pairs
    same: NDArray[np.bool_] = (first == second).all(axis=-1)
    return same


def reached_by_larger_grid(
    spec: ContractSpec, session: LaunchSession, run: CaseRun, launch: TraceEvent, kernel: Kernel
) -> bool | None:
    """Whether the same launch with a larger grid writes what was left untouched.

    None where that cannot be told: a pointer that is no array of the contract, or a failing launch.
    """
    arguments = _Arguments.of(run, launch, kernel.metadata)
    if arguments is None or launch.grid is None or launch.block is None:
        return None
    grid = tuple(2 * count + 1 for count in launch.grid)
    try:
        with _copies(session.hip, run) as copies:
            _launch(session.hip, kernel, (grid, launch.block, launch.shared_bytes or 0), arguments.at(copies))
            outputs = {name: copies[name].download() for name in run.outputs}
    except DeviceError:
        session.device.clear_fault()
        return None
    return not _left(spec, run, outputs)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled kernel that can be launched again."""

    image: bytes
    metadata: KernelMetadata


@dataclass(frozen=True, slots=True)
class _Copy:
    hip: Any
    address: int
    like: NDArray[Any]

    def download(self) -> NDArray[Any]:
        target = np.empty_like(self.like)
        kind = self.hip.hipMemcpyKind.hipMemcpyDeviceToHost
        checked("hipMemcpy", self.hip.hipMemcpy(target, self.address, target.nbytes, kind))
        return target


@contextmanager
def _copies(hip: Any, run: CaseRun) -> Iterator[dict[str, _Copy]]:
    """The device arrays of a run as they were before it, in fresh memory."""
    with ExitStack() as stack:
        copies = {}
        for name in run.addresses:
            array = np.ascontiguousarray(run.inputs[name])
            memory = checked("hipMalloc", hip.hipMalloc(max(array.nbytes, 1)))
            stack.callback(hip.hipFree, memory)
            raw = array.view(np.uint8)
            kind = hip.hipMemcpyKind.hipMemcpyHostToDevice
            checked("hipMemcpy", hip.hipMemcpy(memory, raw, raw.nbytes, kind))
            copies[name] = _Copy(hip, int(memory), array)
        yield copies


@dataclass(frozen=True, slots=True)
class _Arguments:
    """Launch arguments with the contract's arrays by name: (name, offset) or a value."""

    entries: tuple[tuple[str, int] | LaunchArgument, ...]

    @classmethod
    def of(cls, run: CaseRun, launch: TraceEvent, metadata: KernelMetadata) -> _Arguments | None:
        blocks = {n: Block(a, run.inputs[n].nbytes, n) for n, a in run.addresses.items()}
        entries: list[tuple[str, int] | LaunchArgument] = []
        for argument, parameter in zip(launch.args or (), metadata.explicit_args, strict=False):
            if not is_pointer(parameter):
                entries.append(argument)
                continue
            address = argument.value if isinstance(argument.value, int) else 0
            block = next((b for b in blocks.values() if b.holds(address)), None)
            if block is None:
                return None
            entries.append((block.name, address - block.base))
        return cls(tuple(entries)) if len(entries) == len(metadata.explicit_args) else None

    def at(self, copies: Mapping[str, _Copy]) -> tuple[Any, ...]:
        return tuple(
            ctypes.c_void_p(copies[e[0]].address + e[1]) if not isinstance(e, LaunchArgument) else _value(e)
            for e in self.entries
        )


def _value(argument: LaunchArgument) -> Any:
    made = getattr(ctypes, argument.ctype, None)
    if made is None or not isinstance(argument.value, int | float):
        raise DeviceError(f"a launch argument of type {argument.ctype} cannot be repeated")
    return made(argument.value)


Geometry = tuple[tuple[int, ...], tuple[int, int, int], int]


def _launch(hip: Any, kernel: Kernel, geometry: Geometry, arguments: tuple[Any, ...]) -> None:
    grid, block, shared = geometry
    module = checked("hipModuleLoadData", hip.hipModuleLoadData(kernel.image))
    try:
        name = kernel.metadata.name.encode()
        function = checked("hipModuleGetFunction", hip.hipModuleGetFunction(module, name))
        launched = hip.hipModuleLaunchKernel(function, *grid, *block, shared, None, None, arguments)
        checked("hipModuleLaunchKernel", launched)
        checked("hipDeviceSynchronize", hip.hipDeviceSynchronize())
    finally:
        checked("hipModuleUnload", hip.hipModuleUnload(module))
