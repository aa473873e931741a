"""Requirement ids: `ROPE-04`, alone or several, in parentheses at the end of a text."""

from __future__ import annotations

import re

_ID = r"[A-Z][A-Z0-9]*(?:-[A-Z][A-Z0-9]*)*-\d+[a-z]?"
_REQUIREMENT = re.compile(_ID, re.ASCII)
_TRAILING = re.compile(
    rf"\(\s*(?P<ids>{_ID}(?:\s*(?:,\s*and|,|;|/|&|\+|and)\s*{_ID})*)\s*\)\s*[.:]?\s*\Z", re.ASCII
)


def is_requirement(text: str) -> bool:
    """Whether `text` is a requirement id and nothing else."""
    return _REQUIREMENT.fullmatch(text) is not None


def trailing_requirements(text: str) -> tuple[str, ...]:
    """The ids in the parentheses that end `text`, each once; empty without such parentheses."""
    found = _trailing(text)
    return tuple(dict.fromkeys(_REQUIREMENT.findall(found["ids"]))) if found else ()


def without_requirements(text: str) -> str:
    """`text` without the parentheses of ids at its end."""
    found = _trailing(text)
    return text[: found.start()].rstrip() if found else text


def _trailing(text: str) -> re.Match[str] | None:
    # Only the last parenthesis can end the text, which keeps the search linear.
    start = text.rfind("(")
    return _TRAILING.match(text, start) if start >= 0 else None


_RANGE = re.compile(
    rf"(?P<first>{_ID})\s*(?:to|through|until|\.\.\.?|\u2013|\u2014|-)\s*(?P<last>{_ID}|\d+)(?![\w-])",
    re.ASCII,
)
_MOST = 1_000


def requirement_ids(text: str) -> tuple[str, ...]:
    """Every id in a text, ranges (`ATTN-01 to ATTN-17`) written out; each once, in order."""
    spread = _RANGE.sub(lambda found: " ".join(_between(found["first"], found["last"])), text)
    return tuple(dict.fromkeys(m[0] for m in re.finditer(rf"(?<![\w-]){_ID}(?![\w-])", spread, re.ASCII)))


def _between(first: str, last: str) -> list[str]:
    """The ids of a range; the two ends alone where they do not make one."""
    stem, _, begin = first.rpartition("-")
    other, _, end = last.rpartition("-")
    if not begin.isdigit() or not end.isdigit() or other not in ("", stem):
        return [first, last]
    if not int(begin) <= int(end) < int(begin) + _MOST:
        return [first, last]
    return [f"{stem}-{number:0{len(begin)}d}" for number in range(int(begin), int(end) + 1)]
