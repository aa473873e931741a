"""What GitHub Actions shows of a run: annotations beside the code, and a step summary.

An annotation is a line of output, a workflow command. Anybody's text could be one: ours is escaped here, and
`rocverify.cli.github` has the runner take no commands from what else a run prints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rocverify.markdown import cell_code, code, fenced, inline
from rocverify.payload import clean_text
from rocverify.records import MustHaveVerdict
from rocverify.report.model import PlanReport, Report
from rocverify.report.problems import Level, Problem, problems
from rocverify.report.render import duration

MOST_ANNOTATIONS = 10
"""What GitHub shows of a step, of each level."""
MOST_ROWS = 50
"""Rows of the step summary's table; a summary ends at 1 MiB."""
_MOST_CHARACTERS = 4_000
_MOST_OF_A_ROW = 300


def annotation_lines(report: Report) -> Iterator[str]:
    """Workflow commands, a line each: an error for what failed, a warning for what is not verified, and a
    notice that says how many more there are."""
    found = problems(report)
    left_out = 0
    for level in Level:
        of_level = [problem for problem in found if problem.level is level]
        left_out += max(0, len(of_level) - MOST_ANNOTATIONS)
        yield from map(annotation, of_level[:MOST_ANNOTATIONS])
    if left_out:
        text = f"{left_out} more are in the step summary and in rocverify.sarif"
        yield f"::notice title=rocverify::{text}"


def annotation(problem: Problem) -> str:
    """`::error file=kernels/rope.hip,line=7,title=...::message`."""
    place = problem.place
    properties = {
        "file": place.path,
        "line": str(place.line),
        **({} if place.column is None else {"col": str(place.column)}),
        "title": problem.title,
    }
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    hint = f"\nWhat to do: {problem.hint}" if problem.hint else ""
    message = clean_text(f"{problem.message}{hint}")[:_MOST_CHARACTERS]
    return f"::{problem.level} {told}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(clean_text(text)).replace(":", "%3A").replace(",", "%2C")


def step_summary(report: Report) -> str:
    """Markdown for `$GITHUB_STEP_SUMMARY`: status, a row for each plan, and what is not verified."""
    device = report.device
    where = f"{device.kind} ({device.name})" if device.kind != "none" else "no device"
    lines = [
        f"### rocverify: {report.status}, {report.score} must-haves verified",
        "",
        f"On {inline(where)} in {duration(report.duration_s)}, exit code {report.exit_code}, "
        f"seed {report.seed}.",
        "",
        *_baseline(report),
        *_plans(report.plans),
        *_problems(problems(report)),
        "<details><summary>How to reproduce</summary>",
        "",
        fenced(report.command, "sh"),
        "",
        "</details>",
        "",
    ]
    return "\n".join(lines)


def _baseline(report: Report) -> Iterator[str]:
    one = report.baseline
    if one is not None:
        counts = f"{len(one.worse)} new or worse, {len(one.better)} better, {len(one.known)} gaps as before"
        yield f"Against {code(one.ref)}: {counts}."
        yield ""


def _plans(plans: Sequence[PlanReport]) -> Iterator[str]:
    if not plans:
        return
    yield from ("| Plan | Status | Verified | Failed | Unverified |", "| --- | --- | --- | --- | --- |")
    for plan in plans:
        verdicts = [must_have.verdict for must_have in plan.must_haves]
        counts = (str(verdicts.count(verdict)) for verdict in _ORDER)
        yield f"| {inline(plan.plan)} | {plan.status} | {' | '.join(counts)} |"
    yield ""


_ORDER = (MustHaveVerdict.VERIFIED, MustHaveVerdict.FAILED, MustHaveVerdict.UNVERIFIED)


def _problems(found: Sequence[Problem]) -> Iterator[str]:
    if not found:
        return
    yield from ("| | Must-have | What | Where |", "| --- | --- | --- | --- |")
    for problem in found[:MOST_ROWS]:
        place = f"{problem.place.path}:{problem.place.line}"
        message = problem.message.partition("\n")[0]
        message = message if len(message) <= _MOST_OF_A_ROW else f"{message[:_MOST_OF_A_ROW]} ..."
        about = inline(problem.must_have) or code(problem.rule)
        yield f"| {problem.level} | {about} | {inline(message)} | {cell_code(place)} |"
    if len(found) > MOST_ROWS:
        yield ""
        yield f"{len(found) - MOST_ROWS} more are in `report.json`."
    yield ""
