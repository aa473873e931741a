"""The wrappers on a HIP that records what it is asked to do and computes nothing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import kernels.runtime
from tests.fakes.hip_device import FakeHip


@pytest.fixture
def hip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, repo_root: Path) -> FakeHip:
    """A recording HIP with every kernel of the manifest, and a file for every code object."""
    entries = tomllib.loads((repo_root / "kernels/kernels.toml").read_text())["kernel"]
    fake = FakeHip({symbol: lambda *_: None for entry in entries for symbol in entry["symbols"]})
    monkeypatch.setattr(kernels.runtime, "hip", fake)
    monkeypatch.setattr(kernels.runtime, "_modules", {})
    for entry in entries:
        path = tmp_path / f"{entry['env']}.co"
        path.write_bytes(entry["env"].encode())
        monkeypatch.setenv(entry["env"], str(path))
    return fake
