"""The corpus on RDNA 2: every kernel but those of WMMA, compiled as people compile them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.harness import COMBINATIONS, USUAL, Combination, Corpus, CorpusKernel, corpus_kernels

KERNELS = [kernel for kernel in corpus_kernels() if kernel.family != "wmma"]
WAYS = [combination for combination in COMBINATIONS if combination.wave == 32]
"""HIP's headers refuse waves of 64 lanes on GFX10."""
FIRST = next(kernel for kernel in KERNELS if kernel.name == "PrivateArrays")


@pytest.fixture(scope="module")
def rdna2(kept: Path) -> Iterator[Corpus]:
    with Corpus.open(kept, target="gfx1030") as opened:
        yield opened


def test_a_kernel_with_scratch(rdna2: Corpus) -> None:
    rdna2.verify(FIRST, rdna2.compiled(FIRST.source, USUAL), cases=2)


@pytest.mark.drawn(64)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("combination", WAYS, ids=str)
def test_corpus_kernel_on_rdna2(rdna2: Corpus, kernel: CorpusKernel, combination: Combination) -> None:
    rdna2.verify(kernel, rdna2.compiled(kernel.source, combination), cases=2)
