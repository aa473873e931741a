"""`rocverify completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from rocverify.errors import ExitCode, UsageError


@click.command(
    "completion",
    help="Print what makes a shell complete commands, options, and the numbers of phases and plans.\n\n"
    "Put it where your shell reads it: `rocverify completion bash >> ~/.bashrc`.",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Prints the script of a shell."""
    from rocverify.cli.main import cli

    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"no completion is known for {shell}")
    click.echo(found(cli, {}, "rocverify", "_ROCVERIFY_COMPLETE").source())
    return ExitCode.VERIFIED
