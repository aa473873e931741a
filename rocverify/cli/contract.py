"""`rocverify contract new SOURCE`."""

from __future__ import annotations

from pathlib import Path

import click

from rocverify.cli.codeobjects import Exit, exit_code_of, source_flags, target_option
from rocverify.cli.options import find_root, root_option


@click.group("contract", help="Contracts: what a kernel must compute, for checks to hold it to.")
def command() -> None:
    """The group of commands on contracts."""


@command.command(
    "new",
    help="Begin the contracts of a kernel source: one for each kernel that its code object has.\n\n"
    "Arrays, numbers, lengths and the launch are read from the code object's metadata and the kernel's text; "
    "CHECK marks what does not show. `reference` and `wrong` are yours to write: until then whatever rests "
    "on the contract is undecided. Nothing that is there is overwritten. Exits with 0, or with 2 if the "
    "source does not compile, lies outside of the project or the file is there already.",
)
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@source_flags
@click.option("--kernel", metavar="NAME", help="Only for this kernel.  [default: all of the source]")
@click.option(
    "--output",
    "-o",
    metavar="PATH",
    help="Where to write, from the root.  [default: by the setting contract_globs, named as the source]",
)
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
@target_option
@root_option
def new(
    source: Path,
    flags: tuple[str, ...],
    kernel: str | None,
    output: str | None,
    dry_run: bool,
    target: str | None,
    root: Path | None,
) -> int:
    """Runs `rocverify contract new`; returns its exit code."""
    return exit_code_of(lambda: _new(source, flags, kernel, (output, dry_run), target, find_root(root)))


def _new(
    source: Path,
    flags: tuple[str, ...],
    kernel: str | None,
    how: tuple[str | None, bool],
    target: str | None,
    root: Path,
) -> int:
    from rocverify.code.index import CodeIndex
    from rocverify.device.by_hand.workspace import Workspace
    from rocverify.errors import UsageError
    from rocverify.scaffold.modules import Contracts, write_module
    from rocverify.scaffold.steps import Writer
    from rocverify.settings import load_settings

    settings = load_settings(root)
    absolute = source if source.is_absolute() else Path.cwd() / source
    try:
        name = absolute.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise UsageError(f"lies outside of the project at {root}", where=str(source)) from None
    output, dry_run = how
    code = CodeIndex(root, settings)
    contracts = Contracts(root, settings, Workspace.of(root, settings, keep=not dry_run), target)
    begun = contracts.begin(name, code, flags, kernel)
    if dry_run:
        click.echo(begun.text, nl=False)
        return Exit.FINE
    place_of = output or contracts.place_of(name, code)
    for step in write_module(Writer(root, dry=False), place_of, begun.text):
        if step.path != place_of:
            click.echo(f"{step.path}: made, empty")
    number = len(begun.skeletons)
    click.echo(f"{place_of}: {number} contract{'' if number == 1 else 's'} begun")
    for line, doubt in begun.doubts:
        click.echo(f"  {place_of}:{line}: {doubt}")
    return Exit.FINE
