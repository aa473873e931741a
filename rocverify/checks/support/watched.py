"""What the sanitizer says of a contract's cases: of kernels, and of what the wrapper leaves without order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rocverify.errors import DeviceFaultError, DeviceUnavailableError, SubjectError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.checks.support.trial import Trials
    from rocverify.oracle.case import Case
    from rocverify.oracle.contract import ContractSpec
    from rocverify.oracle.drive import CaseRun
    from rocverify.oracle.dtypes import DType
    from rocverify.subject.launch_session import LaunchSession

TYPICAL_ELEMENTS = 4096
"""Of the outputs of the case that is sanitized for a type, at most, unless all have more."""

_VARYING = re.compile(
    r"workgroup \([^)]*\) workitem \([^)]*\) \(wave \d+\)|\boffset \d+|^ *at .*$|\bseen \d+ time\(s\)",
    re.MULTILINE,
)
"""What differs from case to case in the words of one finding."""
WATCHED = "sanitized"
"""Under this word, a contract and a type's name a context's memo keeps what was found."""


def taken(session: LaunchSession) -> list[Finding]:
    """What was found on the session's device since the last time, in kernels and on the host's side."""
    from rocverify.device.emulator.sanitize.findings import told_once

    found = told_once(session.device.take_findings())
    of_kernels = [Finding(str(one), one.source, one.kernel) for one in found]
    of_hosts = [Finding(str(one), one.site, one.kernel) for one in session.device.take_host_findings()]
    return of_kernels + of_hosts


def in_cases(found: Sequence[tuple[Case, Finding]]) -> list[Finding]:
    """What was found in cases, each once: in the first of its cases, with how many more there were."""
    cases: dict[tuple[str | None, str], list[tuple[Case, Finding]]] = {}
    for case, one in found:
        key = (one.location, _VARYING.sub("", one.message))
        cases.setdefault(key, []).append((case, one))
    return [_first(same) for same in cases.values()]


def _first(same: Sequence[tuple[Case, Finding]]) -> Finding:
    case, one = same[0]
    more = len({id(other) for other, _ in same}) - 1
    others = f"; and in {more} more case{'s' * (more > 1)}" if more else ""
    return replace(one, message=f"{one.message} ({case}{others})")


@dataclass(frozen=True, slots=True)
class Watched:
    """A case that ran under the sanitizer, and what was found; `run` is None where it did not end well."""

    case: Case
    run: CaseRun | None
    findings: tuple[Finding, ...]


def sanitized(ctx: CheckContext, contract: str, cases: Sequence[Case]) -> list[Watched]:
    """What the sanitizer finds in a run of each case; a fault and a call that fails end one, and are found
    like the rest. Nothing where there is no emulator to run them."""
    from rocverify.checks.support.trial import Trials

    try:
        with ctx.launching("sanitize") as session:
            trials = Trials(ctx, session, contract)
            return [_case(trials, session, case) for case in cases]
    except DeviceUnavailableError:
        return []


def _case(trials: Trials, session: LaunchSession, case: Case) -> Watched:
    taken(session)
    run, ended = None, []
    try:
        run = trials.run(case)
    except (DeviceFaultError, SubjectError) as error:
        ended = [Finding(f"under the sanitizer: {error.message}", error.where)]
    return Watched(case, run, (*taken(session), *ended))


def watched_types(
    ctx: CheckContext, spec: ContractSpec, contract: str, tried: Sequence[tuple[DType, Sequence[Case]]]
) -> dict[str, Watched]:
    """One case of each element type under the sanitizer, by the type's name; once in a run, and not where
    memory_safety has watched the contract's own range already."""
    wanted = {
        dtype.name: to_sanitize(spec, cases)
        for dtype, cases in tried
        if cases and (WATCHED, contract, dtype.name) not in ctx.memo
    }
    seen = sanitized(ctx, contract, list(wanted.values())) if wanted else []
    for name, one in zip(wanted, seen, strict=False):
        told = (replace(finding, message=f"{finding.message} ({one.case})") for finding in one.findings)
        ctx.memo[WATCHED, contract, name] = replace(one, findings=tuple(told))
    known = {dtype.name: ctx.memo.get((WATCHED, contract, dtype.name)) for dtype, _ in tried}
    return {name: one for name, one in known.items() if one is not None}


def to_sanitize(spec: ContractSpec, cases: Sequence[Case]) -> Case:
    """The case that stands for the others of its type under the sanitizer: the largest that is not too
    large. What is found does not depend on the order, nor on whose the stream is."""
    fitting = [case for case in cases if _elements(spec, case) <= TYPICAL_ELEMENTS]
    if fitting:
        found = max(fitting, key=lambda case: _elements(spec, case))
    else:
        found = min(cases, key=lambda case: _elements(spec, case))
    return replace(found, order="eager", drawn=None, on_stream=False)


def _elements(spec: ContractSpec, case: Case) -> int:
    return spec.size(case.dims)
