"""`rocverify init`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rocverify.cli.codeobjects import Exit, exit_code_of, target_option

if TYPE_CHECKING:
    from rocverify.scaffold.steps import Step

_COLOURS = {"written": "green", "added": "green", "kept": "cyan", "left": "yellow"}


@click.command(
    "init",
    help="Begin a project: find its kernels, and write what rocverify needs to verify them.\n\n"
    "Writes settings (rocverify.toml) for where kernels, host code and contracts lie, a contract for each "
    "kernel (as `contract new`), a first plan where there is none, what .gitignore lacks, and a page on "
    "must-haves that execute (.planning/ROCVERIFY.md). Changes nothing that is there: a second run writes "
    "nothing. With --ci, a CI job too: it verifies all plans for each target, keeps compiled kernels and "
    "reports, and shows findings beside the code. What you have to finish is marked CHECK, and unverified "
    "until then. Exits with 0, with 1 if something was left undone, and with 2 if there is no kernel, the "
    "settings are wrong or something cannot be written.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Root of the project.  [default: the nearest folder with a .planning, else this folder]",
)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab"]),
    help="Write a CI job too: .github/workflows/rocverify.yml, or .gitlab/rocverify.yml and the "
    ".gitlab-ci.yml that includes it.",
)
@click.option(
    "--example",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a small finished project into a folder instead, to try `rocverify run all` in.",
)
@target_option
def command(
    dry_run: bool, root: Path | None, ci: str | None, example: Path | None, target: str | None
) -> int:
    """The exit code of `init`."""
    if example is None:
        return exit_code_of(lambda: _init(_root(root), dry_run, ci, target))
    if root is not None or ci is not None or target is not None:
        raise click.UsageError(
            "--example stands alone: --root, --ci and --target are for projects of your own"
        )
    return exit_code_of(lambda: _example(example.resolve(), dry_run))


def _root(given: Path | None) -> Path:
    from rocverify.roots import nearest_root

    here = Path.cwd()
    return (given or nearest_root(here) or here).resolve()


def _init(root: Path, dry_run: bool, ci: str | None, target: str | None) -> int:
    from rocverify.scaffold.ci import Provider, ci_steps
    from rocverify.scaffold.project import Project
    from rocverify.scaffold.steps import Writer

    click.echo(f"{root}{': what would be done' if dry_run else ''}")
    steps: list[Step] = []
    writer = Writer(root, dry_run)
    project = Project(root, writer, target)
    more = ci_steps(Provider(ci), project.settings, writer) if ci else ()
    for step in chain(project.steps(), more):
        steps.append(step)
        _show(step, dry_run)
    if not dry_run:
        _next(steps)
    return Exit.FOUND if any(_undone(step) for step in steps) else Exit.FINE


def _example(root: Path, dry_run: bool) -> int:
    from rocverify.scaffold.example_project import example_steps
    from rocverify.scaffold.steps import Writer

    click.echo(f"{root}{': what would be done' if dry_run else ''}")
    if not dry_run:
        root.mkdir(parents=True, exist_ok=True)
    for step in example_steps(Writer(root, dry_run)):
        _show(step, dry_run)
    if not dry_run:
        click.echo(f"Next: rocverify run all --root {root}")
    return Exit.FINE


def _undone(step: Step) -> bool:
    from rocverify.scaffold.ignored import IGNORE
    from rocverify.scaffold.steps import State

    return step.state is State.LEFT and step.path != IGNORE


def _show(step: Step, dry_run: bool) -> None:
    state = click.style(f"{step.state:<8}", fg=_COLOURS[step.state])
    click.echo(f"  {state} {step.path}{f'  ({step.note})' if step.note else ''}")
    if dry_run and step.text:
        click.echo("".join(f"           | {line}\n" for line in step.text.splitlines()), nl=False)


def _next(steps: Sequence[Step]) -> None:
    marked = [step.path for step in steps if "CHECK" in step.text and step.path.endswith(".py")]
    plans = [step.path for step in steps if step.path.endswith("-PLAN.md") and step.text]
    if marked:
        click.echo(
            f"Next: write `reference` and `wrong`, and look at what is marked CHECK, in {', '.join(marked)}"
        )
    for plan in plans:
        click.echo(f"Then: rocverify run plan {Path(plan).name.removesuffix('-PLAN.md')}")
