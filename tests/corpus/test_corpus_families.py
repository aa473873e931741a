"""The corpus on RDNA 2, RDNA 4, CDNA 2 and CDNA 3: every kernel but those of RDNA 3's WMMA."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.harness import COMBINATIONS, USUAL, Combination, Corpus, CorpusKernel, corpus_kernels

TARGETS = ("gfx1030", "gfx1201", "gfx90a", "gfx942")
KERNELS = [kernel for kernel in corpus_kernels() if kernel.family != "wmma"]
WAYS = [combination for combination in COMBINATIONS if combination.wave == 32]
"""HIP's headers refuse waves of 64 lanes from GFX10 on."""
CASES = 3
"""Of two, a kernel that takes one step of a search has nothing to do in either."""

FIRST = next(kernel for kernel in KERNELS if kernel.name == "PrivateArrays")


@pytest.fixture(scope="module", params=TARGETS)
def family(request: pytest.FixtureRequest, kept: Path) -> Iterator[Corpus]:
    with Corpus.open(kept, target=request.param) as opened:
        yield opened


def test_a_kernel_with_scratch(family: Corpus) -> None:
    family.verify(FIRST, family.compiled(FIRST.source, USUAL), cases=CASES)


@pytest.mark.drawn(64)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("combination", WAYS, ids=str)
def test_corpus_kernel_on_other_families(
    family: Corpus, kernel: CorpusKernel, combination: Combination
) -> None:
    if combination.compiler == "clang-15" and family.target in ("gfx1201", "gfx942"):
        pytest.skip(f"clang 15 does not know {family.target}")
    family.verify(kernel, family.compiled(kernel.source, combination), cases=CASES)
