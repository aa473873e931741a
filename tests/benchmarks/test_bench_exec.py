"""A program of one launch under `rocverify exec`, as the shell sees it: warm, in a process of its own.

    make bench PYTEST_ARGS="-k exec"

`alone` is the same command around `true`, which makes no HIP call.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rocverify.cli.main import main
from rocverify.toolchain.discover import Toolchain

PROGRAM = Path(__file__).parents[1] / "cli"
ROUNDS = 10


@pytest.mark.parametrize("what", ["alone", "launch"])
def test_a_program_under_exec(
    benchmark: Any,
    repo_root: Path,
    toolchain: Toolchain,
    kept: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/rocverify").symlink_to(kept)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    include = toolchain.rocm_path / "include"
    build = [
        str(toolchain.clang),
        "-O1",
        "-w",
        "-I",
        str(include),
        "-x",
        "c",
        str(PROGRAM / "exec_program.c"),
    ]
    subprocess.run([*build, "-lamdhip64", "-o", "program"], check=True, timeout=120)
    assert main(["compile", str(PROGRAM / "scale.hip"), "--", "-nogpuinc", "-nogpulib"]) == 0
    program = ["true"] if what == "alone" else ["./program", "launch", "scale.hsaco"]
    command = [sys.executable, "-m", "rocverify", "exec", "--quiet", *program]
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}

    def once() -> None:
        subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True)

    benchmark.pedantic(once, warmup_rounds=1, rounds=ROUNDS)
