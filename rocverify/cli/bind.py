"""`rocverify bind [NN[-MM]]`."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rocverify.cli.options import find_root, root_option
from rocverify.errors import ExitCode, PlanError, UsageError

if TYPE_CHECKING:
    from rocverify.binding.model import BoundMustHave
    from rocverify.binding.proposals import Proposal
    from rocverify.plan.model import Plan


@dataclass(frozen=True)
class Open:
    """A must-have that nothing decides, with what would."""

    plan: Plan
    bound: BoundMustHave
    proposals: tuple[Proposal, ...]


@click.command(
    "bind",
    help="List what no check decides, with entries for the plan's `rocverify:` list that would, and add "
    "those that are chosen.\n\n"
    "SELECTOR is a phase (16) or a plan (16-01); without it, all active plans are looked at. Parameters come "
    "from the project's sources; what a proposal leaves to judge stands under it. Chosen are: by --yes those "
    "that leave nothing and are the only ones for their must-have, by --choose any, on a terminal those you "
    "type. Lines are added to plans, and none is changed. Nothing is executed. Exits with 0 if everything "
    "has a check then, with 1 if not, with 2 if a plan, the settings or a choice is wrong.",
)
@click.argument("selector", metavar="[SELECTOR]", required=False)
@click.option("--yes", is_flag=True, help="Add what leaves nothing to judge.")
@click.option(
    "--choose",
    "chosen",
    metavar="NUMBER|ID",
    multiple=True,
    help="Add this proposal, by its number in the list or its id (16-01/T3/correctness); may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be added, and add nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON, with what was added.")
@root_option
def command(
    selector: str | None, yes: bool, chosen: tuple[str, ...], dry_run: bool, as_json: bool, root: Path | None
) -> int:
    """Runs `rocverify bind`; returns its exit code."""
    base = find_root(root)
    refused: list[PlanError] = []
    found = list(_open(base, selector, refused))
    numbered = {str(n): p for n, p in enumerate((p for one in found for p in one.proposals), 1)}
    if not (as_json or yes or chosen):
        _show(found, numbered)
    wanted = _wanted(numbered, yes, chosen)
    asks = not (yes or chosen or dry_run or as_json) and sys.stdin.isatty() and sys.stdout.isatty()
    if asks and numbered:
        answer = click.prompt("Add which (numbers or ids, nothing for none)", default="", show_default=False)
        wanted = _wanted(numbered, False, answer.replace(",", " ").split())
    _write(base, found, wanted, dry_run, quiet=as_json)
    if as_json:
        click.echo(json.dumps(_data(found, numbered, wanted, dry_run), indent=2, ensure_ascii=False))
    for error in refused:
        click.echo(f"error: {error}", err=True)
    if refused:
        return ExitCode.USAGE
    added = set() if dry_run else set(wanted)
    left = sum(not added & {p.id for p in one.proposals} for one in found)
    if not as_json:
        click.echo(f"{left} without a check")
    return ExitCode.GAPS_FOUND if left else ExitCode.VERIFIED


def _open(root: Path, selector: str | None, refused: list[PlanError]) -> Iterator[Open]:
    from rocverify.binding.project import Subject
    from rocverify.binding.proposals import propose
    from rocverify.plan import find_plans
    from rocverify.plan.locate import all_phases
    from rocverify.runner.bound import bind_plans
    from rocverify.settings import load_settings

    settings = load_settings(root)
    phases = all_phases(root) if selector is None else ()
    paths = [path for phase in phases for path in phase.plans]
    for bound in bind_plans(
        paths if selector is None else find_plans(root, selector), root, settings, refused
    ):
        subject = bound.subject or Subject(root, settings)
        for one in bound.must_haves:
            if not one.checks:
                yield Open(bound.plan, one, propose(one, bound.plan, subject))


def _wanted(numbered: Mapping[str, Proposal], yes: bool, chosen: Sequence[str]) -> dict[str, Proposal]:
    """What was chosen, by id. UsageError for a choice that there is not."""
    by_id = {proposal.id: proposal for proposal in numbered.values()}
    wanted = {proposal.id: proposal for proposal in by_id.values() if yes and proposal.certain}
    for choice in chosen:
        proposal = numbered.get(choice) or by_id.get(choice)
        if proposal is None:
            close = difflib.get_close_matches(choice, by_id, n=1)
            nearest = f"nearest: {close[0]}; " if close else ""
            raise UsageError(
                f"there is no proposal {choice} (there are {len(by_id)})",
                hint=f"{nearest}`rocverify bind` lists them; numbers change as entries are added, ids do not",
            )
        wanted[proposal.id] = proposal
    return wanted


def _write(
    root: Path, found: Sequence[Open], wanted: Mapping[str, Proposal], dry_run: bool, *, quiet: bool
) -> None:
    from rocverify.scaffold.bindings import add_entries
    from rocverify.scaffold.steps import Writer

    entries: dict[str, list[Mapping[str, Any]]] = {}
    for one in found:
        for proposal in one.proposals:
            if proposal.id in wanted:
                entries.setdefault(one.plan.path, []).extend(proposal.entries)
    for step in add_entries(Writer(root, dry_run), entries):
        if not quiet:
            click.echo(f"{step.path}: {step.note} {'would be added' if dry_run else 'added'}")
            click.echo(step.text, nl=False)


def _show(found: Sequence[Open], numbered: Mapping[str, Proposal]) -> None:
    from rocverify.plan.insertion import entry_lines

    numbers = {proposal.id: number for number, proposal in numbered.items()}
    for one in found:
        must_have = one.bound.must_have
        click.echo(f"{must_have.id}  ({must_have.source})  {must_have.text}")
        click.echo(f"  no check: {one.bound.reason}")
        for proposal in one.proposals:
            click.echo(f"  {numbers[proposal.id]:>3}  {proposal.id}: {proposal.why}")
            for entry in proposal.entries:
                click.echo(entry_lines(entry, "         "), nl=False)
            for less in proposal.leaves:
                click.echo(f"       to judge: {less}")
        click.echo("")
    certain = sum(proposal.certain for proposal in numbered.values())
    click.echo(f"{len(numbered)} proposals, of which {certain} leave nothing to judge (--yes)")


def _data(
    found: Sequence[Open], numbered: Mapping[str, Proposal], wanted: Mapping[str, Proposal], dry_run: bool
) -> list[dict[str, Any]]:
    numbers = {proposal.id: int(number) for number, proposal in numbered.items()}
    return [
        {
            "must_have": one.bound.must_have.id,
            "type": one.bound.must_have.type,
            "text": one.bound.must_have.text,
            "source": str(one.bound.must_have.source),
            "reason": one.bound.reason,
            "nearest": one.bound.nearest,
            "proposals": [
                {
                    "number": numbers[p.id],
                    "id": p.id,
                    "entries": [dict(entry) for entry in p.entries],
                    "why": p.why,
                    "to_judge": list(p.leaves),
                    "certain": p.certain,
                    "added": p.id in wanted and not dry_run,
                }
                for p in one.proposals
            ],
        }
        for one in found
    ]
