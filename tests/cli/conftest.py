"""A temporary project with fake checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.checks import registry
from tests.runner.demo import Demo


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    monkeypatch.setitem(registry.MODULES, "fake", "tests.runner.fake_kind")
    root = tmp_path / "project"
    root.mkdir()
    return Demo(root)
