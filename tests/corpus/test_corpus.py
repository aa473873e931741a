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


def _some() -> Iterator[Any]:
    """The first contract of each family, those of every third family every time. The long suite runs all
    kernels, in ways that this is one of."""
    for number, (_, kernels) in enumerate(groupby(KERNELS, lambda kernel: kernel.family)):
        yield pytest.param(next(kernels), marks=() if number % 3 == 0 else pytest.mark.exhaustive)


@pytest.mark.parametrize("kernel", list(_some()), ids=str)
def test_corpus_kernel(corpus: Corpus, kernel: CorpusKernel) -> None:
    corpus.verify(kernel, corpus.compiled(kernel.source, USUAL))


@pytest.mark.drawn(8)
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("combination", COMBINATIONS, ids=str)
def test_corpus_kernel_in_other_ways(corpus: Corpus, kernel: CorpusKernel, combination: Combination) -> None:
    corpus.verify(kernel, corpus.compiled(kernel.source, combination), cases=3)


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
