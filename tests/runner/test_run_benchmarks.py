"""Figures of performance checks as benchmarks of pytest-benchmark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long  # pytest-benchmark asks the machine for its description, which takes seconds

TIMED = {"time": {"times_us": [10.0, 20.0, 60.0], "gb_per_s": 5.0}}


def counted(instructions: int) -> dict[str, object]:
    return {"measured": {"wave_instructions": instructions, "global_bytes": 4096}}


def run(folder: Path, evidence: object, *words: str) -> subprocess.CompletedProcess[str]:
    """A test that hands evidence over, under pytest-benchmark with some options."""
    (folder / "test_one.py").write_text(
        "from rocverify.runner.benchmarks import add_benchmark\n"
        f"def test_one(request):\n    add_benchmark(request.node, {evidence!r})\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={folder}", "-c", "/dev/null", "test_one.py"]
    # In a worker of xdist, by its environment, pytest-benchmark would measure nothing.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [*command, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def written(folder: Path, evidence: object) -> list[dict[str, object]]:
    done = run(folder, evidence, "--benchmark-json=out.json")
    assert done.returncode == 0, done.stdout
    found: list[dict[str, object]] = json.loads((folder / "out.json").read_text())["benchmarks"]
    return found


def test_device_times_are_rounds(tmp_path: Path) -> None:
    (one,) = written(tmp_path, TIMED)
    stats = one["stats"]
    assert isinstance(stats, dict)
    assert stats["rounds"] == 3
    assert [round(time * 1e6, 6) for time in stats["data"]] == [10.0, 20.0, 60.0]
    assert one["group"] == "device time"
    assert one["extra_info"] == {"gb_per_s": 5.0}


def test_counts_are_nanoseconds(tmp_path: Path) -> None:
    (one,) = written(tmp_path, counted(984_576))
    stats = one["stats"]
    assert isinstance(stats, dict)
    assert stats["mean"] * 1e9 == 984_576
    assert one["group"] == "wave instructions, 1 ns each"
    assert one["extra_info"] == {"wave_instructions": 984_576, "global_bytes": 4096}


def test_nothing_measured_is_no_benchmark(tmp_path: Path) -> None:
    done = run(tmp_path, {}, "--benchmark-json=out.json")
    assert done.returncode == 0
    assert not (tmp_path / "out.json").exists()


def test_a_comparison_gates_on_counts(tmp_path: Path) -> None:
    assert run(tmp_path, counted(1000), "--benchmark-autosave").returncode == 0
    words = ("--benchmark-compare", "--benchmark-compare-fail=mean:1%")
    assert run(tmp_path, counted(1009), *words).returncode == 0
    grown = run(tmp_path, counted(1100), *words)
    assert grown.returncode != 0
    assert "Performance has regressed" in grown.stdout + grown.stderr
