"""What the sources of a Rust or C++ host show of copies to the host, and of what it computes where a kernel
is not launched: enough to fail, never to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.checks.base import Outcome
from rocverify.code.call_sites import describe_path
from rocverify.code.callgraph import Path
from rocverify.code.fallbacks import Fallback, FallbackFinder, FallbackKind
from rocverify.code.launches import LaunchFinder
from rocverify.code.places import Place
from rocverify.code.transfers import TransferFinder
from rocverify.errors import RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.checks.kinds.no_host_roundtrip import NoHostRoundtripEvidence

_NO_WAY_AROUND = "let a failed launch fail the call: nothing that the host computes in the kernel's place"
_HIDING = (FallbackKind.HANDLER, FallbackKind.FAILED)
_HINT = "leave the data on the device between the kernels, or take the copy out of this path"


def copies_in_sources(
    ctx: CheckContext,
    forbid: tuple[str, ...],
    program: tuple[str, ...],
    evidence: NoHostRoundtripEvidence,
    *,
    forbid_fallback: bool = False,
) -> Outcome:
    """Fails with the path to a copy, or where a failed launch is hidden by what the host computes.
    forbid_fallback: where it computes for another reason, too. RocverifyError where there is none to be seen,
    since nothing was executed, and where a call cannot be told to be one."""
    path, _, name = str(evidence.entry).partition(":")
    unit = ctx.code.unit(path)
    functions = ctx.code.functions(path, name)
    if not functions:
        if unit.broken is not None:
            raise RocverifyError(
                f"whether it defines {name} cannot be told", where=f"{unit.path}:{unit.broken}"
            )
        finding = Finding(f"{unit.path} defines no function {name}", unit.path, entity=name)
        return Outcome.failed(finding.message, hint=_HINT, findings=(finding,), seen=evidence)
    defined = f"{unit.path}:{functions[0].line}"
    evidence.defined = defined
    chain = TransferFinder(ctx.code, ctx.settings.transfers, forbid).chain_back(functions)
    if chain.path:
        way = _described(name, chain.path)
        place = way.rpartition(" at ")[2]
        finding = Finding(f"{name} copies data to the host: {way}", place, entity=name)
        evidence.transfer_path = list(map(str, chain.path))
        return Outcome.failed(finding.message, hint=_HINT, findings=(finding,), seen=evidence)
    ways = [way for place in functions for way in _ways_around(ctx, place)]
    hidden = [way for way in ways if forbid_fallback or way.kind in _HIDING]
    if hidden:
        findings = tuple(_finding(name, way) for way in hidden)
        evidence.fallbacks = [way.location for way in hidden]
        return Outcome.failed(findings[0].message, hint=_NO_WAY_AROUND, findings=findings, seen=evidence)
    if chain.maybe:
        raise RocverifyError(
            f"{name}: the call at {chain.maybe} may copy data to the host; its sources do not tell",
            where=chain.maybe,
            hint="give the direction or the receiver's type where the call is made",
        )
    if chain.broken:
        raise RocverifyError(f"{name}: not all of its sources could be parsed", where=chain.broken)
    if program:
        return traced_program(ctx, name, program, evidence)
    if ways:
        raise RocverifyError(
            f"{_finding(name, ways[0]).message}; whether that is meant cannot be told",
            where=ways[0].location,
            hint="bind no_host_roundtrip with program: a command that runs it, or with forbid_fallback: true",
        )
    raise RocverifyError(
        f"{name}: no copy to the host in its sources, and nothing that runs it was executed",
        where=defined,
        hint="bind no_host_roundtrip with program: a command that runs it, so that its transfers are seen",
    )


def _ways_around(ctx: CheckContext, place: Place) -> list[Fallback]:
    launches = LaunchFinder(ctx.code, ctx.settings.transfers.launches)
    return list(FallbackFinder(ctx.code.graph, launches).fallbacks(place))


def _finding(entry: str, way: Fallback) -> Finding:
    reached = f", reached by {describe_path(way.path)}" if way.path else ""
    message = f"{way.function.qualname} {way.kind} at {way.location} ({way.detail}){reached}"
    return Finding(message, way.location, entity=entry)


def _described(entry: str, path: Path) -> str:
    """`a() -> b() -> to_host_vec() at src/a.rs:12`."""
    calls = " -> ".join(f"{name}()" for name in (entry, *(site.call.name for site in path)))
    return f"{calls} at {path[-1].location}"


def traced_program(
    ctx: CheckContext, name: str, program: tuple[str, ...], evidence: NoHostRoundtripEvidence
) -> Outcome:
    """What the device sees of the function in a program's run. RocverifyError where the run tells nothing of
    it: it failed, or its calls cannot be told from others."""
    from rocverify.checks.kinds.program import observed
    from rocverify.commands.trace import launches, under
    from rocverify.device.trace.events import Category

    seen = observed(ctx, program, ".", ctx.settings.call_timeout_s)
    if seen.run.code:
        raise RocverifyError(f"`{seen.run.line}` ended with exit status {seen.run.code}")
    own = under(seen.events, name)
    evidence.program, evidence.launched = list(program), dict(seen.launched)
    evidence.calls_of_entry = len(own)
    back = [event for event in own if event.category is Category.D2H and event.ok]
    if back:
        where = back[0].call_site or ""
        finding = Finding(
            f"{name} copies {back[0].bytes or 0} bytes to the host at {where}", where, entity=name
        )
        return Outcome.failed(finding.message, hint=_HINT, findings=(finding,), seen=evidence)
    if not launches(own):
        raise RocverifyError(
            f"`{seen.run.line}`: no launch is seen to come from {name}",
            hint="build the program beforehand and with -g, so that calls have their functions",
        )
    return Outcome.passed(
        f"{name}: {len(launches(own))} launches in `{seen.run.line}`, and nothing comes back to the host",
        seen=evidence,
    )
