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
