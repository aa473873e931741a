"""`rocverify contract new SOURCE`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from rocverify.cli.codeobjects import Exit, exit_code_of, source_flags, target_option
from rocverify.cli.options import find_root, root_option

if TYPE_CHECKING:
    from rocverify.device.by_hand.files import KernelFile
    from rocverify.scaffold.contract import Skeleton


@click.group("contract", help="Contracts: what a kernel must compute, for checks to hold it to.")
def command() -> None:
    pass


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
    return exit_code_of(lambda: _new(source, flags, kernel, (output, dry_run), target, find_root(root)))


def _new(
    source: Path,
    flags: tuple[str, ...],
    kernel: str | None,
    how: tuple[str | None, bool],
    target: str | None,
    root: Path,
) -> int:
    from rocverify.device.by_hand.files import open_kernels
    from rocverify.device.by_hand.workspace import Workspace
    from rocverify.errors import UsageError
    from rocverify.scaffold.contract import CHECK, module_text
    from rocverify.settings import load_settings

    settings = load_settings(root)
    absolute = source if source.is_absolute() else Path.cwd() / source
    try:
        name = absolute.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise UsageError(f"lies outside of the project at {root}", where=str(source)) from None
    found = _skeletons(
        root, name, open_kernels(absolute, Workspace.here(), target=target, flags=flags), kernel
    )
    text = module_text(name, found)
    output, dry_run = how
    place_of = output or f"{settings.contract_globs[0].partition('*')[0]}{absolute.stem}.py"
    if dry_run:
        click.echo(text, nl=False)
        return Exit.FINE
    for package in _write(root, place_of, text):
        click.echo(f"{package}: made, empty")
    click.echo(f"{place_of}: {len(found)} contract{'' if len(found) == 1 else 's'} begun")
    for number, line in enumerate(text.splitlines(), start=1):
        if CHECK in line and number > 4:
            click.echo(f"  {place_of}:{number}: {line.strip()}")
    return Exit.FINE


def _skeletons(root: Path, name: str, kernels: KernelFile, wanted: str | None) -> list[Skeleton]:
    from rocverify.code.index import CodeIndex
    from rocverify.errors import UsageError
    from rocverify.scaffold.contract import skeleton
    from rocverify.settings import load_settings

    code = CodeIndex(root, load_settings(root))
    text = code.live(name).code.splitlines()
    functions = [f for f in code.unit(name).functions if f.kernel and not f.declared]
    found = []
    for image in kernels.images:
        for kernel in image.facts.kernels.values():
            function = next((f for f in functions if f.name == kernel.name), None) or next(
                (f for f in functions if f"{len(f.name)}{f.name}" in kernel.name), None
            )
            if function is not None and wanted in (None, kernel.name, function.name):
                body = "\n".join(text[function.line - 1 : function.last_line])
                found.append(skeleton(name, kernel, function, body))
    if not found:
        words = "no kernel" if wanted is None else f"no kernel {wanted}"
        raise UsageError(f"{words} of the code object is defined in this source", where=name)
    return found


def _write(root: Path, name: str, text: str) -> list[str]:
    """Writes the module; the places of what makes its folders packages, where they are none. Without that an
    installed package of their name would be taken for them."""
    from rocverify.errors import UsageError
    from rocverify.store.files import write_if_changed
    from rocverify.store.gate import place

    path = place(root, name)
    if path.exists():
        hint = "name another place with --output, or --dry-run"
        raise UsageError("is there already, and is left as it is", where=name, hint=hint)
    folders = [folder for folder in PurePosixPath(name).parents if folder.name]
    made = [f"{folder}/__init__.py" for folder in reversed(folders)]
    made = [package for package in made if not place(root, package).exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for package in made:
            write_if_changed(place(root, package), "")
        write_if_changed(path, text)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=name) from None
    return made
