"""The end of a run on a terminal: what is not verified, counts, where the documents are, the status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rocverify.cli.terminal import Terminal, cut, wrapped
from rocverify.records import CheckVerdict, MustHaveVerdict, Status
from rocverify.report.baseline import told
from rocverify.report.coverage import matrix_lines, models_line, models_of, not_executed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rocverify.report.model import PlanReport, Report
    from rocverify.report.write import Written
    from rocverify.runner.session import Outcome

COLOURS = {
    **dict.fromkeys((CheckVerdict.PASSED, MustHaveVerdict.VERIFIED, Status.PASSED), "green"),
    **dict.fromkeys((CheckVerdict.FAILED, CheckVerdict.ERROR, MustHaveVerdict.FAILED), "red"),
    Status.GAPS_FOUND: "red",
    **dict.fromkeys((CheckVerdict.NOT_RUN, MustHaveVerdict.UNVERIFIED, Status.HUMAN_NEEDED), "yellow"),
}
"""By verdict and status."""
_ROWS, _NAMED, _MISSED = 40, 3, 2


class Ending:
    """What stands at the end. shown: messages of checks that stand above, and are not told again."""

    def __init__(
        self, terminal: Terminal, report: Report, shown: Collection[str], *, verbose: bool = False
    ) -> None:
        self._terminal, self._report = terminal, report
        self._shown, self._verbose = shown, verbose

    def show(self, written: Written, outcome: Outcome) -> None:
        """Prints all of it."""
        self._table()
        self._written(written, outcome)
        self._status()

    def _table(self) -> None:
        """What is not verified, and how many are."""
        terminal = self._terminal
        rows = [
            (plan, must_have)
            for plan in self._report.plans
            for must_have in plan.must_haves
            if must_have.verdict is not MustHaveVerdict.VERIFIED
        ]
        for _, must_have in rows[: None if self._verbose else _ROWS]:
            verdict, words = must_have.verdict, f"{must_have.id}: {must_have.text}"
            if must_have.requirement and must_have.requirement not in must_have.text:
                words += f" ({must_have.requirement})"
            lead = f"{verdict:<10}  "
            line = words if self._verbose else cut(words, terminal.width - len(lead))
            terminal.labelled(lead, COLOURS[verdict], line)
            if must_have.reason and not any(text and text in must_have.reason for text in self._shown):
                terminal.text(must_have.reason, "            ")
        if len(rows) > _ROWS and not self._verbose:
            terminal.text(f"{len(rows) - _ROWS} more are not verified: -v, or the report", "           ")
        for demand in self._report.demands:
            if demand.verdict is MustHaveVerdict.VERIFIED or (demand.must_haves and not self._verbose):
                continue  # what a must-have leaves open is told by that
            word = "unproved" if demand.verdict is MustHaveVerdict.UNVERIFIED else "failed"
            terminal.text(f"{word}: {demand.kind} {demand.id}: {demand.text}", rest="  ")
            terminal.text(demand.reason, "  ")
        for one in self._report.unbuilt:
            terminal.text(f"no must-have asks for this: {one.path}: {one.message}", rest="  ")
        self._counts()

    def _counts(self) -> None:
        terminal = self._terminal
        parts = [_counted(plan) for plan in self._report.plans]
        terminal.text(", ".join(parts), "plans     ")
        for phase in self._report.phases:
            open_ones = [d.id for d in phase.demands if d.verdict is not MustHaveVerdict.VERIFIED]
            if phase.demands:
                done, total = len(phase.demands) - len(open_ones), len(phase.demands)
                left = f"; not {listed(open_ones, None if self._verbose else 8)}" if open_ones else ""
                words = f"phase {phase.phase}: {done} of {total} requirements and criteria proved{left}"
                terminal.text(words, "asked     ")
        self._coverage()
        if self._report.baseline is not None:
            for line in told(self._report.baseline, self._report.exit_code):
                terminal.text(line, rest="  ")

    def _coverage(self) -> None:
        """How many kernels were compared, in which types, and those that were not."""
        terminal = self._terminal
        rows = {(row.source, row.kernel): row for plan in self._report.plans for row in plan.coverage}
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
        left = f"; only compiled: {listed(missing, None if self._verbose else _NAMED)}" if missing else ""
        terminal.text(f"{said}{code}{left}", "kernels   ")
        if self._verbose:
            for line in matrix_lines(rows.values()):
                terminal.text(f"cases compared of {line}", "  ")
        missed = list(not_executed(blocks))
        for line in missed if self._verbose else missed[:_MISSED]:
            terminal.text(f"not verified: {line}", "          ")
        if len(missed) > _MISSED and not self._verbose:
            terminal.text(f"and {len(missed) - _MISSED} more such, in the report", "          ")
        models = models_of(self._report.plans)
        if models:
            terminal.text(models_line(models).removeprefix("models: "), "models    ")

    def _written(self, written: Written, outcome: Outcome) -> None:
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
        for refused in self._report.refused:
            terminal.text(f"{refused.path}: refused, so its phase is not judged as a whole", rest="  ")
        if not outcome.ran:
            terminal.text("nothing was executed, so nothing was written")
        for name in outcome.foreign:
            terminal.text(f"failed beside the plans: {name}", rest="  ")

    def _status(self) -> None:
        report, device = self._report, self._report.device
        where = "no device" if device.kind == "none" else f"{device.kind} {device.target or device.name}"
        words = (
            f"{report.status}: {report.score} verified, {where}, "
            f"seed {report.seed}, {report.duration_s:.1f} s, exit code {int(report.exit_code)}"
        )
        length = len(str(self._report.status))
        first, *rest = wrapped(words, self._terminal.width, rest="  ")
        colour = COLOURS[self._report.status]
        self._terminal.line(click.style(first[:length], fg=colour, bold=True) + first[length:])
        for line in rest:
            self._terminal.line(line)


def _counted(plan: PlanReport) -> str:
    """`16-01 passed 14/14`."""
    empty = " (the plan lists no must-haves)" if not plan.must_haves else ""
    return f"{plan.plan} {plan.status} {plan.score}{empty}"


def listed(names: Sequence[str], most: int | None) -> str:
    """Names in a line, `most` of them at most, with the number of the others."""
    more = f" and {len(names) - most} more" if most is not None and len(names) > most else ""
    return ", ".join(names[:most]) + more
