"""What did not pass, grouped by cause: a kernel that is wrong fails many checks, and is told once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from rocverify.checks.registry import CHECKS
from rocverify.records import CheckResult, CheckVerdict

_VARYING = re.compile(r"\d+|'[^']*'|[\w./-]*[/_.:][\w./:-]*")
_FINDINGS = 2
_REPLAY = re.compile(r"[;,]?\s*replay with --seed .*$", re.S)


@dataclass
class Group:
    """Checks that did not pass for one reason. `facts` are labels and sentences of the first."""

    verdict: CheckVerdict
    kind: str
    sort: str
    checks: list[str]
    about: list[str]
    facts: list[tuple[str, str]]
    hint: str
    replay: str
    log: list[str] = field(default_factory=list)
    """The last lines that a compiler or program wrote."""


def groups(results: Iterable[CheckResult]) -> list[Group]:
    """The groups in the order in which their first check failed: failures first."""
    found: dict[tuple[str, ...], Group] = {}
    for result in results:
        one = _group(result)
        key = (one.kind, str(one.verdict), _VARYING.sub("#", one.sort))
        if key not in found:
            found[key] = one
            continue
        same = found[key]
        same.checks += one.checks
        same.about += [text for text in one.about if text not in same.about]
    order = (CheckVerdict.FAILED, CheckVerdict.ERROR, CheckVerdict.NOT_RUN)
    return sorted(found.values(), key=lambda group: order.index(group.verdict))


def _group(result: CheckResult) -> Group:
    kind = CHECKS.get(result.kind)
    cause = kind.seen(result.evidence).cause() if kind is not None else None
    plan = result.id.partition("/")[0]
    hint = _REPLAY.sub("", result.hint or "").strip()
    if cause is None:
        first = result.message.partition("\n")[0]
        facts = [("", text) for text in _findings(result)]
        log = str(result.evidence.get("compiler_log") or result.evidence.get("output") or "")
        return Group(
            result.verdict, result.kind, first, [result.id], [], facts, hint, "", log.rstrip().splitlines()
        )
    told = {text for _, text in cause.facts}
    return Group(
        result.verdict,
        result.kind,
        cause.sort,
        [result.id],
        list(cause.about),
        list(cause.facts),
        "" if hint in told else hint,
        f"rocverify run plan {plan} {cause.replay} -- -k {result.id}" if cause.replay else "",
    )


def _findings(result: CheckResult) -> Iterable[str]:
    """What findings add to the message, the first few."""
    added = [
        f"{finding.location}: {finding.message}" if finding.location else finding.message
        for finding in result.findings
        if finding.message not in result.message or (finding.location or "") not in result.message
    ]
    more = [f"and {len(added) - _FINDINGS} more findings, in the report"] if len(added) > _FINDINGS else []
    return added[:_FINDINGS] + more
