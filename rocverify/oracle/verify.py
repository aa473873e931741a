"""Verifies one contract on one device: cases, comparisons, controls, ghost replay, refused calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify import progress
from rocverify.device.trace.events import Category
from rocverify.errors import DeviceFaultError, SubjectError, TimeLimitError
from rocverify.oracle.beside import beside
from rocverify.oracle.case import Case, further_cases, plan_cases, with_other_values
from rocverify.oracle.compare import ULP_STEPS, Worst
from rocverify.oracle.contract import ContractSpec, Refusal
from rocverify.oracle.controls import (
    ControlOutcome,
    Judged,
    accepted,
    control_outcomes,
    judges_of,
    mistake_outcomes,
    telling,
)
from rocverify.oracle.dims import Dims
from rocverify.oracle.drive import Invocation, execute, invocation
from rocverify.oracle.dtypes import DType
from rocverify.oracle.far import Far, beyond, far_of, is_far, judge_far
from rocverify.oracle.judge import CaseVerdict, computed_of, expected_of, judge, tolerances_of
from rocverify.oracle.orders import ORDER_HINT, OrderSpread, OtherOrder, in_another_order, ordered
from rocverify.oracle.repeat import Repeat, SameBits, never, repeated
from rocverify.oracle.shrink import Shrunk, shrink
from rocverify.oracle.starting import starting
from rocverify.oracle.stream_use import StreamUse
from rocverify.oracle.through_host import computed_by_host
from rocverify.oracle.tolerance import Tolerance

if TYPE_CHECKING:
    from rocverify.subject.launch_session import LaunchSession


# How often further cases are drawn where none has told some mistake from the right result.
_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: the seed that everything follows from, and limits that a plan sets. `code_object` is
    what a contract without wrapper launches, and what every wrapper must launch by its digest. thresholds:
    sizes above which the code may behave differently; only: the one case that is to be replayed; same_bits:
    see oracle.repeat."""

    seed: int
    cases_per_dtype: int
    dims: Dims | None = None
    code_object: Path | None = None
    code_object_sha256: str | None = None
    thresholds: tuple[int, ...] = ()
    only: Case | None = None
    same_bits: SameBits = never


@dataclass(frozen=True, slots=True)
class CaseFailure:
    """One case that failed, with what it takes to repeat it. explained: whether the hint names the mistake
    that gives this result; symbol: the kernel that was launched, or should have been; far: see oracle.far."""

    case: Case
    message: str
    hint: str | None = None
    explained: bool = False
    symbol: str | None = None
    far: bool = False


@dataclass(frozen=True, slots=True)
class GhostReplay:
    """A case run with the kernel replaced by nothing: its result must be rejected."""

    case: Case
    rejected: bool
    how: str

    def to_json(self) -> dict[str, Any]:
        """The replay as JSON data."""
        return {"case": self.case.to_json(), "rejected": self.rejected, "how": self.how}


@dataclass(frozen=True, slots=True)
class DTypeReport:
    """All that was seen of one element type. `shortcomings` are ways in which the run itself could not
    have told right from wrong."""

    dtype: DType
    symbol: str
    cases: tuple[Case, ...]
    verdicts: tuple[CaseVerdict, ...]
    failures: tuple[CaseFailure, ...]
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    controls: tuple[ControlOutcome, ...] = ()
    mistakes: tuple[ControlOutcome, ...] = ()
    ghost: GhostReplay | None = None
    repeat: Repeat | None = None
    spreads: tuple[OrderSpread, ...] = ()
    far: tuple[Far, ...] = ()
    streams: StreamUse = field(default_factory=StreamUse)

    @property
    def elements(self) -> int:
        """How many elements were compared."""
        return sum(c.elements for v in self.verdicts for c in v.comparisons.values())

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """Why a pass of this type would mean nothing, if it would."""
        accepted_ones = [o.name for o in (*self.controls, *self.mistakes) if not o.discriminates]
        found = [f"{self.dtype}: no case rejects this wrong result: {name}" for name in accepted_ones]
        if self.ghost is not None and not self.ghost.rejected:
            found.append(f"{self.dtype}: the result is right without {self.symbol} being executed")
        return tuple(found)

    def worst(self, measure: str) -> tuple[Worst, str, Case] | None:
        """The largest error by `ulp`, `scaled_ulp`, `abs` or `rel`, with its output and case."""
        found = [
            (worst, name, verdict.judged.run.case)
            for verdict in self.verdicts
            for name, comparison in verdict.comparisons.items()
            if (worst := getattr(comparison, measure)) is not None
        ]
        return max(found, key=lambda entry: entry[0].error, default=None)

    @property
    def ulp_counts(self) -> dict[str, int]:
        """Elements by their error in ULPs at the magnitude of the terms, each under the largest error that is
        counted with it (`0`, `0.25`, ... as ULP_STEPS) or `more`; empty where nothing is a float."""
        counted = [c.ulp_counts for v in self.verdicts for c in v.comparisons.values() if c.ulp_counts]
        names = (*(f"{step:g}" for step in ULP_STEPS), "more")
        return {name: sum(column) for name, *column in zip(names, *counted, strict=True)} if counted else {}

    @property
    def budget(self) -> float:
        """The largest error as a part of what was allowed."""
        return max((c.budget for v in self.verdicts for c in v.comparisons.values()), default=0.0)


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """One call that the wrapper had to refuse: `problem` says what it did instead."""

    name: str
    expected: str
    problem: str | None

    def to_json(self) -> dict[str, Any]:
        """The call as JSON data."""
        return {"name": self.name, "error": self.expected, "refused": self.problem is None}


def verify_dtype(spec: ContractSpec, session: LaunchSession, dtype: DType, plan: Plan) -> DTypeReport:
    """Runs all cases of one element type and judges them together.

    A case in which the subject raises or the device faults ends the run of this type: what comes after
    would repeat it.
    """
    streams = StreamUse.of(spec)
    cases = _cases(spec, dtype, plan, streams)
    symbol = spec.symbol(dtype)
    invoke = invocation(spec, session, plan.code_object)
    judged: list[Judged] = []
    failure = _run(spec, session, cases, streams, invoke, judged)
    if failure is None:
        tolerances = tolerances_of(spec, judged)
        mistakes = mistake_outcomes(spec, judged, tolerances)
        for attempt in range(_ATTEMPTS if plan.only is None else 0):
            if failure is not None or all(mistake.discriminates for mistake in mistakes):
                break
            # Where nothing at all is rejected, as by a reference that gives NaN, more cases will not help.
            if attempt and not any(one.discriminates for one in control_outcomes(spec, judged, tolerances)):
                break
            further = further_cases(spec, dtype, plan.cases_per_dtype, plan.seed, attempt, dims=plan.dims)
            cases += [
                ordered(case, plan.seed, len(cases) + number, streams=streams.taken)
                for number, case in enumerate(further)
            ]
            failure = _run(spec, session, cases[len(judged) :], streams, invoke, judged)
            tolerances = tolerances_of(spec, judged)
            mistakes = mistake_outcomes(spec, judged, tolerances)
    if failure is not None:
        return DTypeReport(dtype, symbol, tuple(cases[: len(judged) + 1]), (), (failure,))
    verdicts = tuple(judge(spec, case, tolerances, plan.code_object_sha256) for case in judged)
    repeat = repeated(spec, session, judged, tolerances, invoke, same_bits=plan.same_bits)
    by_host = computed_by_host(spec, session, judged, tolerances, invoke)
    other = None
    far: tuple[Far, ...] = ()
    if judged and not any(verdict.problems for verdict in verdicts):
        other = in_another_order(spec, session, judged, tolerances, invoke, plan.seed)
        far = _far(spec, session, dtype, plan, tolerances, invoke)
    return DTypeReport(
        dtype=dtype,
        symbol=symbol,
        cases=tuple(cases),
        verdicts=verdicts,
        failures=(*_failures(spec, verdicts, repeat, other, by_host), *_far_failures(spec, far)),
        tolerances=tolerances,
        controls=tuple(control_outcomes(spec, judged, tolerances)),
        mistakes=tuple(mistakes),
        ghost=_ghost_replay(spec, session, judged, tolerances, invoke),
        repeat=repeat,
        spreads=() if other is None else other.spreads,
        far=far,
        streams=streams,
    )


def _far(
    spec: ContractSpec,
    session: LaunchSession,
    dtype: DType,
    plan: Plan,
    tolerances: Mapping[str, Tolerance],
    invoke: Invocation,
) -> tuple[Far, ...]:
    """The cases that memory cannot hold: those of the contract, or the one that is to be replayed."""
    if plan.only is None:
        return beyond(spec, session, dtype, plan.dims or spec.dims, plan.seed, tolerances, invoke)
    if not is_far(spec, plan.only):
        return ()
    return (judge_far(spec, session, plan.only, *far_of(spec, plan.only), tolerances, invoke),)


def _far_failures(spec: ContractSpec, far: Sequence[Far]) -> list[CaseFailure]:
    hint = "compute indices and sizes in 64 bits (size_t) before they are multiplied"
    return [
        CaseFailure(one.case, one.problem, hint, symbol=spec.symbol(one.case.dtype, one.case.dims), far=True)
        for one in far
        if one.problem is not None
    ]


def _cases(spec: ContractSpec, dtype: DType, plan: Plan, streams: StreamUse) -> list[Case]:
    if plan.only is not None and not is_far(spec, plan.only):
        return [plan.only]
    planned = plan_cases(
        spec, dtype, plan.cases_per_dtype, plan.seed, dims=plan.dims, thresholds=plan.thresholds
    )
    return [ordered(case, plan.seed, number, streams=streams.taken) for number, case in enumerate(planned)]


def _run(
    spec: ContractSpec,
    session: LaunchSession,
    cases: Sequence[Case],
    streams: StreamUse,
    invoke: Invocation,
    judged: list[Judged],
) -> CaseFailure | None:
    """Runs cases and adds them to `judged`. The one in which the subject raises or the device faults ends
    the run. While a case is executed, its references are computed and the next case is drawn; but for one of
    them, whose references are there before: they cannot wait for what the wrapper leaves for them."""
    ahead = cases[cases[0].seed % len(cases)] if cases else None
    with beside(session) as submit:
        upcoming = [submit(starting, spec, case) for case in cases[:1]]
        for number, (case, following) in enumerate(zip_longest(cases, cases[1:]), start=1):
            progress.say(f"{case.dtype}, case {number} of {len(cases)}")
            start = upcoming.pop().result()
            computed = submit(computed_of, spec, case, start.inputs)
            if case is ahead:
                computed.result()
            upcoming += [submit(starting, spec, one) for one in (following,) if one is not None]
            made = partial(execute, spec, session, invoke=invoke, start=start)
            try:
                run = streams.execute(case, made)
            except (SubjectError, DeviceFaultError) as error:
                symbol = spec.symbol(case.dtype, case.dims)
                return CaseFailure(case, _one_line(error), error.hint, symbol=symbol)
            judged.append(Judged(run, expected_of(spec, run, computed.result())))
    return None


def _failures(
    spec: ContractSpec,
    verdicts: Sequence[CaseVerdict],
    repeat: Repeat | None,
    other: OtherOrder | None,
    by_host: tuple[Case, str] | None,
) -> tuple[CaseFailure, ...]:
    """What is wrong: with the results of cases, and with how they came about."""
    found = [
        CaseFailure(v.judged.run.case, "; ".join(v.problems), v.hint, v.explained, _launched(spec, v))
        for v in verdicts
        if v.problems
    ]
    if repeat is not None and repeat.problem is not None:
        hint = "a result must depend on the arguments alone, not on who calls or how often"
        symbol = spec.symbol(repeat.case.dtype, repeat.case.dims)
        found.append(CaseFailure(repeat.case, repeat.problem, hint, symbol=symbol))
    if other is not None and other.problem is not None:
        symbol = spec.symbol(other.case.dtype, other.case.dims)
        found.append(CaseFailure(other.case, other.problem, ORDER_HINT, symbol=symbol))
    if by_host is not None:
        case, problem = by_host
        symbol = spec.symbol(case.dtype, case.dims)
        hint = "let the kernel compute what it is to compute"
        found.append(CaseFailure(case, problem, hint, symbol=symbol))
    return tuple(found)


def _launched(spec: ContractSpec, verdict: CaseVerdict) -> str:
    """The kernel to blame: the contract's own for the case if it was launched, else the last one that was."""
    run = verdict.judged.run
    own = spec.symbol(run.case.dtype, run.case.dims)
    others = [event.kernel for event in run.launches if event.kernel]
    return own if run.launched(own) or not others else others[-1]


def shrink_failure(
    spec: ContractSpec, session: LaunchSession, report: DTypeReport, failure: CaseFailure, plan: Plan
) -> Shrunk:
    """The smallest case that fails as this one does: with wrong results, or by the same kind of error."""
    if failure.far:
        return Shrunk(failure.case, failure.message)
    invoke = invocation(spec, session, plan.code_object)
    raised = not any(v.judged.run.case == failure.case for v in report.verdicts)

    def attempt(case: Case) -> str | None:
        try:
            judged = Judged(run := execute(spec, session, case, invoke=invoke), expected_of(spec, run))
        except (SubjectError, DeviceFaultError) as error:
            return _one_line(error) if raised else None
        found = judge(
            spec, judged, report.tolerances or tolerances_of(spec, [judged]), plan.code_object_sha256
        )
        return "; ".join(found.problems) or None if not raised else None

    return shrink(spec, failure.case, failure.message, attempt)


def _ghost_replay(
    spec: ContractSpec,
    session: LaunchSession,
    judged: list[Judged],
    tolerances: Mapping[str, Tolerance],
    invoke: Invocation,
) -> GhostReplay | None:
    """Repeats the first case whose buffers, left untouched, would be rejected, with other values: memory that
    a wrapper keeps from call to call still holds the result of those before. None if there is none: the
    control `untouched` reports that."""
    for tried in telling(judged):
        case = with_other_values(tried.run.case)
        try:
            ghost = execute(spec, session, case, ghost=True, invoke=invoke)
        except SubjectError as error:
            return GhostReplay(case, True, f"the wrapper raised {error.kind}")
        except TimeLimitError:
            return GhostReplay(case, True, "the wrapper waits for the kernel")
        judges = judges_of(Judged(ghost, expected_of(spec, ghost)), tolerances)
        inputs = ghost.inputs
        untouched = spec.canonical(inputs, {name: inputs[name] for name in spec.outputs}, case.dims)
        if accepted(untouched, judges):
            continue
        passes = accepted(ghost.outputs, judges)
        return GhostReplay(case, not passes, "right result" if passes else "wrong result")
    return None


def verify_refusals(spec: ContractSpec, session: LaunchSession, plan: Plan) -> list[RefusedCall]:
    """Makes every call that the contract says must be refused, on one small shape."""
    case = plan_cases(spec, spec.dtypes[0], 1, plan.seed, dims=plan.dims)[0]
    invoke = invocation(spec, session, plan.code_object)
    return [
        RefusedCall(name, refusal.error, _refusal_problem(spec, session, case, refusal, invoke))
        for name, refusal in spec.refused(case.dims).items()
    ]


def _refusal_problem(
    spec: ContractSpec, session: LaunchSession, case: Case, refusal: Refusal, invoke: Invocation
) -> str | None:
    """What happened instead of a refusal before any launch; None if all was well."""
    outcome = "returned as if nothing were wrong"
    with session.tracer.record() as events:
        try:
            execute(spec, session, case, values=refusal.values, call_dims=refusal.dims, invoke=invoke)
        except SubjectError as error:
            outcome = "" if error.kind == refusal.error else _one_line(error)
        except DeviceFaultError as error:
            outcome = f"reached the device: {_one_line(error)}"
    launches = [e.kernel for e in events if e.category is Category.LAUNCH]
    if launches:
        return f"launched {launches[0]} before it {outcome or 'was refused'}"
    return outcome or None


def _one_line(error: SubjectError | DeviceFaultError) -> str:
    return f"{error.where}: {error.message}" if error.where else error.message
