"""What a run shows: a bar on a terminal, causes of what did not pass, and what is not verified at the end."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from rocverify import progress
from rocverify.cli.causes import Group, groups
from rocverify.cli.ending import COLOURS, Ending, listed
from rocverify.cli.terminal import Terminal, command_lines, main_stream
from rocverify.records import CheckResult, CheckVerdict, MustHaveVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rocverify.errors import PlanError
    from rocverify.report.model import Report
    from rocverify.report.write import Written
    from rocverify.runner.bound import BoundPlan
    from rocverify.runner.judgement import PlanJudgement
    from rocverify.runner.session import Outcome


MOST_WARNINGS = 20
"""Warnings about plans that a terminal shows; a summary has all of its own."""
_ABOUT, _LOG = 4, 12


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
            self._terminal.labelled(str(result.verdict), COLOURS[result.verdict], words)
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
        messages = {result.message.partition("\n")[0] for result in self._open}
        Ending(self._terminal, report, messages, verbose=self._verbose).show(written, outcome)

    def _group(self, group: Group) -> None:
        terminal = self._terminal
        colour = COLOURS[group.verdict]
        count = f"{len(group.checks)} checks: " if len(group.checks) > 1 else ""
        where = group.checks[0] if len(group.checks) == 1 else f"{count}{group.kind}"
        terminal.labelled(str(group.verdict), colour, f"{where}: {group.sort}")
        if len(group.checks) > 1:
            terminal.text(listed(_short(group.checks), None if self._verbose else 12), "  in        ")
        if group.about:
            terminal.text(listed(group.about, None if self._verbose else _ABOUT), "  kernels   ")
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


def _short(checks: Iterable[str]) -> list[str]:
    """Must-haves of checks, each once: `16-02/T1`."""
    return list(dict.fromkeys(name.rpartition("/")[0] for name in checks))
