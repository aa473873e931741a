"""NN-MM-SUMMARY.md: what a run saw of one plan, for a reader who believes nothing unshown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from rocverify.markdown import code, inline, one_line
from rocverify.plan.demands import criterion_number
from rocverify.records import CheckVerdict, MustHaveVerdict, Status, output_tail
from rocverify.report.block import find_block
from rocverify.report.commits import task_commits
from rocverify.report.coverage import models_line, not_executed
from rocverify.report.deliverables import FILES, STATIC, deliverables
from rocverify.report.document import Document
from rocverify.report.evidence import seen_by
from rocverify.report.frontmatter import values_of
from rocverify.report.model import (
    CheckReport,
    DeviceReport,
    FindingReport,
    MustHaveReport,
    PlanReport,
    Report,
)
from rocverify.report.overview import error_rows, matrix, shapes
from rocverify.report.render import duration, render
from rocverify.report.since import changes
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
_LONG = 200
_PART = re.compile(r"; |, (?=\w+ \w+)")
_LINES = 8
_MISSED = 2
_COMMITS = 6
_FINDINGS = 5


def summary_document(
    root: Path,
    report: Report,
    part: PlanReport,
    plan: Plan,
    affects: Iterable[str],
    before: str,
) -> Document:
    """The SUMMARY of one plan. `affects`: the plans that depend on it; `before`: the text that the file has
    now, empty without one."""
    return Document(
        title=f"Phase {plan.phase_number} Plan {_short(plan)}: {_name(plan)} Summary",
        digest=plan_digest(report, part),
        values=_frontmatter(report, part, plan, affects),
        owned=OWNED,
        passing=PASSING,
        body=lambda: render("summary.md.j2", **_values(root, report, part, plan, before)),
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


def _values(root: Path, report: Report, part: PlanReport, plan: Plan, before: str) -> dict[str, Any]:
    checks = {check.id: check for check in part.checks}
    decided = [(m, [checks[name] for name in m.checks]) for m in part.must_haves]
    commits = task_commits(root, plan.number)
    return {
        "headline": _headline(report, part),
        "plan": part,
        "device": describe_device(report.device),
        "accomplished": [
            m.text for m in part.must_haves if m.verdict is MustHaveVerdict.VERIFIED and m.type not in FILES
        ],
        "must_haves": [_must_have(m, about) for m, about in decided],
        "opened": list(_opened(decided)),
        "matrix": matrix(part.coverage),
        "errors": error_rows(part),
        "shapes": list(shapes(part)),
        "models": models_line(part.models) if part.models else "",
        "changes": _changes(before, plan.output_path, part),
        "not_verified": _cut([*not_verified(report, part, plan), *notes(part)]),
        "command": reproduce(report, part),
        "tasks": [_task(plan, task, part) for task in plan.tasks],
        "commits": commits[-_COMMITS:],
        "earlier_commits": max(len(commits) - _COMMITS, 0),
        "toolchain": _toolchain(report),
        "started": report.started,
        "duration": duration(sum(check.duration_s for check in part.checks)),
        "self_check": _self_check(part),
    }


def _changes(before: str, name: str, part: PlanReport) -> list[str]:
    block = find_block(before, name)
    completed = values_of(before, name).get("completed") if block is not None else None
    return changes("" if block is None else block.body(before), str(completed or ""), part)


def _cut(lines: list[str]) -> list[str]:
    more = [f"… and {len(lines) - _LINES} more, in the report"] if len(lines) > _LINES else []
    return lines[:_LINES] + more


def notes(part: PlanReport) -> Iterator[str]:
    """What the passes of a plan rest on, and leave open, each once."""
    passed = (check for check in part.checks if check.verdict is CheckVerdict.PASSED)
    told: dict[str, list[str]] = {}
    for what, about in (note for check in passed for note in seen_by(check).notes()):
        if about not in told.setdefault(what, []):
            told[what].append(about)
    yield from (f"{what}: {'; '.join(about)}" for what, about in told.items())


def _toolchain(report: Report) -> str:
    """The compiler in a line of Markdown; empty where no check used one."""
    told = report.toolchain.get("compiler") or report.toolchain.get("version") or report.toolchain
    if isinstance(told, Mapping):
        told = ", ".join(f"{key} {value}" for key, value in told.items() if isinstance(value, str))
    return inline(told) if told else ""


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


def _must_have(must_have: MustHaveReport, checks: list[CheckReport]) -> dict[str, Any]:
    return {
        "tail": must_have.id.rpartition("/")[2],
        "text": must_have.text,
        "requirement": must_have.requirement,
        "verdict": str(must_have.verdict),
        "evidence": must_have.reason or sentence(checks),
    }


def sentence(checks: list[CheckReport]) -> str:
    """What the most telling of these checks saw, in its own sentence, and how many more there are."""
    if not checks:
        return ""
    telling_one = min(checks, key=lambda check: (check.kind != "correctness", check.kind in STATIC))
    more = f" ({decided_by(checks)})" if len(checks) > 1 else ""
    return f"{_shortened(one_line(telling_one.message.partition(chr(10))[0]))}{more}"


def _shortened(text: str) -> str:
    """A sentence of at most _LONG characters, cut where a part of it ends."""
    if len(text) <= _LONG:
        return text
    ends = [found.start() for found in _PART.finditer(text, 0, _LONG)]
    return f"{text[: ends[-1]] if ends else text[:_LONG].rpartition(' ')[0]} …"


def decided_by(checks: list[CheckReport]) -> str:
    """The kinds of the checks with their number, and how they went where not all passed."""
    parts = []
    for kind in dict.fromkeys(check.kind for check in checks):
        verdicts = [str(check.verdict) for check in checks if check.kind == kind]
        number = f" ({len(verdicts)})" if len(verdicts) > 1 else ""
        others = ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts))
        parts.append(f"{inline(kind)}{number}" + (f": {others}" if {*verdicts} != {"passed"} else ""))
    return ", ".join(parts) or "no check"


def _opened(decided: list[tuple[MustHaveReport, list[CheckReport]]]) -> Iterator[dict[str, Any]]:
    """What is not verified, with what its checks saw."""
    shown: set[str] = set()
    for must_have, checks in decided:
        if must_have.verdict is not MustHaveVerdict.VERIFIED:
            yield {
                "tail": must_have.id.rpartition("/")[2],
                "text": must_have.text,
                "verdict": str(must_have.verdict),
                "reason": must_have.reason,
                "source": must_have.source,
                "checks": [_check(c, shown) for c in checks if c.verdict is not CheckVerdict.PASSED],
            }


def _check(check: CheckReport, shown: set[str]) -> dict[str, Any]:
    blocks = list(evidence_blocks(check.evidence))
    fresh = [text for text in blocks if text not in shown]
    shown.update(fresh)
    findings = telling(check)
    return {
        "kind": check.kind,
        "verdict": str(check.verdict),
        "message": check.message,
        "why": check.why,
        "findings": findings[:_FINDINGS],
        "more": max(len(findings) - _FINDINGS, 0),
        "hint": check.hint,
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
    return {
        "name": task.name,
        "files": ", ".join(map(code, task.files)),
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
    missed = list(map(inline, not_executed(part.coverage)))
    yield from missed[:_MISSED]
    if len(missed) > _MISSED:
        yield f"Code of further kernels that no case executed ({len(missed) - _MISSED} more, in the report)"
    if not part.must_haves:
        yield "Anything: the plan lists no must-haves."
    lines = [f"`<{name}>`" for name, there in _prose(plan) if there]
    if lines:
        yield f"The lines of {', '.join(lines)} as such: only must-haves are decided, not prose beside them."
    for task in plan.tasks:
        if task.is_checkpoint:
            yield _checkpoint(task)
    if report.device.kind == "emulator":
        yield (
            "Speed, and anything else that only hardware shows: the code objects ran on the emulator, "
            "instruction by instruction, on this machine's CPU."
        )
    if any(check.verdict is CheckVerdict.PASSED for check in part.checks if check.kind == "correctness"):
        yield "Shapes and values beyond those that the correctness checks drew (their counts are above)."


def _prose(plan: Plan) -> Iterator[tuple[str, bool]]:
    """The parts of a plan that say what is to be shown beside its must-haves, and whether they say any."""
    yield "verify", any(task.verify for task in plan.tasks)
    for name, section in (("verification", plan.verification), ("success_criteria", plan.success_criteria)):
        yield name, section is not None and bool(section.items)


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
