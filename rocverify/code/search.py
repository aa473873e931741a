"""Regular expressions over sources: hits in code apart from hits in comments, and never a hang.

Patterns come from plans, so they are not trusted: they run on the `regex` module under a deadline,
and one that would match almost anything is recognised (`vacuous`), since it proves nothing.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import regex

from rocverify.code.masking import Mask
from rocverify.errors import PlanError

MAX_PATTERN_LENGTH = 4096

_UNRELATED = (
    "",
    "qzjx",
    "QZJX",
    "7319",
    "_",
    " \t ",
    "(){}[]<>",
    ":;,.",
    "=+-*",
    "Qz_7j(319, _x) = {w}; [Y] -> 'k'",
)
"""Texts that have nothing to do with any plan. A pattern that finds one of them finds everything."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One match: the line it begins on (from 1) and that line's text, stripped."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Where a pattern matched. Only `code` counts; the others say why there is nothing in it.

    `comments` are matches that touch a comment or docstring, `dead` those in what can never run or is never
    compiled. `first` is the text of the first match in code.
    """

    path: str
    pattern: str
    code: tuple[Hit, ...]
    comments: tuple[Hit, ...]
    dead: tuple[Hit, ...] = ()
    first: str = ""

    @property
    def found(self) -> bool:
        return bool(self.code)


def compile_pattern(pattern: str, *, where: str | None = None) -> regex.Pattern[str]:
    """The compiled pattern; PlanError naming it if it is no regular expression."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise PlanError(
            f"a pattern of {len(pattern)} characters, of which at most {MAX_PATTERN_LENGTH} are allowed",
            where=where,
            hint=f"it begins {pattern[:60]!r}",
        )
    try:
        return regex.compile(pattern, regex.MULTILINE)
    except (regex.error, OverflowError, RecursionError, MemoryError, ValueError) as error:
        raise PlanError(
            f"the pattern {pattern!r} is no regular expression: {error}",
            where=where,
            hint="in a YAML double-quoted string a backslash is written twice",
        ) from None


class PatternSearch:
    """One pattern with its deadline; `where` is the plan line that error messages name."""

    def __init__(self, pattern: str, timeout_s: float, *, where: str | None = None) -> None:
        self._pattern = pattern
        self._timeout_s = timeout_s
        self._where = where
        self._compiled = compile_pattern(pattern, where=where)

    @cached_property
    def vacuous(self) -> bool:
        """True for a pattern that matches the empty string or unrelated text (`.*`, `\\w+`, `x?`)."""
        return any(next(self.spans(text), None) is not None for text in _UNRELATED)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """The spans of all matches. PlanError if the whole search takes longer than the deadline."""
        deadline = time.monotonic() + self._timeout_s
        try:
            for match in self._compiled.finditer(text, timeout=self._timeout_s):
                yield match.span()
                if time.monotonic() > deadline:
                    raise TimeoutError
        except TimeoutError:
            raise PlanError(
                f"the pattern {self._pattern!r} took longer than {self._timeout_s:g} s to search",
                where=self._where,
                hint="write it without nested repetitions, or raise regex_timeout_s",
            ) from None

    def over(self, path: str, masked: Mask, live: str | None = None) -> SearchResult:
        """The matches in a masked text. `live` is the code with dead statements blanked as well."""
        lines = _LineTable(masked.text)
        live_code = masked.code if live is None else live
        code = list(self.spans(live_code))
        lines_of_code = {lines.number(start) for start, _ in code}
        dead = self._others(masked.code, live_code, lines, lines_of_code)
        comments = self._others(masked.text, masked.code, lines, lines_of_code)
        first = live_code[slice(*code[0])] if code else ""
        return SearchResult(path, self._pattern, lines.hits(code), comments, dead, first)

    def _others(self, text: str, blanked: str, lines: _LineTable, known: set[int]) -> tuple[Hit, ...]:
        """Matches in `text` that need something which `blanked` lacks, on lines not known yet."""
        if text == blanked:
            return ()
        spans = (s for s in self.spans(text) if text[s[0] : s[1]] != blanked[s[0] : s[1]])
        return lines.hits(s for s in spans if lines.number(s[0]) not in known)


class _LineTable:
    """From offsets to lines."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(i + 1 for i, c in enumerate(text) if c == "\n")]

    def number(self, offset: int) -> int:
        return bisect.bisect_right(self._starts, offset)

    def hits(self, spans: Iterator[tuple[int, int]] | list[tuple[int, int]]) -> tuple[Hit, ...]:
        """One hit for each line on which a span begins."""
        numbers = dict.fromkeys(self.number(start) for start, _ in spans)
        return tuple(Hit(n, self._line(n)) for n in numbers)

    def _line(self, number: int) -> str:
        start = self._starts[number - 1]
        stop = self._text.find("\n", start)
        return self._text[start : len(self._text) if stop < 0 else stop].strip()
