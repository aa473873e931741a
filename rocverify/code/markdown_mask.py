"""Comments of a Markdown document: `<!-- ... -->`, and nothing else. Code fences are content."""

from __future__ import annotations

from collections.abc import Iterator

import regex

_FENCE = regex.compile(r"^ {0,3}(?P<marks>`{3,}|~{3,})(?P<info>[^\n]*)$")


def markdown_comments(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the HTML comments that stand outside of fenced code."""
    offset, end_of_comment, fence = 0, -1, ""
    for line in text.splitlines(keepends=True):
        start = offset
        offset += len(line)
        if start < end_of_comment:
            continue
        fence, fenced = _fence_after(fence, line)
        if fenced:
            continue
        for span in _comments_of_line(text, start, offset):
            yield span
            end_of_comment = span[1]


def _fence_after(fence: str, line: str) -> tuple[str, bool]:
    """The fence that is open after this line ("" if none), and whether the line is in or of a fence."""
    found = _FENCE.match(line.rstrip("\r\n"))
    if not fence:
        opens = found is not None and not (found["marks"][0] == "`" and "`" in found["info"])
        return (found["marks"], True) if found and opens else ("", False)
    closes = found is not None and found["marks"].startswith(fence) and not found["info"].strip()
    return ("" if closes else fence), True


def _comments_of_line(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Comments that begin in this line; an unclosed one runs to the end of the document."""
    while (opening := text.find("<!--", start, stop)) >= 0:
        closing = text.find("-->", opening + 4)
        end = len(text) if closing < 0 else closing + 3
        yield opening, end
        start = end
        if start >= stop:
            return
