"""Runs one case: sets up the buffers, calls the wrapper, reads everything back.

The trace of a run covers the call of the wrapper and nothing of the harness's own copies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from rocverify.device.process.placed import Buffer, Collected, Placed
from rocverify.device.trace.events import Category
from rocverify.device.traffic import NO_TRAFFIC, Traffic
from rocverify.errors import ContractError, DeviceError, SubjectError, TimeLimitError
from rocverify.oracle.buffers import Layout, buffer_of, layout_of, read_back
from rocverify.oracle.case import Case
from rocverify.oracle.consistency import check_arguments
from rocverify.oracle.contract import Array, ContractSpec, Role
from rocverify.oracle.dtypes import DType
from rocverify.oracle.inputs import Kind
from rocverify.oracle.returned import as_declared
from rocverify.oracle.starting import Start, earlier, starting
from rocverify.oracle.symbols import kernel_meant
from rocverify.oracle.tiled import Tiled
from rocverify.subject.border import raise_outcome
from rocverify.subject.host.views import DeviceView
from rocverify.subject.ownership import launched_by_contract
from rocverify.subject.session import Hosts
from rocverify.toolchain.codeobject import read_code_object

if TYPE_CHECKING:
    from rocverify.device.backends.in_part import Parts
    from rocverify.device.excerpt import Excerpt
    from rocverify.device.trace.events import TraceEvent
    from rocverify.subject.launch_session import LaunchSession


class Invocation(Protocol):
    """Takes device views and host arrays by name, the dimensions of the call, and the element type; gives the
    arrays of the host as they are afterwards. visible: the code under verification can see that it is.
    on_stream: it is given a stream of the caller's."""

    def __call__(
        self,
        arrays: Mapping[str, Any],
        dims: Mapping[str, int],
        dtype: DType,
        *,
        visible: bool = False,
        on_stream: bool = False,
    ) -> Hosts:
        """Makes the call, and gives the arrays of the host as they are afterwards."""


@dataclass(frozen=True, slots=True)
class CaseRun:
    """What one execution of a case left behind.

    inputs: every array as it was before the call (poison for pure outputs); outputs: what is to be compared
    of the written arrays after it (their canonical form, where the contract has one); changed: input arrays
    that the kernel changed; damage: what was written around buffers; events: the HIP calls made while the
    wrapper ran; late: outputs that changed after the call had returned, and the work that nothing ordered
    before what its caller does next; traffic: what the host read and copied, where that was noted; addresses:
    where each array lay on the device; by_contract: the launches, by their number in the trace, that the
    contract's own `call` made and not the wrapper; undefined: see Start. written: what was written of large
    arrays (Tiled), which are not among the outputs, by name: offsets and bytes; parts: the launches that were
    executed in part; handed: the arrays that the call wrote on the host or returned, as they were;
    kept: address and bytes of what the code had allocated in calls before, and of its device variables.
    """

    case: Case
    inputs: Mapping[str, Any]
    outputs: Mapping[str, NDArray[Any]]
    changed: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    events: tuple[TraceEvent, ...] = ()
    late: tuple[str, ...] = ()
    traffic: Traffic = NO_TRAFFIC
    addresses: Mapping[str, int] = field(default_factory=dict)
    by_contract: frozenset[int] = frozenset()
    undefined: frozenset[str] = frozenset()
    written: Mapping[str, Sequence[tuple[int, bytes]]] = field(default_factory=dict)
    parts: Parts = field(default_factory=list)
    handed: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    kept: Sequence[tuple[int, int]] = ()

    @property
    def start(self) -> Start:
        """What the case began with, for another execution of it."""
        return Start(self.inputs, self.undefined)

    @property
    def launches(self) -> tuple[TraceEvent, ...]:
        """The launches among the calls; looking a kernel up in its module is none."""
        return tuple(event for event in self.events if event.category is Category.LAUNCH)

    def launched(self, symbol: str) -> bool:
        """Whether the kernel was launched, successfully as far as the call could tell."""
        return any(e.kernel == symbol and e.ok and e.seq not in self.by_contract for e in self.launches)


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
    visible: bool = False,
    again: bool = False,
    start: Start | None = None,
    replayed: Traffic | None = None,
    excerpt: Excerpt | None = None,
) -> CaseRun:
    """Runs one case through the contract's wrapper, or through its own launch if it names none.

    ghost: launches report success and do nothing. values: arrays that replace drawn ones on the host.
    call_dims: dimensions that replace those of the case in the call alone. invoke: made once by
    `invocation` for many cases. visible: the code under verification can see that it is. again: it is called
    on the same memory with other contents before. start: what `starting` has given for the case, if it was
    asked before. replayed: the traffic of the host is noted, and what it reads of the device is replaced by
    this, as far as it goes. excerpt: launches are executed in part.
    Raises SubjectError for what the wrapper raises, DeviceFaultError for what the kernel does wrong,
    TimeLimitError where the wrapper does not return (of launches held back once for a contract: the next time
    it is not called), DeviceError when the device fails the harness itself.
    """
    spec.dims.check(case.dims)
    if ghost:
        session.subject.expect_return(spec)
    start = start or starting(spec, case)
    inputs = start.inputs
    run_subject = invoke or invocation(spec, session)
    layouts = _layouts(spec, case)
    buffers = _buffers(layouts, start)
    pid, stream = session.subject.prepare_call(spec, on_stream=case.on_stream)
    placed = session.device.place(
        pid, buffers, ghost=ghost, order=case.ordering, stream=stream, replayed=replayed, excerpt=excerpt
    )
    addresses = {one.name: placed.addresses[one.name] + len(one.guard) for one in buffers}
    arrays = {**_views(spec, case.dtype, inputs, addresses, layouts), **(values or {})}
    lengths = {**case.dims, **(call_dims or {})}

    def invoked() -> Hosts:
        if again:
            for before in earlier(spec, case, start):
                session.device.refill(placed, _buffers(layouts, before))
                views = _views(spec, case.dtype, before.inputs, addresses, layouts)
                run_subject(views, lengths, case.dtype, visible=visible)
            session.device.refill(placed, buffers)
        return run_subject(arrays, lengths, case.dtype, visible=visible, on_stream=case.on_stream)

    try:
        collected, hosts = _called(spec, session, placed, invoked)
    except TimeLimitError as error:
        if ghost:
            session.subject.waits_for_its_kernel(spec, error)
        raise
    returned = {name: hosts[name] for name in hosts if name in inputs and name not in (values or {})}
    return _left_behind(spec, case, start, layouts, collected, returned, addresses)


def _left_behind(
    spec: ContractSpec,
    case: Case,
    start: Start,
    layouts: Mapping[str, Layout],
    collected: Collected,
    returned: Hosts,
    addresses: Mapping[str, int],
) -> CaseRun:
    """The record of a call. returned: arrays of the host as they are afterwards."""
    inputs = start.inputs
    images, damage = read_back(layouts, inputs, collected.images)
    after = {**images, **as_declared(spec, inputs, returned)}
    return CaseRun(
        case=case,
        inputs=inputs,
        outputs=_compared(spec, case, inputs, after),
        changed=_changed(spec, inputs, after, collected),
        damage=tuple(damage),
        events=tuple(collected.events),
        late=_late(spec, collected),
        traffic=collected.traffic,
        addresses=addresses,
        by_contract=launched_by_contract(spec, collected.events),
        undefined=start.undefined,
        written=collected.written,
        parts=collected.parts,
        kept=collected.kept,
        handed={
            name: after[name] for name, one in spec.outputs.items() if not one.on_device and name in after
        },
    )


def _compared(
    spec: ContractSpec, case: Case, inputs: Mapping[str, Any], after: Mapping[str, NDArray[Any]]
) -> Mapping[str, NDArray[Any]]:
    """What is to be compared of the outputs; of large ones what was written is."""
    held = {name: after[name] for name in spec.outputs if not isinstance(inputs[name], Tiled)}
    return spec.canonical(inputs, held, case.dims) if len(held) == len(spec.outputs) else held


def _changed(
    spec: ContractSpec, inputs: Mapping[str, Any], after: Mapping[str, NDArray[Any]], collected: Collected
) -> tuple[str, ...]:
    """The inputs that hold something else afterwards."""
    kept = [name for name, array in spec.arrays.items() if array.role in (Role.IN, Role.HOST)]
    held = [n for n in kept if n in after and after[n].tobytes() != inputs[n].tobytes()]
    return (*held, *(name for name in kept if _differs(inputs[name], collected.written.get(name, ()))))


def _differs(array: Any, written: Sequence[tuple[int, bytes]]) -> bool:
    """Whether what was written of a large array is not what it held."""
    return any(array.content(at, len(data)).tobytes() != data for at, data in written)


def _layouts(spec: ContractSpec, case: Case) -> dict[str, Layout]:
    """How each device array of a case lies in its allocation."""
    return {name: layout_of(name, array, case) for name, array in spec.arrays.items() if array.on_device}


def _buffers(layouts: Mapping[str, Layout], start: Start) -> list[Buffer]:
    """The device arrays of a case as they are before the call."""
    return [
        buffer_of(name, start.inputs[name], layout, undefined=name in start.undefined)
        for name, layout in layouts.items()
    ]


def _views(
    spec: ContractSpec,
    dtype: DType,
    inputs: Mapping[str, NDArray[Any]],
    addresses: Mapping[str, int],
    layouts: Mapping[str, Layout],
) -> dict[str, Any]:
    def view(name: str, array: Array) -> Any:
        if array.role is Role.HOST_OUT:
            return inputs[name].copy()
        if not array.on_device:
            return inputs[name].copy() if inputs[name].ndim else inputs[name].item()
        leading = layouts[name].pitch // array.dtype(dtype).numpy.itemsize if layouts[name].has_gaps else None
        return DeviceView(addresses[name], inputs[name].shape, array.dtype(dtype).name, leading)

    return {name: view(name, array) for name, array in spec.arrays.items() if name not in spec.returned}


def _called(
    spec: ContractSpec, session: LaunchSession, placed: Placed, invoke: Callable[[], Hosts]
) -> tuple[Collected, Hosts]:
    """Calls the subject and waits for the device; what it left behind, the arrays given back."""
    name = spec.wrapper or spec.where
    hosts: Hosts = {}
    names: tuple[str, ...] = ()
    error: Exception | None = None
    try:
        hosts = invoke()
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
    return collected, hosts


def _late(spec: ContractSpec, collected: Collected) -> tuple[str, ...]:
    names = [name for name in collected.late if spec.arrays[name].written]
    if not names:
        return ()
    return (f"{', '.join(names)} changed after the call had returned", ", ".join(collected.unordered))


def invocation(spec: ContractSpec, session: LaunchSession, code_object: Path | None = None) -> Invocation:
    """How the contract's kernel is run: through its wrapper, imported now, or by the contract's own
    launch from the compiled code object."""
    subject = session.subject
    if spec.wrapper is not None:
        return partial(subject.call, spec)
    if code_object is None:
        raise ContractError("names no wrapper: running it needs the compiled code object", where=spec.where)
    image = code_object.read_bytes()
    kernels = read_code_object(image, code_object.name).kernels

    def invoke(
        arrays: Mapping[str, Any],
        dims: Mapping[str, int],
        dtype: DType,
        *,
        visible: bool = False,
        on_stream: bool = False,
    ) -> Hosts:
        del visible, on_stream  # nothing of the project runs while the kernel is launched
        launches = []
        for made in subject.launches(spec, arrays, dims, dtype):
            symbol = kernel_meant(made.symbol or spec.symbol(dtype), tuple(kernels), spec.where)
            if symbol not in kernels:
                known = f"it has {', '.join(sorted(kernels)) or 'no kernel'}"
                raise ContractError(f"{symbol} is not in {code_object.name}", where=spec.where, hint=known)
            check_arguments(spec, kernels[symbol], made.arguments)
            launches.append(
                (symbol, made.grid, made.block, made.shared_bytes, made.arguments, made.variables)
            )
        subject.launch(spec.where, image, launches)
        return {}

    return invoke


def checked(call: str, result: tuple[Any, ...]) -> Any:
    """What a HIP call of the harness returned beside success (several as a tuple); DeviceError naming the
    call if it failed."""
    code, *values = result
    if int(code) != 0:
        raise DeviceError(f"{call} returned {getattr(code, 'name', code)}", where="oracle")
    return (values[0] if len(values) == 1 else tuple(values)) if values else None
