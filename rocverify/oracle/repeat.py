"""One case once more, by code that can see that it is verified: the result must be right again.

Everywhere else the code sees what it would see beside a GPU: no module, no variable, no frame of rocverify.
What is right in one of the two worlds only, or only the first time, is no result of the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rocverify.errors import DeviceFaultError, SubjectError
from rocverify.oracle.case import Case
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.controls import Judged, accepted, judges_of, telling
from rocverify.oracle.drive import Invocation, execute
from rocverify.oracle.tolerance import Tolerance

if TYPE_CHECKING:
    from rocverify.checks.context import LaunchSession


_AGAIN = "called again for the same case where it can see that it is verified"


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
        case = one.run.case
        try:
            again = execute(spec, session, case, invoke=invoke, visible=True)
        except (SubjectError, DeviceFaultError) as error:
            return Repeat(
                case, False, f"called again where it can see that it is verified, it {error.message}"
            )
        outputs = again.outputs
        same = all(outputs[name].tobytes() == one.run.outputs[name].tobytes() for name in outputs)
        if accepted(outputs, judges):
            return Repeat(case, same, None)
        return Repeat(
            case,
            same,
            "gives another result for the same case when it is called again and can see that it is verified",
        )
    return None
