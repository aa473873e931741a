"""The rules that a trace of one call must obey for its data to have stayed on the device.

Events in, findings out; no device is needed to apply them. Every finding names the host function, its
line and the calls that led there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rocverify.checks.support.launch_arguments import Block, Expectation
from rocverify.device.trace.events import Category, TraceEvent
from rocverify.records import Finding
from rocverify.toolchain.code_metadata import KernelMetadata

_COPIES = frozenset({Category.D2H, Category.H2D, Category.D2D})
_IGNORED_FAILURES = frozenset({Category.QUERY, Category.EVENT})
_NOT_READY = "hipErrorNotReady"


@dataclass(frozen=True, slots=True)
class Call:
    """One traced call of an entry. `arrays` are the contract's device arrays, `written` those that the
    kernel writes; `kernels` has the metadata of every kernel that may be launched."""

    entry: str
    symbol: str
    events: Sequence[TraceEvent]
    expectation: Expectation
    written: Collection[str]
    kernels: Mapping[str, KernelMetadata] = field(default_factory=dict)
    allow_uploads: tuple[str, ...] = ()

    @property
    def launches(self) -> list[TraceEvent]:
        """The launches of the call that HIP accepted."""
        return [e for e in self.events if e.category is Category.LAUNCH and e.ok]

    def array_at(self, address: int | None) -> str | None:
        """The contract's array that an address lies in."""
        if address is None:
            return None
        blocks = self.expectation.arrays.items()
        return next((name for name, block in blocks if block.holds(address)), None)


_STATUS_BYTES = 16
STATUS_TOTAL = 64
"""Bytes of a status, in all."""


def status_reads(events: Sequence[TraceEvent], blocks: Iterable[Block]) -> list[TraceEvent]:
    """The copies to the host that bring a status back: some bytes of memory that is none of the contract's
    arrays (`blocks`), 16 at a time and 64 in all. Nothing of a result fits in there."""
    known = tuple(blocks)
    small = [
        e
        for e in events
        if e.category is Category.D2H and e.ok and e.src is not None and (e.bytes or 0) <= _STATUS_BYTES
    ]
    small = [e for e in small if not any(block.holds(e.src or 0) for block in known)]
    return small if sum(e.bytes or 0 for e in small) <= STATUS_TOTAL else []


def trace_findings(call: Call) -> list[Finding]:
    """Everything in the trace that breaks a rule, the launch first."""
    return [
        *_launch_missing(call),
        *_not_on_the_data(call),
        *_downloads(call),
        *_uploads(call),
        *_ignored_failures(call),
    ]


def caller_chain(event: TraceEvent) -> str:
    """`uploaded (kernels/runtime.py:112) ← apply_rope_device (kernels/rope.py:80)`, innermost first."""
    inner = f"{event.host_function or '?'} ({event.call_site or 'the harness'})"
    outer = []
    for caller in event.callers:
        place, _, function = caller.partition(" ")
        outer.append(f"{function} ({place})")
    return " ← ".join((inner, *outer))


def _finding(event: TraceEvent, message: str, entity: str | None = None) -> Finding:
    return Finding(f"{message}; called by {caller_chain(event)}", event.call_site, event.kernel, entity)


def _launch_missing(call: Call) -> Iterator[Finding]:
    launched = [e.kernel or "an unknown kernel" for e in call.launches]
    if call.symbol in launched:
        return
    seen = f"launched {', '.join(dict.fromkeys(launched))}" if launched else "launched no kernel at all"
    yield Finding(f"{call.entry} {seen}, {call.symbol} was expected", None, call.symbol, call.entry)


def _not_on_the_data(call: Call) -> Iterator[Finding]:
    """Each written array must be an argument of a launch of the kernel: else it was not computed there."""
    launches = [e for e in call.launches if e.kernel == call.symbol]
    known = [e for e in launches if e.args is not None and all(a.size is not None for a in e.args)]
    if not launches or len(known) < len(launches):
        return
    given = {a.value for e in known for a in e.args or ()}
    for name in call.written:
        block = call.expectation.arrays.get(name)
        places = [block, *call.expectation.copies.get(name, ())] if block is not None else []
        if places and not any(isinstance(v, int) and any(p.holds(v) for p in places) for v in given):
            yield _finding(launches[0], f"no launch of {call.symbol} was given {name}", name)


def _downloads(call: Call) -> Iterator[Finding]:
    """Nothing may come back, and least of all to be sent out again."""
    launches = call.launches
    status = status_reads(call.events, call.expectation.arrays.values())
    for event in call.events:
        if event.category is not Category.D2H or event in status:
            continue
        what = call.array_at(event.src)
        data = f"{event.bytes} bytes of {what}" if what else f"{event.bytes} bytes"
        text = f"{event.function} copies {data} from the device to the host {_when(event, launches)}"
        back = _next_upload(call.events, event)
        if back is not None:
            text += f", and {back.function} at {back.call_site} sends {back.bytes} bytes out again"
        yield _finding(event, text, what)


def _when(event: TraceEvent, launches: Sequence[TraceEvent]) -> str:
    if not launches:
        return "without any launch"
    if event.seq < launches[0].seq:
        return "before the first launch"
    if event.seq > launches[-1].seq:
        return "after the last launch"
    return "between the first launch and the last"


def _next_upload(events: Sequence[TraceEvent], after: TraceEvent) -> TraceEvent | None:
    return next((e for e in events if e.category is Category.H2D and e.seq > after.seq), None)


def _uploads(call: Call) -> Iterator[Finding]:
    """Only the named inputs may be uploaded, and never into an array that the caller handed over."""
    for event in call.events:
        if event.category is not Category.H2D or not event.ok:
            continue
        array = call.array_at(event.dst)
        if array is not None:
            role = "the result" if array in call.written else "the input"
            text = (
                f"{event.function} uploads {event.bytes} bytes into {array}, {role} that lies on the device"
            )
            yield _finding(event, text, array)
            continue
        names = upload_names(call, event)
        if not names:
            allowed = ", ".join(call.allow_uploads) or "none"
            text = f"{event.function} uploads {event.bytes} bytes that no launch takes as an argument"
            yield _finding(event, f"{text} (allowed uploads: {allowed})")
        elif forbidden := [name for name in names if name not in call.allow_uploads]:
            allowed = ", ".join(call.allow_uploads) or "none"
            text = f"{event.function} uploads {forbidden[0]} ({event.bytes} bytes), allowed are: {allowed}"
            yield _finding(event, text, forbidden[0])


def upload_names(call: Call, upload: TraceEvent) -> tuple[str, ...]:
    """The kernel parameters for which an uploaded buffer was passed to a later launch."""
    if upload.dst is None:
        return ()
    target = Block(upload.dst, upload.bytes or 0)
    found: dict[str, None] = {}
    for launch in call.launches:
        if launch.seq < upload.seq or not _alive(call.events, upload, launch):
            continue
        names = _names(call, launch)
        for position, argument in enumerate(launch.args or ()):
            if isinstance(argument.value, int) and target.holds(argument.value):
                found[names[position] if position < len(names) else f"argument {position + 1}"] = None
    return tuple(found)


def _names(call: Call, launch: TraceEvent) -> tuple[str, ...]:
    metadata = call.kernels.get(launch.kernel or "")
    if metadata is None:
        return ()
    named = (
        call.expectation.names(metadata) if launch.kernel == call.symbol else Expectation().names(metadata)
    )
    return tuple(name or f"argument {i + 1}" for i, name in enumerate(named))


def _alive(events: Sequence[TraceEvent], upload: TraceEvent, launch: TraceEvent) -> bool:
    """False if the buffer was freed between the upload and the launch: the address is another's then."""
    return not any(
        e.category is Category.FREE and e.src == upload.dst and upload.seq < e.seq < launch.seq
        for e in events
    )


def _ignored_failures(call: Call) -> Iterator[Finding]:
    """The entry returned although HIP calls failed: it hides errors, or got by without the device."""
    for event in call.events:
        if event.ok or event.category in _IGNORED_FAILURES or event.result == _NOT_READY:
            continue
        reason = f" ({event.reason})" if event.reason else ""
        yield _finding(event, f"{event.function} returned {event.result}{reason}, and {call.entry} went on")


def transfer_evidence(call: Call) -> list[dict[str, Any]]:
    """All transfers and launches of the call, in order, each with what it moved and where it stands."""
    shown: list[dict[str, Any]] = []
    for event in call.events:
        if event.category is Category.LAUNCH:
            shown.append({"launch": event.kernel, "call_site": event.call_site, "result": event.result})
        elif event.category in _COPIES:
            shown.append(
                {
                    "transfer": str(event.category),
                    "function": event.function,
                    "bytes": event.bytes,
                    "what": call.array_at(event.dst if event.category is Category.H2D else event.src)
                    or ", ".join(upload_names(call, event) if event.category is Category.H2D else ())
                    or None,
                    "host_function": event.host_function,
                    "call_site": event.call_site,
                    "callers": list(event.callers),
                }
            )
    return shown
