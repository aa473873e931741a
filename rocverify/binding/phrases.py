"""What a row of the catalogue is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rocverify.binding.model import Built
from rocverify.binding.reading import Reading


@dataclass(frozen=True, slots=True)
class Phrase:
    """One row: `example` is a truth that it fits, `kind` the check that it binds. What a row that `owns` its
    words covers is no other row's: "`cargo build` passes" does not say that a kernel is built."""

    name: str
    kind: str
    example: str
    pattern: re.Pattern[str]
    build: Callable[[Reading], Built]
    owns: bool = False


def row(
    name: str,
    kind: str,
    example: str,
    pattern: str,
    build: Callable[[Reading], Built],
    *,
    owns: bool = False,
) -> Phrase:
    """A row whose pattern takes no notice of case."""
    return Phrase(name, kind, example, re.compile(pattern, re.IGNORECASE), build, owns)


def owning_row(name: str, kind: str, example: str, pattern: str, build: Callable[[Reading], Built]) -> Phrase:
    """The same, for a row that owns its words."""
    return row(name, kind, example, pattern, build, owns=True)
