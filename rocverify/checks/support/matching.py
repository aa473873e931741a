"""How a search for a plan's pattern is judged and reported: in code, only in comments, or vacuous."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import Field

from rocverify.checks.evidence import Record, first_of, named
from rocverify.code.index import CodeIndex
from rocverify.code.languages import is_c_family
from rocverify.code.search import Hit, SearchResult
from rocverify.records import Finding

_SHOWN = 10


def pattern_finding(index: CodeIndex, result: SearchResult) -> Finding | None:
    """What is wrong with a search: the pattern proves nothing, or did not match in live code."""
    path, text, matcher = result.path, result.pattern, result.matcher
    if matcher.vacuous:
        return Finding(f"the pattern '{text}' is vacuous: it matches any text, so it proves nothing", path)
    if result.found:
        reason = index.commonness.vacuous(matcher, result.first)
        return Finding(f"the pattern '{text}' is vacuous: {reason}", path) if reason else None
    if result.missing:
        there = "does not have" if len(result.missing) == 1 else "has none of"
        return Finding(f"{path} {there} {', '.join(map(quoted, result.missing))} of '{text}'", path)
    if result.dead:
        return Finding(
            f"the pattern '{text}' matches only code of {path} that can never run{_or_be_compiled(path)} "
            f"({_lines(result.dead)})",
            f"{path}:{result.dead[0].line}",
        )
    if result.comments:
        return Finding(
            f"the pattern '{text}' matches only comments or docstrings of {path} ({_lines(result.comments)})",
            f"{path}:{result.comments[0].line}",
        )
    return Finding(f"the pattern '{text}' matches nothing in {path}", path)


def best_search(index: CodeIndex, paths: Sequence[str], pattern: str) -> SearchResult:
    """The search of the first file in which a pattern is found; of several texts each may be in another one.
    Else the search that tells most of why not."""
    results: list[SearchResult] = []
    for path in paths:
        result = index.search(path, pattern)
        if result.found:
            return result
        results.append(result)
    parts = [part.text for part in index.pattern(pattern).several] if any(r.missing for r in results) else []
    found = [next((r for path in paths if (r := index.search(path, part)).found), None) for part in parts]
    there = [result for result in found if result is not None]
    if there and len(there) == len(parts):
        return replace(max(there, key=lambda r: len(r.pattern)), pattern=pattern)
    return max(results, key=lambda r: (bool(r.missing), bool(r.dead), bool(r.comments)))


_MARKERS = frozenset({"TODO", "FIXME", "XXX", "HACK", "TBD", "WIP", "PLACEHOLDER", "STUB"})


def forbidden_finding(result: SearchResult) -> Finding | None:
    """That code has what a plan forbids. A marker of unfinished work (TODO) counts in comments too."""
    where = result.code
    if not where and result.pattern.strip(" :()").upper() in _MARKERS:
        where = result.comments
    if not where:
        return None
    return Finding(
        f"{result.path} has '{result.pattern}', which must not be there ({_lines(where)})",
        f"{result.path}:{where[0].line}",
    )


def quoted(text: str) -> str:
    """A pattern or text as it is written: `repr` would double its backslashes."""
    return f"'{text}'"


def _or_be_compiled(path: str) -> str:
    return ", since no build compiles it" if is_c_family(path) else ""


class Searched(Record):
    """A search as evidence: the first matches of each sort, with true counts. What counts is code."""

    pattern: str
    path: str
    code: list[str] = Field(default_factory=list)
    code_count: int = 0
    comment_count: int = 0
    comments: list[str] = Field(default_factory=list)
    dead_count: int = 0

    @classmethod
    def of(cls, result: SearchResult) -> Searched:
        """The evidence of a search."""
        return cls(
            pattern=result.pattern,
            path=result.path,
            code=_hits(result.code),
            code_count=len(result.code),
            comment_count=len(result.comments),
            comments=_hits(result.comments),
            dead_count=len(result.dead),
        )

    def lines(self) -> Iterator[str]:
        """List items of Markdown."""
        shown = f" ({first_of(self.code)})" if self.code else ""
        yield (
            f"- {named(self.pattern)} in {named(self.path)}: {self.code_count} in code{shown}, "
            f"{self.comment_count} in comments, {self.dead_count} in dead code"
        )


def _hits(hits: tuple[Hit, ...]) -> list[str]:
    return [f"{hit.line}: {hit.text}" for hit in hits[:_SHOWN]]


def _lines(hits: tuple[Hit, ...]) -> str:
    numbers = ", ".join(str(hit.line) for hit in hits[:_SHOWN])
    more = f" and {len(hits) - _SHOWN} more" if len(hits) > _SHOWN else ""
    return f"{'line' if len(hits) == 1 else 'lines'} {numbers}{more}"
