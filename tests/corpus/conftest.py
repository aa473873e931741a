"""The corpus on the emulator, kept from run to run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.harness import Corpus


@pytest.fixture(scope="session")
def corpus(kept: Path) -> Iterator[Corpus]:
    with Corpus.open(kept) as opened:
        yield opened
