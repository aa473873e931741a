"""What a run shows: progress on a terminal, plain lines elsewhere, and the verdict table at the end."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, Protocol

import click

from rocverify.records import CheckResult, CheckVerdict, MustHaveVerdict, Status
from rocverify.report.baseline import told
from rocverify.report.coverage import matrix_lines, models_line, models_of, not_executed
from rocverify.runner.items import details
from rocverify.runner.judgement import why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rocverify.errors import PlanError
    from rocverify.report.model import Report
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


class Bar(Protocol):
    """A progress bar, or nothing where there is no terminal."""

    def show(self, name: str) -> None:
        """Says which check is running."""

    def step(self) -> None:
        """Counts one check as done."""


def _commands(plans: Sequence[BoundPlan]) -> Iterator[str]:
    """The commands that the checks are going to run, each with its check."""
    for spec in (spec for plan in plans for spec in plan.specs):
        lines = spec.params.get("run") or spec.params.get("program") or ()
        for line in [lines] if isinstance(lines, str) else lines:
            yield f"{spec.id}: {line}"


class Screen:
    """The observer of a session and the printer of its end. A context manager: its bar must go away."""

    def __init__(
        self, plans: Sequence[BoundPlan], *, to_stderr: bool = False, commands: bool = False
    ) -> None:
        self._commands = list(_commands(plans)) if commands else []
        self._warnings = [str(warning) for plan in plans for warning in plan.plan.warnings]
        self._told: dict[str, str] = {}
        """Reasons that were shown beside their check, with what stands for them in the table."""
        self._names = {nodeid: spec.id for plan in plans for nodeid, spec in plan.nodeids().items()}
        self._target: IO[str] = sys.stderr if to_stderr else sys.stdout
        self._file = self._target
        self._stack = ExitStack()
        self._bar: Bar | None = None

    def __enter__(self) -> Screen:
        if self._target.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb":
            # While a check runs, pytest has the descriptors; the bar draws from a thread of its own.
            copy = os.fdopen(os.dup(self._target.fileno()), "w", encoding="utf-8", errors="replace")
            self._file = self._stack.enter_context(copy)
            self._bar = self._stack.enter_context(_rich_bar(copy, len(self._names)))
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        self._stack.close()
        self._bar, self._file = None, self._target

    def _line(self, text: str = "") -> None:
        click.echo(text, file=self._file)

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
        self._line(f"rocverify: {selection}, {len(self._names)} checks, device {device}, seed {seed}")
        for warning in self._warnings[:MOST_WARNINGS]:
            self._line(f"{click.style('warning', fg='yellow')}  {warning}")
        if len(self._warnings) > MOST_WARNINGS:
            self._line(f"warning  {len(self._warnings) - MOST_WARNINGS} more, in the summaries")
        for line in self._commands:
            self._line(f"command  {line}")
        for error in refused:
            self._line(f"{click.style('refused', fg='red')}  {error}")
        for line in first:
            self._line(f"wait     {line}")

    def started(self, name: str) -> None:
        """A check starts."""
        if self._bar is not None and name in self._names:
            self._bar.show(self._names[name])

    def finished(self, result: CheckResult) -> None:
        """A check has its record: one line, and for what did not pass, why."""
        if self._bar is not None:
            self._bar.step()
        verdict = click.style(f"{result.verdict:<8}", fg=_COLOURS[result.verdict])
        self._line(f"{verdict} {result.id}  ({result.duration_s:.1f} s)")
        if result.verdict is not CheckVerdict.PASSED:
            self._line(_indented(details(result)))
            self._told[why(result)] = f"{result.kind} {result.verdict}, see above"

    def undecided(self, identity: str, reason: str) -> None:
        """A must-have without a check."""
        verdict = click.style(f"{MustHaveVerdict.UNVERIFIED:<8}", fg="yellow")
        self._line(f"{verdict} {identity}: {reason}")
        self._told[reason] = "see above"

    def interrupted(self, judged: Sequence[PlanJudgement]) -> None:
        """The end of an interrupted run."""
        self._close()
        done = sum(not r.evidence.get("deselected") for plan in judged for r in plan.results)
        self._line(f"interrupted after {done} of {len(self._names)} checks; no file was written")

    def finish(self, report: Report, written: Written, outcome: Outcome) -> None:
        """The end of a run: where the documents are, the verdict table, the status."""
        self._close()
        self._line()
        for name in (*written.summaries, *written.verifications):
            state = "written" if name in written.changed else "unchanged"
            failed = any((error.where or "").startswith(name) for error in written.errors)
            self._line(f"{name}  ({'not written' if failed else state})")
        if written.page and not any(error.where == written.page for error in written.errors):
            self._line(f"{written.page}  (all of this as a page)")
        for name in written.kept:
            self._line(f"{name}  (kept: only a part of the checks ran, and none of it failed)")
        for refused in report.refused:
            self._line(f"{refused.path}: refused, so its phase is not judged as a whole")
        if not outcome.ran:
            self._line("nothing was executed, so nothing was written")
        for name in outcome.foreign:
            self._line(f"failed beside the plans: {name}")
        self._line()
        self._table(report)

    def _coverage(self, report: Report) -> None:
        """How many kernels were compared, in which types, and those that were not."""
        rows = {(row.source, row.kernel): row for plan in report.plans for row in plan.coverage}
        if not rows:
            return
        missing = [row.kernel for row in rows.values() if not row.compared]
        sanitized = sum(bool(row.sanitized) for row in rows.values())
        self._line(
            f"kernels: {len(rows) - len(missing)} of {len(rows)} launched and compared, {sanitized} sanitized"
            + (f"; only compiled: {', '.join(missing)}" if missing else "")
        )
        for line in matrix_lines(rows.values()):
            self._line(f"  cases compared of {line}")
        told = [row for row in rows.values() if row.blocks is not None]
        if told:
            blocks, ran = sum(row.blocks or 0 for row in told), sum(row.executed_blocks or 0 for row in told)
            self._line(f"code: {ran} of {blocks} basic blocks executed in compared cases")
            for line in not_executed(told):
                self._line(f"  not verified: {line}")
        models = models_of(report.plans)
        if models:
            self._line(models_line(models))

    def _reason(self, reason: str) -> str:
        """Why a must-have is not verified, without what was told already; several reasons in a row."""
        for shown in sorted(self._told, key=len, reverse=True):
            reason = reason.replace(shown, self._told[shown])
        return reason

    def _table(self, report: Report) -> None:
        rows = [
            (
                m.id,
                str(m.verdict),
                m.requirement or "",
                "\n".join(filter(None, (m.text, self._reason(m.reason)))),
            )
            for plan in report.plans
            for m in plan.must_haves
        ]
        if self._target.isatty():
            _rich_table(self._file, rows)
        else:
            for line in plain_table(rows):
                self._line(line)
        self._line()
        for demand in report.demands:
            if demand.verdict is not MustHaveVerdict.VERIFIED:
                word = "unproved" if demand.verdict is MustHaveVerdict.UNVERIFIED else "failed  "
                self._line(f"{word}: {demand.kind} {demand.id}: {demand.text}")
                self._line(f"          {demand.reason}")
        for plan in report.plans:
            empty = "  (the plan lists no must-haves)" if not plan.must_haves else ""
            self._line(f"{plan.plan}: {plan.status}, {plan.score} must-haves verified{empty}")
        for one in report.unbuilt:
            self._line(f"no must-have asks for this: {one.path}: {one.message}")
        self._coverage(report)
        for phase in report.phases:
            done = sum(demand.verdict is MustHaveVerdict.VERIFIED for demand in phase.demands)
            if phase.demands:
                self._line(
                    f"phase {phase.phase}: {done} of {len(phase.demands)} requirements and criteria proved"
                )
        if report.baseline is not None:
            for line in told(report.baseline, report.exit_code):
                self._line(line)
        status = click.style(str(report.status), fg=_COLOURS[report.status], bold=True)
        device = report.device
        self._line(
            f"{status}: {report.score} verified, device {device.kind} ({device.name}), seed {report.seed}, "
            f"{report.duration_s:.1f} s, exit code {int(report.exit_code)}"
        )


def plain_table(rows: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """The verdict table in aligned columns; further lines of a cell stand below it."""
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = []
    for *cells, text in rows:
        first, *more = text.splitlines() or [""]
        head = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        lines.append(f"{head}  {first}".rstrip())
        lines += [f"{'':<{len(head)}}  {line}" for line in more]
    return lines


def _indented(text: str) -> str:
    return "\n".join(f"         {line}" for line in text.splitlines())


def _rich_table(file: IO[str], rows: Sequence[tuple[str, str, str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Must-have", "Verdict", "Requirement", "Statement", box=None, pad_edge=False)
    for name, verdict, requirement, text in rows:
        colour = _COLOURS[MustHaveVerdict(verdict)]
        table.add_row(Text(name), Text(verdict, style=colour), Text(requirement), Text(text))
    Console(file=file).print(table)


class _RichBar:
    def __init__(self, file: IO[str], total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            console=Console(file=file),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("collecting", total=total)

    def __enter__(self) -> _RichBar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, name: str) -> None:
        self._progress.update(self._task, description=name)

    def step(self) -> None:
        self._progress.advance(self._task)


def _rich_bar(file: IO[str], total: int) -> Any:
    return _RichBar(file, total)
