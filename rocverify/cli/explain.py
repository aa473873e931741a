"""`rocverify explain NN[-MM]...`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rocverify.cli.options import find_root, root_option
from rocverify.errors import ExitCode, PlanError

if TYPE_CHECKING:
    from rocverify.binding.missing import Missing
    from rocverify.binding.model import BoundMustHave
    from rocverify.checks.base import CheckSpec
    from rocverify.runner.bound import BoundPlan


@click.command(
    "explain",
    help="Show each must-have of plans or phases, the checks that decide it, and why; and which contracts, "
    "modules, functions, kernels and files that they name do not exist, with the nearest that does.\n\n"
    "Nothing is executed, compiled or imported from the project, and nothing is written. NN is a phase "
    "(16), NN-MM a plan (16-01, or its path). Exits with 0, or with 2 if a plan or the settings are wrong.",
)
@click.argument("selectors", metavar="NN[-MM]...", nargs=-1, required=True)
@root_option
def command(selectors: tuple[str, ...], root: Path | None) -> int:
    """Runs `rocverify explain`; returns its exit code."""
    from rocverify.plan import find_plans
    from rocverify.runner.bound import bind_plans
    from rocverify.settings import load_settings

    base = find_root(root)
    settings = load_settings(base)
    refused: list[PlanError] = []
    paths = dict.fromkeys(path for selector in selectors for path in find_plans(base, selector))
    for bound in bind_plans(tuple(paths), base, settings, refused):
        for line in explained(bound):
            click.echo(line)
    for error in refused:
        click.echo(f"error: {error}", err=True)
    return ExitCode.USAGE if refused else ExitCode.VERIFIED


def explained(bound: BoundPlan) -> Iterator[str]:
    """A plan with its must-haves and their checks, line by line."""
    plan = bound.plan
    yield f"{plan.number}  {plan.path}"
    for warning in plan.warnings:
        yield f"  warning  {warning}"
    if not bound.must_haves:
        yield "  The plan lists no must-haves: nothing of it can be verified."
    missing = bound.missing()
    for must_have in bound.must_haves:
        yield ""
        yield from _must_have(must_have, missing)
    for step in bound.vacuous:
        yield f"\n{step.id}  ({step.source})\n  {step.command}\n  could not fail: {step.reason}"
    yield ""


def _must_have(bound: BoundMustHave, missing: Sequence[Missing]) -> Iterator[str]:
    must_have = bound.must_have
    requirement = f"  {must_have.requirement}" if must_have.requirement else ""
    yield f"{must_have.id}  {must_have.type}{requirement}  ({must_have.source})"
    yield f"  {must_have.text}"
    for spec in bound.checks:
        yield from _check(spec)
        for one in missing:
            if one.check == spec.id:
                yield f"      {one.place}: does not exist: {one}"
    for less in bound.uncovered:
        yield f"  tries less than it says: {less}"
    if bound.proves:
        yield f"  also proves {', '.join(bound.proves)}"
    if not bound.checks:
        yield f"  no check: {bound.reason}"
        if bound.nearest:
            yield f"    nearest phrase of the catalogue: {bound.nearest}"


def _check(spec: CheckSpec) -> Iterator[str]:
    yield f"  - {spec.kind}  [{spec.id}]  ({spec.source})"
    yield f"      why: {spec.why}"
    for key, value in _given(spec.params).items():
        yield f"      {key} = {_shown(value)}"


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items() if value not in (None, (), [], {})}


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(inner)}" for key, inner in value.items())
    return str(value)
