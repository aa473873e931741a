"""NN-MM-SUMMARY.md: what a run saw of one plan, for a reader who believes nothing unshown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from rocverify.markdown import cell_code, inline
from rocverify.plan.demands import criterion_number
from rocverify.records import CheckVerdict, MustHaveType, MustHaveVerdict, Status, output_tail
from rocverify.report.commits import task_commits
from rocverify.report.coverage import coverage_values, not_executed
from rocverify.report.deliverables import deliverables
from rocverify.report.document import Document
from rocverify.report.evidence import check_lines, evidence_lines
from rocverify.report.model import (
    CheckReport,
    DeviceReport,
    FindingReport,
    MustHaveReport,
    PlanReport,
    Report,
)
from rocverify.report.render import duration, render
from rocverify.report.stable import plan_digest

if TYPE_CHECKING:
    from rocverify.plan.model import Plan, Task

OWNED = frozenset(
    {
        "phase",
        "plan",
        "requirements-completed",
        "coverage",
        "duration",
        "completed",
        "status",
        "verdict",
        "score",
    },
)
PASSING = frozenset({"duration", "completed"})
_FILES = (MustHaveType.ARTIFACT, MustHaveType.KEY_LINK)
_LONG = 160


def summary_document(
    root: Path, report: Report, part: PlanReport, plan: Plan, affects: Iterable[str]
) -> Document:
    """The SUMMARY of one plan. `affects`: the plans that depend on it."""
    return Document(
        title=f"Phase {plan.phase_number} Plan {_short(plan)}: {_name(plan)} Summary",
        digest=plan_digest(report, part),
        values=_frontmatter(report, part, plan, affects),
        owned=OWNED,
        passing=PASSING,
        body=lambda: render("summary.md.j2", **_values(root, report, part, plan)),
    )


def _short(plan: Plan) -> str:
    return plan.number.rpartition("-")[2]


def _name(plan: Plan) -> str:
    first = next((line for line in plan.objective.splitlines() if line.strip()), plan.phase)
    return inline(first.strip().rstrip("."))


def _frontmatter(report: Report, part: PlanReport, plan: Plan, affects: Iterable[str]) -> dict[str, Any]:
    verified = {m.id for m in part.must_haves if m.verdict is MustHaveVerdict.VERIFIED}
    kernels = sorted({PurePosixPath(row.source).stem for row in part.kernels})
    files = dict.fromkeys((*plan.files_modified, *(artifact.path for artifact in plan.artifacts)))
    return {
        "phase": plan.phase,
        "plan": _short(plan),
        "subsystem": "gpu-kernels",
        "tags": ["hip", *dict.fromkeys(row.target for row in part.kernels), *kernels],
        "requires": [
            {"phase": name, "provides": f"plan {name}, verified before"} for name in plan.depends_on
        ],
        "provides": [truth.text for truth in plan.truths if truth.id in verified],
        "affects": list(affects),
        "key-files": {"modified": list(files)},
        "requirements-completed": _completed(part),
        "coverage": deliverables(part),
        "duration": duration(sum(check.duration_s for check in part.checks)),
        "completed": datetime.fromisoformat(report.started).date(),
        "status": "complete" if part.status is Status.PASSED else "halted",
        "verdict": str(part.status),
        "score": str(part.score),
    }


def _completed(part: PlanReport) -> list[str]:
    """The requirements all of whose must-haves in this plan are verified."""
    seen: dict[str, bool] = {}
    for must_have in part.must_haves:
        for name in (must_have.requirement or "").split(", "):
            if name and criterion_number(name) is None:
                seen[name] = seen.get(name, True) and must_have.verdict is MustHaveVerdict.VERIFIED
    return [name for name, verified in seen.items() if verified]


def _values(root: Path, report: Report, part: PlanReport, plan: Plan) -> dict[str, Any]:
    checks = {check.id: check for check in part.checks}
    shown: set[str] = set()
    return {
        "headline": _headline(report, part),
        "plan": part,
        "device": describe_device(report.device),
        "accomplished": [
            {"text": m.text, "decided_by": decided_by([checks[name] for name in m.checks])}
            for m in part.must_haves
            if m.verdict is MustHaveVerdict.VERIFIED and m.type not in _FILES
        ],
        "self_check": _self_check(part),
        "must_haves": [_must_have(m, [checks[name] for name in m.checks], shown) for m in part.must_haves],
        "tasks": [_task(plan, task, part) for task in plan.tasks],
        "commits": task_commits(root, plan.number),
        **coverage_values(part),
        "not_verified": list(not_verified(report, part, plan)),
        "toolchain": evidence_lines(report.toolchain),
        "command": reproduce(report, part),
        "seed": report.seed,
        "started": report.started,
        "duration": duration(sum(check.duration_s for check in part.checks)),
    }


def _self_check(part: PlanReport) -> str:
    """Whether it is all done, in the words that the workflow looks for ("passed", "failed", "incomplete")."""
    if part.status is Status.PASSED:
        return f"Passed: {part.score} must-haves verified."
    word = "Failed" if part.status is Status.GAPS_FOUND else "Incomplete"
    return f"{word}: {part.score} must-haves verified, status {part.status}."


def _headline(report: Report, part: PlanReport) -> str:
    score = part.score
    failed = sum(m.verdict is MustHaveVerdict.FAILED for m in part.must_haves)
    undecided = score.total - score.verified - failed
    parts = [f"{score.verified} of {score.total} must-haves verified"]
    if failed:
        parts.append(f"{failed} failed")
    if undecided or not score.total:
        parts.append(f"{undecided or 'everything'} undecided")
    ran = report.device.kind != "none"
    where = f"kernels ran on {describe_device(report.device)}" if ran else "no kernel was run"
    return f"{', '.join(parts)}; {where}"


def describe_device(device: DeviceReport) -> str:
    """The device in words, for Markdown."""
    if device.kind == "none":
        return "none (no check opened one)"
    target = f", {inline(device.target)}" if device.target and device.target not in device.name else ""
    return f"{inline(device.kind)} ({inline(device.name)}{target})"


def _must_have(must_have: MustHaveReport, checks: list[CheckReport], shown: set[str]) -> dict[str, Any]:
    return {
        "tail": must_have.id.rpartition("/")[2],
        "text": must_have.text,
        "requirement": must_have.requirement,
        "verdict": str(must_have.verdict),
        "reason": must_have.reason,
        "source": must_have.source,
        "decided_by": decided_by(checks),
        "checks": [_check(check, shown) for check in checks],
    }


def decided_by(checks: list[CheckReport]) -> str:
    """The kinds of the checks with their number, and how they went where not all passed."""
    parts = []
    for kind in dict.fromkeys(check.kind for check in checks):
        verdicts = [str(check.verdict) for check in checks if check.kind == kind]
        number = f" ({len(verdicts)})" if len(verdicts) > 1 else ""
        others = ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts))
        parts.append(f"{inline(kind)}{number}" + (f": {others}" if {*verdicts} != {"passed"} else ""))
    return ", ".join(parts) or "no check"


def _check(check: CheckReport, shown: set[str]) -> dict[str, Any]:
    blocks = list(evidence_blocks(check.evidence))
    fresh = [text for text in blocks if text not in shown]
    shown.update(fresh)
    return {
        "kind": check.kind,
        "verdict": str(check.verdict),
        "message": check.message,
        "why": check.why,
        "findings": telling(check),
        "hint": check.hint,
        "evidence_lines": check_lines(check),
        "blocks": fresh,
        "repeated": len(fresh) < len(blocks),
    }


def telling(check: CheckReport) -> list[FindingReport]:
    """The findings that say more than the check's message does."""
    return [f for f in check.findings if check.message not in (f.message, f"{f.location}: {f.message}")]


def evidence_blocks(evidence: Mapping[str, Any]) -> Iterator[str]:
    """The texts that are shown as they were written, each once: compilers' output, the end of a command's,
    tracebacks."""
    error = evidence.get("error")
    targets = evidence.get("targets")
    texts = [evidence.get("compiler_log"), output_tail(evidence)]
    texts += [error.get("traceback") if isinstance(error, Mapping) else None]
    if isinstance(targets, Mapping):
        texts += [built.get("log") for built in targets.values() if isinstance(built, Mapping)]
    yield from dict.fromkeys(str(text) for text in texts if text)


def _task(plan: Plan, task: Task, part: PlanReport) -> dict[str, str]:
    about = [m.id for m in plan.must_haves_of(task)]
    rows = [row for row in part.must_haves if row.id in about]
    verdicts = {row.verdict for row in rows}
    verdict = "no must-have is about it"
    for candidate in (MustHaveVerdict.FAILED, MustHaveVerdict.UNVERIFIED, MustHaveVerdict.VERIFIED):
        if candidate in verdicts:
            verdict = str(candidate)
            break
    steps = [" ".join(step.text.split()) for step in task.verify]
    return {
        "name": task.name,
        "files": ", ".join(cell_code(name) for name in task.files),
        "verify": "; ".join(cell_code(step if len(step) <= _LONG else f"{step[:_LONG]} …") for step in steps),
        "decided_by": ", ".join(row.id.rpartition("/")[2] for row in rows),
        "verdict": verdict,
    }


def not_verified(report: Report, part: PlanReport, plan: Plan) -> Iterator[str]:
    """What this run does not show, as Markdown, each with the reason."""
    for must_have in part.must_haves:
        if must_have.verdict is MustHaveVerdict.UNVERIFIED:
            yield f"{must_have.id}, {inline(must_have.text)}: {inline(must_have.reason)}"
    for demand in part.demands:
        if demand.verdict is not MustHaveVerdict.VERIFIED:
            yield f"{demand.kind} {demand.id}: {inline(demand.reason)}"
    if missing := [row.kernel for row in part.coverage if not row.compared]:
        yield f"Kernels that were compiled, but not launched and compared: {', '.join(map(inline, missing))}"
    yield from map(inline, not_executed(part.coverage))
    if not part.must_haves:
        yield "Anything: the plan lists no must-haves."
    if any(task.verify for task in plan.tasks):
        yield "The shell commands in the tasks' `<verify>`: they are shown, never executed."
    for task in plan.tasks:
        if task.is_checkpoint:
            yield _checkpoint(task)
    for section, title in ((plan.verification, "verification"), (plan.success_criteria, "success_criteria")):
        if section is not None and section.items:
            yield (
                f"The {len(section.items)} lines of `<{title}>` as such: only must-haves are decided, "
                "the lines are prose beside them."
            )
    if report.device.kind == "emulator":
        yield (
            "Speed, and anything else that only hardware shows: the code objects ran on the emulator, "
            "instruction by instruction, on this machine's CPU."
        )
    if any(check.verdict is CheckVerdict.PASSED for check in part.checks if check.kind == "correctness"):
        yield "Shapes and values beyond those that the correctness checks drew (their counts are above)."


def _checkpoint(task: Task) -> str:
    """What a person is to decide, and how, as the plan has it."""
    built, how = (" ".join(task.parts.get(name, "").split()) for name in ("what-built", "how-to-verify"))
    asked = task.name or built or " ".join(task.parts.get("decision", "").split()) or task.id
    told = f"; {inline(built)}" if built and built != asked else ""
    return f"The checkpoint {inline(asked)}: a person decides it{told}{f': {inline(how)}' if how else '.'}"


def reproduce(report: Report, part: PlanReport) -> str:
    """The command that repeats this plan's part of the run, from the root."""
    device = "" if report.device.kind == "none" else f" --device={report.device.kind}"
    target = f" --target={report.device.target}" if report.device.target else ""
    return f"rocverify run plan {part.plan} --seed={report.seed}{device}{target}"
