"""Draws docs/images/runs.svg: a failing and a passing run of the tutorial's project, in a terminal.

python -m scripts.picture
"""

from __future__ import annotations

import io
import os
import shlex
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.docs import pages

ROOT = Path(__file__).resolve().parents[1]
_COLUMNS = 100
_BREAK = "sed -i 's/width > 0/width > 1/' kernels/row_sum.hip"


def main() -> int:
    """Follows the tutorial up to its two runs, and writes what these printed."""
    page = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "demo"
        folder.mkdir()
        environment = {
            **os.environ,
            "PATH": pages.programs(Path(name) / "bin", ROOT),
            "COLUMNS": str(_COLUMNS),
            "TERM": "xterm-256color",
            "CI": "1",  # lines as they stay, without a bar
        }
        broken = False
        for step in pages.steps(page):
            if step.name:
                pages.write(folder / step.name, step.text)
                continue
            broken = broken or step.line == _BREAK
            terminal = f"script -qec {shlex.quote(f'stty cols {_COLUMNS}; {step.line}')} /dev/null"
            said = pages.run(replace(step, line=terminal), folder, environment).replace("\r\n", "\n")
            if broken and not step.line.startswith("rocverify emulate"):
                console.print(Text(f"$ {step.line}", style="bold"))
                console.print(Text.from_ansi(said))
    target = ROOT / "docs/images/runs.svg"
    target.parent.mkdir(exist_ok=True)
    svg = console.export_svg(title="rocverify run plan 01-01", unique_id="runs")
    # Nothing is fetched from elsewhere: the reader's own fixed-width font will do.
    head, _, rest = svg.partition("@font-face")
    while "@font-face" in rest:
        rest = rest.partition("@font-face")[2]
    svg = head + rest.partition("}")[2] if rest else head
    target.write_text(svg.replace("Fira Code", "ui-monospace"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
