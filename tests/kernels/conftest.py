"""The wrappers on a HIP that records what it is asked to do and computes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import kernels.runtime
from tests.fakes.hip_device import FakeHip

FAMILIES = ("rope", "rope_interleaved", "position_embeddings", "position_embeddings_interleaved")
SYMBOLS = tuple(f"{family}_kernel{suffix}" for family in FAMILIES for suffix in ("", "_f16", "_bf16"))


@pytest.fixture
def hip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeHip:
    """A recording HIP with every kernel of the package, and a file for every code object."""
    fake = FakeHip({symbol: lambda *_: None for symbol in SYMBOLS})
    monkeypatch.setattr(kernels.runtime, "hip", fake)
    monkeypatch.setattr(kernels.runtime, "_modules", {})
    for variable in ("ROPE_HSACO", "POSITION_EMBEDDINGS_HSACO"):
        path = tmp_path / f"{variable}.co"
        path.write_bytes(variable.encode())
        monkeypatch.setenv(variable, str(path))
    return fake
