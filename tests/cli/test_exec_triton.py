"""Triton's own AMD driver on the library: it compiles, loads and launches as it does on a GPU."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rocverify.cli.main import main


@pytest.mark.long
def test_triton_launches_by_its_own_driver(
    kept: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("triton", reason="Triton has wheels for Linux on x86-64 only")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(kept / "triton"))
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")
    script = Path(__file__).parent / "triton_driver.py"
    assert main(["exec", "--sanitize", "--require-launch", "--", sys.executable, str(script)]) == 0
    said = capfd.readouterr()
    assert said.out == "PASS\n"
    assert "rocverify: 1 launch (add); 6 copies" in said.err
    assert "0 findings" in said.err
    del outside
