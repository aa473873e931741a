"""A run within GitHub Actions: annotations on its output, and the step summary."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rocverify.report.model import Report

_ACTIONS = "GITHUB_ACTIONS"
_SUMMARY = "GITHUB_STEP_SUMMARY"


def in_actions() -> bool:
    """Whether GitHub's runner reads what is printed."""
    return os.environ.get(_ACTIONS, "").lower() == "true"


@contextmanager
def commands_stopped(*, to_stderr: bool) -> Iterator[None]:
    """The runner takes no workflow commands from what is printed meanwhile: the code under verification, its
    compilers and its plans have their words in it. After an error it takes none to the step's end: one may
    quote a plan. Nothing happens outside of GitHub Actions."""
    if not in_actions():
        yield
        return
    token = secrets.token_hex(16)
    click.echo(f"::stop-commands::{token}", err=to_stderr)
    yield
    click.echo(f"::{token}::", err=to_stderr)


def show(report: Report, *, to_stderr: bool) -> None:
    """Prints the annotations and appends to the step summary. A summary that cannot be written is said, and
    changes no verdict."""
    if not in_actions():
        return
    from rocverify.report.github import annotation_lines, step_summary

    for line in annotation_lines(report):
        click.echo(line, err=to_stderr)
    name = os.environ.get(_SUMMARY)
    if not name:
        return
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(f"{step_summary(report)}\n")
    except OSError as error:
        click.echo(
            f"warning: {name}: the step summary cannot be written: {error.strerror or error}", err=True
        )
