"""What a run imports into the judge's process: nothing that only the device process needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ELSEWHERE = (
    *("rocverify.device.hip", "rocverify.device.backends", "rocverify.device.emulator.machine"),
    *("rocverify.device.by_hand", "rocverify.subject.host.serve", "rocm", "llvmlite"),
    *("rich", "hypothesis", "numpy.testing"),
)
PROGRAM = """
import json, sys
import rocverify.cli.run_selection
from rocverify.checks.registry import CHECKS
for name in CHECKS:
    CHECKS[name]
print(json.dumps(sorted(sys.modules)))
"""


def test_the_judge_imports_nothing_of_the_device_process(repo_root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": str(repo_root)},
        capture_output=True,
        check=True,
        timeout=120,
    )
    imported = set(json.loads(done.stdout))
    assert "rocverify.checks.kinds.correctness" in imported
    assert [name for name in ELSEWHERE if name in imported] == []
