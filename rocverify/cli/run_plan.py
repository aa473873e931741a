"""`rocverify run plan NN-MM`."""

from __future__ import annotations

from typing import Any

import click

from rocverify.cli.early import start_servers
from rocverify.cli.options import Options, plan_names, run_options
from rocverify.cli.texts import EXIT_CODES


@click.command(
    "plan",
    help="Verify one plan, and write its SUMMARY.\n\n"
    "NN-MM is the plan's number (16-01), or the path of its PLAN.md from the root. The phase's "
    "VERIFICATION is left as it is where the phase has other plans, since those are not run.",
    epilog=EXIT_CODES,
)
@click.argument("plan", metavar="NN-MM", shell_complete=plan_names)
@run_options
def command(plan: str, **options: Any) -> int:
    """Runs `rocverify run plan`; returns its exit code."""
    asked = Options(**options)
    start_servers(asked)
    from rocverify.cli.run_selection import execute
    from rocverify.plan import find_plans

    return execute(asked, f"plan {plan}", lambda root: find_plans(root, plan))
