"""The sanitizer has nothing to say of correct kernels: no finding on any of the corpus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.harness import SEED, Combination, Corpus, CorpusKernel, corpus_kernels

KERNELS = corpus_kernels()
SAMPLE = [kernel for kernel in KERNELS if kernel.family in ("reduction", "filtering", "wmma")]
WAYS = (
    Combination("-O3", "clang-19", 32),
    Combination("-O1", "clang-15", 64),
)


@pytest.fixture(scope="module")
def watched(kept: Path) -> Iterator[Corpus]:
    with Corpus.open(kept, sanitize=True) as opened:
        yield opened


def _run(
    watched: Corpus, kernel: CorpusKernel, combination: Combination, seed: int = SEED, cases: int = 3
) -> None:
    device = watched.device
    device.take_findings()
    watched.verify(kernel, watched.compiled(kernel.source, combination, lines=True), cases=cases, seed=seed)
    found = device.take_findings()
    assert not found, "\n".join(map(str, found))


@pytest.mark.drawn(3, fast=6)
@pytest.mark.parametrize("kernel", SAMPLE, ids=str)
def test_no_finding(watched: Corpus, kernel: CorpusKernel) -> None:
    _run(watched, kernel, WAYS[0])


@pytest.mark.drawn(5)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("combination", WAYS, ids=str)
def test_no_finding_everywhere(watched: Corpus, kernel: CorpusKernel, combination: Combination) -> None:
    _run(watched, kernel, combination)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_no_finding_under_any_seed(watched: Corpus, kernel: CorpusKernel) -> None:
    for seed in range(1, 21):  # not as tests of their own: every session collects them
        try:
            _run(watched, kernel, WAYS[0], seed, cases=4)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error
