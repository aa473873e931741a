"""A C, C++ or HIP source made ready for a C++ parser, byte by byte in the same layout.

HIP's own signs become C++: `k<<<g, b>>>(x)` is `k(  g, b  )(x)`, and `__global__` and its kin are blanks,
whose places are kept. Directives are blanks too. What no compiler sees is left out of `text`, and of
`hidden` the rest is, so that both can be read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from rocverify.code.conditionals import Branch, branches

_QUIET_TEXT = re.compile(
    r'//(?:\\\r?\n|[^\n])*|/\*.*?(?:\*/|\Z)|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r"|\"(?:\\.|[^\"\\\n])*\"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)
_QUIET = re.compile(_QUIET_TEXT.pattern.encode(), re.DOTALL)
_SIGNS = re.compile(
    rb"(?P<open><<<)|(?P<close>>>>)|\b(?P<mark>__(?:global|device|host|forceinline|noinline|shared|constant|managed"
    rb"|grid_constant|restrict)__|__launch_bounds__|__restrict|__forceinline|__inline__)\b"
)
_BOUNDS = re.compile(rb"\s*\((?:[^()]|\([^()]*\)){0,400}\)")
_DIRECTIVE = re.compile(rb"^[ \t]*#(?:\\\r?\n|[^\n])*", re.MULTILINE)
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)
_NOT_BLANK = re.compile(rb"[^\s]")


def quiet_spans(source: bytes) -> Iterator[tuple[int, int, bool]]:
    """The comments and strings of a source: begin, end, and whether it is a comment."""
    for found in _QUIET.finditer(source):
        yield found.start(), found.end(), source[found.start() : found.start() + 1] == b"/"


def c_comments(text: str) -> Iterator[tuple[int, int]]:
    """The spans of the comments of a C, C++ or HIP source, in characters."""
    for found in _QUIET_TEXT.finditer(text):
        if found[0].startswith("/"):
            yield found.span()


def without_comments(text: str) -> str:
    """The source with its comments blanked, in the same layout."""
    return _QUIET_TEXT.sub(lambda m: re.sub(r"\S", " ", m[0]) if m[0][0] == "/" else m[0], text)


def _blank(piece: bytes) -> bytes:
    return _NOT_BLANK.sub(b" ", piece)


def _blanked(source: bytes, spans: list[tuple[int, int]]) -> bytes:
    parts, at = [], 0
    for begin, end in spans:
        parts += [source[at:begin], _blank(source[begin:end])]
        at = end
    return b"".join((*parts, source[at:]))


@dataclass(frozen=True, slots=True)
class Marks:
    """What of a file's own macros the parser must not see: `kernels` stand for `__global__`, `ignored` for
    nothing or for attributes; `uses` are the places of those that define functions."""

    kernels: frozenset[bytes] = frozenset()
    ignored: frozenset[bytes] = frozenset()
    uses: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Silent:
    """A source without comments (`code`), and without strings as well (`plain`): both in the same layout."""

    source: bytes
    code: bytes
    plain: bytes


@dataclass
class Prepared:
    """`text` is what may be compiled, `hidden` all of it where some never is (else None), `first` and `last`
    the text with one way of each conditional only (None where there is one way). `launches` and `marks` are
    the byte offsets of what was rewritten."""

    text: bytes
    hidden: bytes | None = None
    first: bytes | None = None
    last: bytes | None = None
    launches: set[int] = field(default_factory=set)
    marks: dict[int, bytes] = field(default_factory=dict)


def silenced(source: bytes) -> Silent:
    """The source without what is no code."""
    quiet = list(quiet_spans(source))
    comments = [(begin, end) for begin, end, comment in quiet if comment]
    return Silent(source, _blanked(source, comments), _blanked(source, [span[:2] for span in quiet]))


def includes(code: bytes) -> Iterator[tuple[str, int]]:
    """The files that a source includes by quotes, and the lines."""
    for found in _INCLUDE.finditer(code):
        yield found[1].decode("utf-8", "replace"), code.count(b"\n", 0, found.end()) + 1


def prepared(silent: Silent, dead: Collection[int], marks: Marks) -> Prepared:
    """`dead`: the lines that no compiler sees."""
    made = Prepared(silent.source)
    parts = bytearray(silent.source)
    directives = [found.span() for found in _DIRECTIVE.finditer(silent.plain)]
    for begin, end in (*directives, *marks.uses):
        parts[begin:end] = _blank(silent.source[begin:end])
    _rewrite(parts, _blanked(silent.plain, directives), made, marks)
    text = bytes(parts)
    made.text = _without(text, dead)
    made.hidden = text if dead else None
    first, last = _other_ways(branches(silent.plain.decode("latin-1")))
    if first - set(dead) and last - set(dead):
        made.first, made.last = (_without(text, {*dead, *lines}) for lines in (first, last))
    return made


def _rewrite(parts: bytearray, silent: bytes, made: Prepared, marks: Marks) -> None:
    open_launch = False
    for found in _SIGNS.finditer(silent):
        begin, end = found.span()
        if found["open"]:
            parts[begin:end], open_launch = b"(  ", True
            made.launches.add(begin)
        elif found["close"]:
            if open_launch:
                parts[begin:end], open_launch = b"  )", False
        else:
            made.marks[begin] = found["mark"]
            bounds = _BOUNDS.match(silent, end) if found["mark"] == b"__launch_bounds__" else None
            end = bounds.end() if bounds else end
            parts[begin:end] = _blank(bytes(parts[begin:end]))
    names = marks.kernels | marks.ignored
    if names:
        either = re.compile(rb"\b(?:" + b"|".join(map(re.escape, sorted(names))) + rb")\b(?!\s*[({=,;)])")
        for found in either.finditer(silent):
            if found[0] in marks.kernels:
                made.marks[found.start()] = b"__global__"
            parts[found.start() : found.end()] = _blank(found[0])


def _other_ways(ways: list[Branch]) -> tuple[set[int], set[int]]:
    """The lines of all ways but the first, and of all but the last, of each conditional that has several."""
    latest: dict[tuple[int, str], list[Branch]] = {}
    chains: list[list[Branch]] = []
    for way in ways:
        key = (way.parent, way.opening)
        if way.name.startswith("if"):
            latest[key] = [way]
            chains.append(latest[key])
        elif key in latest:
            latest[key].append(way)
    several = [chain for chain in chains if len(chain) > 1]
    first = {n for chain in several for way in chain[1:] for n in range(way.first, way.last + 1)}
    last = {n for chain in several for way in chain[:-1] for n in range(way.first, way.last + 1)}
    return first, last


def _without(text: bytes, lines: Collection[int]) -> bytes:
    """The text with some lines blanked."""
    if not lines:
        return text
    kept = text.split(b"\n")
    for number in lines:
        if number <= len(kept):
            kept[number - 1] = _blank(kept[number - 1])
    return b"\n".join(kept)
