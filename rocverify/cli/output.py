"""What a run shows: a bar on a terminal, causes of what did not pass, and what is not verified at the end."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import click

from rocverify import progress
from rocverify.cli.causes import Group, groups
from rocverify.cli.terminal import Terminal, command_lines, cut, main_stream, wrapped
from rocverify.records import CheckResult, CheckVerdict, MustHaveVerdict, Status
from rocverify.report.baseline import told
from rocverify.report.coverage import matrix_lines, models_line, models_of, not_executed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rocverify.errors import PlanError
    from rocverify.report.model import PlanReport, Report
    from rocverify.report.write import Written
    from rocverify.runner.bound import BoundPlan
    from rocverify.runner.judgement import PlanJudgement
    from rocverify.runner.session import Outcome

_COLOURS = {
    **dict.fromkeys((CheckVerdict.PASSED, MustHaveVerdict.VERIFIED, Status.PASSED), "green"),
    **dict.fromkeys((CheckVerdict.FAILED, CheckVerdict.ERROR, MustHaveVerdict.FAILED), "red"),
    Status.GAPS_FOUND: "red",
    **dict.fromkeys((CheckVerdict.NOT_RUN, MustHaveVerdict.UNVERIFIED, Status.HUMAN_NEEDED), "yellow"),
}


MOST_WARNINGS = 20
"""Warnings about plans that a terminal shows; a summary has all of its own."""
_ABOUT, _LOG, _ROWS, _NAMED, _MISSED = 4, 12, 40, 3, 2


def _commands(plans: Sequence[BoundPlan]) -> Iterator[str]:
    """The commands that the checks are going to run, each with its check."""
    for spec in (spec for plan in plans for spec in plan.specs):
        lines = spec.params.get("run") or spec.params.get("program") or ()
        for line in [lines] if isinstance(lines, str) else lines:
            yield f"{spec.id}: {line}"


class Screen:
    """The observer of a session and the printer of its end. A context manager: its bar must go away.

    verbose: a line for every check, every finding, each document.
    """

    def __init__(
        self,
        plans: Sequence[BoundPlan],
        *,
        to_stderr: bool = False,
        commands: bool = False,
        verbose: bool = False,
    ) -> None:
        self._commands = list(_commands(plans)) if commands else []
        self._warnings = [str(warning) for plan in plans for warning in plan.plan.warnings]
        self._names = {nodeid: spec.id for plan in plans for nodeid, spec in plan.nodeids().items()}
        self._terminal = Terminal(main_stream(to_stderr=to_stderr), len(self._names))
        self._verbose = verbose
        self._open: list[CheckResult] = []
        self._undecided: dict[str, str] = {}
        self._done = 0
        self._running: tuple[str, float] = ("", 0.0)

    def __enter__(self) -> Screen:
        self._terminal.__enter__()
        progress.listen(self.step)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        progress.listen(None)
        self._terminal.close()

    def begin(
        self,
        selection: str,
        seed: int,
        device: str,
        refused: Sequence[PlanError] = (),
        first: Iterable[str] = (),
    ) -> None:
        """The first line of a run, what was odd about its plans, which of them cannot be read, and what has
        to be made `first`, before anything else can be shown."""
        terminal = self._terminal
        terminal.text(f"rocverify: {selection}, {len(self._names)} checks, device {device}, seed {seed}")
        for warning in self._warnings[:MOST_WARNINGS]:
            terminal.labelled("warning", "yellow", warning)
        if len(self._warnings) > MOST_WARNINGS:
            more = len(self._warnings) - MOST_WARNINGS
            terminal.labelled("warning", "yellow", f"{more} more, in the summaries")
        for line in self._commands:
            terminal.labelled("command", None, line)
        for error in refused:
            terminal.labelled("refused", "red", str(error))
        for line in first:
            terminal.labelled("wait", None, line)

    def started(self, name: str) -> None:
        """A check starts."""
        if name in self._names:
            self._running = self._names[name], monotonic()
            self._terminal.step(self._names[name], self._done)

    def step(self, text: str, about: str) -> None:
        """What a check does now, and for how long it has run."""
        name, since = self._running
        if about and self._names.get(about, name) != name:
            name, since = self._names.get(about, ""), 0.0
        seconds = f", {monotonic() - since:.0f} s" if since else ""
        self._terminal.step(f"{name}: {text}{seconds}" if name else text, self._done)

    def finished(self, result: CheckResult) -> None:
        """A check has its record: a line if every check is to have one."""
        self._done += 1
        passed = result.verdict is CheckVerdict.PASSED
        if not passed:
            self._open.append(result)
        if self._verbose:
            words = f"{result.id}  ({result.duration_s:.1f} s)"
            self._terminal.labelled(str(result.verdict), _COLOURS[result.verdict], words)
        self._terminal.step("", self._done)

    def undecided(self, identity: str, reason: str) -> None:
        """A must-have without a check."""
        self._undecided[identity] = reason
        if self._verbose:
            self._terminal.labelled(str(MustHaveVerdict.UNVERIFIED), "yellow", f"{identity}: {reason}")

    def interrupted(self, judged: Sequence[PlanJudgement]) -> None:
        """The end of an interrupted run."""
        self._close()
        done = sum(not r.evidence.get("deselected") for plan in judged for r in plan.results)
        self._terminal.text(f"interrupted after {done} of {len(self._names)} checks; no file was written")

    def finish(self, report: Report, written: Written, outcome: Outcome) -> None:
        """The end of a run: causes, what is not verified, counts, where the documents are, the status."""
        self._close()
        for group in groups(self._open):
            self._terminal.line()
            self._group(group)
        self._terminal.line()
        self._table(report)
        self._written(report, written, outcome)
        self._status(report)

    def _group(self, group: Group) -> None:
        terminal = self._terminal
        colour = _COLOURS[group.verdict]
        count = f"{len(group.checks)} checks: " if len(group.checks) > 1 else ""
        where = group.checks[0] if len(group.checks) == 1 else f"{count}{group.kind}"
        terminal.labelled(str(group.verdict), colour, f"{where}: {group.sort}")
        if len(group.checks) > 1:
            terminal.text(_listed(_short(group.checks), None if self._verbose else 12), "  in        ")
        if group.about:
            terminal.text(_listed(group.about, None if self._verbose else _ABOUT), "  kernels   ")
        for label, text in group.facts:
            terminal.text(text, f"  {label:<9} " if label else "  ")
        shown = group.log if self._verbose else group.log[:_LOG]
        for line in shown:
            terminal.text(line, "  | ", "  | ")
        if len(group.log) > len(shown):
            terminal.text(f"({len(group.log) - len(shown)} more lines, in the report)", "  | ")
        if group.hint:
            terminal.text(group.hint, "  to do     ")
        if group.replay:
            terminal.text("", "  replay:")
            for line in command_lines(group.replay, terminal.width, "  "):
                terminal.line(line)

    def _table(self, report: Report) -> None:
        """What is not verified, and how many are."""
        terminal = self._terminal
        rows = [
            (plan, must_have)
            for plan in report.plans
            for must_have in plan.must_haves
            if must_have.verdict is not MustHaveVerdict.VERIFIED
        ]
        shown = {why for result in self._open for why in (result.message.partition("\n")[0],)}
        for _, must_have in rows[: None if self._verbose else _ROWS]:
            verdict, words = must_have.verdict, f"{must_have.id}: {must_have.text}"
            if must_have.requirement and must_have.requirement not in must_have.text:
                words += f" ({must_have.requirement})"
            lead = f"{verdict:<10}  "
            line = words if self._verbose else cut(words, terminal.width - len(lead))
            terminal.labelled(lead, _COLOURS[verdict], line)
            if must_have.reason and not any(text and text in must_have.reason for text in shown):
                terminal.text(must_have.reason, "            ")
        if len(rows) > _ROWS and not self._verbose:
            terminal.text(f"{len(rows) - _ROWS} more are not verified: -v, or the report", "           ")
        for demand in report.demands:
            if demand.verdict is MustHaveVerdict.VERIFIED or (demand.must_haves and not self._verbose):
                continue  # what a must-have leaves open is told by that
            word = "unproved" if demand.verdict is MustHaveVerdict.UNVERIFIED else "failed"
            terminal.text(f"{word}: {demand.kind} {demand.id}: {demand.text}", rest="  ")
            terminal.text(demand.reason, "  ")
        for one in report.unbuilt:
            terminal.text(f"no must-have asks for this: {one.path}: {one.message}", rest="  ")
        self._counts(report)

    def _counts(self, report: Report) -> None:
        terminal = self._terminal
        parts = [_counted(plan) for plan in report.plans]
        terminal.text(", ".join(parts), "plans     ")
        for phase in report.phases:
            open_ones = [d.id for d in phase.demands if d.verdict is not MustHaveVerdict.VERIFIED]
            if phase.demands:
                done, total = len(phase.demands) - len(open_ones), len(phase.demands)
                left = f"; not {_listed(open_ones, None if self._verbose else 8)}" if open_ones else ""
                words = f"phase {phase.phase}: {done} of {total} requirements and criteria proved{left}"
                terminal.text(words, "asked     ")
        self._coverage(report)
        if report.baseline is not None:
            for line in told(report.baseline, report.exit_code):
                terminal.text(line, rest="  ")

    def _coverage(self, report: Report) -> None:
        """How many kernels were compared, in which types, and those that were not."""
        terminal = self._terminal
        rows = {(row.source, row.kernel): row for plan in report.plans for row in plan.coverage}
        if not rows:
            return
        compared = sum(bool(row.compared) for row in rows.values())
        missing = [row.kernel for row in rows.values() if not row.launched and not row.compared]
        sanitized = sum(bool(row.sanitized) for row in rows.values())
        blocks = [row for row in rows.values() if row.blocks is not None]
        total, ran = (
            sum(getattr(row, name) or 0 for row in blocks) for name in ("blocks", "executed_blocks")
        )
        said = f"{compared} of {len(rows)} launched and compared, {sanitized} sanitized"
        code = f"; {ran} of {total} basic blocks executed" if total else ""
        left = f"; only compiled: {_listed(missing, None if self._verbose else _NAMED)}" if missing else ""
        terminal.text(f"{said}{code}{left}", "kernels   ")
        if self._verbose:
            for line in matrix_lines(rows.values()):
                terminal.text(f"cases compared of {line}", "  ")
        missed = list(not_executed(blocks))
        for line in missed if self._verbose else missed[:_MISSED]:
            terminal.text(f"not verified: {line}", "          ")
        if len(missed) > _MISSED and not self._verbose:
            terminal.text(f"and {len(missed) - _MISSED} more such, in the report", "          ")
        models = models_of(report.plans)
        if models:
            terminal.text(models_line(models).removeprefix("models: "), "models    ")

    def _written(self, report: Report, written: Written, outcome: Outcome) -> None:
        terminal = self._terminal
        names = [*written.summaries, *written.verifications]
        failed = [n for n in names if any((e.where or "").startswith(n) for e in written.errors)]
        for name in names if self._verbose else failed:
            state = "written" if name in written.changed else "unchanged"
            terminal.text(f"{name}  ({'not written' if name in failed else state})", "          ")
        changed = sum(name in written.changed for name in names)
        page = written.page if not any(e.where == written.page for e in written.errors) else ""
        if names or page:
            terminal.text(f"{page}  ({changed} of {len(names)} documents changed)".strip(), "report    ")
        for name in written.kept:
            terminal.text(
                f"{name}  (kept: only a part of the checks ran, and none of it failed)", "          "
            )
        for refused in report.refused:
            terminal.text(f"{refused.path}: refused, so its phase is not judged as a whole", rest="  ")
        if not outcome.ran:
            terminal.text("nothing was executed, so nothing was written")
        for name in outcome.foreign:
            terminal.text(f"failed beside the plans: {name}", rest="  ")

    def _status(self, report: Report) -> None:
        device = report.device
        where = "no device" if device.kind == "none" else f"{device.kind} {device.target or device.name}"
        words = (
            f"{report.status}: {report.score} verified, {where}, "
            f"seed {report.seed}, {report.duration_s:.1f} s, exit code {int(report.exit_code)}"
        )
        length = len(str(report.status))
        first, *rest = wrapped(words, self._terminal.width, rest="  ")
        colour = _COLOURS[report.status]
        self._terminal.line(click.style(first[:length], fg=colour, bold=True) + first[length:])
        for line in rest:
            self._terminal.line(line)


def _counted(plan: PlanReport) -> str:
    """`16-01 passed 14/14`."""
    empty = " (the plan lists no must-haves)" if not plan.must_haves else ""
    return f"{plan.plan} {plan.status} {plan.score}{empty}"


def _short(checks: Iterable[str]) -> list[str]:
    """Must-haves of checks, each once: `16-02/T1`."""
    return list(dict.fromkeys(name.rpartition("/")[0] for name in checks))


def _listed(names: Sequence[str], most: int | None) -> str:
    more = f" and {len(names) - most} more" if most is not None and len(names) > most else ""
    return ", ".join(names[:most]) + more
