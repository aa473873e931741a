"""Results that the host computed: it read the inputs back, and the outputs came of what it sent then.

A kernel that only copies, decodes or checks what the host has computed computes nothing itself. Uploading is
no crime, nor is looking at a result or at an input, nor moving either from place to place; so a suspicious
case is run again with several draws of values. What follows the values in what the host sends, and is not
what it had read, the host has made (transport.py). A few numbers may be (a scale, the length of a vector).
Where it is more, and an eighth as much as the results are, the host is given once more what it read in one of
these calls, over other inputs on the device: what is not right for those has come through the host, however
it was encoded on its way, and whatever looks at it. Results that lie in what was sent as they are need no
such call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rocverify.device.trace.events import Category
from rocverify.device.traffic import NO_TRAFFIC
from rocverify.errors import DeviceError, DeviceFaultError, SubjectError, TimeLimitError
from rocverify.oracle.case import Case, with_other_values
from rocverify.oracle.compare import judge_of
from rocverify.oracle.contract import Array, ContractSpec, Role
from rocverify.oracle.controls import Judged, telling
from rocverify.oracle.drive import CaseRun, Invocation, execute
from rocverify.oracle.dtypes import DType
from rocverify.oracle.judge import expected_of
from rocverify.oracle.starting import Start, starting
from rocverify.oracle.tolerance import Tolerance
from rocverify.oracle.transport import Read, Stack, aligned, alone, changing, found_out, sent

if TYPE_CHECKING:
    from rocverify.subject.launch_session import LaunchSession

_MOST_OUTPUTS, _MOST_INPUTS = 0.5, 0.5
_PART, _FEW = 1 / 8, 64
"""How much of the outputs a host may make, and how many bytes in any case."""
_TRIED = 2
"""Cases that are looked into: of those in which much was read, so many with the most elements, and so many in
which the most was sent of what the outputs are."""
_DRAWS = 2
"""Draws of other values, beside the case's own."""


def computed_by_host(
    spec: ContractSpec,
    session: LaunchSession,
    judged: Sequence[Judged],
    tolerances: Mapping[str, Tolerance],
    invoke: Invocation,
) -> tuple[Case, str] | None:
    """The first of the cases whose outputs the host has computed, and what is wrong; None if kernels have
    computed the outputs."""
    runs = [one.run for one in telling(judged)]
    largest = sorted(runs, key=_elements, reverse=True)
    suspicious = [run for run in largest if _suspicious(spec, run)]
    fed = sorted(filter(_tells, suspicious[_TRIED:]), key=_sent_share, reverse=True)
    for run in [*suspicious[:_TRIED], *fed[:_TRIED]]:
        spared = 0 if run in largest[:_TRIED] else _size_of_lesser(spec, run)
        call = partial(execute, spec, session, run.case, invoke=invoke)
        found = _through_host(spec, run, tolerances, call, spared)
        if found is not None:
            return run.case, found
    return None


@dataclass(frozen=True, slots=True)
class _Calls:
    """One case called several times, with other values each time. read: what the host found out on the
    device; told: what it was given by its caller; sent: what it sent there; results: the outputs on the
    device; handed: what it handed back. Each as transport.py has it."""

    runs: Sequence[CaseRun]
    types: Sequence[DType]
    read: list[Stack]
    told: list[Stack]
    sent: list[Stack]
    results: list[Stack]
    handed: list[Stack]

    @property
    def known(self) -> Read:
        """All that the host knows."""
        return Read([*self.read, *self.told], self.types)


def _through_host(
    spec: ContractSpec,
    run: CaseRun,
    tolerances: Mapping[str, Tolerance],
    call: partial[CaseRun],
    spared: int,
) -> str | None:
    """What is wrong with one case, in words. spared: bytes that the host may make in any case."""
    try:
        calls = _called(spec, run, call)
    except (SubjectError, DeviceFaultError, TimeLimitError):
        return None  # other cases tell that
    found = _handed_back(spec, run, calls) or _brought(calls)
    if found is None and _made_much(spec, run, calls, spared):
        found = _not_of_the_device(spec, calls, tolerances, call)
    found = found or _brought_parts(spec, run, calls)
    left_out = max(one.traffic.left_out for one in calls.runs)
    if found is None and left_out:
        raise DeviceError(
            f"{spec.wrapper} has {left_out} bytes more copied in one call than are noted: whether the host "
            f"has computed the outputs of {run.case} was not seen",
            where=spec.where,
            hint="let the wrapper copy less in the cases of its contract",
        )
    return found


def _called(spec: ContractSpec, run: CaseRun, call: partial[CaseRun]) -> _Calls:
    """Calls the case with other values, its own last. Of what kernels leave in memory that both see only
    changes show: the values have to be new ones each time."""
    starts, case = [run.start], run.case
    for _ in range(_DRAWS):
        case = with_other_values(case)
        starts.insert(0, _with_values_of(run.start, starting(spec, case), _varied(spec, run)))
    runs = [call(start=start, replayed=NO_TRAFFIC) for start in starts]
    traffics = [one.traffic for one in runs]
    host, device = _named(spec, _on_host), _on_device(spec)
    read, uploads = found_out(traffics), sent(traffics)
    if read is None or uploads is None:
        read, uploads = alone(traffics[-1])
    return _Calls(
        runs,
        _types(spec, run.case.dtype),
        read,
        aligned([[one.inputs[name].tobytes() for name in host] for one in runs]) or [],
        uploads,
        aligned([[one.outputs[name].tobytes() for name in device] for one in runs]) or [],
        aligned([[one.handed[name].tobytes() for name in one.handed] for one in runs]) or [],
    )


def _made_much(spec: ContractSpec, run: CaseRun, calls: _Calls, spared: int) -> bool:
    """Whether the host knows enough of the inputs, and has sent so much of what it has made itself that it
    is more than a few numbers beside the outputs."""
    return _read_much(spec, run) and _share_made(calls) > 0 and calls.known.made(calls.sent) > spared


def _share_made(calls: _Calls) -> float:
    """How much of the outputs may be what the host has made, at most 1; 0 where that is next to nothing."""
    results, made = changing(calls.results), calls.known.made(calls.sent)
    share = min(1.0, made / results) if results else 0.0
    return share if share >= _MOST_OUTPUTS or (share >= _PART and made >= _FEW) else 0.0


def _not_of_the_device(
    spec: ContractSpec, calls: _Calls, tolerances: Mapping[str, Tolerance], call: partial[CaseRun]
) -> str | None:
    """Whether the outputs follow what the host has read, and not what lies on the device."""
    first, last = calls.runs[0], calls.runs[-1]
    start = _with_values_of(last.start, first.start, _large(spec, last))
    seen, share = _read_size(last), _share_made(calls)
    none = "them" if share >= _MOST_OUTPUTS else "what they rest on"
    after = f"what it sent{_place(last)} it has made of the {seen} bytes that it had read back"
    try:
        mixed = call(start=start, replayed=last.traffic)
    except (SubjectError, DeviceFaultError, TimeLimitError) as error:
        how = f"with other values on the device than it had read, the call fails ({error.message})"
        return f"the outputs came through the host: {after}; {how}; no kernel has computed {none}"
    expected = expected_of(spec, mixed)
    differing, wrong = 0, 0
    for name in _on_device(spec):
        judge = judge_of(expected[name], tolerances[name])
        tells = judge.wrong(last.outputs[name])
        differing += int(tells.sum())
        wrong += int((tells & judge.wrong(mixed.outputs[name])).sum())
    if not differing or wrong < _MOST_OUTPUTS * share * differing:
        return None
    return (
        f"{wrong} of {differing} elements of the outputs came through the host: {after}, and with other "
        f"values on the device than it had read they are wrong; no kernel has computed {none}"
    )


def _brought(calls: _Calls) -> str | None:
    """Whether the outputs lie in what the host has sent, and in nothing that it knew."""
    results = changing(calls.results)
    if not results or not calls.told:
        return None
    own = calls.known.made(calls.results)
    left = Read([*calls.read, *calls.told, *calls.sent], calls.types).made(calls.results)
    if own - left < _MOST_OUTPUTS * results:
        return None
    place = _place(calls.runs[-1])
    return (
        f"{own - left} of {results} bytes of the outputs came through the host: they lie in what it has "
        f"sent{place}, and not in what it was given; no kernel has computed them"
    )


def _brought_parts(spec: ContractSpec, run: CaseRun, calls: _Calls) -> str | None:
    """Whether some of the outputs lie in what the host has sent, whole numbers apart, and in nothing that it
    knew: rows that it has computed in the kernel's place."""
    names = _on_device(spec)
    if not _read_much(spec, run) or len(names) != len(calls.results):
        return None
    kinds = [spec.arrays[name].dtype(run.case.dtype) for name in names]
    floats = [(kind, piece) for kind, piece in zip(kinds, calls.results, strict=True) if kind.is_float]
    sent = Read(calls.sent, calls.types)
    lying = sum(calls.known.made_of(piece, sent, kind.numpy.itemsize) for kind, piece in floats)
    last, results = calls.runs[-1], changing(calls.results)
    if lying < _FEW:
        return None
    return (
        f"{min(lying, results)} of {results} bytes of the outputs came through the host: they lie in what it "
        f"has sent{_place(last)}, and not in the {_read_size(last)} bytes that it had read back; "
        "no kernel has computed them"
    )


def _handed_back(spec: ContractSpec, run: CaseRun, calls: _Calls) -> str | None:
    """Whether the host hands back what it has not read of the device: it knows all inputs, or it cannot have
    it from there."""
    size, made = changing(calls.handed), calls.known.made(calls.handed)
    if not size or made < _MOST_OUTPUTS * size:
        return None
    little = changing(calls.read) < _MOST_OUTPUTS * size
    if not little and not _read_much(spec, run):
        return None
    last = calls.runs[-1]
    return (
        f"{made} of {size} bytes of {', '.join(last.handed)} came through the host, which has read "
        f"{_read_size(last)} bytes of the device: they are none of those; no kernel has computed them"
    )


def _elements(run: CaseRun) -> tuple[int, int]:
    """Of the outputs, and of the inputs where those are as many."""
    outputs, inputs = run.outputs.values(), run.inputs.values()
    return sum(one.size for one in outputs), sum(one.size for one in inputs)


def _large(spec: ContractSpec, run: CaseRun) -> list[str]:
    """The inputs on the device that are at least half as large as the largest: a small one that the host only
    brings beside what it has prepared says nothing of that."""
    sizes = {name: run.inputs[name].nbytes for name in _named(spec, _device_input)}
    return [name for name, size in sizes.items() if 2 * size >= max(sizes.values())]


def _size_of_lesser(spec: ContractSpec, run: CaseRun) -> int:
    """Bytes of the inputs on the device but the largest: small ones (a vector beside a matrix of one row) a
    host may prepare."""
    sizes = sorted(run.inputs[name].nbytes for name in _named(spec, _device_input))
    return sum(sizes[:-1])


def _tells(run: CaseRun) -> bool:
    """Whether the outputs are not one number over and over."""
    return any(bool((one.reshape(-1)[:1] != one.reshape(-1)).any()) for one in run.outputs.values())


def _sent_share(run: CaseRun) -> float:
    """What was copied to the device, as a part of the outputs."""
    copied = sum(e.bytes or 0 for e in run.events if e.ok and e.category is Category.H2D)
    return copied / max(1, sum(one.nbytes for one in run.outputs.values()))


def _suspicious(spec: ContractSpec, run: CaseRun) -> bool:
    """Whether the host may know the inputs, or hands back what is to be computed."""
    varied = _varied(spec, run)  # whoever is told nothing else has to read what results follow
    told = _size(run, [name for name in _named(spec, _on_host) if name in varied])
    given = told + _size(run, _named(spec, _device_input))
    return _read_much(spec, run) or bool(run.handed) or 0 < _MOST_INPUTS * given <= told


def _read_much(spec: ContractSpec, run: CaseRun) -> bool:
    """Whether the host read back so many bytes as half of the inputs on the device have, or could have done
    so without a copy."""
    given = _size(run, _named(spec, _device_input))
    return 0 < _MOST_INPUTS * given <= _read_size(run)


def _read_size(run: CaseRun) -> int:
    copied = sum(e.bytes or 0 for e in run.events if e.ok and e.category is Category.D2H)
    return copied + run.traffic.shared


def _size(run: CaseRun, names: Sequence[str]) -> int:
    return sum(run.inputs[name].nbytes for name in names)


def _named(spec: ContractSpec, which: Callable[[Array], bool]) -> list[str]:
    return [name for name, array in spec.arrays.items() if which(array)]


def _device_input(array: Array) -> bool:
    return array.is_given and array.on_device


def _on_host(array: Array) -> bool:
    """Arrays that the caller has on the host; numbers are none."""
    return array.role is Role.HOST and bool(array.axes)


def _on_device(spec: ContractSpec) -> list[str]:
    return [name for name, array in spec.outputs.items() if array.on_device]


def _varied(spec: ContractSpec, run: CaseRun) -> list[str]:
    """The inputs whose values differ from call to call: numbers. Integers say where things are (rows, blocks,
    experts), and a host may make of those what it likes; where there are no others, they are what counts."""
    arrays = [name for name in spec.arrays if spec.arrays[name].is_given and spec.arrays[name].axes]
    floats = [name for name in arrays if spec.arrays[name].dtype(run.case.dtype).is_float]
    return floats or arrays


def _with_values_of(start: Start, other: Start, names: Sequence[str]) -> Start:
    return Start({**start.inputs, **{name: other.inputs[name] for name in names}}, start.undefined)


def _types(spec: ContractSpec, dtype: DType) -> list[DType]:
    """What the bytes of a transfer may stand for."""
    return list(dict.fromkeys(array.dtype(dtype) for array in spec.arrays.values()))


def _place(run: CaseRun) -> str:
    places = [e.call_site for e in run.events if e.category is Category.H2D and e.call_site]
    return f" ({places[-1]})" if places else ""
