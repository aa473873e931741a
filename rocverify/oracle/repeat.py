"""One case once more: on memory that was seen before with other contents, and by code that can see that it is
verified. The result must be right again.

Everywhere else the code sees what it would see beside a GPU: no module, no variable, no frame of rocverify.
What is right in one of the two worlds only, or only the first time, is no result of the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rocverify.errors import DeviceFaultError, SubjectError
from rocverify.oracle.case import Case
from rocverify.oracle.compare import Judge
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.controls import Judged, accepted, judges_of, telling
from rocverify.oracle.drive import Invocation, execute
from rocverify.oracle.tolerance import Tolerance

if TYPE_CHECKING:
    from rocverify.checks.context import LaunchSession


@dataclass(frozen=True, slots=True)
class Repeat:
    """A case that was run once more. same: bit by bit; problem: what was wrong then, None if nothing was."""

    case: Case
    same: bool
    problem: str | None

    def to_json(self) -> dict[str, Any]:
        """JSON data."""
        return {"case": self.case.to_json(), "same": self.same, "problem": self.problem}


def repeated(
    spec: ContractSpec,
    session: LaunchSession,
    judged: Sequence[Judged],
    tolerances: Mapping[str, Tolerance],
    invoke: Invocation,
) -> Repeat | None:
    """Runs a case again that passed: the first that tells most. None if there is none."""
    for one in telling(judged):
        judges = judges_of(one, tolerances)
        if not accepted(one.run.outputs, judges):
            continue
        for how in _WAYS:
            found = _again(spec, session, one, judges, invoke, how)
            if found.problem is not None:
                return found
        return found
    return None


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to call again: on memory seen before, or where the code can see that it is verified."""

    words: str
    again: bool
    visible: bool


_WAYS = (
    _Way("is called a second time on the same memory, with other contents", again=True, visible=False),
    _Way("is called again and can see that it is verified", again=False, visible=True),
)


def _again(
    spec: ContractSpec,
    session: LaunchSession,
    one: Judged,
    judges: Mapping[str, Judge],
    invoke: Invocation,
    how: _Way,
) -> Repeat:
    case = one.run.case
    try:
        run = execute(
            spec, session, case, invoke=invoke, visible=how.visible, again=how.again, start=one.run.start
        )
    except (SubjectError, DeviceFaultError) as error:
        return Repeat(case, False, f"where it {how.words}, it {error.message}")
    outputs = run.outputs
    same = all(outputs[name].tobytes() == one.run.outputs[name].tobytes() for name in outputs)
    right = accepted(outputs, judges)
    return Repeat(
        case, same, None if right else f"gives another result for the same case when it {how.words}"
    )
