"""faster: one contract's call costs at most a part of another's, on the same shape.

With a `metric` the emulator's exact counts decide. Without one the claim is about time, which needs a GPU: on
the emulator it stays open, with what the counters say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, known, named
from rocverify.checks.kinds.performance import Lengths, figure
from rocverify.checks.support.references import Reference
from rocverify.errors import DeviceUnavailableError, RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.checks.support.measuring import Measured

_TOLD = ("wave_instructions", "global_bytes", "launches")
_HINT = "make it cheaper, or correct the plan"


class FasterParams(CheckParams):
    """`contract` (`module:Class`) is at least `by` times faster than the contract `than`, both called on
    `dims` in `dtype` (default: the first of each). `metric`: what is counted in place of time
    (`global_bytes`, `wave_instructions`, ...; as of performance). `repeats` of a timed call."""

    contract: Reference
    than: Reference
    by: float = Field(gt=1)
    metric: str | None = Field(default=None, min_length=1)
    dtype: str | None = None
    dims: dict[str, Lengths] = Field(default_factory=dict)
    repeats: int = Field(default=30, ge=5)


class FasterEvidence(Evidence):
    """The counts of both, and their times on a GPU."""

    contract: str | None = None
    than: str | None = None
    measured: dict[str, Any] = Field(default_factory=dict)
    compared: dict[str, Any] = Field(default_factory=dict)
    time: dict[str, Any] = Field(default_factory=dict)
    time_compared: dict[str, Any] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """What was counted of both calls, as lines of a Markdown list."""
        for name, counts in ((self.contract, self.measured), (self.than, self.compared)):
            told = ", ".join(f"{known(k)} {known(counts[k])}" for k in _TOLD if k in counts)
            if told:
                yield f"- {named(name)}: {told}"
        for name, times in ((self.contract, self.time), (self.than, self.time_compared)):
            if times:
                yield f"- {named(name)}: median {known(times.get('median_us'))} µs"


def run(params: FasterParams, ctx: CheckContext) -> Outcome:
    """Raises UsageError for a metric that there is not, DeviceUnavailableError for time without a GPU,
    SubjectError where nothing is launched."""
    if params.contract == params.than:
        raise RocverifyError(f"{params.contract} is compared with itself", hint="correct contract or than")
    from rocverify.checks.support.measuring import measure

    pair = (params.contract, params.than)
    ours, theirs = (measure(ctx, one, params.dtype, params.dims) for one in pair)
    evidence = FasterEvidence(
        contract=params.contract, than=params.than, measured=ours.to_json(), compared=theirs.to_json()
    )
    both = zip(pair, (ours, theirs), strict=True)
    wrong = [f"{name} is wrong ({one.case}): {text}" for name, one in both for text in one.problems]
    if wrong:
        return _failed(params, wrong, evidence)
    if ours.case.dims != theirs.case.dims or ours.case.dtype != theirs.case.dtype:
        raise RocverifyError(
            f"{params.contract} is measured on {ours.case}, {params.than} on {theirs.case}",
            hint="give dims (and dtype) that both contracts have",
        )
    if params.metric is not None:
        return _counted(params, params.metric, ours, theirs, evidence)
    return _timed(params, ctx, ours, theirs, evidence)


def _counted(
    params: FasterParams, metric: str, ours: Measured, theirs: Measured, evidence: FasterEvidence
) -> Outcome:
    one, other = ours.value(metric), theirs.value(metric)
    text = f"{metric}: {figure(one)} of {params.contract}, {figure(other)} of {params.than} ({ours.case})"
    if one * params.by > other:
        return _failed(params, [f"{text}: not {params.by:g} times fewer"], evidence)
    return Outcome.passed(f"{text}: at least {params.by:g} times fewer", seen=evidence)


def _timed(
    params: FasterParams, ctx: CheckContext, ours: Measured, theirs: Measured, evidence: FasterEvidence
) -> Outcome:
    from rocverify.checks.support.measuring import time_on_device

    if ctx.device.kind == "emulator":
        told = ", ".join(
            f"{name} {figure(ours.value(name))} to {figure(theirs.value(name))}" for name in _TOLD
        )
        raise DeviceUnavailableError(
            f"whether {params.contract} is {params.by:g} times faster than {params.than} takes device time, "
            f"and this run has the emulator; its counters say: {told}",
            hint="run with --device amd, or give metric, if counts are meant",
        )
    one, other = (
        time_on_device(ctx, name, params.dtype, params.dims, params.repeats)
        for name in (params.contract, params.than)
    )
    evidence.time, evidence.time_compared = one.to_json(), other.to_json()
    text = (
        f"median {one.median_us:.4g} µs of {params.contract}, {other.median_us:.4g} µs of {params.than} "
        f"on {ctx.device.name} ({ours.case})"
    )
    if one.median_us * params.by > other.median_us:
        return _failed(params, [f"{text}: not {params.by:g} times faster"], evidence)
    return Outcome.passed(f"{text}: at least {params.by:g} times faster", seen=evidence)


def _failed(params: FasterParams, texts: list[str], evidence: FasterEvidence) -> Outcome:
    findings = tuple(Finding(text, entity=params.contract) for text in texts)
    return Outcome.failed(texts[0], hint=_HINT, findings=findings, seen=evidence)


CHECK = CheckKind("faster", FasterParams, run, needs_device=True, evidence=FasterEvidence)
