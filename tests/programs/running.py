"""Runs programs under `rocverify exec` and on devices of a device process, and reads what came of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rocverify.device.process.client import RemoteDevice
from rocverify.device.trace.events import Category

ROOT = Path(__file__).resolve().parents[2]
ORDERS = ("eager", "lazy", "shuffled")
_TIMEOUT_S = 240.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: its exit code (negative: a signal), what it printed, what was said on stderr."""

    returncode: int
    output: str
    words: str

    @property
    def launches(self) -> int:
        """Launches, by the closing line of `exec`."""
        found = re.findall(r"(\d[\d,]*) launch(?:es)?\b", self.words)
        assert found, f"there is no closing line:\n{self.words}"
        return int(found[-1].replace(",", ""))

    def __str__(self) -> str:
        return f"exit code {self.returncode}\n--- stdout\n{self.output}\n--- stderr\n{self.words}"


def execute(command: Sequence[str], *options: str, cwd: Path | None = None) -> Outcome:
    """Runs a program by `rocverify exec OPTIONS -- COMMAND`."""
    return run([sys.executable, "-m", "rocverify", "exec", *options, "--", *command], {}, cwd)


def execute_on(device: RemoteDevice, command: Sequence[str]) -> tuple[Outcome, int]:
    """Runs a program on a device that is open: what `exec` does, without two processes of Python that start
    for it. How it ended, and its launches."""
    mark = device.mark()
    outcome = run(command, device.environment())
    events = device.events(mark, forget=True)
    return outcome, sum(event.category is Category.LAUNCH for event in events)


def run(command: Sequence[str], variables: Mapping[str, str], cwd: Path | None = None) -> Outcome:
    """Runs a command with these environment variables beside the present ones."""
    python_path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": python_path, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def marked_lines(source: Path, mark: str) -> list[str]:
    """`name.hip:12` of every line of a source that ends in the comment `// MARK`."""
    lines = source.read_text(encoding="utf-8").splitlines()
    return [f"{source.name}:{at}" for at, line in enumerate(lines, start=1) if line.endswith(f"// {mark}")]
