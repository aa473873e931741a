"""`rocverify run all`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rocverify.cli.early import start_servers
from rocverify.cli.options import Options, run_options
from rocverify.cli.texts import EXIT_CODES


@click.command(
    "all",
    help="Verify every plan of every phase.\n\nOptions of pytest follow --: `rocverify run all -- -n 2`.",
    epilog=EXIT_CODES,
)
@run_options
def command(**options: Any) -> int:
    """Runs `rocverify run all`; returns its exit code."""
    asked = Options(**options)
    start_servers(asked)
    from rocverify.cli.run_selection import execute

    return execute(asked, "all", _every_plan)


def _every_plan(root: Path) -> tuple[Path, ...]:
    from rocverify.plan import all_phases, find_plans

    phases = [phase for phase in all_phases(root) if phase.plans]
    return tuple(path for phase in phases for path in find_plans(root, phase.name))
