"""From judged plans and what the session saw to the one record that every document is made from."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify import __version__
from rocverify.errors import PlanError, RocverifyError
from rocverify.payload import jsonable
from rocverify.records import CheckResult, Status
from rocverify.report import provenance, tables
from rocverify.report.model import (
    CheckReport,
    DemandReport,
    DeviceReport,
    FindingReport,
    ModelReport,
    MustHaveReport,
    PhaseReport,
    PlanReport,
    Provenance,
    RefusedPlan,
    RejectedDevice,
    Report,
    Score,
    Unbuilt,
)
from rocverify.runner.coverage import executed_models, kernel_rows

if TYPE_CHECKING:
    from rocverify.checks.base import CheckSpec
    from rocverify.runner.coverage import KernelRow
    from rocverify.runner.demands import DemandJudgement
    from rocverify.runner.judgement import Judgement, PlanJudgement, RunJudgement
    from rocverify.settings import Settings

NO_DEVICE = DeviceReport(kind="none", name="no check opened one", target=None)


@dataclass(frozen=True, slots=True)
class Run:
    """The facts of a run that belong to no plan. `selection` is `phase 16`, `plan 16-01` or `all`."""

    root: Path
    settings: Settings
    seed: int
    selection: str
    pytest_args: tuple[str, ...]
    started: datetime
    duration_s: float
    device: Mapping[str, Any] | None
    toolchain: Mapping[str, Any] | None
    code_objects: Sequence[Mapping[str, Any]] = ()
    """What launches used: source, target, digests and kernels, as the runner saw them."""
    refused: Sequence[PlanError] = ()
    """Why plans of the selection could not be read."""
    baseline: str | None = None
    """The commit against which the run is judged, as it was named."""
    unbuilt: Sequence[RocverifyError] = ()
    """What of the project's kernels does not compile."""


def assemble(run: Run, judged: RunJudgement, exit_code: int) -> Report:
    """The report of a run."""
    kernels = kernel_rows(result for plan in judged.plans for result in plan.results)
    parts = [plan_report(run, plan, kernels) for plan in judged.plans]
    device = dict(run.device or {})
    rejected = device.pop("rejected", [])
    status = judged.status
    if run.refused and status is Status.PASSED:
        status = Status.HUMAN_NEEDED
    return Report(
        status=status,
        score=Score(
            verified=sum(part.score.verified for part in parts),
            total=sum(part.score.total for part in parts),
        ),
        exit_code=exit_code,
        gate=run.settings.gate,
        seed=run.seed,
        command=command(run),
        rocverify=__version__,
        started=run.started.isoformat(timespec="seconds"),
        duration_s=round(run.duration_s, 3),
        device=DeviceReport.model_validate(device) if device else NO_DEVICE,
        rejected_devices=[RejectedDevice.model_validate(entry) for entry in rejected],
        toolchain=dict(run.toolchain or {}),
        plans=parts,
        refused=[RefusedPlan(path=e.where or "", message=e.message, hint=e.hint) for e in run.refused],
        unbuilt=[Unbuilt(path=e.where or "", message=e.message, hint=e.hint) for e in run.unbuilt],
        phases=[
            PhaseReport(
                phase=phase.number,
                path=phase.folder,
                status=phase.status,
                demands=[_demand(demand) for demand in phase.demands],
            )
            for phase in judged.phases
        ],
    )


def plan_report(run: Run, judged: PlanJudgement, kernels: Sequence[KernelRow] = ()) -> PlanReport:
    """The part of the report that is about one plan. kernels: of the whole run."""
    plan = judged.plan
    checks = [
        _check(must_have, spec, result, run.root)
        for must_have in judged.must_haves
        for spec, result in zip(must_have.bound.checks, must_have.results, strict=True)
    ]
    about = tables.sources(checks)
    seen = tables.nodes_of(checks, (entry for entry in run.code_objects if entry.get("source") in about))
    rows = tables.about(checks, kernels)
    return PlanReport(
        plan=plan.number,
        phase=plan.phase,
        path=plan.path,
        summary=plan.output_path,
        status=judged.status,
        score=Score(verified=judged.verified, total=judged.total),
        must_haves=[_must_have(must_have) for must_have in judged.must_haves],
        checks=checks,
        kernels=tables.kernels(seen),
        correctness=tables.correctness(checks),
        transfers=tables.transfers(checks),
        coverage=tables.coverage(rows),
        models=[ModelReport.model_validate(model) for model in executed_models(rows)],
        provenance=Provenance(
            inputs=provenance.inputs(run.root, plan.path, run.settings.manifest, about, checks),
            code_objects=tables.code_objects(seen),
        ),
        demands=[_demand(demand) for demand in judged.demands],
        warnings=[str(warning) for warning in plan.warnings],
    )


def _demand(judged: DemandJudgement) -> DemandReport:
    demand = judged.demand
    return DemandReport(
        kind=demand.kind,
        id=demand.id,
        text=demand.text,
        verdict=judged.verdict,
        source=str(demand.source),
        must_haves=list(judged.must_haves),
        reason=judged.reason,
    )


def _must_have(judged: Judgement) -> MustHaveReport:
    must_have = judged.bound.must_have
    return MustHaveReport(
        id=must_have.id,
        type=must_have.type,
        text=must_have.text,
        requirement=must_have.requirement,
        verdict=judged.verdict,
        source=str(must_have.source),
        checks=[spec.id for spec in judged.bound.checks],
        reason=judged.reason,
    )


def _check(judged: Judgement, spec: CheckSpec, result: CheckResult, root: Path) -> CheckReport:
    return CheckReport(
        id=result.id,
        kind=result.kind,
        verdict=result.verdict,
        message=result.message,
        evidence=result.evidence,
        duration_s=result.duration_s,
        must_have=judged.bound.must_have.id,
        parameters=jsonable(dict(spec.params), root),
        why=spec.why,
        hint=result.hint,
        findings=[FindingReport.model_validate(jsonable(finding)) for finding in result.findings],
    )


def command(run: Run) -> str:
    """The command that does this run again with the same inputs, from the root."""
    settings = run.settings
    words = ["rocverify", "run", *run.selection.split(), f"--seed={run.seed}", f"--device={settings.device}"]
    words += [f"--target={target}" for target in settings.targets]
    if settings.gate != "strict":
        words.append(f"--gate={settings.gate}")
    words += [] if run.baseline is None else [f"--baseline={run.baseline}"]
    words += [f"--allow-flag={flag}" for flag in settings.allow_flags]
    words += [f"--allow-include={folder}" for folder in settings.allow_includes]
    words += [] if settings.case is None else [f"--case={settings.case}"]
    words += ["--allow-commands"] if settings.allow_commands else []
    if run.pytest_args:
        words += ["--", *run.pytest_args]
    return shlex.join(words)
