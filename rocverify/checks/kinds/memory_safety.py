"""memory_safety: the emulator's sanitizer has nothing to say of a contract's boundary shapes.

Every case runs on an emulator that watches each access: reads of memory, LDS or registers that nothing has
written, races within a workgroup, between workgroups and between work of streams that nothing orders,
barriers that not all waves reach, and, as always, accesses outside of live allocations. Buffers are allocated
to their last byte, or with guards, in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, known
from rocverify.checks.support.references import Reference
from rocverify.checks.support.watched import WATCHED, Watched, in_cases, taken
from rocverify.device.trace.events import Category
from rocverify.errors import DeviceFaultError, SubjectError
from rocverify.markdown import prose
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.checks.support.trial import Trials
    from rocverify.oracle.case import Case
    from rocverify.oracle.drive import CaseRun
    from rocverify.oracle.dtypes import DType
    from rocverify.subject.launch_session import LaunchSession

Lengths = int | str | tuple[int | str, ...]
_SHOWN = 20


class MemorySafetyParams(CheckParams):
    """`contract` is `module:Class`; `cases` per element type, `dtypes` and `dims` as for correctness."""

    contract: Reference
    cases: int = Field(default=4, ge=1)
    dtypes: tuple[str, ...] | None = Field(default=None, min_length=1)
    dims: dict[str, Lengths] = Field(default_factory=dict)


class Sanitized(Record):
    """Cases of one element type under the sanitizer."""

    cases: int = 0
    launches: int = 0
    shapes: list[str] = Field(default_factory=list)


class MemorySafetyEvidence(Evidence):
    """What ran under the sanitizer, by element type."""

    contract: str | None = None
    source: str | None = None
    seed: int | None = None
    dtypes: dict[str, Sanitized] = Field(default_factory=dict)
    coverage: dict[str, Any] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Launches and cases under the sanitizer by element type, as lines of a Markdown list."""
        for dtype, row in self.dtypes.items():
            yield f"- {known(dtype)}: {row.launches} launches of {row.cases} cases under the sanitizer"
            if row.shapes:
                yield f"  - the first of {len(row.shapes)}: {prose(row.shapes[0])}"


def run(params: MemorySafetyParams, ctx: CheckContext) -> Outcome:
    """Raises ContractError, CompileError, and DeviceUnavailableError where no emulator can be opened: a GPU
    does not tell."""
    from rocverify.checks.support.kernel_coverage import coverage_of
    from rocverify.checks.support.trial import Trials
    from rocverify.oracle.case import select_dtypes

    rows: dict[str, Sanitized] = {}
    watched: dict[str, list[CaseRun]] = {}
    findings: list[Finding] = []
    with ctx.launching("sanitize") as session:
        trials = Trials(ctx, session, params.contract)
        for dtype in select_dtypes(trials.spec, params.dtypes):
            findings += _watched(params, ctx, trials, dtype, rows, watched)
    spec = trials.spec
    coverage = coverage_of(ctx, trials.built, spec.source, "sanitized", watched)
    evidence = MemorySafetyEvidence(
        contract=params.contract, source=spec.source, seed=ctx.seed, dtypes=rows, coverage=coverage
    )
    if findings:
        return Outcome.failed(
            findings[0].message,
            hint=f"run the case with `rocverify emulate --sanitize`, or again with --seed {ctx.seed}",
            findings=tuple(findings[:_SHOWN]),
            seen=evidence,
        )
    cases = sum(row.cases for row in rows.values())
    launches = sum(row.launches for row in rows.values())
    return Outcome.passed(
        f"{spec.wrapper or spec.where}: the sanitizer found nothing in {launches} launches of {cases} cases "
        f"({', '.join(rows)})",
        seen=evidence,
    )


def _watched(
    params: MemorySafetyParams,
    ctx: CheckContext,
    trials: Trials,
    dtype: DType,
    rows: dict[str, Sanitized],
    watched: dict[str, list[CaseRun]],
) -> list[Finding]:
    from rocverify.oracle.case import USUAL_ELEMENTS, plan_cases

    dims = trials.spec.dims.restricted(params.dims) if params.dims else None
    cases = plan_cases(trials.spec, dtype, params.cases, ctx.seed, dims=dims, large=USUAL_ELEMENTS)
    row = rows[dtype.name] = Sanitized(cases=len(cases), launches=0, shapes=[str(case) for case in cases])
    runs = watched[dtype.name] = []
    seen = [(case, one) for case in cases for one in _case(trials, trials.session, case, row, runs)]
    found = in_cases(seen)
    if dims is None:
        ctx.memo[WATCHED, params.contract, dtype.name] = Watched(cases[0], None, tuple(found))
    return found


def _case(
    trials: Trials, session: LaunchSession, case: Case, row: Sanitized, runs: list[CaseRun]
) -> list[Finding]:
    """One case under the sanitizer. A fault ends it, and is a finding like the others. SubjectError where
    nothing was launched: nothing was watched then."""
    taken(session)
    wrapper = trials.spec.wrapper
    ended: list[Finding] = []
    try:
        run = trials.run(case)
    except (DeviceFaultError, SubjectError) as error:
        where = f"{error.where}: " if error.where else ""
        ended = [Finding(f"{where}{error.message}", entity=wrapper)]
    else:
        launches = sum(event.category is Category.LAUNCH and event.ok for event in run.events)
        if not launches:
            raise SubjectError(
                f"launched nothing that could be watched ({case})",
                kind="NothingLaunched",
                where=trials.spec.where,
                hint=f"let {wrapper} launch its kernel in every call",
            )
        row.launches += launches
        runs.append(run)
    seen = [Finding(one.message, one.location, one.kernel, wrapper) for one in taken(session)]
    return seen + ended


CHECK = CheckKind("memory_safety", MemorySafetyParams, run, needs_device=True, evidence=MemorySafetyEvidence)
