"""What is done about a failing case of correctness: it is made smaller, and run under the sanitizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rocverify.checks.support.watched import sanitized
from rocverify.oracle.verify import CaseFailure, DTypeReport, Plan, shrink_failure
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.oracle.case import Case
    from rocverify.oracle.contract import ContractSpec
    from rocverify.oracle.shrink import Shrunk
    from rocverify.subject.launch_session import LaunchSession

# With fewer elements, one mistake looks like another.
_TELLING_ELEMENTS = 64
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Failing:
    """The most telling failure of a run, the smallest case that fails in the same way, all failures, and what
    the sanitizer found in the smallest case."""

    report: DTypeReport
    failure: CaseFailure
    smallest: Shrunk
    others: tuple[CaseFailure, ...]
    watched: tuple[Finding, ...] = ()


def telling_failure(
    spec: ContractSpec, session: LaunchSession, reports: Sequence[DTypeReport], plan: Plan
) -> Failing | None:
    """The failure that a person should look at first; None where nothing failed."""
    failures = [(report, failure) for report in reports for failure in report.failures]
    if not failures:
        return None
    report, failure = min(failures, key=lambda pair: _telling(spec, pair[1]))
    smallest = shrink_failure(spec, session, report, failure, plan)
    return Failing(report, failure, smallest, tuple(failure for _, failure in failures))


def _telling(spec: ContractSpec, failure: CaseFailure) -> tuple[bool, bool, int]:
    """Cases with an axis of length one, or few elements, come last: one mistake looks like another there.
    Then those come first whose mistake is known, and the smaller."""
    dims = failure.case.dims
    size = spec.size(dims)
    shortest = min((length for a in spec.outputs.values() for length in a.shape(dims)), default=1)
    return shortest < 2 or size < _TELLING_ELEMENTS, not failure.explained, size


def watched(ctx: CheckContext, contract: str, case: Case) -> tuple[Finding, ...]:
    """What the sanitizer finds in a run of the case. Nothing where there is no emulator to run it."""
    seen = [finding for one in sanitized(ctx, contract, [case]) for finding in one.findings]
    return tuple(
        replace(finding, message=f"the sanitizer, in {case}: {finding.message}") for finding in seen[:_SHOWN]
    )
