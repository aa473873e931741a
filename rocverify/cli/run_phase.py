"""`rocverify run phase N`."""

from __future__ import annotations

from typing import Any

import click

from rocverify.cli.early import start_servers
from rocverify.cli.options import Options, phase_names, run_options
from rocverify.cli.texts import EXIT_CODES


@click.command(
    "phase",
    help="Verify every plan of phase N, and write its VERIFICATION.\n\n"
    "N is a number (16, 016, 06.1) or the name of the phase's folder. Options of pytest follow --: "
    "`rocverify run phase 16 -- -k correctness -x`.",
    epilog=EXIT_CODES,
)
@click.argument("phase", metavar="N", shell_complete=phase_names)
@run_options
def command(phase: str, **options: Any) -> int:
    """Runs `rocverify run phase`; returns its exit code."""
    asked = Options(**options)
    start_servers(asked)
    from rocverify.cli.run_selection import execute
    from rocverify.plan import find_phase, find_plans

    return execute(asked, f"phase {phase}", lambda root: find_plans(root, find_phase(root, phase).name))
