"""What a row of the catalogue is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rocverify.binding.model import Answer
from rocverify.binding.reading import Reading


@dataclass(frozen=True, slots=True)
class Phrase:
    """One row: `example` is a truth that it fits, `kind` the check that it binds. What a row that `owns` its
    words covers is no other row's: "`cargo build` passes" does not say that a kernel is built. `fits`
    says whether a match of the pattern is meant."""

    name: str
    kind: str
    example: str
    pattern: re.Pattern[str]
    build: Callable[[Reading], Answer]
    owns: bool = False
    fits: Callable[[re.Match[str]], bool] = bool


def row(
    name: str,
    kind: str,
    example: str,
    pattern: str,
    build: Callable[[Reading], Answer],
    *,
    owns: bool = False,
    fits: Callable[[re.Match[str]], bool] = bool,
) -> Phrase:
    """A row whose pattern takes no notice of case."""
    return Phrase(name, kind, example, re.compile(pattern, re.IGNORECASE), build, owns, fits)


def owning_row(
    name: str, kind: str, example: str, pattern: str, build: Callable[[Reading], Answer]
) -> Phrase:
    """The same, for a row that owns its words."""
    return row(name, kind, example, pattern, build, owns=True)
