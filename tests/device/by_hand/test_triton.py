"""Kernels that Triton compiled, without a GPU and without its driver."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_kernels_of_triton(kept: Path, repo_root: Path, source: Path) -> None:
    """In a process of its own: Triton warns as it likes, and this suite takes warnings for errors."""
    pytest.importorskip("triton", reason="Triton has wheels for Linux on x86-64 only")
    more = {
        "TRITON_CACHE_DIR": str(kept / "triton"),
        "TRITON_DEFAULT_FP_FUSION": "1",
        "PYTHONPATH": str(repo_root),
    }
    script = Path(__file__).parent / "triton_kernels.py"
    done = subprocess.run(
        [sys.executable, script],
        cwd=source.parent,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "all as NumPy has it" in done.stdout
