"""Runs starting.py in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TIMEOUT_S = 580


def start(root: Path, code_object: Path, cache: Path) -> dict[str, Any]:
    """What a process measured that launched kernel `probe`; AssertionError with its words if it failed."""
    command = [sys.executable, "-m", "tests.benchmarks.starting", str(code_object), "probe", str(cache)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured
