"""Lines on a terminal, in a pipe or in CI: never over the width, beside a bar that they do not disturb."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from shutil import get_terminal_size
from textwrap import wrap
from time import monotonic
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_LEAST, _NARROW, _PIPE = 20, 60, 100
_INDENT = "  "
_QUIET_S = 20.0


def is_live(stream: IO[str]) -> bool:
    """Whether a bar may be drawn there."""
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def width_of(stream: IO[str]) -> int:
    """Columns that a line may have: the terminal's, else COLUMNS, else 100."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return max(int(asked), _LEAST)
    return max(get_terminal_size((_PIPE, 24)).columns if stream.isatty() else _PIPE, _LEAST)


def wrapped(text: str, width: int, first: str = "", rest: str | None = None) -> list[str]:
    """Text in lines of at most `width` columns; `first` stands before it, `rest` before those that follow. A
    word that is longer than a line goes on in the next one."""
    rest = " " * len(first) if rest is None else rest
    if width < _NARROW and len(rest) > len(_INDENT):
        rest = _INDENT
    lines: list[str] = []
    for part in text.splitlines() or [""]:
        lead = first if not lines else rest
        lines += wrap(
            part,
            width,
            initial_indent=lead,
            subsequent_indent=rest,
            break_on_hyphens=False,
            drop_whitespace=True,
        ) or [lead.rstrip()]
    return lines


def cut(text: str, width: int) -> str:
    """Text in one line of at most `width` columns."""
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1].rstrip()}…"


def command_lines(words: str, width: int, indent: str) -> list[str]:
    """A command over several lines that can be pasted as they stand: broken between words, or within one that
    is longer than a line, by a backslash."""
    lines, line = [], indent
    for word in words.split(" "):
        gap = "" if line.strip() == "" else " "
        if len(line) + len(gap) + len(word) + 2 > width and line.strip():
            lines.append(f"{line} \\")
            line, gap = indent, ""
        line += gap + word
        while len(line) > width - 2:  # a blank and a backslash may follow
            lines.append(f"{line[: width - 2]}\\")
            line = line[width - 2 :]
    return [*lines, line]


class Terminal:
    """Where lines go. Within `with`, a bar may stand below them on a terminal; a copy of its descriptor is
    used, since pytest has the others while a check runs."""

    def __init__(self, stream: IO[str], total: int) -> None:
        self._stream = self._target = stream
        self._total = total
        self._stack = ExitStack()
        self._console: Console | None = None
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._said = monotonic()
        self.width = width_of(stream)

    def __enter__(self) -> Terminal:
        if is_live(self._target):
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
            from rich.table import Column

            copy = os.fdopen(os.dup(self._target.fileno()), "w", encoding="utf-8", errors="replace")
            self._stream = self._stack.enter_context(copy)
            self._console = Console(file=copy, highlight=False, markup=False, soft_wrap=True)
            self._progress = Progress(
                MofNCompleteColumn(),
                BarColumn(bar_width=10),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
                console=self._console,
                transient=True,
                expand=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = self._progress.add_task("starting", total=self._total)
            self._stack.enter_context(self._progress)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Takes the bar away; lines may still come."""
        self._stack.close()
        self._stream, self._console, self._progress = self._target, None, None

    def line(self, text: str = "") -> None:
        """A line as it is, which the caller has made to fit."""
        self._said = monotonic()
        if self._console is not None:
            from rich.text import Text

            shown = Text.from_ansi(text) if self._console.color_system else Text(click.unstyle(text))
            self._console.print(shown, soft_wrap=True)
        elif "NO_COLOR" in os.environ:
            click.echo(click.unstyle(text), file=self._stream)
        else:
            click.echo(text, file=self._stream)

    def text(self, text: str, first: str = "", rest: str | None = None) -> None:
        """Text over as many lines as it takes."""
        for line in wrapped(text, self.width, first, rest):
            self.line(line)

    def labelled(self, label: str, colour: str | None, text: str) -> None:
        """`failed    the text`, with the label in a colour and what follows indented below the text."""
        lead = label if label.endswith(" ") else f"{label:<10}"
        head, *more = wrapped(text, self.width, lead)
        self.line(click.style(head[: len(lead)], fg=colour) + head[len(lead) :])
        for line in more:
            self.line(line)

    def step(self, text: str, done: int) -> None:
        """What is done now: in the bar; elsewhere a line, where nothing was said for a while."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=text, completed=done)
        elif text and monotonic() - self._said > _QUIET_S:
            self.text(f"{text} ({done} of {self._total} checks done)", "...       ")
            self._stream.flush()


def main_stream(*, to_stderr: bool) -> IO[str]:
    """Where a run speaks."""
    return sys.stderr if to_stderr else sys.stdout
