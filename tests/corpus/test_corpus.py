"""Kernels of the kinds people ship, compiled as people compile them, do what their contracts say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from tests.corpus.harness import COMBINATIONS, USUAL, Combination, Corpus, CorpusKernel, corpus_kernels

KERNELS = corpus_kernels()
SOURCES = sorted({kernel.source for kernel in KERNELS})
LEAST = 50
SHARES = 4


def _some() -> Iterator[Any]:
    """The first contract of each family, those of every third family every time. The long suite runs all
    kernels, in ways that this is one of."""
    for number, (_, kernels) in enumerate(groupby(KERNELS, lambda kernel: kernel.family)):
        yield pytest.param(next(kernels), marks=() if number % 3 == 0 else pytest.mark.exhaustive)


@pytest.mark.parametrize("kernel", list(_some()), ids=str)
def test_corpus_kernel(corpus: Corpus, kernel: CorpusKernel) -> None:
    corpus.verify(kernel, corpus.compiled(kernel.source, USUAL))


def _ways(*, taken: bool) -> list[Any]:
    """Each kernel with one share of the combinations, or with the others. Neighbouring families have other
    shares, so that each combination serves every fourth."""
    return [
        pytest.param(kernel, combination, id=f"{combination}-{kernel}")
        for combination in COMBINATIONS
        for kernel in KERNELS
        if (SOURCES.index(kernel.source) % SHARES == combination.share) is taken
    ]


@pytest.mark.long
@pytest.mark.parametrize(("kernel", "combination"), _ways(taken=True))
def test_corpus_kernel_in_other_ways(corpus: Corpus, kernel: CorpusKernel, combination: Combination) -> None:
    corpus.verify(kernel, corpus.compiled(kernel.source, combination), cases=3)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("kernel", "combination"), _ways(taken=False))
def test_corpus_kernel_in_all_other_ways(
    corpus: Corpus, kernel: CorpusKernel, combination: Combination
) -> None:
    corpus.verify(kernel, corpus.compiled(kernel.source, combination), cases=3)


def test_shares_of_the_combinations_have_every_level_and_every_compiler_with_every_wave() -> None:
    for share in range(SHARES):
        taken = [c for c in COMBINATIONS if c.share == share]
        assert {c.level for c in taken} == {c.level for c in COMBINATIONS}
        assert {(c.compiler, c.wave) for c in taken} == {(c.compiler, c.wave) for c in COMBINATIONS}
        assert len(taken) == len(COMBINATIONS) // SHARES


@pytest.mark.parametrize("source", SOURCES)
def test_every_kernel_of_a_source_has_a_contract(corpus: Corpus, source: str) -> None:
    contracted = {symbol for kernel in KERNELS if kernel.source == source for symbol in kernel.symbols}
    assert set(corpus.compiled(source).code_object.kernels) == contracted


def test_a_source_may_be_compiled_with_its_lines(corpus: Corpus) -> None:
    source = SOURCES[0]
    with_lines, without = (corpus.compiled(source, lines=lines).path.read_bytes() for lines in (True, False))
    assert b".debug_line" in with_lines
    assert b".debug_line" not in without


def test_the_corpus_has_fifty_kernels() -> None:
    symbols = {(kernel.source, symbol) for kernel in KERNELS for symbol in kernel.spec.symbols.values()}
    assert len(symbols) >= LEAST
    assert {kernel.source for kernel in KERNELS} == {
        f"tests/corpus/{k.family}/{k.family}.hip" for k in KERNELS
    }


def test_a_wrong_kernel_is_noticed(corpus: Corpus) -> None:
    """A contract held against another kernel of the same signature fails."""
    adding = next(kernel for kernel in KERNELS if kernel.name == "VectorAdd")
    other = replace(adding, spec=replace(adding.spec, symbols={"float32": "swiglu"}))
    with pytest.raises(AssertionError, match="elements of c are wrong"):
        corpus.verify(other, corpus.compiled(adding.source))
