"""correctness: through its wrapper, a kernel computes what its contract's float64 reference computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Cause, Evidence, Record, digest, known, named
from rocverify.checks.support.compared import Compared
from rocverify.checks.support.failing_case import Failing, telling_failure, watched
from rocverify.checks.support.kernel_coverage import coverage_of
from rocverify.checks.support.reference_origin import reference_origin
from rocverify.checks.support.references import Reference
from rocverify.checks.support.thresholds import thresholds_of
from rocverify.checks.support.watched import Watched, watched_types
from rocverify.device.emulator.isa.meeting import waves_may_meet
from rocverify.figures import HeatMap
from rocverify.markdown import prose
from rocverify.oracle.case import Case, select_dtypes
from rocverify.oracle.consistency import check_parameters
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.dtypes import DType
from rocverify.oracle.floor import shortfalls
from rocverify.oracle.leaks import leaks
from rocverify.oracle.not_tried import SIXTEEN_BITS, not_tried, sizes_not_tried
from rocverify.oracle.symbols import with_kernels
from rocverify.oracle.verify import (
    DTypeReport,
    Plan,
    RefusedCall,
    verify_dtype,
    verify_refusals,
)
from rocverify.records import CheckVerdict, Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.oracle.drive import CaseRun
    from rocverify.toolchain.build import BuiltObject

_SHOWN_FAILURES = 20
Lengths = int | str | tuple[int | str, ...]


class CorrectnessParams(CheckParams):
    """`contract` is `module:Class`. `cases` per element type (default: the settings'), `dtypes` by name
    (default: all of the contract), `dims` limits dimensions: a length, several, "min" or "max";
    `min_elements`: how many elements must have been compared at least; `forbid_leaks`: whether device
    memory that call after call keeps is a failure, instead of shown."""

    contract: Reference
    cases: int | None = Field(default=None, ge=1)
    dtypes: tuple[str, ...] | None = Field(default=None, min_length=1)
    dims: dict[str, Lengths] = Field(default_factory=dict)
    min_elements: int | None = Field(default=None, ge=1)
    forbid_leaks: bool = False


class RefusedCallEvidence(Record):
    """A call that had to be refused with `error`."""

    name: str
    error: str
    refused: bool


class Leak(Record):
    """Device memory that so many `calls` of all (`of`) keep, allocated at a place."""

    place: str
    calls: int
    of: int
    bytes: int


class ReferenceOrigin(Record):
    """Where the reference comes from: `from` a package, or the project's own file with its commit."""

    origin: str | None = Field(default=None, alias="from")
    file: str | None = None
    since: str | None = None
    came_with_kernel: bool | None = None

    @property
    def words(self) -> str:
        """As Markdown."""
        if not self.file:
            return f"of {named(self.origin)}"
        words = f"the project's own, {named(self.file)}"
        if self.since is None:
            return f"{words} (git does not tell since when)"
        together = "with the kernel" if self.came_with_kernel else "not with the kernel"
        return f"{words}, since commit {named(self.since)}, {together}"


class CorrectnessEvidence(Evidence):
    """What was compared through the wrapper, by element type, and what was not tried. A failure has the case
    that tells most, the smallest that fails so, and the case to replay."""

    contract: str | None = None
    wrapper: str | None = None
    source: str | None = None
    seed: int | None = None
    cases: int = 0
    elements: int = 0
    dtypes: dict[str, Compared] = Field(default_factory=dict)
    refused_calls: list[RefusedCallEvidence] = Field(default_factory=list)
    leaks: list[Leak] = Field(default_factory=list)
    below_floor: list[dict[str, Any]] = Field(default_factory=list)
    not_tried: list[str] = Field(default_factory=list)
    sizes_not_tried: list[str] = Field(default_factory=list)
    source_sha256: str | None = None
    code_object_sha256: str | None = None
    reference: ReferenceOrigin | None = None
    coverage: dict[str, Any] | None = None
    sanitized: dict[str, str] = Field(default_factory=dict)
    failing_cases: int | None = None
    replay_case: str | None = None
    failing_case: dict[str, Any] | None = None
    smallest_case: dict[str, Any] | None = None
    smallest_case_runs: int | None = None
    smallest: str | None = None
    diagnosis: str | None = None
    kernel: str | None = None
    watched: list[str] = Field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Cases, elements and worst errors by element type, as lines of a Markdown list."""
        if self.dtypes:
            yield (
                f"- {self.cases} cases with {self.elements} elements through "
                f"{named(self.wrapper or self.contract)}, run seed {known(self.seed)}"
            )
        if self.reference is not None:
            yield f"- reference: {self.reference.words}"
        for dtype, seen in self.dtypes.items():
            yield from seen.lines(dtype)
        if self.code_object_sha256:
            yield f"- code object: {digest(self.code_object_sha256)} from {named(self.source)}"
        for leak in self.leaks:
            calls = f"{leak.calls} of {leak.of} calls"
            yield f"- device memory: {calls} keep what they allocate at {named(leak.place)}"
        for words in (*self.not_tried, *self.sizes_not_tried):
            yield f"- not tried: {prose(words)}"
        for case in dict.fromkeys(self.sanitized.values()):
            yield f"- under the sanitizer: {prose(case)}"
        if self.refused_calls:
            told = ", ".join(f"{known(c.name)} ({known(c.error)})" for c in self.refused_calls)
            yield f"- calls that had to be refused: {told}"

    def cause(self) -> Cause | None:
        """Wrong results: the smallest case, what fits, and what the sanitizer has to say."""
        if self.failing_cases is None:
            return None
        facts = [("smallest", self.smallest), ("fits", self.diagnosis)]
        facts += [("sanitizer", text) for text in self.watched[:2]]
        return Cause(
            "results are wrong",
            (self.kernel or self.wrapper or "",),
            tuple((label, text) for label, text in facts if text),
            f"--seed {self.seed} --case {self.replay_case}",
        )

    def notes(self) -> Iterator[tuple[str, str]]:
        """Remarks on the reference and on leaks: (text, name of the kernel or wrapper)."""
        name = named((self.wrapper or self.contract or "").rpartition(":")[2])
        if self.reference is not None and self.reference.file:
            yield f"Reference: {self.reference.words}", name
        for leak in self.leaks:
            calls = f"{leak.calls} of {leak.of} calls"
            yield f"device memory: {calls} keep what they allocate at {named(leak.place)}", name
        for words in (*self.not_tried, *self.sizes_not_tried):
            yield f"{name}: not tried", prose(words)
        for dtype, seen in self.dtypes.items():
            if seen.repeat is not None and seen.repeat.told:
                yield f"{name}: a repeat gave {known(seen.repeat.told)}", known(dtype)

    def figures(self) -> Iterator[HeatMap]:
        """A heat map of the errors over the worst output of each element type."""
        for seen in self.dtypes.values():
            if seen.errors is not None and seen.errors.cells:
                yield seen.errors.figure


def run(params: CorrectnessParams, ctx: CheckContext) -> Outcome:
    """Runs every element type on the active device and judges all of it."""
    with ctx.launching() as session:
        spec = session.subject.contract(params.contract)
        only = None if ctx.settings.case is None else Case.of(spec, ctx.settings.case)
        dtypes = select_dtypes(spec, params.dtypes) if only is None else (only.dtype,)
        built = ctx.built(spec.source, ctx.target)
        spec = with_kernels(spec, built.code_object.kernels)
        _check_signatures(spec, dtypes, built)
        plan = replace(_plan(params, ctx, spec, built), only=only)
        reports = [verify_dtype(spec, session, dtype, plan) for dtype in dtypes]
        refused = verify_refusals(spec, session, plan)
        failing = telling_failure(spec, session, reports, plan)
    if failing is not None and not failing.failure.far:
        failing = replace(failing, watched=watched(ctx, params.contract, failing.smallest.case))
    evidence = _evidence(spec, plan, reports, refused)
    refusals = [r.streams.refusal for r in reports if r.streams.refusal is not None]
    evidence.not_tried = not_tried(spec, session.subject.passed(spec), refusals)
    evidence.sizes_not_tried = _sizes_not_tried(spec, reports)
    evidence.source_sha256, evidence.code_object_sha256 = built.source_sha256, built.sha256
    evidence.reference = ReferenceOrigin.model_validate(reference_origin(spec, ctx.root))
    compared = {r.dtype.name: [v.judged.run for v in r.verdicts if not v.problems] for r in reports}
    evidence.coverage = coverage_of(ctx, built, spec.source, "compared", compared)
    outcome = _outcome(spec, plan, reports, refused, evidence, failing)
    outcome = _without_leaks(params.forbid_leaks, evidence, _enough(params.min_elements, evidence, outcome))
    if outcome.verdict is not CheckVerdict.PASSED:
        return outcome
    seen = watched_types(ctx, spec, params.contract, [(r.dtype, r.cases) for r in reports])
    runs = {name: [one.run] for name, one in seen.items() if one.run is not None}
    sanitized = coverage_of(ctx, built, spec.source, "sanitized", runs)
    evidence.coverage = {**sanitized, **evidence.coverage}
    return _safe(outcome, seen, evidence)


def _sizes_not_tried(spec: ContractSpec, reports: list[DTypeReport]) -> list[str]:
    cases = [case for report in reports for case in report.cases]
    return sizes_not_tried(spec, cases, [far for report in reports for far in report.far])


def _safe(outcome: Outcome, seen: Mapping[str, Watched], evidence: CorrectnessEvidence) -> Outcome:
    """A pass of right results is none where the sanitizer finds something in a case: another order, or what
    unwritten memory holds, would change them."""
    evidence.sanitized = {name: str(one.case) for name, one in seen.items()}
    findings = [finding for one in seen.values() for finding in one.findings]
    if not findings:
        return Outcome.passed(outcome.message, evidence)
    return Outcome.failed(
        f"the results agree with the reference, but under the sanitizer: {findings[0].message}",
        evidence,
        hint=f"what is found may change a result on another device; replay with --seed {evidence.seed}",
        findings=tuple(findings[:_SHOWN_FAILURES]),
    )


def _without_leaks(forbidden: bool, evidence: CorrectnessEvidence, outcome: Outcome) -> Outcome:
    """A pass of calls that keep device memory is none where the plan forbids that."""
    found = evidence.leaks
    if not forbidden or not found or outcome.verdict is not CheckVerdict.PASSED:
        return outcome
    words = [f"{leak.calls} of {leak.of} calls keep what they allocate at {leak.place}" for leak in found]
    findings = tuple(Finding(text, location=leak.place) for text, leak in zip(words, found, strict=True))
    return Outcome.failed(words[0], evidence, hint="free it, or keep it for all calls", findings=findings)


def _enough(least: int | None, evidence: CorrectnessEvidence, outcome: Outcome) -> Outcome:
    """A pass over fewer elements than the plan asks for is none."""
    compared = evidence.elements
    if least is None or compared >= least or outcome.verdict is not CheckVerdict.PASSED:
        return outcome
    words = f"{compared} elements were compared, at least {least} must be"
    return Outcome.failed(words, evidence, hint="raise cases")


def _check_signatures(spec: ContractSpec, dtypes: tuple[DType, ...], built: BuiltObject) -> None:
    """ContractError where contract and compiled kernel disagree. A symbol that is not there is left to
    the wrapper, which fails to launch it."""
    kernels = built.code_object.kernels
    for dtype in dtypes:
        if spec.symbol(dtype) in kernels:
            check_parameters(spec, kernels[spec.symbol(dtype)])


def _plan(params: CorrectnessParams, ctx: CheckContext, spec: ContractSpec, built: BuiltObject) -> Plan:
    return Plan(
        seed=ctx.seed,
        cases_per_dtype=params.cases or ctx.settings.cases_per_dtype,
        dims=spec.dims.restricted(params.dims) if params.dims else None,
        code_object=built.path,
        code_object_sha256=built.sha256,
        thresholds=(SIXTEEN_BITS, *thresholds_of(ctx.code, spec)),
        same_bits=partial(_same_bits, ctx, built),
    )


def _same_bits(ctx: CheckContext, built: BuiltObject, run: CaseRun) -> bool:
    """Whether all that the run launched comes from code in which no waves meet, on a device whose order the
    seed decides."""
    if ctx.device.kind != "emulator" or any(e.code_object != built.sha256 for e in run.launches):
        return False
    return not waves_may_meet(built.path.read_bytes(), ctx.target)


def _outcome(
    spec: ContractSpec,
    plan: Plan,
    reports: list[DTypeReport],
    refused: list[RefusedCall],
    evidence: CorrectnessEvidence,
    failing: Failing | None = None,
) -> Outcome:
    not_refused = [call for call in refused if call.problem]
    shortcomings = [text for report in reports for text in report.shortcomings]
    name = spec.wrapper or spec.where
    if failing is not None:
        return _failed(spec, plan, failing, evidence)
    if plan.only is not None:
        words = f"{name} is right in the one case of --case"
        return Outcome(CheckVerdict.NOT_RUN, words, evidence=evidence.data())
    if not_refused:
        findings = tuple(Finding(f"{c.name}: {c.problem}", entity=spec.wrapper) for c in not_refused)
        first = not_refused[0]
        message = f"{name} must refuse this call with {first.expected}: {first.name}; it {first.problem}"
        hint = f"let the wrapper raise {first.expected} before it uploads or launches anything"
        return Outcome.failed(message, evidence, hint=hint, findings=findings)
    if shortcomings:
        findings = tuple(Finding(text, entity=spec.wrapper) for text in shortcomings)
        return Outcome.failed(
            f"the comparison cannot discriminate: {shortcomings[0]}",
            evidence,
            hint="a kernel that computes nothing would pass too: widen dims, or correct the contract",
            findings=findings,
        )
    total, elements = evidence.cases, evidence.elements
    kinds = ", ".join(r.dtype.name for r in reports)
    below = evidence.below_floor
    repeats = [r.repeat.told for r in reports if r.repeat is not None and r.repeat.told is not None]
    return Outcome.passed(
        f"{name} agrees with the float64 reference in {total} cases ({elements} elements; {kinds})"
        + (f"; {repeats[0]}" if repeats else "")
        + (f"; below the floor: {below[0]['text']}" if below else ""),
        evidence,
    )


def _failed(spec: ContractSpec, plan: Plan, failing: Failing, evidence: CorrectnessEvidence) -> Outcome:
    """The message speaks of the most telling failing case, the findings of as many cases as are shown, and of
    what the sanitizer has to say."""
    telling, smallest = failing.failure, failing.smallest
    shown = [f for f in failing.others if f is not telling][: _SHOWN_FAILURES - 1]
    findings = [
        Finding(f"{failure.case}: {failure.message}", kernel=failure.symbol, entity=spec.wrapper)
        for failure in (telling, *shown)
    ]
    name = spec.wrapper or spec.where
    replay = f"replay with --seed {plan.seed}"
    case = smallest.case.text
    if smallest.case != telling.case:
        words = f"the smallest case that fails so: {smallest.case}: {smallest.problem}"
        findings.insert(0, Finding(words, kernel=telling.symbol, entity=spec.wrapper))
    evidence.failing_cases, evidence.replay_case = len(failing.others), case
    evidence.failing_case, evidence.smallest_case = telling.case.to_json(), smallest.case.to_json()
    evidence.smallest_case_runs = smallest.runs
    lengths = " ".join(f"{name}={value}" for name, value in smallest.case.dims.items())
    evidence.smallest = f"{smallest.case.dtype} {lengths}: {smallest.problem}"
    evidence.diagnosis, evidence.kernel = telling.hint, telling.symbol
    evidence.watched = [finding.message for finding in failing.watched]
    return Outcome.failed(
        f"{name} is wrong in {len(failing.others)} of {evidence.cases} cases ({telling.symbol}), as in "
        f"{telling.case}: {telling.message}",
        evidence,
        hint=f"{telling.hint}; {replay}" if telling.hint else replay,
        findings=(*failing.watched, *findings),
    )


def _evidence(
    spec: ContractSpec, plan: Plan, reports: list[DTypeReport], refused: list[RefusedCall]
) -> CorrectnessEvidence:
    calls = [[v.judged.run.events for v in r.verdicts] for r in reports]
    tried = max((len(r.mistakes) for r in reports), default=0)
    return CorrectnessEvidence(
        contract=spec.reference_name,
        wrapper=spec.wrapper,
        source=spec.source,
        seed=plan.seed,
        cases=sum(len(r.cases) for r in reports),
        elements=sum(r.elements for r in reports),
        dtypes={r.dtype.name: Compared.of(r) for r in reports},
        refused_calls=[RefusedCallEvidence(**call.to_json()) for call in refused],
        leaks=[Leak(**leak.to_json()) for events in calls for leak in leaks(events)],
        below_floor=[
            s.to_json() for s in shortfalls(spec, {r.dtype: r.cases for r in reports}, mistakes=tried)
        ],
    )


CHECK = CheckKind("correctness", CorrectnessParams, run, needs_device=True, evidence=CorrectnessEvidence)
