"""Runs one case: sets up the buffers, calls the wrapper, reads everything back.

The trace of a run covers the call of the wrapper and nothing of the harness's own copies.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rocverify.device.trace.events import Category
from rocverify.errors import ContractError, DeviceError
from rocverify.oracle.case import Case
from rocverify.oracle.consistency import check_arguments
from rocverify.oracle.contract import Array, ContractSpec, Launch, Role
from rocverify.oracle.dtypes import BY_NAME, DType
from rocverify.oracle.inputs import Kind, draw_inputs
from rocverify.oracle.poison import GUARD_BYTES, Placement, guard_damage, guard_pattern, poisoned
from rocverify.subject.border import SubjectCall
from rocverify.toolchain.codeobject import read_code_object

if TYPE_CHECKING:
    from rocverify.checks.context import LaunchSession
    from rocverify.device.process.client import RemoteDevice
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


@dataclass(frozen=True, slots=True)
class _Buffer:
    """Device memory of one array, with guards around it or without."""

    name: str
    before: NDArray[Any]
    base: int
    guard: int

    @property
    def ptr(self) -> int:
        return self.base + self.guard


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
    hip = session.device.hip  # what the harness does for itself is none of the trace's business
    run_subject = invoke or invocation(spec, session)
    with ExitStack() as stack:
        buffers = {
            name: stack.enter_context(_uploaded(hip, name, array, case.placement))
            for name, array in inputs.items()
            if spec.arrays[name].role is not Role.HOST
        }
        for name, buffer in buffers.items():
            if _holds_poison(name, spec.arrays[name], drawn):
                _undefine(session.device, buffer)
        arrays = {**_views(spec, case.dtype, inputs, buffers), **(values or {})}
        events = _call(
            spec, session, lambda: run_subject(arrays, {**case.dims, **(call_dims or {})}, case.dtype), ghost
        )
        images = {name: _download(hip, buffer) for name, buffer in buffers.items()}
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
        events=events,
        addresses={name: buffer.ptr for name, buffer in buffers.items()},
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


def _undefine(device: RemoteDevice, buffer: _Buffer) -> None:
    """Tells a device that watches reads of what nothing wrote that the array is poison alone."""
    if device.watches_memory:
        device.undefine(buffer.ptr, buffer.before.nbytes)


def _views(
    spec: ContractSpec, dtype: DType, inputs: Mapping[str, NDArray[Any]], buffers: Mapping[str, _Buffer]
) -> dict[str, Any]:
    def view(name: str, array: Array) -> Any:
        if array.role is Role.HOST:
            return inputs[name].copy()
        return DeviceView(buffers[name].ptr, inputs[name].shape, array.dtype(dtype).name)

    return {name: view(name, array) for name, array in spec.arrays.items()}


def _call(
    spec: ContractSpec, session: LaunchSession, invoke: Callable[[], None], ghost: bool
) -> tuple[TraceEvent, ...]:
    """Calls the subject and waits for the device; the events are those of the call alone."""
    name = spec.wrapper or spec.where
    device = session.device
    skipping = session.tracer.ghost() if ghost else nullcontext()
    with SubjectCall(name, device, session.root) as call:
        with session.tracer.record() as events, skipping:
            call.events = events
            invoke()
        checked("hipDeviceSynchronize", device.hip.hipDeviceSynchronize())
    return tuple(events)


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


@contextmanager
def _uploaded(hip: Any, name: str, array: NDArray[Any], placement: Placement) -> Iterator[_Buffer]:
    """The array in device memory, freed at the end of the block."""
    guard = GUARD_BYTES if placement is Placement.GUARDED else 0
    fence = guard_pattern() if guard else b""
    image = np.frombuffer(fence + array.tobytes() + fence, np.uint8).copy()
    memory = checked("hipMalloc", hip.hipMalloc(image.nbytes))
    try:
        checked(
            "hipMemcpy", hip.hipMemcpy(memory, image, image.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)
        )
        yield _Buffer(name, array, int(memory), guard)
    finally:
        checked("hipFree", hip.hipFree(memory))


def _download(hip: Any, buffer: _Buffer) -> tuple[NDArray[Any], str | None]:
    """The array as it is now, and where its guards were overwritten, in words."""
    size = buffer.before.nbytes
    image = np.empty(size + 2 * buffer.guard, np.uint8)
    from_device = hip.hipMemcpyKind.hipMemcpyDeviceToHost
    checked("hipMemcpy", hip.hipMemcpy(image, buffer.base, image.nbytes, from_device))
    start, end = buffer.guard, buffer.guard + size
    array = image[start:end].view(buffer.before.dtype).reshape(buffer.before.shape)
    if not buffer.guard:
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
