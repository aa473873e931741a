"""One workshop for all tests of programs: each program is compiled once, whichever worker asks first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs.build import Workshop


@pytest.fixture(scope="session")
def workshop(kept: Path) -> Workshop:
    return Workshop(kept)
