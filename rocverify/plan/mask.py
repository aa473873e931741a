"""Blanks out code and comments in Markdown, so that tags written there are text."""

from __future__ import annotations

import re
from collections import defaultdict, deque

from rocverify.plan.source import SourceText

_FENCE = re.compile(r"[ \t]*(?:>[ \t]?)*(?P<marks>`{3,}|~{3,})(?P<info>[^\n]*)")
_TICKS = re.compile(r"`+")


def mask_code(source: SourceText, start: int) -> str:
    """The text with fences, code spans and HTML comments from `start` on made of blanks.

    Same length, same lines. A fence that nothing closes is text (a fence inside a fence leaves one over), so
    that it does not hide the rest of the plan; `source` is warned of it.
    """
    lines = source.text[start:].split("\n")
    offsets = [start]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    pieces: list[str] = []
    hopeless: dict[str, int] = {}
    while len(pieces) < len(lines):
        index = len(pieces)
        marks = _opening(lines[index], hopeless)
        end = _closing(lines, index + 1, marks) if marks else None
        if marks and end is None:
            # No later line can close a fence of as many marks or more.
            hopeless[marks[0]] = len(marks)
            source.warn(
                f"the code fence {marks} is not closed: what follows it is read as text",
                offsets[index],
                hint="close it; a fence around a fence needs more marks than the inner one",
            )
        if end is None:
            pieces.append(_mask_spans(lines[index]))
        else:
            pieces += [" " * len(line) for line in lines[index : end + 1]]
    return " " * start + _mask_comments("\n".join(pieces))


def _opening(line: str, hopeless: dict[str, int]) -> str:
    """The marks of a fence that this line opens; empty for a line that opens none."""
    found = _FENCE.fullmatch(line)
    if found is None or (found["marks"][0] == "`" and "`" in found["info"]):
        return ""
    marks = found["marks"]
    return "" if len(marks) >= hopeless.get(marks[0], len(marks) + 1) else marks


def _closing(lines: list[str], index: int, marks: str) -> int | None:
    """The index of the line that closes a fence; None where none does."""
    for number in range(index, len(lines)):
        found = _FENCE.fullmatch(lines[number])
        if found and found["marks"].startswith(marks) and not found["info"].strip():
            return number
    return None


def _mask_spans(line: str) -> str:
    """A code span is closed by as many backticks as opened it; a lone backtick is text."""
    if "`" not in line:
        return line
    runs = [found.span() for found in _TICKS.finditer(line)]
    by_length: defaultdict[int, deque[int]] = defaultdict(deque)
    for index, (begin, end) in enumerate(runs):
        by_length[end - begin].append(index)
    parts, done, current = [], 0, 0
    while current < len(runs):
        begin, end = runs[current]
        same = by_length[end - begin]
        while same and same[0] <= current:
            same.popleft()
        if same:
            current = same.popleft()
            close = runs[current][1]
            parts += [line[done:begin], " " * (close - begin)]
            done = close
        current += 1
    return "".join((*parts, line[done:]))


def _mask_comments(text: str) -> str:
    parts, done = [], 0
    while (begin := text.find("<!--", done)) >= 0 and (close := text.find("-->", begin + 4)) >= 0:
        end = close + 3
        parts += [text[done:begin], re.sub(r"[^\n]", " ", text[begin:end])]
        done = end
    return "".join((*parts, text[done:]))
