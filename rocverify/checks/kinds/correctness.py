"""correctness: through its wrapper, a kernel computes what its contract's float64 reference computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.support.failing_case import Failing, telling_failure, watched
from rocverify.checks.support.kernel_coverage import coverage_of
from rocverify.checks.support.reference_origin import reference_origin
from rocverify.checks.support.references import Reference
from rocverify.checks.support.thresholds import thresholds_of
from rocverify.checks.support.watched import Watched, watched_types
from rocverify.device.emulator.isa.meeting import waves_may_meet
from rocverify.oracle.case import Case, select_dtypes
from rocverify.oracle.compare import as_json_number
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
    digests = {
        "not_tried": not_tried(
            spec,
            session.subject.passed(spec),
            [r.streams.refusal for r in reports if r.streams.refusal is not None],
        ),
        "sizes_not_tried": _sizes_not_tried(spec, reports),
        "source_sha256": built.source_sha256,
        "code_object_sha256": built.sha256,
        "reference": reference_origin(spec, ctx.root),
    }
    compared = {r.dtype.name: [v.judged.run for v in r.verdicts if not v.problems] for r in reports}
    coverage = coverage_of(ctx, built, spec.source, "compared", compared)
    outcome = _outcome(spec, plan, reports, refused, {**digests, "coverage": coverage}, failing)
    outcome = _without_leaks(params.forbid_leaks, _enough(params.min_elements, outcome))
    if outcome.verdict is not CheckVerdict.PASSED:
        return outcome
    seen = watched_types(ctx, spec, params.contract, [(r.dtype, r.cases) for r in reports])
    runs = {name: [one.run] for name, one in seen.items() if one.run is not None}
    coverage = {**coverage_of(ctx, built, spec.source, "sanitized", runs), **coverage}
    return _safe(outcome, seen, coverage)


def _sizes_not_tried(spec: ContractSpec, reports: list[DTypeReport]) -> list[str]:
    cases = [case for report in reports for case in report.cases]
    return sizes_not_tried(spec, cases, [far for report in reports for far in report.far])


def _safe(outcome: Outcome, seen: Mapping[str, Watched], coverage: Mapping[str, Any]) -> Outcome:
    """A pass of right results is none where the sanitizer finds something in a case: another order, or what
    unwritten memory holds, would change them."""
    sanitized = {name: str(one.case) for name, one in seen.items()}
    evidence = {**outcome.evidence, "coverage": coverage, "sanitized": sanitized}
    findings = [finding for one in seen.values() for finding in one.findings]
    if not findings:
        return replace(outcome, evidence=evidence)
    return Outcome.failed(
        f"the results agree with the reference, but under the sanitizer: {findings[0].message}",
        hint=f"what is found may change a result on another device; replay with --seed {evidence['seed']}",
        findings=tuple(findings[:_SHOWN_FAILURES]),
        **evidence,
    )


def _without_leaks(forbidden: bool, outcome: Outcome) -> Outcome:
    """A pass of calls that keep device memory is none where the plan forbids that."""
    found = outcome.evidence["leaks"]
    if not forbidden or not found or outcome.verdict is not CheckVerdict.PASSED:
        return outcome
    words = [
        f"{leak['calls']} of {leak['of']} calls keep what they allocate at {leak['place']}" for leak in found
    ]
    findings = tuple(Finding(text, location=leak["place"]) for text, leak in zip(words, found, strict=True))
    hint = "free it, or keep it for all calls"
    return Outcome.failed(words[0], hint=hint, findings=findings, **outcome.evidence)


def _enough(least: int | None, outcome: Outcome) -> Outcome:
    """A pass over fewer elements than the plan asks for is none."""
    compared = outcome.evidence["elements"]
    if least is None or compared >= least or outcome.verdict is not CheckVerdict.PASSED:
        return outcome
    return Outcome.failed(
        f"{compared} elements were compared, at least {least} must be", hint="raise cases", **outcome.evidence
    )


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
    digests: Mapping[str, Any],
    failing: Failing | None = None,
) -> Outcome:
    evidence = {**_evidence(spec, plan, reports, refused), **digests}
    not_refused = [call for call in refused if call.problem]
    shortcomings = [text for report in reports for text in report.shortcomings]
    name = spec.wrapper or spec.where
    if failing is not None:
        return _failed(spec, plan, failing, evidence)
    if plan.only is not None:
        return Outcome(CheckVerdict.NOT_RUN, f"{name} is right in the one case of --case", evidence=evidence)
    if not_refused:
        findings = tuple(Finding(f"{c.name}: {c.problem}", entity=spec.wrapper) for c in not_refused)
        first = not_refused[0]
        message = f"{name} must refuse this call with {first.expected}: {first.name}; it {first.problem}"
        hint = f"let the wrapper raise {first.expected} before it uploads or launches anything"
        return Outcome.failed(message, hint=hint, findings=findings, **evidence)
    if shortcomings:
        findings = tuple(Finding(text, entity=spec.wrapper) for text in shortcomings)
        return Outcome.failed(
            f"the comparison cannot discriminate: {shortcomings[0]}",
            hint="a kernel that computes nothing would pass too: widen dims, or correct the contract",
            findings=findings,
            **evidence,
        )
    total, elements = evidence["cases"], evidence["elements"]
    kinds = ", ".join(r.dtype.name for r in reports)
    below = evidence["below_floor"]
    repeats = [r.repeat.told for r in reports if r.repeat is not None and r.repeat.told is not None]
    return Outcome.passed(
        f"{name} agrees with the float64 reference in {total} cases ({elements} elements; {kinds})"
        + (f"; {repeats[0]}" if repeats else "")
        + (f"; below the floor: {below[0]['text']}" if below else ""),
        **evidence,
    )


def _failed(spec: ContractSpec, plan: Plan, failing: Failing, evidence: dict[str, Any]) -> Outcome:
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
    return Outcome.failed(
        f"{name} is wrong in {len(failing.others)} of {evidence['cases']} cases ({telling.symbol}), as in "
        f"{telling.case}: {telling.message}",
        hint=f"{telling.hint}; {replay}" if telling.hint else replay,
        findings=(*failing.watched, *findings),
        failing_cases=len(failing.others),
        replay_case=case,
        **failing.to_json(),
        **evidence,
    )


def _evidence(
    spec: ContractSpec, plan: Plan, reports: list[DTypeReport], refused: list[RefusedCall]
) -> dict[str, Any]:
    named = max((len(r.mistakes) for r in reports), default=0)
    return {
        "contract": spec.reference_name,
        "wrapper": spec.wrapper,
        "source": spec.source,
        "seed": plan.seed,
        "cases": sum(len(r.cases) for r in reports),
        "elements": sum(r.elements for r in reports),
        "dtypes": {r.dtype.name: _dtype_evidence(r) for r in reports},
        "refused_calls": [call.to_json() for call in refused],
        "leaks": [
            leak.to_json() for r in reports for leak in leaks([v.judged.run.events for v in r.verdicts])
        ],
        "below_floor": [
            s.to_json() for s in shortfalls(spec, {r.dtype: r.cases for r in reports}, mistakes=named)
        ],
    }


def _dtype_evidence(report: DTypeReport) -> dict[str, Any]:
    return {
        "symbol": report.symbol,
        "cases": len(report.cases),
        "elements": report.elements,
        "max_ulp": _worst(report, "ulp"),
        "max_ulp_at_magnitude": _worst(report, "scaled_ulp"),
        "ulp_counts": report.ulp_counts,
        "max_abs": _worst(report, "abs"),
        "max_rel": _worst(report, "rel"),
        "budget_used": as_json_number(round(report.budget, 4)),
        "tolerance": {name: t.to_json() for name, t in report.tolerances.items()},
        "controls": [c.to_json() for c in report.controls],
        "mistakes": [c.to_json() for c in report.mistakes],
        "order_spread": [spread.to_json() for spread in report.spreads],
        "ghost_replay": report.ghost.to_json() if report.ghost else None,
        "repeat": report.repeat.to_json() if report.repeat else None,
        "shapes": [_shape(case) for case in report.cases],
        "beyond": [far.to_json() for far in report.far],
    }


def _worst(report: DTypeReport, measure: str) -> Mapping[str, Any] | None:
    found = report.worst(measure)
    if found is None:
        return None
    worst, output, case = found
    return {**worst.to_json(), "output": output, "case": case.to_json()}


def _shape(case: Case) -> str:
    lengths = " ".join(f"{name}={value}" for name, value in case.dims.items())
    return f"{lengths} {case.kind}"


CHECK = CheckKind("correctness", CorrectnessParams, run, needs_device=True)
