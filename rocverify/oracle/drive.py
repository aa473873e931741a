"""Runs one case: sets up the buffers, calls the wrapper, reads everything back.

The trace of a run covers the call of the wrapper and nothing of the harness's own copies.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rocverify.device.process.placed import Buffer, Collected, Placed
from rocverify.device.trace.events import Category
from rocverify.errors import ContractError, DeviceError, SubjectError
from rocverify.oracle.case import Case
from rocverify.oracle.consistency import check_arguments
from rocverify.oracle.contract import Array, ContractSpec, Launch, Role
from rocverify.oracle.dtypes import BY_NAME, DType
from rocverify.oracle.inputs import Kind, draw_inputs
from rocverify.oracle.poison import Placement, guard_damage, guard_pattern, poisoned
from rocverify.subject.border import SubjectCall, raise_outcome
from rocverify.toolchain.codeobject import read_code_object

if TYPE_CHECKING:
    from rocverify.checks.context import LaunchSession
    from rocverify.device.trace.events import TraceEvent


Invocation = Callable[[Mapping[str, Any], Mapping[str, int], DType], None]
"""Takes device views and host arrays by name, the dimensions of the call, and the element type."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """An array in device memory, as a contract hands it to a wrapper: a pointer that knows its shape.
    hip-python takes it wherever it takes a pointer, in `extra` too."""

    ptr: int
    shape: tuple[int, ...]
    dtype: str

    def __int__(self) -> int:
        return self.ptr

    def __index__(self) -> int:
        return self.ptr

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """What hip-python, PyTorch and CuPy ask of arrays on a device; NumPy has no name for some dtypes."""
        dtype = BY_NAME[self.dtype].numpy
        typestr = dtype.str if dtype.isbuiltin == 1 else f"|V{dtype.itemsize}"
        return {
            "data": (self.ptr, False),
            "shape": self.shape,
            "typestr": typestr,
            "strides": None,
            "version": 2,
        }


@dataclass(frozen=True, slots=True)
class CaseRun:
    """What one execution of a case left behind.

    inputs: every array as it was before the call (poison for pure outputs); outputs: what is to be compared
    of the written arrays after it (their canonical form, where the contract has one); changed: input arrays
    that the kernel changed; damage: what was written around buffers; events: the HIP calls made while the
    wrapper ran; addresses: where each array lay on the device.
    """

    case: Case
    inputs: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, NDArray[Any]]
    changed: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    events: tuple[TraceEvent, ...] = ()
    addresses: Mapping[str, int] = field(default_factory=dict)

    @property
    def launches(self) -> tuple[TraceEvent, ...]:
        """The launches among the calls; looking a kernel up in its module is none."""
        return tuple(event for event in self.events if event.category is Category.LAUNCH)

    def launched(self, symbol: str) -> bool:
        """Whether the kernel was launched, successfully as far as the call could tell."""
        return any(e.kernel == symbol and e.ok for e in self.launches)


def run_case(
    spec: ContractSpec,
    session: LaunchSession,
    dims: Mapping[str, int],
    dtype: DType,
    seed: int,
    *,
    kind: Kind = Kind.PLAIN,
) -> CaseRun:
    """Runs the contract once on one shape: guarded buffers, poisoned outputs. See `execute`."""
    return execute(spec, session, Case(dict(dims), dtype, kind, seed))


def execute(
    spec: ContractSpec,
    session: LaunchSession,
    case: Case,
    *,
    ghost: bool = False,
    values: Mapping[str, NDArray[Any]] | None = None,
    call_dims: Mapping[str, int] | None = None,
    invoke: Invocation | None = None,
) -> CaseRun:
    """Runs one case through the contract's wrapper, or through its own launch if it names none.

    ghost: launches report success and do nothing. values: arrays that replace drawn ones on the host.
    call_dims: dimensions that replace those of the case in the call alone. invoke: made once by
    `invocation` for many cases.
    Raises SubjectError for what the wrapper raises, DeviceFaultError for what the kernel does wrong,
    DeviceError when the device fails the harness itself.
    """
    spec.dims.check(case.dims)
    drawn = draw_inputs(spec, case.dims, case.dtype, case.kind, case.seed)
    inputs = _starting_values(spec, case, drawn)
    run_subject = invoke or invocation(spec, session)
    buffers = {
        name: _buffer(name, array, case.placement, _holds_poison(name, spec.arrays[name], drawn))
        for name, array in inputs.items()
        if spec.arrays[name].role is not Role.HOST
    }
    placed = session.device.place(os.getpid(), list(buffers.values()), ghost=ghost)
    addresses = {name: placed.addresses[name] + len(buffer.guard) for name, buffer in buffers.items()}
    arrays = {**_views(spec, case.dtype, inputs, addresses), **(values or {})}
    collected = _called(
        spec, session, placed, lambda: run_subject(arrays, {**case.dims, **(call_dims or {})}, case.dtype)
    )
    images = {name: _split(buffers[name], inputs[name], image) for name, image in collected.images.items()}
    after = {name: array for name, (array, _) in images.items()}
    return CaseRun(
        case=case,
        inputs=inputs,
        outputs=spec.canonical(inputs, {name: after[name] for name in spec.outputs}, case.dims),
        changed=tuple(
            name
            for name in after
            if spec.arrays[name].role is Role.IN and after[name].tobytes() != inputs[name].tobytes()
        ),
        damage=tuple(text for _, text in images.values() if text),
        events=tuple(collected.events),
        addresses=addresses,
    )


def _holds_poison(name: str, array: Array, drawn: Mapping[str, NDArray[Any]]) -> bool:
    """Pure outputs, and working memory that the contract does not prepare."""
    return array.role is Role.OUT or name not in drawn


def _starting_values(
    spec: ContractSpec, case: Case, drawn: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    return {
        name: poisoned(array.shape(case.dims), array.dtype(case.dtype), case.poison)
        if _holds_poison(name, array, drawn)
        else drawn[name]
        for name, array in spec.arrays.items()
    }


def _views(
    spec: ContractSpec, dtype: DType, inputs: Mapping[str, NDArray[Any]], addresses: Mapping[str, int]
) -> dict[str, Any]:
    def view(name: str, array: Array) -> Any:
        if array.role is Role.HOST:
            return inputs[name].copy()
        return DeviceView(addresses[name], inputs[name].shape, array.dtype(dtype).name)

    return {name: view(name, array) for name, array in spec.arrays.items()}


def _called(
    spec: ContractSpec, session: LaunchSession, placed: Placed, invoke: Callable[[], None]
) -> Collected:
    """Calls the subject and waits for the device; what it left behind, the arrays given back."""
    name = spec.wrapper or spec.where
    names: tuple[str, ...] = ()
    error: Exception | None = None
    try:
        invoke()
        session.tracer.finish()
        names = tuple(placed.addresses)
    except Exception as raised:  # noqa: BLE001 - whatever the subject raises is judged below
        error = raised
    finally:
        collected = session.device.collect(placed, names, forget=not session.tracer.recording)
    raise_outcome(name, session.root, error, collected.undecided, collected.fault, collected.events)
    if error is not None:
        raise error
    if collected.lost:
        raise SubjectError(
            f"has given up the memory of its argument {collected.lost[0]}, which belongs to the caller",
            kind="ArgumentFreed",
            where=name,
            hint="free only what the function itself has allocated; hipDeviceReset frees everything",
        )
    return collected


def invocation(spec: ContractSpec, session: LaunchSession, code_object: Path | None = None) -> Invocation:
    """How the contract's kernel is run: through its wrapper, imported now, or by the contract's own
    launch from the compiled code object."""
    if spec.wrapper is not None:
        with SubjectCall(spec.wrapper, session.device, session.root):
            wrapper = session.load(spec.wrapper)
        return lambda arrays, dims, dtype: spec.call(wrapper, arrays, dims, dtype)
    if code_object is None:
        raise ContractError("names no wrapper: running it needs the compiled code object", where=spec.where)
    image = code_object.read_bytes()
    kernels = read_code_object(image, code_object.name).kernels

    def invoke(arrays: Mapping[str, Any], dims: Mapping[str, int], dtype: DType) -> None:
        launches = [(made.symbol or spec.symbol(dtype), made) for made in spec.launches(arrays, dims, dtype)]
        for symbol, launch in launches:
            if symbol not in kernels:
                raise ContractError(f"{symbol} is not in {code_object.name}", where=spec.where)
            check_arguments(spec, kernels[symbol], launch.arguments)
        _launch_all(session.hip, image, launches)

    return invoke


def _launch_all(hip: Any, image: bytes, launches: Sequence[tuple[str, Launch]]) -> None:
    """Loads the code object, makes the launches one after another, waits for the last, unloads."""
    module = checked("hipModuleLoadData", hip.hipModuleLoadData(image))
    try:
        for symbol, launch in launches:
            _set_variables(hip, module, launch.variables)
            function = checked("hipModuleGetFunction", hip.hipModuleGetFunction(module, symbol.encode()))
            arguments = tuple(_passed(value) for value in launch.arguments)
            launched = hip.hipModuleLaunchKernel(
                function, *launch.grid, *launch.block, launch.shared_bytes, None, None, arguments
            )
            checked("hipModuleLaunchKernel", launched)
        checked("hipDeviceSynchronize", hip.hipDeviceSynchronize())
    finally:
        checked("hipModuleUnload", hip.hipModuleUnload(module))


def _passed(value: Any) -> Any:
    """An argument as HIP takes it: a device array is the pointer to it."""
    return ctypes.c_void_p(int(value)) if isinstance(value, DeviceView) else value


def _set_variables(hip: Any, module: Any, variables: Mapping[str, NDArray[Any]]) -> None:
    for name, value in variables.items():
        address, size = checked("hipModuleGetGlobal", hip.hipModuleGetGlobal(module, name.encode()))
        image = np.frombuffer(value.tobytes(), np.uint8).copy()
        if image.nbytes != int(size):
            raise ContractError(f"the variable {name} has {int(size)} bytes, launch() gives {image.nbytes}")
        to_device = hip.hipMemcpyKind.hipMemcpyHostToDevice
        checked("hipMemcpy", hip.hipMemcpy(address, image, image.nbytes, to_device))


def _buffer(name: str, array: NDArray[Any], placement: Placement, undefined: bool) -> Buffer:
    content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    guard = guard_pattern() if placement is Placement.GUARDED else b""
    return Buffer(name, PickleBuffer(content.data), guard, undefined)


def _split(buffer: Buffer, before: NDArray[Any], content: Any) -> tuple[NDArray[Any], str | None]:
    """The array as it is now, and where its guards were overwritten, in words."""
    start = len(buffer.guard)
    end = start + before.nbytes
    image = np.frombuffer(content, np.uint8)
    array = image[start:end].view(before.dtype).reshape(before.shape)
    if not start:
        return array, None
    found = guard_damage(image[:start].tobytes(), image[end:].tobytes())
    return array, None if found is None else f"{buffer.name}: {found}"


def checked(call: str, result: tuple[Any, ...]) -> Any:
    """What a HIP call of the harness returned beside success (several as a tuple); DeviceError naming the
    call if it failed."""
    code, *values = result
    if int(code) != 0:
        raise DeviceError(f"{call} returned {getattr(code, 'name', code)}", where="oracle")
    return (values[0] if len(values) == 1 else tuple(values)) if values else None
