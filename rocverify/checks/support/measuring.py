"""What one call of a contract costs: exact counts on the emulator, device time on a GPU."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify.checks.support.trial import Lengths, Trials, planned, shaped
from rocverify.device.trace.events import Category, TraceEvent
from rocverify.errors import SubjectError, UsageError
from rocverify.oracle.case import Case, select_dtypes
from rocverify.oracle.drive import execute

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.subject.launch_session import LaunchSession

_HOST_METRICS = ("launches", "allocated_bytes", "footprint_bytes")
_WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """The counts of one call. `counts` are the emulator's, by name (`global_bytes`, `instructions.wmma`),
    empty where no kernel was executed; `launches` counts launches, `allocated_bytes` is the most device
    memory that the call itself held at a time, `footprint_bytes` adds the arrays handed to it."""

    case: Case
    kernels: tuple[str, ...]
    counts: Mapping[str, float]
    launches: int
    allocated_bytes: int
    footprint_bytes: int
    problems: tuple[str, ...] = ()
    lines: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By `path:line` of the project's own sources: instructions of waves, and bytes of global memory."""

    def value(self, metric: str) -> float:
        """A metric by name. UsageError for one that there is not: nothing may pass for want of a number."""
        if metric in _HOST_METRICS:
            return float(getattr(self, metric))
        if metric not in self.counts:
            known = ", ".join([*_HOST_METRICS, *self.counts]) if self.counts else ", ".join(_HOST_METRICS)
            raise UsageError(f"there is no metric {metric!r}", where="performance", hint=f"there is {known}")
        return float(self.counts[metric])

    def to_json(self) -> dict[str, Any]:
        """Case, kernels and counts as JSON data."""
        host = {name: getattr(self, name) for name in _HOST_METRICS}
        return {"case": self.case.to_json(), "kernels": list(self.kernels), **host, **self.counts}


def measure(
    ctx: CheckContext,
    contract: str,
    dtype: str | None,
    dims: Mapping[str, Lengths],
    *,
    execute_it: bool = True,
) -> Measured:
    """The counts of one call of a contract's wrapper on one shape; asked for again, the same ones.

    execute_it: False holds the launches back, for what only the host decides (allocations, launches).
    Raises ContractError where the shape is not admissible, SubjectError where nothing was launched.
    """
    frozen = tuple(sorted((name, str(value)) for name, value in dims.items()))
    key = ("measured", contract, dtype, frozen, execute_it)
    if key not in ctx.memo:
        instrument = "counters" if execute_it else None
        with ctx.launching(instrument) as session:
            trials = Trials(ctx, session, contract)
            element = select_dtypes(trials.spec, None if dtype is None else (dtype,))[0]
            case = shaped(trials.spec, element, ctx.seed, dims)
            ctx.memo[key] = _counted(trials, session, case) if execute_it else _planned(trials, case)
    found: Measured = ctx.memo[key]
    return found


def _counted(trials: Trials, session: LaunchSession, case: Case) -> Measured:
    session.device.take_counters()
    trial = trials.trial(case)
    counted = session.device.take_counters()
    if not counted:
        raise _nothing(trials, f"launched nothing that could be counted ({case})")
    total = sum(counters for _, counters in counted)
    every = session.device.counted_lines()
    lines = {place: counts for name, counts in every.items() if (place := _own_line(name, session.root))}
    host = _host_metrics(trials, case, trial.run.events)
    kernels = tuple(name for name, _ in counted)
    return Measured(case, kernels, _flat(total.to_json()), *host, trial.problems, lines)


def _own_line(name: str, root: Path) -> str | None:
    """`path:line` from the root, of a line of the project's own; None for others."""
    path, _, line = name.rpartition(":")
    base = Path(os.path.normpath(root / path))
    if not line.isdecimal() or not base.is_relative_to(root) or not base.is_file():
        return None
    return f"{base.relative_to(root).as_posix()}:{line}"


def _nothing(trials: Trials, message: str) -> SubjectError:
    """A benchmark that times nothing is a gap of the work, not of the machine."""
    wrapper = trials.spec.wrapper or trials.spec.where
    hint = f"let {wrapper} launch the kernel that is to be measured, in every call"
    return SubjectError(message, kind="NothingLaunched", where=trials.spec.where, hint=hint)


def _planned(trials: Trials, case: Case) -> Measured:
    run = planned(trials.spec, trials.session, case, trials.invoke)
    kernels = tuple(e.kernel or "" for e in run.events if e.category is Category.LAUNCH)
    if not kernels:
        raise _nothing(trials, f"launched nothing ({case})")
    return Measured(case, kernels, {}, *_host_metrics(trials, case, run.events))


def _flat(counters: Mapping[str, Any]) -> dict[str, float]:
    """`instructions.wmma`, `flops.total` and the like; what is derived stands beside what was counted."""
    found: dict[str, float] = {}
    for name, value in counters.items():
        if not isinstance(value, Mapping):
            found[name] = value
            continue
        prefix = "" if name == "derived" else f"{name}."
        found |= {f"{prefix}{inner}": n for inner, n in value.items() if n is not None}
    flops = counters.get("flops", {})
    found["flops.total"] = sum(flops[name] for name in ("f16", "bf16", "f32", "f64") if name in flops)
    return found


def _host_metrics(trials: Trials, case: Case, events: tuple[TraceEvent, ...]) -> tuple[int, int, int]:
    """Launches, allocated bytes and footprint of a call."""
    arrays = sum(_array_bytes(trials, name, case) for name in trials.spec.arrays)
    allocated = _most_allocated(events)
    launches = sum(e.category is Category.LAUNCH for e in events)
    return launches, allocated, arrays + allocated


def _array_bytes(trials: Trials, name: str, case: Case) -> int:
    array = trials.spec.arrays[name]
    count = 1
    for length in array.shape(case.dims):
        count *= length
    return count * array.dtype(case.dtype).bits // 8


def _most_allocated(events: tuple[TraceEvent, ...]) -> int:
    """The largest sum of live allocations that the call made."""
    live: dict[int, int] = {}
    most = 0
    for event in events:
        if event.category is Category.ALLOC and event.ok and event.dst is not None:
            live[event.dst] = event.bytes or 0
            most = max(most, sum(live.values()))
        elif event.category is Category.FREE and event.src is not None:
            live.pop(event.src, None)
    return most


@dataclass(frozen=True, slots=True)
class Timed:
    """Device time of one call over repeats, in microseconds, and the bytes of its arrays per second."""

    median_us: float
    low_us: float
    high_us: float
    gb_per_s: float
    repeats: int
    kernels: tuple[str, ...] = field(default=())
    times_us: tuple[float, ...] = ()

    @property
    def spread(self) -> float:
        """Between the 10th and the 90th percentile, as a part of the median."""
        return (self.high_us - self.low_us) / self.median_us if self.median_us else 0.0

    def to_json(self) -> dict[str, Any]:
        """The times as JSON data."""
        names = ("median_us", "low_us", "high_us", "gb_per_s", "repeats", "spread")
        figures = {name: getattr(self, name) for name in names}
        return {**figures, "kernels": list(self.kernels), "times_us": list(self.times_us)}


def time_on_device(
    ctx: CheckContext, contract: str, dtype: str | None, dims: Mapping[str, Lengths], repeats: int
) -> Timed:
    """Times the calls of a contract's wrapper between two events of the device of the run.

    Raises SubjectError where a timed call launches nothing: such a time would be nobody's.
    """
    with ctx.launching() as session:
        trials = Trials(ctx, session, contract)
        element = select_dtypes(trials.spec, None if dtype is None else (dtype,))[0]
        case = shaped(trials.spec, element, ctx.seed, dims)
        times: list[float] = []

        def timed(
            arrays: Mapping[str, Any],
            dims: Mapping[str, int],
            dtype: Any,
            *,
            visible: bool = False,
            on_stream: bool = False,
        ) -> Mapping[str, Any]:
            del visible, on_stream
            found = session.subject.timed(trials.spec, arrays, dims, dtype, _WARM_UP + repeats)
            times.extend(one * 1000 for one in found[_WARM_UP:])
            return {}

        run = execute(trials.spec, session, case, invoke=timed)
        launched = [e.kernel or "" for e in run.events if e.category is Category.LAUNCH and e.ok]
        if len(launched) < _WARM_UP + repeats:
            calls = _WARM_UP + repeats
            raise _nothing(trials, f"{len(launched)} launches in {calls} timed calls: nothing was timed")
        moved = sum(_array_bytes(trials, name, case) for name in trials.spec.arrays)
    return _timed(times, moved, tuple(dict.fromkeys(launched)))


def _timed(times: list[float], moved: int, kernels: tuple[str, ...]) -> Timed:
    ordered = sorted(times)
    median = statistics.median(ordered)
    low, high = (ordered[round(part * (len(ordered) - 1))] for part in (0.1, 0.9))
    rate = moved / median / 1000 if median else 0.0
    return Timed(median, low, high, rate, len(ordered), kernels, tuple(times))
