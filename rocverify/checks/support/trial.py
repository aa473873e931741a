"""Trials of a contract, for checks that judge more than whether the results are right.

A trial is one case that has run, with what its outputs must be and how far they may lie from it. Inputs can
be replaced, so that a check chooses them instead of the generator.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from rocverify.errors import SubjectError, TimeLimitError
from rocverify.oracle.case import Case, typical_case
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.controls import Judged, accepted, judges_of
from rocverify.oracle.drive import CaseRun, Invocation, execute, invocation
from rocverify.oracle.dtypes import DType
from rocverify.oracle.judge import CaseVerdict, expected_of, judge, tolerances_of
from rocverify.oracle.shapes import distinct_shape
from rocverify.oracle.symbols import with_kernels
from rocverify.oracle.tolerance import Tolerance

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.subject.launch_session import LaunchSession

Lengths = int | str | tuple[int | str, ...]
Given = Mapping[str, NDArray[Any]]


def load_spec(session: LaunchSession, reference: str) -> ContractSpec:
    """The contract that `module:Name` names, imported from the root under verification."""
    return session.subject.contract(reference)


def shaped(spec: ContractSpec, dtype: DType, seed: int, dims: Mapping[str, Lengths]) -> Case:
    """A small case of plain values whose dimensions differ, within the limits that a plan sets."""
    case = typical_case(spec, dtype, seed)
    return replace(case, dims=distinct_shape(spec.dims.restricted(dims))) if dims else case


def planned(spec: ContractSpec, session: LaunchSession, case: Case, invoke: Invocation) -> CaseRun:
    """The launches of a case, skipped; executed where the wrapper needs what its kernel reports."""
    try:
        return execute(spec, session, case, ghost=True, invoke=invoke)
    except (SubjectError, TimeLimitError):
        return execute(spec, session, case, invoke=invoke)


def with_inputs(spec: ContractSpec, given: Given) -> ContractSpec:
    """The same contract, whose inputs of these names are the given arrays."""
    return replace(spec, subject=_Given(spec.subject, given))


class _Given:
    """A contract's object that prepares the given arrays beside its own."""

    def __init__(self, subject: Any, given: Given) -> None:
        self._subject, self._given = subject, given

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subject, name)

    def prepare(self, rng: Any, dims: Any, dtype: Any, kind: Any) -> dict[str, Any]:
        own = getattr(self._subject, "prepare", None)
        if own is None:
            return dict(self._given)
        offered = {"rng": rng, "dims": dims, "dtype": dtype, "kind": kind}
        made = own(**{name: offered[name] for name in inspect.signature(own).parameters})
        return {**made, **self._given}


@dataclass(frozen=True, slots=True)
class Trial:
    """One case that has run, and the judgement of it."""

    spec: ContractSpec
    judged: Judged
    tolerances: Mapping[str, Tolerance]
    verdict: CaseVerdict

    @property
    def run(self) -> CaseRun:
        """The run that was judged."""
        return self.judged.run

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with its results; empty if nothing is."""
        return self.verdict.problems

    def would_accept(self, outputs: Given) -> bool:
        """Whether these outputs would have passed in place of the ones that came out."""
        return accepted(outputs, judges_of(self.judged, self.tolerances))


class Trials:
    """Runs cases of one contract through its wrapper, on the code object that is built now."""

    def __init__(self, ctx: CheckContext, session: LaunchSession, reference: str) -> None:
        spec = load_spec(session, reference)
        self.session = session
        self.built = ctx.built(spec.source, session.device.target)
        self.spec = with_kernels(spec, self.built.code_object.kernels)
        self.invoke: Invocation = invocation(self.spec, session, self.built.path)

    def run(self, case: Case, *, given: Given | None = None) -> CaseRun:
        """One execution; see `rocverify.oracle.drive.execute` for what it raises."""
        spec = with_inputs(self.spec, given) if given else self.spec
        return execute(spec, self.session, case, invoke=self.invoke)

    def trial(self, case: Case, *, given: Given | None = None) -> Trial:
        """One execution, judged against the references of the same inputs."""
        return self.judge(self.run(case, given=given))

    def judge(self, run: CaseRun) -> Trial:
        """The judgement of a case that has run."""
        judged = Judged(run, expected_of(self.spec, run))
        tolerances = tolerances_of(self.spec, [judged])
        return Trial(self.spec, judged, tolerances, judge(self.spec, judged, tolerances, self.built.sha256))
