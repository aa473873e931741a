"""The orders in which a device executes the cases of a contract, and results that depend on them.

HIP promises no order of waves and workgroups, and none of streams that nothing joins. So each case runs in
an order of its own, drawn from the seed, with the work of streams deferred in most of them; and one case runs
again in another order. What differs between the two depends on the order: sums of floating-point atomics in
their last bits, a missing barrier in whatever it spoils.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rocverify.errors import DeviceFaultError, SubjectError
from rocverify.oracle.case import Case
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.controls import Judged, accepted, judges_of
from rocverify.oracle.drive import CaseRun, Invocation, execute
from rocverify.oracle.tolerance import Tolerance

if TYPE_CHECKING:
    from rocverify.device.hip.executor import Order
    from rocverify.subject.launch_session import LaunchSession

_ANOTHER = "in another order of waves and workgroups"
ORDER_HINT = "a barrier, a wait or an event is missing: the check memory_safety names both sides"

LARGEST = 1 << 16
"""Elements of the outputs of a case that is run again, unless all have more."""


STREAMS: tuple[Order, ...] = ("eager", "shuffled", "lazy", "shuffled")
"""When the work of streams is done, case by case."""


@dataclass(frozen=True, slots=True)
class OrderSpread:
    """An output that two orders give different bytes: in how many elements, and by how much at most, in
    absolute terms and by the larger of the two; None where they are no finite numbers."""

    case: Case
    output: str
    elements: int
    absolute: float | None
    relative: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "case": self.case.to_json(),
            "output": self.output,
            "elements": self.elements,
            "absolute": self.absolute,
            "relative": self.relative,
        }


@dataclass(frozen=True, slots=True)
class OtherOrder:
    """A case in another order: what was wrong, None if nothing was, and what differed."""

    case: Case
    problem: str | None
    spreads: tuple[OrderSpread, ...]


_ROUND, _ON_STREAM = 8, (2, 3)
"""Of so many cases those in which the caller passes a stream of its own: a lazy and a shuffled one."""


def ordered(case: Case, seed: int, index: int, *, streams: bool) -> Case:
    """The case with the order that it has by its number in the run. streams: whether the wrapper takes
    one."""
    on_stream = streams and index % _ROUND in _ON_STREAM
    return replace(case, order=STREAMS[index % len(STREAMS)], drawn=seed + index, on_stream=on_stream)


def in_another_order(
    spec: ContractSpec,
    session: LaunchSession,
    judged: Sequence[Judged],
    tolerances: Mapping[str, Tolerance],
    invoke: Invocation,
    seed: int,
) -> OtherOrder:
    """Runs one of the cases again, in the order of one more case."""
    first = judged[to_repeat([one.run for one in judged])]
    case = ordered(first.run.case, seed, len(judged) + 1, streams=False)
    try:
        run = execute(spec, session, case, invoke=invoke, start=first.run.start)
    except (SubjectError, DeviceFaultError) as error:
        return OtherOrder(case, f"{_ANOTHER}: {error.message}", ())
    if accepted(run.outputs, judges_of(first, tolerances)):
        return OtherOrder(case, None, spreads(first.run, run))
    return OtherOrder(case, f"{_ANOTHER} the result is wrong", spreads(first.run, run))


def to_repeat(runs: Sequence[CaseRun]) -> int:
    """Which of the runs is to be made once more in another order: the largest that is not too large."""
    sizes = [sum(array.size for array in run.outputs.values()) for run in runs]
    fitting = [size for size in sizes if size <= LARGEST] or [min(sizes)]
    return sizes.index(max(fitting))


def spreads(first: CaseRun, second: CaseRun) -> tuple[OrderSpread, ...]:
    """The outputs of one case that two orders give different bytes."""
    found = ((name, first.outputs[name], second.outputs[name]) for name in first.outputs)
    return tuple(
        _spread(first.case, name, np.atleast_1d(one), np.atleast_1d(other))
        for name, one, other in found
        if one.tobytes() != other.tobytes()
    )


def _spread(case: Case, name: str, one: Any, other: Any) -> OrderSpread:
    if one.shape != other.shape:
        return OrderSpread(case, name, max(one.size, other.size), None, None)
    left, right = one.astype(np.float64), other.astype(np.float64)
    differ = (left != right) & ~(np.isnan(left) & np.isnan(right))
    finite = differ & np.isfinite(left) & np.isfinite(right)
    if not finite.any():
        return OrderSpread(case, name, int(differ.sum()), None, None)
    gaps = np.abs(left - right)[finite]
    scale = np.maximum(np.abs(left), np.abs(right))[finite]
    return OrderSpread(case, name, int(differ.sum()), float(gaps.max()), float((gaps / scale).max()))
