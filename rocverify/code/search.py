"""Patterns over sources: hits in code apart from hits in comments, and never a hang.

A pattern comes from a plan, and is read as most people mean it: as the text that it is, else as several
texts between commas, else as a regular expression. Expressions are RE2's, which takes linear time over any
text; one that would match almost anything is recognised (`vacuous`), since it proves nothing.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Protocol

import re2

from rocverify.code.masking import Mask
from rocverify.errors import PlanError

MAX_PATTERN_LENGTH = 4096

MOST_MATCHES = 10_000
"""Matches of one expression in one file: what has more is no telling pattern."""

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


_OPERATORS = re.compile(r"[\\|*+?\[\]^$]|\{\d")
"""What only an expression has; parentheses, dots and braces are in any code."""
_NAME = re.compile(r"[A-Za-z_]\w\w")
_BRACKETS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Hit:
    """One match: the line it begins on (from 1) and that line's text, stripped."""

    line: int
    text: str


class Matcher(Protocol):
    """One way to read a pattern."""

    text: str

    @property
    def vacuous(self) -> bool:
        """True for one that matches the empty text or unrelated ones (`.*`, `\\w+`, `x?`)."""
        ...

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """The spans of all matches."""
        ...


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Where a pattern matched. Only `code` counts; the others say why there is nothing in it.

    `comments` are matches that touch a comment or docstring, `dead` those in what can never run or is never
    compiled. `first` is the text of the first match in code, `matcher` how the pattern was read; `missing`
    are the texts of several that are not there.
    """

    path: str
    pattern: str
    matcher: Matcher
    code: tuple[Hit, ...]
    comments: tuple[Hit, ...]
    dead: tuple[Hit, ...] = ()
    first: str = ""
    missing: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether all of it is in code."""
        return bool(self.code) and not self.missing


class _Literal:
    """A text that is looked for as it stands."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def vacuous(self) -> bool:
        return any(next(self.spans(text), None) is not None for text in _UNRELATED)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        position = text.find(self.text) if self.text else -1
        while position >= 0:
            yield position, position + len(self.text)
            position = text.find(self.text, position + len(self.text))


class _Word(_Literal):
    """A name that stands alone: neither a word character nor one of `beside` is next to it."""

    def __init__(self, text: str, beside: str) -> None:
        super().__init__(text)
        self._beside = beside

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        for begin, end in super().spans(text):
            if not any(self._goes_on(c) for c in (text[begin - 1 : begin], text[end : end + 1]) if c):
                yield begin, end

    def _goes_on(self, character: str) -> bool:
        return character.isalnum() or character == "_" or character in self._beside


class _Expression:
    """A regular expression of RE2; anchors work on lines."""

    def __init__(self, text: str, written: str | None = None) -> None:
        self.text = written or text
        options = re2.Options()
        options.log_errors = False
        self._compiled = re2.compile(f"(?m){text}", options)

    @cached_property
    def vacuous(self) -> bool:
        return any(next(self.spans(text), None) is not None for text in _UNRELATED)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        return (match.span() for match in islice(self._compiled.finditer(text), MOST_MATCHES))


class PatternSearch:
    """One pattern, and the ways to read it; `where` is the plan line that error messages name.

    PlanError for a pattern of absurd length, and for an expression that only other dialects than RE2 know: of
    it nobody can say whether it matches.
    """

    def __init__(self, pattern: str, *, where: str | None = None) -> None:
        self.pattern = pattern
        self._where = where
        if len(pattern) > MAX_PATTERN_LENGTH:
            raise PlanError(
                f"a pattern of {len(pattern)} characters, of which at most {MAX_PATTERN_LENGTH} are allowed",
                where=where,
                hint=f"it begins {pattern[:60]!r}",
            )
        self.literal = _Literal(pattern)
        self.several = tuple(map(_Literal, _parts(pattern)))

    @cached_property
    def expression(self) -> Matcher | None:
        """The pattern as a regular expression; None for what is one in no dialect. `f()` and nothing else of
        an expression is a call or definition of f, whatever stands between the parentheses."""
        if "()" in self.pattern and not _OPERATORS.search(self.pattern):
            begin = r"\b" if self.pattern[0].isidentifier() else ""
            return _Expression(begin + re.escape(self.pattern).replace(r"\(\)", r"\s*\("), self.pattern)
        try:
            return _Expression(self.pattern)
        except re2.error as error:
            if _is_another_dialect(self.pattern):
                raise PlanError(
                    f"the pattern {self.pattern!r} is not in the code as text, and is not a regular "
                    f"expression of RE2: {_said(error)}",
                    where=self._where,
                    hint="write it without look-around and back-references",
                ) from None
            return None

    def over(self, path: str, masked: Mask, live: str | None = None) -> SearchResult:
        """The matches in a masked text. `live` is the code with dead statements blanked as well."""
        table = _LineTable(masked.text)
        live_code = masked.code if live is None else live
        literal = _search(self.literal, path, masked, live_code, table)
        if literal.found and not self._only_operators():
            return literal
        parts = [_search(part, path, masked, live_code, table) for part in self.several]
        if parts and all(part.found for part in parts):
            return self._joined(parts)
        if self.expression is None:
            found = literal
        else:
            found = _search(self.expression, path, masked, live_code, table)
        found = replace(found, pattern=self.pattern)
        if found.found or not any(part.found for part in parts):
            return found
        return replace(found, missing=tuple(part.pattern for part in parts if not part.found))

    def forbidden(self, path: str, masked: Mask, live: str) -> list[SearchResult]:
        """The searches for what must not be there: the text, each of several, and what an expression with
        more operators than a dot finds. PlanError for one that is found in any text."""
        ways: list[Matcher] = [*(self.several or (self.literal,))]
        if _OPERATORS.search(self.pattern) or "()" in self.pattern:
            if self._only_operators():
                raise PlanError(f"the pattern {self.pattern!r} is found in any text", where=self._where)
            ways += [self.expression] if self.expression is not None and not self.expression.vacuous else []
        table = _LineTable(masked.text)
        return [_search(way, path, masked, live, table) for way in ways]

    def _only_operators(self) -> bool:
        """Whether a pattern without a name of its own is an expression that is found anywhere (`.*`, `\\w+`),
        so that the same text in the code is no sign of anything."""
        if not self.pattern or _NAME.search(re.sub(r"\\.", " ", self.pattern)):
            return False
        return self.expression is not None and self.expression.vacuous

    def _joined(self, parts: list[SearchResult]) -> SearchResult:
        longest = max(parts, key=lambda part: len(part.pattern))
        hits = {hit.line: hit for part in parts for hit in part.code}
        code = tuple(hits[line] for line in sorted(hits))
        return replace(longest, pattern=self.pattern, code=code)


def _parts(pattern: str) -> list[str]:
    """Several texts between commas; none where commas stand only within brackets, which may be types'."""
    parts, open_ = [""], list[str]()
    for character in pattern:
        if character in _BRACKETS.values():
            open_.append(character)
        elif character in _BRACKETS and (not open_ or open_.pop() != _BRACKETS[character]):
            return []
        if character == "," and not open_:
            parts.append("")
        else:
            parts[-1] += character
    parts = [part.strip() for part in parts]
    whole = len(parts) > 1 and all(parts) and not open_
    return parts if whole and not any(re.search(r"\w<[^<>]*\Z", part) for part in parts) else []


def search_word(name: str, beside: str, path: str, masked: Mask, live: str) -> SearchResult:
    """Where a name stands as a word of its own; `beside`: further characters that go on with a name."""
    return _search(_Word(name, beside), path, masked, live, _LineTable(masked.text))


def _search(matcher: Matcher, path: str, masked: Mask, live_code: str, lines: _LineTable) -> SearchResult:
    code = list(matcher.spans(live_code))
    lines_of_code = {lines.number(start) for start, _ in code}
    dead = _others(matcher, masked.code, live_code, lines, lines_of_code)
    comments = _others(matcher, masked.text, masked.code, lines, lines_of_code)
    first = live_code[slice(*code[0])] if code else ""
    return SearchResult(path, matcher.text, matcher, lines.hits(code), comments, dead, first)


def _others(matcher: Matcher, text: str, blanked: str, lines: _LineTable, known: set[int]) -> tuple[Hit, ...]:
    """Matches in `text` that need something which `blanked` lacks, on lines not known yet."""
    if text == blanked:
        return ()
    spans = (s for s in matcher.spans(text) if text[s[0] : s[1]] != blanked[s[0] : s[1]])
    return lines.hits(s for s in spans if lines.number(s[0]) not in known)


def _is_another_dialect(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError, MemoryError):
        return False
    return True


def _said(error: re2.error) -> str:
    text = error.args[0] if error.args else ""
    return (text.decode(errors="replace") if isinstance(text, bytes) else str(text)).replace("(?m)", "", 1)


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
