"""performance: what a call costs, held against limits, another kernel, a baseline, and its own growth.

Counts (bytes, instructions, LDS conflicts, ...) are the emulator's, exact and the same on every machine;
`launches`, `allocated_bytes` and `footprint_bytes` come from the trace. The result of a measured call must be
right, and a call that launches nothing is not measured. Device time is taken with events, on a GPU only:
asked for without one, the check could not run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import log
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, known, named
from rocverify.checks.support.references import Reference
from rocverify.errors import DeviceUnavailableError, SourceError
from rocverify.records import Finding
from rocverify.store.digests import digest_bytes

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.checks.support.measuring import Measured

Lengths = int | str | tuple[int | str, ...]
FloatType = Literal["f16", "bf16", "f32", "f64"]
_MOST_LINES = 400
COSTS = ("global_bytes", "wave_instructions")
_SHOWN = ("global_bytes", "wave_instructions", "flops.total", "lds_conflict_ratio", "lane_utilisation")
# A figure of a baseline that lies this much above what is measured no longer guards it.
_STALE = 1.5


class Ratio(CheckParams):
    """`metric` of the contract, divided by that of the contract `of` (on `dims`, else on the same ones), is
    `at_most` this."""

    of: Reference
    metric: str = Field(min_length=1)
    at_most: float = Field(gt=0)
    dims: dict[str, int] | None = None


class Sweep(CheckParams):
    """`metric` over several shapes: `dims` has equally many lengths for each dimension that grows. From the
    first shape to the last it grows with at most this power of the first dimension: 1 is linear.
    `executed`: False for what the host alone decides (footprint_bytes), so that no kernel runs."""

    dims: dict[str, tuple[int, ...]] = Field(min_length=1)
    metric: str = Field(min_length=1)
    power_at_most: float = Field(ge=0)
    executed: bool = True

    @model_validator(mode="after")
    def _grows(self) -> Sweep:
        lengths = {len(values) for values in self.dims.values()}
        if len(lengths) != 1 or min(lengths) < 2:
            raise ValueError("dims needs two lengths or more, equally many for each dimension")
        first = next(iter(self.dims.values()))
        if list(first) != sorted(set(first)):
            raise ValueError("the first dimension must grow")
        return self


class Timing(CheckParams):
    """Device time of a call on a GPU: `repeats`, and limits on the median, on the spread (10th to 90th
    percentile, as a part of the median), and on the bytes of its arrays per second. `min_bandwidth_part` and
    `min_compute_part` are parts of what the same device reaches when it copies and when it multiplies and
    adds. `flops`: the operations of a call by type (f16, bf16, f32, f64); by default the emulator counts.
    `required`: False takes the time where the run has a GPU, and elsewhere says that it was not taken."""

    repeats: int = Field(default=30, ge=5)
    max_median_us: float | None = Field(default=None, gt=0)
    max_spread: float | None = Field(default=None, gt=0)
    min_gb_per_s: float | None = Field(default=None, gt=0)
    min_bandwidth_part: float | None = Field(default=None, gt=0, le=1)
    min_compute_part: float | None = Field(default=None, gt=0, le=1)
    flops: dict[FloatType, Annotated[float, Field(gt=0)]] | None = Field(default=None, min_length=1)
    required: bool = True


class PerformanceParams(CheckParams):
    """`contract` (`module:Class`) is called on `dims` in `dtype` (default: its first). `kernels`: the symbols
    that the call must launch, and no others. `max`, `min`: limits by metric. `ratio`, `sweep`, `time`: see
    Ratio, Sweep, Timing. `baseline`: a JSON file with earlier figures, none of which may have grown by more
    than `tolerance` (a part), or stand for so much more than is measured that growth would pass unseen."""

    contract: Reference
    dtype: str | None = None
    dims: dict[str, Lengths] = Field(default_factory=dict)
    kernels: tuple[str, ...] = ()
    max: dict[str, float] = Field(default_factory=dict)
    min: dict[str, float] = Field(default_factory=dict)
    ratio: tuple[Ratio, ...] = ()
    sweep: Sweep | None = None
    baseline: str | None = Field(default=None, min_length=1)
    tolerance: float = Field(default=0.02, ge=0)
    time: Timing | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_ratio(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("ratio"), dict):
            return {**data, "ratio": [data["ratio"]]}
        return data

    @model_validator(mode="after")
    def _something_is_asked(self) -> PerformanceParams:
        timed = self.time is not None and self.time.required
        if not (self.max or self.min or self.ratio or self.sweep or self.baseline or timed):
            raise ValueError("give max, min, ratio, sweep, baseline or a required time: nothing is decided")
        return self

    @property
    def counts(self) -> bool:
        """Whether the emulator's counts of the contract's own shape are needed."""
        return bool(self.max or self.min or self.ratio or self.baseline or self.kernels)


def figure(value: float) -> str:
    """A count in full, anything else to six digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"


class Swept(Record):
    """A metric at several lengths of a dimension, and the power of it with which it grows."""

    dimension: str
    metric: str
    points: list[tuple[int, float]] = Field(default_factory=list)
    power: float | None = None


class PerformanceEvidence(Evidence):
    """The counts of the call, of what it is compared with and of the baseline; a sweep; times on a GPU."""

    contract: str | None = None
    measured: dict[str, Any] = Field(default_factory=dict)
    compared: dict[str, dict[str, Any]] = Field(default_factory=dict)
    baseline: dict[str, float] = Field(default_factory=dict)
    counted_lines: dict[str, list[int]] = Field(default_factory=dict)
    counted_files: dict[str, str] = Field(default_factory=dict)
    sweep: Swept | None = None
    time: dict[str, Any] = Field(default_factory=dict)
    time_not_taken: str | None = None
    attained: dict[str, Any] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """What was counted and timed, as lines of a Markdown list."""
        for name, counts in ((self.contract, self.measured), *self.compared.items()):
            told = ", ".join(f"{known(k)} {known(counts[k])}" for k in _SHOWN if k in counts)
            if told:
                yield f"- {named(name)}: {told}"
        for metric, before in self.baseline.items():
            yield f"- baseline of {named(metric)}: {figure(before)}; now {known(self.measured.get(metric))}"
        if self.sweep is not None:
            points = ", ".join(f"{length:g}: {figure(value)}" for length, value in self.sweep.points)
            yield f"- {named(self.sweep.metric)} by {named(self.sweep.dimension)}: {points}"
        if self.time:
            yield f"- median {known(self.time.get('median_us'))} µs"
        if self.time_not_taken:
            yield f"- no device time: {known(self.time_not_taken)}"

    def line_counts(self) -> Mapping[str, tuple[int, int]]:
        """Of the measured call."""
        return {name: (counts[0], counts[1]) for name, counts in self.counted_lines.items()}

    def files_counted(self) -> Mapping[str, str]:
        """Of the measured call, headers too."""
        return self.counted_files

    def costs(self) -> Mapping[str, Mapping[str, float]]:
        """Bytes and instructions of the measured call, and its baseline."""
        now = {
            name: self.measured[name] for name in COSTS if isinstance(self.measured.get(name), int | float)
        }
        case = self.measured.get("case") or {}
        lengths = " ".join(f"{name}={value}" for name, value in (case.get("dims") or {}).items())
        key = f"{self.contract} {case.get('dtype', '')} {lengths}".strip()
        before = {name: value for name, value in self.baseline.items() if name in COSTS}
        return {key: now, f"{key} baseline": before} if now else {}


def run(params: PerformanceParams, ctx: CheckContext) -> Outcome:
    """Raises UsageError for a metric that there is not, SourceError for an absent baseline,
    DeviceUnavailableError for device time without a GPU, SubjectError where nothing is launched."""
    from rocverify.checks.support.measuring import measure

    evidence = PerformanceEvidence(contract=params.contract)
    findings: list[Finding] = []
    said: list[str] = []
    if params.counts:
        measured = measure(ctx, params.contract, params.dtype, params.dims)
        evidence.measured = measured.to_json()
        most = sorted(measured.lines.items(), key=lambda one: -one[1][0])[:_MOST_LINES]
        evidence.counted_lines = {name: list(counts) for name, counts in sorted(most)}
        files = sorted({name.rpartition(":")[0] for name, _ in most})
        evidence.counted_files = {name: digest_bytes((ctx.root / name).read_bytes()) for name in files}
        texts = [*_own(params, ctx, measured, said, evidence)]
        texts += _ratios(params, ctx, measured, said, evidence)
        findings += [Finding(text, entity=params.contract) for text in texts]
    if params.sweep is not None:
        findings += _swept(params, ctx, params.sweep, said, evidence)
    if params.time is not None:
        findings += _timed(params, ctx, params.time, said, evidence)
    if findings:
        return Outcome.failed(
            findings[0].message,
            hint="move fewer bytes (tiles in LDS, wider loads), use fewer instructions, pad LDS rows; or "
            "correct the plan's limits or the baseline, if the change is meant (figures of another target "
            "stand in a baseline under the measurement with ` on TARGET` behind it)",
            findings=tuple(findings),
            seen=evidence,
        )
    return Outcome.passed(f"{params.contract}: {'; '.join(said)}", seen=evidence)


def _own(
    params: PerformanceParams,
    ctx: CheckContext,
    measured: Measured,
    said: list[str],
    evidence: PerformanceEvidence,
) -> Iterator[str]:
    """The call's own figures: right result, right kernels, within limits and baseline."""
    yield from (f"the measured call is wrong ({measured.case}): {text}" for text in measured.problems)
    launched = set(measured.kernels)
    if params.kernels and launched != set(params.kernels):
        wanted = ", ".join(params.kernels)
        yield f"the call launched {', '.join(sorted(launched))}, {wanted} was to be measured"
    for limits, word, sign in ((params.max, "at most", 1), (params.min, "at least", -1)):
        for metric, limit in limits.items():
            value = measured.value(metric)
            if sign * value > sign * limit:
                yield f"{metric} is {figure(value)}, {word} {figure(limit)} is allowed ({measured.case})"
            said.append(f"{metric} {figure(value)} ({word} {figure(limit)})")
    if params.baseline is not None:
        before = _baseline(params, ctx, params.baseline, measured)
        evidence.baseline = {metric: float(value) for metric, value in before.items()}
        yield from _grown(params, params.baseline, before, measured, said)


def _ratios(
    params: PerformanceParams,
    ctx: CheckContext,
    measured: Measured,
    said: list[str],
    evidence: PerformanceEvidence,
) -> Iterator[str]:
    from rocverify.checks.support.measuring import measure

    for ratio in params.ratio:
        dims: Mapping[str, Lengths] = ratio.dims if ratio.dims is not None else params.dims
        other = measure(ctx, ratio.of, params.dtype, dims)
        evidence.compared = {**evidence.compared, ratio.of: other.to_json()}
        yield from (f"{ratio.of} is wrong ({other.case}): {text}" for text in other.problems)
        ours, theirs = measured.value(ratio.metric), other.value(ratio.metric)
        if theirs == 0:
            yield f"{ratio.of} has no {ratio.metric} at all: nothing to compare with"
            continue
        share = f"{ours / theirs:.4g} of that of {ratio.of} ({figure(ours)} of {figure(theirs)})"
        text = f"{ratio.metric} is {share}"
        if ours / theirs > ratio.at_most:
            yield f"{text}, at most {ratio.at_most:g} is allowed"
        said.append(f"{text}, at most {ratio.at_most:g}")


def _baseline(
    params: PerformanceParams, ctx: CheckContext, path: str, measured: Measured
) -> dict[str, float]:
    """The baseline of this measurement, by metric; SourceError where there is none. What stands under the
    measurement and a target (`KEY on gfx1030`) is that target's alone."""
    located = ctx.code.locate(path)
    lengths = " ".join(f"{name}={length}" for name, length in measured.case.dims.items())
    key = f"{params.contract} {measured.case.dtype} {lengths}"
    try:
        entries = json.loads((ctx.root / located).read_text(encoding="utf-8"))
        of_target = f"{key} on {ctx.target}"
        entry = dict(entries[of_target if of_target in entries else key])
    except (ValueError, TypeError, KeyError) as error:
        shown = json.dumps({key: {name: measured.counts.get(name) for name in _SHOWN}})
        raise SourceError(
            f"holds no figures for {key}", where=path, hint=f"add what is measured now: {shown}"
        ) from error
    if not entry:
        raise SourceError(f"holds no figure for {key}", where=path)
    return entry


def _grown(
    params: PerformanceParams, path: str, entry: Mapping[str, float], measured: Measured, said: list[str]
) -> Iterator[str]:
    """What has grown since the baseline was written."""
    for metric, before in entry.items():
        value = measured.value(metric)
        if float(before) > value * _STALE:
            yield (
                f"the baseline of {metric}, {figure(before)}, lies far above what is measured, "
                f"{figure(value)}: it would not notice growth; write {figure(value)} into {path}"
            )
        if value > float(before) * (1 + params.tolerance):
            grown = f"{value / before - 1:.1%}" if before else "from nothing"
            figures = f"{figure(value)} instead of {figure(before)}"
            yield f"{metric} has grown by {grown} since the baseline: {figures}"
    said.append(f"{len(entry)} figures no larger than in {path}")


def _swept(
    params: PerformanceParams, ctx: CheckContext, sweep: Sweep, said: list[str], evidence: PerformanceEvidence
) -> Iterator[Finding]:
    from rocverify.checks.support.measuring import measure

    leading = next(iter(sweep.dims))
    points: list[tuple[int, float]] = []
    for number, length in enumerate(sweep.dims[leading]):
        dims = {**params.dims, **{name: values[number] for name, values in sweep.dims.items()}}
        measured = measure(ctx, params.contract, params.dtype, dims, execute_it=sweep.executed)
        yield from (
            Finding(f"wrong at {measured.case}: {p}", entity=params.contract) for p in measured.problems
        )
        points.append((length, measured.value(sweep.metric)))
    swept = Swept(dimension=leading, metric=sweep.metric, points=points)
    evidence.sweep = swept
    (first, least), (last, most) = points[0], points[-1]
    if least <= 0:
        yield Finding(
            f"{sweep.metric} is {least:g} at {leading}={first}: it cannot grow", entity=params.contract
        )
        return
    power = log(most / least) / log(last / first)
    swept.power = round(power, 4)
    span = f"{figure(least)} at {first}, {figure(most)} at {last}"
    text = f"{sweep.metric} grows with power {power:.3f} of {leading} ({span})"
    if power > sweep.power_at_most:
        yield Finding(f"{text}, at most {sweep.power_at_most:g} is allowed", entity=params.contract)
    said.append(text)


def _timed(
    params: PerformanceParams,
    ctx: CheckContext,
    timing: Timing,
    said: list[str],
    evidence: PerformanceEvidence,
) -> Iterator[Finding]:
    from rocverify.checks.support.attained import attained
    from rocverify.checks.support.measuring import time_on_device

    if ctx.device.kind == "emulator":
        if not timing.required:
            evidence.time_not_taken = "the run has the emulator, whose time says nothing of a GPU's"
            said.append("no device time: the run has the emulator")
            return
        raise DeviceUnavailableError(
            "device time needs a GPU, and this run has the emulator",
            hint="leave `time` out, set `required: false` in it, or run with --device amd",
        )
    timed = time_on_device(ctx, params.contract, params.dtype, params.dims, timing.repeats)
    evidence.time = timed.to_json()
    for word, value, limit in (
        ("at most", timed.median_us, timing.max_median_us),
        ("at most", timed.spread, timing.max_spread),
        ("at least", timed.gb_per_s, timing.min_gb_per_s),
    ):
        if limit is not None and (value > limit if word == "at most" else value < limit):
            yield Finding(f"device time: {value:.4g}, {word} {limit:g} is allowed", entity=params.contract)
    declared = {str(name): count for name, count in (timing.flops or {}).items()}
    reached = attained(ctx, params.contract, params.dtype, params.dims, timed, declared)
    evidence.attained = reached.to_json()
    for text in reached.beyond(timing.min_bandwidth_part, timing.min_compute_part):
        yield Finding(text, entity=params.contract)
    said.append(f"median {timed.median_us:.4g} µs on {ctx.device.name}, {reached}")


CHECK = CheckKind("performance", PerformanceParams, run, needs_device=True, evidence=PerformanceEvidence)
