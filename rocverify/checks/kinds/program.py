"""program: an executable or a test on the emulated (or a real) GPU, under rocverify's HIP library.

What it launched, what was found, what it moved and what it held decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, known, named
from rocverify.checks.kinds.command import Line
from rocverify.checks.support.stale import refuse_stale
from rocverify.commands.allowed import require_allowed
from rocverify.commands.lacking import refuse_unclear
from rocverify.commands.on_device import Seen, run_on_device
from rocverify.commands.sandbox import Request
from rocverify.commands.trace import Totals, allocated_between, launches, totals
from rocverify.device.trace.events import TraceEvent
from rocverify.errors import RocverifyError
from rocverify.kernel_names import same_kernel
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

Limit = Annotated[int, Field(ge=0)]
Direction = Literal["to_device", "to_host", "on_device"]
_SHOWN = 4_000
_LISTED = 20


class ProgramParams(CheckParams):
    """`run`: shell lines that build and start the program, in `folder` below the root; `exit_code` of the
    last.
    `kernels` must be launched, `no_others`: and no others; `not_launched` must not be. `sanitize`: under the
    sanitizer, whose findings fail. `max_copies` by direction, `max_allocations`, `max_peak_bytes` of device
    memory; `reuses_for`: between the first and the last launch of this kernel nothing is allocated.
    `timeout_s` of each line."""

    run: tuple[Line, ...] = Field(min_length=1)
    folder: str = "."
    exit_code: int = 0
    kernels: tuple[str, ...] = ()
    no_others: bool = False
    not_launched: tuple[str, ...] = ()
    sanitize: bool = True
    max_copies: dict[Direction, Limit] = Field(default_factory=dict)
    max_allocations: Limit | None = None
    max_peak_bytes: Limit | None = None
    reuses_for: str | None = None
    timeout_s: float = Field(default=600.0, gt=0)


class ProgramEvidence(Evidence):
    """What the program did on the device: launches by kernel, copies by direction, memory in bytes."""

    run: list[str] = Field(default_factory=list)
    exit_code: int | None = None
    apart: str | None = None
    launched: dict[str, int] = Field(default_factory=dict)
    copies: dict[str, int] = Field(default_factory=dict)
    copied_bytes: dict[str, int] = Field(default_factory=dict)
    allocations: int | None = None
    peak_bytes: int | None = None
    found: int | None = None
    output: str | None = None

    def lines(self) -> Iterator[str]:
        """How the program ended, and what it launched, copied and allocated, as lines of a Markdown list."""
        if self.run:
            how = f" ({known(self.apart)})" if self.apart else ""
            yield f"- {'; '.join(map(named, self.run))} ended with {known(self.exit_code)}{how}"
        if self.launched:
            told = ", ".join(f"{named(name)} {count}" for name, count in self.launched.items())
            yield f"- launched: {told}"
        for way, count in self.copies.items():
            yield f"- {count} copies {known(way.replace('_', ' '))}, {self.copied_bytes.get(way, 0)} bytes"
        if self.allocations is not None:
            yield f"- {self.allocations} allocations, {known(self.peak_bytes)} bytes at the peak"


def run(params: ProgramParams, ctx: CheckContext) -> Outcome:
    """Raises CommandRefusedError where commands are not allowed, RocverifyError for what decides nothing: a
    program that launched nothing, a launch that could not be executed."""
    seen = observed(ctx, params.run, params.folder, params.timeout_s, sanitize=params.sanitize)
    sums = totals(seen.events)
    evidence = ProgramEvidence(
        run=list(params.run),
        exit_code=seen.run.code,
        apart=seen.run.apart,
        launched=dict(seen.launched),
        copies=dict(sums.copies),
        copied_bytes=dict(sums.bytes),
        allocations=sums.allocations,
        peak_bytes=sums.peak_bytes,
    )
    refuse_unclear(seen.run, params.exit_code, ctx.root)
    findings = list(_findings(params, seen, sums))
    if findings:
        evidence.found, evidence.output = len(findings), seen.run.output[-_SHOWN:]
        return Outcome.failed(
            findings[0].message,
            hint=f"run `rocverify exec --sanitize --trace t.json {seen.run.line}`",
            findings=tuple(findings[:_LISTED]),
            seen=evidence,
        )
    _refuse_unseen(params, seen)
    launched = ", ".join(f"{name} x{count}" for name, count in seen.launched.items())
    found = "; nothing found by the sanitizer" if params.sanitize else ""
    return Outcome.passed(
        f"`{seen.run.line}` ended with {params.exit_code}; launched {launched}{found}; "
        f"{sums.allocations} allocations, {sums.peak_bytes} bytes at the peak",
        seen=evidence,
    )


def observed(
    ctx: CheckContext,
    lines: Sequence[str],
    folder: str,
    timeout_s: float,
    *,
    sanitize: bool = False,
    without: Sequence[str] = (),
    taken: Sequence[str] = (),
) -> Seen:
    """A program's run on a device of its own, once in a run of rocverify. Raises as `run`."""
    require_allowed(ctx.settings, lines)
    key = ("program", tuple(lines), folder, sanitize, tuple(without), tuple(taken))
    if key not in ctx.memo:
        request = Request(tuple(lines), folder, {}, timeout_s)
        instrument = "sanitize" if sanitize else None
        ctx.memo[key] = run_on_device(request, ctx, instrument=instrument, without=without, taken=taken)
    seen: Seen = ctx.memo[key]
    refuse_stale(seen.run, lines, folder, ctx)
    return replace(seen)


def _findings(params: ProgramParams, seen: Seen, sums: Totals) -> Iterator[Finding]:
    if seen.run.code != params.exit_code:
        yield Finding(f"`{seen.run.line}` ended with exit status {seen.run.code}, not {params.exit_code}", "")
    yield from (Finding(str(one), getattr(one, "source", None) or "") for one in seen.findings)
    listed = ", ".join(seen.launched) or "no kernel at all"
    for symbol in params.kernels:
        if not any(same_kernel(name, symbol) for name in seen.launched):
            yield Finding(f"{symbol} was not launched: it launched {listed}", "", symbol)
    for symbol in params.not_launched:
        if any(same_kernel(name, symbol) for name in seen.launched):
            yield Finding(f"{symbol} was launched", "", symbol)
    if params.no_others:
        for symbol in seen.launched:
            if not any(same_kernel(symbol, wanted) for wanted in params.kernels):
                yield Finding(f"{symbol} was launched as well", "", symbol)
    for direction, limit in params.max_copies.items():
        if (count := sums.copies.get(direction, 0)) > limit:
            yield Finding(f"{count} copies {direction.replace('_', ' ')}, at most {limit} may be", "")
    yield from _memory(params, seen, sums)


def _memory(params: ProgramParams, seen: Seen, sums: Totals) -> Iterator[Finding]:
    if params.max_allocations is not None and sums.allocations > params.max_allocations:
        yield Finding(f"{sums.allocations} allocations, at most {params.max_allocations} may be", "")
    if params.max_peak_bytes is not None and sums.peak_bytes > params.max_peak_bytes:
        yield Finding(f"{sums.peak_bytes} bytes at the peak, at most {params.max_peak_bytes} may be", "")
    if params.reuses_for is not None:
        count, made = allocated_between(seen.events, params.reuses_for)
        for event in made:
            where = event.call_site or ""
            yield Finding(
                f"between {count} launches of {params.reuses_for} it allocates{_sized(event)}", where
            )


def _sized(event: TraceEvent) -> str:
    return "" if event.bytes is None else f" {event.bytes} bytes"


def _refuse_unseen(params: ProgramParams, seen: Seen) -> None:
    """RocverifyError where nothing is wrong, and something that was asked was not seen."""
    if seen.undecided:
        raise RocverifyError(f"a launch could not be executed: {seen.undecided}")
    if not seen.launched:
        raise RocverifyError(
            f"`{seen.run.line}` launched no kernel, so that it shows nothing of the device",
            hint="name a program or a test that launches some; build it for the run's target",
        )
    if params.reuses_for is not None and (count := len(launches(seen.events, params.reuses_for))) < 2:
        raise RocverifyError(
            f"`{seen.run.line}` launched {params.reuses_for} {count} times: reuse shows from the second on"
        )


CHECK = CheckKind("program", ProgramParams, run, needs_device=True, evidence=ProgramEvidence)
