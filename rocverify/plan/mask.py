"""Blanks out code and comments in Markdown, so that tags written there are text."""

from __future__ import annotations

import re
from collections import defaultdict, deque

from rocverify.plan.source import SourceText

_FENCE = re.compile(r"[ \t]*(?:>[ \t]?)*(?P<marks>`{3,}|~{3,})(?P<info>[^\n]*)")
_TICKS = re.compile(r"`+")


def mask_code(source: SourceText, start: int) -> str:
    """The text with fences, code spans and HTML comments from `start` on made of blanks.

    Same length, same lines. Raises PlanError for a fence that is not closed: what it hides would
    otherwise be found missing somewhere else.
    """
    lines = source.text[start:].split("\n")
    offset, fence, opened = start, "", start
    for index, line in enumerate(lines):
        found = _FENCE.fullmatch(line)
        if fence:
            lines[index] = " " * len(line)
            if found and found["marks"].startswith(fence) and not found["info"].strip():
                fence = ""
        elif found and not (found["marks"][0] == "`" and "`" in found["info"]):
            fence, opened = found["marks"], offset
            lines[index] = " " * len(line)
        else:
            lines[index] = _mask_spans(line)
        offset += len(line) + 1
    if fence:
        raise source.error(f"the code fence {fence} is not closed", opened)
    return " " * start + _mask_comments("\n".join(lines))


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
