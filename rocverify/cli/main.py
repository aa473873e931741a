"""The entry point: parses, dispatches, and turns whatever happens into an exit code."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import click

from rocverify import __version__, cycles
from rocverify.cli import environment
from rocverify.cli.boundary import Boundary
from rocverify.cli.examples import with_examples
from rocverify.cli.texts import EXIT_CODES


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for, to start quickly."""

    def __init__(self, *args: object, modules: dict[str, str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of --help."""
        del ctx
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported now; None if there is none."""
        del ctx
        if cmd_name not in self._modules:
            return None
        command: click.Command = importlib.import_module(self._modules[cmd_name]).command
        if "Examples:" not in (command.epilog or ""):
            command.epilog = with_examples(cmd_name, command.epilog)
        return command


SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

run = LazyGroup(
    name="run",
    modules={
        "phase": "rocverify.cli.run_phase",
        "plan": "rocverify.cli.run_plan",
        "all": "rocverify.cli.run_all",
    },
    help="Execute what plans claim, report what was seen, and exit by it.",
    epilog=EXIT_CODES,
    context_settings=SETTINGS,
)


class _Root(LazyGroup):
    """The top of the tree: `run` is a group of its own, the rest are commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["run", *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return run if cmd_name == "run" else super().get_command(ctx, cmd_name)


cli = _Root(
    name="rocverify",
    modules={
        "report": "rocverify.cli.report",
        "init": "rocverify.cli.init",
        "explain": "rocverify.cli.explain",
        "bind": "rocverify.cli.bind",
        "lint": "rocverify.cli.lint",
        "contract": "rocverify.cli.contract",
        "doctor": "rocverify.cli.doctor",
        "cache": "rocverify.cli.cache",
        "exec": "rocverify.cli.exec",
        "compile": "rocverify.cli.compile",
        "inspect": "rocverify.cli.inspect",
        "emulate": "rocverify.cli.emulate",
        "completion": "rocverify.cli.completion",
        "man": "rocverify.cli.man",
    },
    help="Decides whether a GPU kernel plan is really done, by executing what it claims.",
    epilog=with_examples("rocverify", EXIT_CODES),
    context_settings=SETTINGS,
)
click.version_option(__version__, prog_name="rocverify")(cli)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    environment.prepare()
    boundary = Boundary()
    with boundary, cycles.looked_for_seldom(for_good=arguments is None):
        words = None if arguments is None else list(arguments)
        boundary.code = cli.main(words, prog_name="rocverify", standalone_mode=False) or 0
    return boundary.code
