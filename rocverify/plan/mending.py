"""A line of YAML that cannot be read, mended: what a person pastes in its place."""

from __future__ import annotations

import re

import yaml

_KEYS = "|".join(
    (
        *("phase", "plan", "type", "path", "provides", "contains", "not_contains", "pattern", "from"),
        *("to", "via", "statement", "verification", "status", "name"),
    )
)
"""The keys behind whose colon a value begins; any other word with a colon begins a sentence."""
_START = re.compile(rf"(?P<lead>\s*(?:-\s+)*(?:(?:{_KEYS}|(?<!- )[\w-]+):\s+)?)(?P<value>\S.*?)\s*")
_ITEM = re.compile(r"(?P<lead>\s*(?:-\s+)+)(?P<value>\S.*?)\s*")


def mended(text: str, line: int) -> str | None:
    """Line `line` (from 0) of a YAML text, changed so that the text can be read beyond it; None where none of
    the usual ways of writing a sentence down wrongly is the cause."""
    lines = text.split("\n")
    if not 0 <= line < len(lines):
        return None
    for candidate in _candidates(lines[line]):
        changed = [*lines[:line], candidate, *lines[line + 1 :]]
        if candidate != lines[line] and _first_fault("\n".join(changed)) > line:
            return candidate
    return None


def quoted(value: str) -> str:
    """A sentence as a YAML scalar in quotes, in which nothing has a meaning of its own."""
    inner = value
    for quote in ("'", '"'):
        if len(value) > 1 and value[0] == value[-1] == quote:
            inner = value[1:-1].replace("''", "'") if quote == "'" else value[1:-1].replace('\\"', '"')
    if '"' in inner or "\\" in inner or not inner.isprintable():
        return "'" + inner.replace("'", "''") + "'"
    return f'"{inner}"'


def _candidates(line: str) -> list[str]:
    found = []
    lead = line[: len(line) - len(line.lstrip())]
    if "\t" in lead:
        found.append(lead.replace("\t", "  ") + line.lstrip())
    for pattern in (_START, _ITEM):
        parts = pattern.fullmatch(line)
        if parts:
            found.append(parts["lead"].replace("\t", "  ") + quoted(parts["value"]))
    return found


def _first_fault(text: str) -> int:
    """The line of a text at which it cannot be read; beyond its end if it can be."""
    try:
        yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return mark.line if mark else 0
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return 0
    return text.count("\n") + 1
