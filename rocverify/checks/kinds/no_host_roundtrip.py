"""no_host_roundtrip: from an entry point to its launches, no data comes back to the host.

Statically, over everything that the entry's live code can call: no device-to-host copy, a launch that
is reached, no way around it that computes on the host. Dynamically, over the trace of calls driven by
the contract, one for every element type: the expected kernel is launched on the data, nothing is
copied back, only named inputs are uploaded; and when launches are skipped, the result must not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, known, named
from rocverify.checks.kinds.command import Line
from rocverify.checks.support.references import Entry, Reference
from rocverify.checks.support.roundtrip_sources import copies_in_sources
from rocverify.code.call_sites import CAUTIOUS, describe_path
from rocverify.code.contracts import declared_contracts
from rocverify.code.device_reads import DeviceReadFinder
from rocverify.code.directions import Direction
from rocverify.code.fallbacks import FallbackFinder
from rocverify.code.languages import is_c_family, is_rust
from rocverify.code.launches import LaunchFinder
from rocverify.code.places import Place
from rocverify.code.transfers import Transfer, TransferFinder
from rocverify.errors import ContractError, RocverifyError, SubjectError
from rocverify.figures import Step, Timeline
from rocverify.markdown import prose
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.checks.support.roundtrip_trace import RoundtripProbe

_HINT = (
    "let the kernel do the work and leave the data on the device: no copy to the host, nothing computed "
    "there in the kernel's place, no way around the launch"
)


class NoHostRoundtripParams(CheckParams):
    """`entry` is `module:function`, or `path:function` of a Rust or C++ source; `contract` drives it, looked
    up in the project's contracts when not named; `allow_uploads` names the host-made inputs that the entry
    may upload; `forbid` adds names to the settings' device-to-host vocabulary. `program`: shell lines that
    run a Rust or C++ entry, whose trace then decides. `forbid_fallback`: nothing that a Rust or C++ entry can
    reach may compute on the host without a launch (in Python that is always so), not even by choice."""

    entry: Entry
    contract: Reference | None = None
    program: tuple[Line, ...] = ()
    allow_uploads: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    forbid_fallback: bool = False


class Copy(Record):
    """A copy in the sources: the call, where it goes, the function and place that make it, the path there."""

    call: str | None = None
    direction: str | None = None
    function: str | None = None
    call_site: str | None = None
    path: str | None = None


class Event(Record):
    """A launch, or a `transfer` (h2d, d2h, d2d) of so many bytes, in a traced call."""

    launch: str | None = None
    result: str | None = None
    transfer: str | None = None
    function: str | None = None
    bytes: int | None = None
    what: str | None = None
    host_function: str | None = None
    call_site: str | None = None
    callers: list[str] = Field(default_factory=list)

    @property
    def words(self) -> str:
        """As Markdown."""
        place = f" at {named(self.call_site)}" if self.call_site else ""
        if self.launch is not None:
            return f"launch of {named(self.launch)}{place}"
        what = f" of {known(self.what)}" if self.what else ""
        return f"{known(self.transfer)}{what}, {known(self.bytes)} bytes{place}"

    @property
    def step(self) -> Step:
        """For the timeline."""
        if self.launch is not None:
            return Step("launch", self.launch)
        size = "" if self.bytes is None else f"{self.bytes} B"
        name = " ".join(filter(None, (self.what, size))) or self.function or "a copy"
        way = self.transfer
        return Step(way if way in ("h2d", "d2h", "d2d") else "other", name)  # type: ignore[arg-type]


class Trace(Record):
    """What one call did, in its order."""

    dtype: str | None = None
    case: dict[str, Any] | None = None
    events: list[Event] = Field(default_factory=list)


class NoHostRoundtripEvidence(Evidence):
    """What the sources show of the entry (its path to a launch, its copies, ways around the launch) and what
    traced calls did. A Rust or C++ entry has the `program` that ran it."""

    entry: str | None = None
    defined: str | None = None
    functions_examined: int | None = None
    launch_path: str | None = None
    transfers_in_code: list[Copy] = Field(default_factory=list)
    device: dict[str, Any] | None = None
    traces: list[Trace] = Field(default_factory=list)
    status_reads: list[str] = Field(default_factory=list)
    transfer_path: list[str] = Field(default_factory=list)
    fallbacks: list[str] = Field(default_factory=list)
    program: list[str] = Field(default_factory=list)
    launched: dict[str, int] = Field(default_factory=dict)
    calls_of_entry: int | None = None

    def lines(self) -> Iterator[str]:
        """The functions examined, and the copies and launches of the traces, as lines of a Markdown list."""
        if self.defined:
            yield f"- {named(self.entry)} is defined at {named(self.defined)}"
        if self.functions_examined is not None:
            yield f"- functions examined on the way: {self.functions_examined}"
        if self.launch_path:
            yield f"- path to the launch: {prose(self.launch_path)}"
        for copy in self.transfers_in_code:
            yield f"- in the code: {named(copy.call)} ({known(copy.direction)}) at {named(copy.call_site)}"
        told: dict[str, list[str]] = {}
        for trace in self.traces:
            steps = "; ".join(event.words for event in trace.events) or "no launch and no transfer"
            told.setdefault(steps, []).append(known(trace.dtype))
        for steps, types in told.items():
            yield f"- traced for {', '.join(dict.fromkeys(types))}: {steps}"
        for site in self.transfer_path:
            yield f"- path to the copy: {prose(site)}"
        for place in self.fallbacks:
            yield f"- the host computes in the kernel's place at {named(place)}"
        if self.program:
            ran = ", ".join(f"{named(name)} {times}" for name, times in self.launched.items())
            yield f"- {'; '.join(map(named, self.program))} launched {ran or 'nothing'}"
        for place in self.status_reads:
            yield f"- a status of some bytes comes back at {named(place)}"

    def figures(self) -> Iterator[Timeline]:
        """A timeline of the first traced call of each element type."""
        seen: set[str] = set()
        for trace in self.traces:
            name = trace.dtype or "a call"
            if trace.events and name not in seen:
                seen.add(name)
                yield Timeline(name, tuple(event.step for event in trace.events))


def run(params: NoHostRoundtripParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for an entry that is absent, CompileError and SubjectError for what goes wrong
    on the way to the launch, DeviceFaultError, ContractError for no contract."""
    path = params.entry.partition(":")[0]
    if is_rust(path) or is_c_family(path):
        seen = NoHostRoundtripEvidence(entry=params.entry)
        fallback = params.forbid_fallback
        return copies_in_sources(ctx, params.forbid, params.program, seen, forbid_fallback=fallback)
    entry = ctx.code.resolve(params.entry)
    evidence = NoHostRoundtripEvidence(entry=params.entry, defined=entry.location)
    findings, suspects = static_findings(params, ctx, entry, evidence)
    if evidence.launch_path is None and not suspects:
        _refuse_unseen(params, ctx, entry, evidence)
    if not findings:
        traced, probe = _traced(params, ctx, evidence)
        findings = [*_convicted(suspects, entry, probe), *traced]
        evidence.status_reads = sorted(s.site.location for s in suspects) if not findings else []
    else:
        findings += [_forbidden(transfer, entry) for transfer in suspects]
    if findings:
        return Outcome.failed(findings[0].message, evidence, hint=_HINT, findings=tuple(findings))
    return Outcome.passed(_summary(entry, evidence), evidence)


def _refuse_unseen(
    params: NoHostRoundtripParams, ctx: CheckContext, entry: Place, evidence: NoHostRoundtripEvidence
) -> None:
    """RocverifyError where the device sees a launch that the sources do not show: then they cannot show what
    the entry does beside it. Returns where it sees none."""
    try:
        traced, _ = _traced(params, ctx, evidence)
    except (SubjectError, ContractError):
        return
    if not traced:
        raise RocverifyError(
            f"{entry.qualname} launches, but no way to the launch can be followed in the sources",
            where=entry.location,
            hint="launch by a plain call of a function in transfers.launches, or add its name there",
        )


def static_findings(
    params: NoHostRoundtripParams, ctx: CheckContext, entry: Place, evidence: NoHostRoundtripEvidence
) -> tuple[list[Finding], list[Transfer]]:
    """What the sources alone show, and the copies to the host whose size only a trace tells. An entry that
    reaches no launch fails: nothing would be proved."""
    launches = LaunchFinder(ctx.code, ctx.settings.transfers.launches)
    path = launches.path(entry)
    evidence.functions_examined = len(ctx.code.graph.paths(entry, kinds=CAUTIOUS))
    if path is None:
        message = f"{entry.qualname} reaches no kernel launch in live code: there is no GPU path to examine"
        transfers = _transfers(params, ctx, entry, evidence)
        return [Finding(message, entry.location, entity=entry.qualname)], transfers
    evidence.launch_path = describe_path(path)
    transfers = _transfers(params, ctx, entry, evidence)
    suspects = [t for t in transfers if t.word.startswith("hip") and t.word not in params.forbid]
    found = [_forbidden(t, entry) for t in transfers if t not in suspects]
    return [*found, *_device_reads(params, ctx, entry), *_fallbacks(ctx, entry, launches)], suspects


def _transfers(
    params: NoHostRoundtripParams, ctx: CheckContext, entry: Place, evidence: NoHostRoundtripEvidence
) -> list[Transfer]:
    """The copies to the host, or in a direction that cannot be seen, that the entry's live code reaches."""
    finder = TransferFinder(ctx.code, ctx.settings.transfers, params.forbid)
    found = list(finder.transfers(entry))
    evidence.transfers_in_code = [_described(transfer) for transfer in found]
    return [transfer for transfer in found if transfer.direction in (Direction.TO_HOST, Direction.OPEN)]


def _convicted(suspects: list[Transfer], entry: Place, probe: RoundtripProbe) -> Iterator[Finding]:
    """The copies that the trace does not acquit: it saw them, and saw no more than a status come back, or
    another direction than to the host."""
    for transfer in suspects:
        place = transfer.site.location
        if place in probe.downloads or place not in probe.copies:
            yield _forbidden(transfer, entry)


def _described(transfer: Transfer) -> Copy:
    return Copy(
        call=transfer.word,
        direction=str(transfer.direction),
        function=transfer.site.caller.qualname,
        call_site=transfer.site.location,
        path=describe_path(transfer.path),
    )


def _forbidden(transfer: Transfer, entry: Place) -> Finding:
    site = transfer.site
    moves = (
        "copies from the device to the host"
        if transfer.direction is Direction.TO_HOST
        else "copies in a direction that cannot be seen, and so perhaps to the host"
    )
    message = (
        f"{site.caller.qualname} {moves}: {transfer.word} at {site.location}, "
        f"on the path {describe_path(transfer.path)}"
    )
    return Finding(message, site.location, entity=entry.qualname)


def _device_reads(params: NoHostRoundtripParams, ctx: CheckContext, entry: Place) -> Iterator[Finding]:
    contracts = declared_contracts(ctx.code, ctx.settings.contract_globs)
    arrays = frozenset[str]().union(*(c.device_arrays for c in contracts if c.wrapper == params.entry))
    for read in DeviceReadFinder(ctx.code.graph).reads(entry, arrays):
        site = read.site
        message = (
            f"{site.caller.qualname} reads device memory on the host: {site.short} of {read.name} "
            f"at {site.location}, on the path {describe_path(read.path)}"
        )
        yield Finding(message, site.location, entity=read.name)


def _fallbacks(ctx: CheckContext, entry: Place, launches: LaunchFinder) -> Iterator[Finding]:
    for fallback in FallbackFinder(ctx.code.graph, launches).fallbacks(entry):
        way = f", reached by {describe_path(fallback.path)}" if fallback.path else ""
        message = (
            f"{fallback.function.qualname} {fallback.kind} at {fallback.location} ({fallback.detail}){way}"
        )
        yield Finding(message, fallback.location, entity=fallback.function.qualname)


def _traced(
    params: NoHostRoundtripParams, ctx: CheckContext, evidence: NoHostRoundtripEvidence
) -> tuple[list[Finding], RoundtripProbe]:
    from rocverify.checks.support.roundtrip_trace import (
        RoundtripProbe,  # needs the toolchain and device rooms
    )

    with ctx.launching() as session:
        probe = RoundtripProbe(ctx, session, params.allow_uploads)
        findings = probe.run(params.entry, params.contract)
    evidence.device = ctx.device.info.to_json()
    evidence.traces = [Trace.model_validate(trace) for trace in probe.traces]
    return findings, probe


def _summary(entry: Place, evidence: NoHostRoundtripEvidence) -> str:
    traces = evidence.traces
    events = [event for trace in traces for event in trace.events]
    launches = sum(event.launch is not None for event in events)
    uploads = {str(event.what) for event in events if event.transfer == "h2d"}
    sent = f", uploads {', '.join(sorted(uploads))}" if uploads else ", uploads nothing"
    dtypes = ", ".join(dict.fromkeys(str(trace.dtype) for trace in traces))
    status = " but a status of some bytes" if evidence.status_reads else ""
    return (
        f"{entry.qualname}: nothing{status} comes back to the host in {len(traces)} traced calls ({dtypes}; "
        f"{launches} launches{sent}) nor in the {evidence.functions_examined} functions that it can reach"
    )


CHECK = CheckKind(
    "no_host_roundtrip", NoHostRoundtripParams, run, needs_device=True, evidence=NoHostRoundtripEvidence
)
