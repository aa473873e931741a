"""Sizes at which the code itself may change what it does: integers that a kernel source or its wrapper's
module compares something with, or names as a constant. Shapes just above them are tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rocverify.errors import SourceError

if TYPE_CHECKING:
    from rocverify.code.index import CodeIndex
    from rocverify.oracle.contract import ContractSpec

_NUMBER = r"(?P<{0}>0[xX][\da-fA-F]+|1[uUlL]*\s*<<\s*\d+|\d[\d'_]*)[uUlL]*\b(?!\.)"
_BEHIND = re.compile(r"(?:[<>]=?|[=!]=)\s*" + _NUMBER.format("number"))
_BEFORE = re.compile(r"(?<![\w.])" + _NUMBER.format("number") + r"\s*(?:[<>]=?|[=!]=)(?!<|>)")
_NAMED = re.compile(
    r"\b[A-Z][A-Z\d_]+(?:\s*:\s*[\w\[\]]+)?\s*[= ]\s*" + _NUMBER.format("number") + r"\s*;?\s*$", re.M
)
# Below, the boundaries that every dimension has say more; above, nothing can be tried.
_LEAST, _MOST = 130, 2**20


def thresholds_of(code: CodeIndex, spec: ContractSpec) -> tuple[int, ...]:
    """The numbers found, ascending. A source or a wrapper that cannot be read has none."""
    found = {*_read(code, lambda: spec.source)}
    if spec.wrapper is not None:
        module = spec.wrapper.partition(":")[0]
        found |= _read(code, lambda: code.module(module).path)
    return tuple(sorted(n for n in found if _LEAST <= n <= _MOST))


def _read(code: CodeIndex, path: Callable[[], str]) -> set[int]:
    try:
        return set(_numbers(code.live(path()).code))
    except SourceError:
        return set()  # what cannot be read stops the check elsewhere, with words


def _numbers(text: str) -> Iterator[int]:
    for pattern in (_BEHIND, _BEFORE, _NAMED):
        for match in pattern.finditer(text):
            yield _value(match["number"])


def _value(text: str) -> int:
    base, shift, bits = re.sub(r"[\s'_uUlL]", "", text).partition("<<")
    return int(base, 0 if base.lower().startswith("0x") else 10) << (min(int(bits), 64) if shift else 0)
