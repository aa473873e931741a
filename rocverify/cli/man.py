"""`rocverify man`: the manual page, made of what `--help` says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from rocverify import __version__
from rocverify.errors import ExitCode


@click.command("man", help="Print the manual page (man's own format), with every command and option.")
def command() -> int:
    """Prints the page."""
    from rocverify.cli.main import SETTINGS, cli

    context = click.Context(cli, info_name="rocverify", **SETTINGS)
    click.echo("\n".join(_page(context)))
    return ExitCode.VERIFIED


def _page(context: click.Context) -> Iterator[str]:
    yield f'.TH ROCVERIFY 1 "" "rocverify {__version__}"'
    yield ".SH NAME"
    yield f"rocverify \\- {_escaped(_first(context.command.help))}"
    yield ".SH COMMANDS"
    for path, each in _commands(context):
        yield from _section(path, each)
    yield ".SH EXIT STATUS"
    yield from _told(context.command.epilog or "")


def _commands(context: click.Context) -> Iterator[tuple[str, click.Context]]:
    """Every command below one, with the words that name it."""
    group = context.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if found is None:
            continue
        each = click.Context(found, info_name=name, parent=context)
        if isinstance(found, click.Group):
            yield from _commands(each)
        else:
            yield each.command_path, each


def _section(path: str, context: click.Context) -> Iterator[str]:
    words = " ".join(context.command.collect_usage_pieces(context))
    yield f".SS {_escaped(path)}"
    yield f".B {_escaped(path)} {_escaped(words)}"
    yield from _told(context.command.help or "")
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield ".TP"
            yield f".B {_escaped(record[0])}"
            yield _escaped(" ".join(record[1].split()))


def _told(text: str) -> Iterator[str]:
    """Paragraphs; one that begins with the mark of click's for that keeps its lines."""
    for paragraph in text.split("\n\n"):
        as_it_is = paragraph.startswith("\b")
        yield ".PP"
        if as_it_is:
            yield ".nf"
            yield from map(_escaped, paragraph.lstrip("\b\n").splitlines())
            yield ".fi"
        else:
            yield _escaped(" ".join(paragraph.split()))


def _first(text: str | None) -> str:
    return (text or "").partition("\n")[0].rstrip(".")


def _escaped(text: str) -> str:
    """Text of which nothing is a request of roff's."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped)
