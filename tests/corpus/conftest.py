"""The corpus on the emulator, kept from run to run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.corpus.harness import Corpus


@pytest.fixture(scope="session")
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    kept = request.config.cache
    folder = kept.mkdir("corpus") if kept is not None else tmp_path_factory.mktemp("corpus-cache")
    with Corpus.open(folder) as opened:
        yield opened
