"""Results that the host computed: it read the inputs back, and the outputs came of what it sent then.

A kernel that only copies or decodes what the host has computed computes nothing itself. Uploading is no
crime, nor is looking at a result or at an input; so a suspicious case is run twice more. First what the host
reads is noted. Then the inputs that it has read are others on the device, and it reads what it read before:
what kernels compute follows the new inputs, and what still follows the old ones has come through the host,
however it got back. What the host only moved (the inputs themselves, in another order or type) is no result,
unless the outputs lie there as the host has sent them, and in an order in which it had read nothing: then it
has sorted them, or moved them, in the kernel's place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rocverify.device.trace.events import Category
from rocverify.device.traffic import NO_TRAFFIC
from rocverify.errors import DeviceFaultError, SubjectError
from rocverify.oracle.case import Case, with_other_values
from rocverify.oracle.compare import judge_of
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.controls import Judged, telling
from rocverify.oracle.drive import CaseRun, Invocation, execute
from rocverify.oracle.dtypes import F32, F64, DType, to_float64
from rocverify.oracle.judge import expected_of
from rocverify.oracle.starting import Start, starting
from rocverify.oracle.tolerance import Tolerance

if TYPE_CHECKING:
    from rocverify.checks.context import LaunchSession

_MOST_OUTPUTS, _MOST_INPUTS, _READ, _OWN = 0.5, 0.5, 0.9, 0.1
_TRIED = 2
"""Cases that are looked into: of those in which much was read, those with the most elements."""

Spectrum = tuple[NDArray[np.float64], NDArray[Any]]
"""The different values, and how often each is there."""


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
    largest = sorted(runs, key=lambda run: -sum(array.size for array in run.outputs.values()))
    for run in [run for run in largest if _read_much(spec, run)][:_TRIED]:
        found = _through_host(spec, session, run, tolerances, invoke)
        if found is not None:
            return run.case, found
    return None


def _read_much(spec: ContractSpec, run: CaseRun) -> bool:
    """Whether the host read back so many bytes as half of the inputs on the device have, or could have done
    so without a copy."""
    read = sum(e.bytes or 0 for e in run.events if e.ok and e.category is Category.D2H) + run.traffic.shared
    given = sum(run.inputs[name].nbytes for name in _given(spec))
    return 0 < _MOST_INPUTS * given <= read and bool(_on_device(spec))


def _given(spec: ContractSpec) -> list[str]:
    return [name for name, array in spec.arrays.items() if array.is_given and array.on_device]


def _on_device(spec: ContractSpec) -> list[str]:
    return [name for name in spec.outputs if spec.arrays[name].on_device and name not in spec.returned]


def _through_host(
    spec: ContractSpec,
    session: LaunchSession,
    run: CaseRun,
    tolerances: Mapping[str, Tolerance],
    invoke: Invocation,
) -> str | None:
    """What is wrong with one case, in words."""
    # Of what kernels leave in memory that both see only changes show: the inputs have to be new ones.
    drawn = starting(spec, with_other_values(run.case))
    try:
        first = execute(spec, session, run.case, invoke=invoke, start=drawn, replayed=NO_TRAFFIC)
        reads = first.traffic.found
        known = read_back({name: first.inputs[name] for name in _given(spec)}, reads)
        if not known:
            return None
        other = Start({**first.inputs, **{name: run.inputs[name] for name in known}}, drawn.undefined)
        second = execute(spec, session, run.case, invoke=invoke, start=other, replayed=first.traffic)
    except (SubjectError, DeviceFaultError):
        return None  # it does depend on what the device holds
    expected = expected_of(spec, second)
    differing, kept = 0, 0
    for name in _on_device(spec):
        judge, before = judge_of(expected[name], tolerances[name]), first.outputs[name]
        tells = judge.wrong(before)
        differing += int(tells.sum())
        kept += int((tells & _same(before, second.outputs[name])).sum())
    if not differing or kept < _MOST_OUTPUTS * differing:
        return None
    moved = only_moved(first.traffic.uploads, reads, _types(spec, run.case.dtype), differing)
    if moved and not all(_as_sent(first.outputs[name], first, reads) for name in _on_device(spec)):
        return None
    if not moved and all(_was_read(first.outputs[name], reads) for name in _on_device(spec)):
        return None  # as it may be where a kernel has to leave its input as it is
    return (
        f"{kept} of {differing} elements of the outputs came through the host{_place(first)}: it had read "
        f"{', '.join(known)} back, and with other values there on the device they stay what they were; no "
        "kernel has computed them"
    )


def _as_sent(output: NDArray[Any], run: CaseRun, reads: Sequence[bytes]) -> bool:
    """Whether an output lies as a whole in what the host has sent, in one type or another, and not in what it
    had read; in pieces, one after the other, or at once."""
    sent, had = b"".join(run.traffic.uploads), b"".join(reads)
    values = to_float64(output)
    with np.errstate(all="ignore"):
        wholes = [output.tobytes(), *(values.astype(kind).tobytes() for kind in (np.float32, np.float64))]
    return any(whole in sent for whole in wholes) and not any(whole in had for whole in wholes)


def _was_read(output: NDArray[Any], reads: Sequence[bytes]) -> bool:
    """Whether the host had read nearly all the values of an output before: it computed none of them."""
    return _share([output.tobytes()], output.dtype, _spectrum(reads, output.dtype)) >= _READ


def _place(run: CaseRun) -> str:
    places = [e.call_site for e in run.events if e.category is Category.H2D and e.call_site]
    return f" ({places[-1]})" if places else ""


def _same(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Where two arrays have the same bytes."""
    size = one.dtype.itemsize
    first, second = (
        np.ascontiguousarray(a).reshape(-1).view(np.uint8).reshape(-1, size) for a in (one, other)
    )
    return np.asarray((first == second).all(axis=1).reshape(one.shape))


def _types(spec: ContractSpec, dtype: DType) -> list[DType]:
    """What the bytes of a transfer may stand for."""
    return list(dict.fromkeys([F32, F64, *(array.dtype(dtype) for array in spec.arrays.values())]))


def read_back(inputs: Mapping[str, NDArray[Any]], reads: Sequence[bytes]) -> list[str]:
    """The inputs whose values are among what was read, as they are or as wider numbers; none where those make
    up less than half of the inputs' bytes."""
    found = []
    for name, array in inputs.items():
        kinds: set[np.dtype[Any]] = {np.dtype(np.float32), np.dtype(np.float64), array.dtype}
        known = [_spectrum(reads, kind) for kind in kinds]
        if array.size and max(_share([array.tobytes()], array.dtype, one) for one in known) >= _READ:
            found.append(name)
    held, size = (sum(inputs[name].nbytes for name in names) for names in (found, inputs))
    return found if held >= _MOST_INPUTS * size else []


def only_moved(
    uploads: Sequence[bytes], reads: Sequence[bytes], types: Iterable[DType], elements: int
) -> bool:
    """Whether the host has sent as many elements to the device as there are results, at least, and has read
    nearly all of them."""
    kinds = [one.numpy for one in types]
    known = [_spectrum(reads, kind) for kind in kinds]
    own = sent = 0.0
    for piece in uploads:
        share, size = max(
            (max(_share([piece], kind, one) for one in known), len(piece) // kind.itemsize) for kind in kinds
        )
        own += (1 - share) * size
        sent += size
    return sent >= elements * _MOST_INPUTS and own < _OWN * elements


def _spectrum(pieces: Sequence[bytes], kind: np.dtype[Any]) -> Spectrum:
    """The different values in pieces of memory, and how often each is there; NaN left out."""
    whole = b"".join(piece[: len(piece) // kind.itemsize * kind.itemsize] for piece in pieces)
    values = to_float64(np.frombuffer(whole, kind))
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return found, counts


def _share(pieces: Sequence[bytes], kind: np.dtype[Any], known: Spectrum) -> float:
    """The part of the values in pieces that are known, as often as they are there; zeros always are."""
    values, counts = _spectrum(pieces, kind)
    plain = values != 0
    values, counts = values[plain], counts[plain]
    if not counts.sum():
        return 1.0
    _, here, there = np.intersect1d(values, known[0], assume_unique=True, return_indices=True)
    return float(np.minimum(counts[here], known[1][there]).sum() / counts.sum())
