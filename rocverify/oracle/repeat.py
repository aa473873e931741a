"""One case once more: on memory that was seen before with other contents, and by code that can see that it is
verified. The result must be right again.

Everywhere else the code sees what it would see beside a GPU: no module, no variable, no frame of rocverify.
What is right in one of the two worlds only, or only the first time, is no result of the kernel. Neither are
other bits for the same case on fresh memory in the same order, unless waves of the kernel may meet: their
order is then not all that the seed decides, since the emulator runs workgroups on threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rocverify.errors import DeviceFaultError, SubjectError
from rocverify.oracle.case import Case
from rocverify.oracle.compare import Judge
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.controls import Judged, accepted, judges_of, telling
from rocverify.oracle.drive import CaseRun, Invocation, execute
from rocverify.oracle.tolerance import Tolerance

if TYPE_CHECKING:
    from rocverify.subject.launch_session import LaunchSession


SameBits = Callable[[CaseRun], bool]
"""Whether nothing but its arguments can decide the bits of what a run has computed."""


def never(_run: CaseRun) -> bool:
    """Of kernels of which nothing is known."""
    return False


@dataclass(frozen=True, slots=True)
class Repeat:
    """A case that was run once more, as `how` says. same: bit by bit; problem: what was wrong then, None if
    nothing was."""

    case: Case
    same: bool
    problem: str | None
    how: str

    @property
    def told(self) -> str | None:
        """What is to be said of a repeat that was right; None if it gave the same bits."""
        return None if self.same else f"other bits, as right, for the same case when it {self.how}"

    def to_json(self) -> dict[str, Any]:
        """JSON data."""
        return {"case": self.case.to_json(), "same": self.same, "problem": self.problem, "told": self.told}


def repeated(
    spec: ContractSpec,
    session: LaunchSession,
    judged: Sequence[Judged],
    tolerances: Mapping[str, Tolerance],
    invoke: Invocation,
    *,
    same_bits: SameBits,
) -> Repeat | None:
    """Runs a case again that passed: the first that tells most. None if there is none. same_bits: whether
    fresh memory must give the same bits, by what a run launched."""
    for one in telling(judged):
        judges = judges_of(one, tolerances)
        if not accepted(one.run.outputs, judges):
            continue
        found = []
        for how in _WAYS:
            found.append(_again(spec, session, one, judges, invoke, how, same_bits=same_bits))
            if found[-1].problem is not None:
                return found[-1]
        return next((repeat for repeat in found if not repeat.same), found[-1])
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
    *,
    same_bits: SameBits,
) -> Repeat:
    case = one.run.case
    try:
        run = execute(
            spec, session, case, invoke=invoke, visible=how.visible, again=how.again, start=one.run.start
        )
    except (SubjectError, DeviceFaultError) as error:
        return Repeat(case, False, f"where it {how.words}, it {error.message}", how.words)
    outputs = run.outputs
    same = all(outputs[name].tobytes() == one.run.outputs[name].tobytes() for name in outputs)
    problem = None
    if not accepted(outputs, judges):
        problem = f"gives another result for the same case when it {how.words}"
    elif not same and not how.again and same_bits(run):
        problem = (
            f"gives other bits for the same case in the same order when it {how.words}, though its code "
            "object has no atomic or acquire by which waves could meet"
        )
    return Repeat(case, same, problem, how.words)
