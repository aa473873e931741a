"""`rocverify lint`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from rocverify.cli.options import find_root, root_option

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.command(
    "lint",
    help="Tell what is wrong with all plans before anything is executed.\n\n"
    "Errors: plans that cannot be read, depend on plans that are not there, wait for each other or stand in "
    "the wrong wave, patterns and verify lines that could not fail. Warnings: what is not as the workflow "
    "writes it, requirements that nobody has listed, names in checks that do not exist. Notes: must-haves "
    "that nothing decides, contracts that cannot run. Exits with 0 without errors, with 1 for errors, with 2 "
    "if there are no plans or the settings are wrong.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the remarks as a JSON list.")
@root_option
def command(as_json: bool, root: Path | None) -> int:
    """Runs `rocverify lint`; returns its exit code."""
    from rocverify.runner.lint import Severity, lint
    from rocverify.settings import load_settings

    base = find_root(root)
    remarks = lint(base, load_settings(base))
    if as_json:
        click.echo(json.dumps([asdict(remark) for remark in remarks], indent=2))
    else:
        for remark in remarks:
            severity = click.style(remark.severity, fg=_COLOURS[remark.severity])
            click.echo(f"{remark.place}: {severity}: {remark.message}")
            if remark.hint:
                click.echo(f"  hint: {remark.hint}")
        counts = Counter(remark.severity for remark in remarks)
        click.echo(", ".join(f"{counts[s]} {s}{'' if counts[s] == 1 else 's'}" for s in Severity))
    return int(any(remark.severity is Severity.ERROR for remark in remarks))
