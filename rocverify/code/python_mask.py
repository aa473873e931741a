"""Comments and standing strings of a Python text, from its tokens and its syntax tree."""

from __future__ import annotations

import ast
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator

_LINE_END = re.compile(r"\r\n|\r|\n")


def python_comments(text: str) -> list[tuple[int, int]] | None:
    """Spans of the comments, docstrings and strings that stand as statements; None if it does not parse."""
    tree = parse_python(text)
    if tree is None:
        return None
    lines = _Lines(text)
    try:
        return [*_comments(lines), *_standing_strings(tree, lines)]
    except (tokenize.TokenError, SyntaxError):
        return None


def parse_python(text: str) -> ast.Module | None:
    """The syntax tree, or None. Never warns: an odd escape in a string is no concern of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(_LINE_END.sub("\n", text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def node_spans(text: str, nodes: Iterable[ast.stmt]) -> list[tuple[int, int]]:
    """The spans of statements of the tree of `text`."""
    lines = _Lines(text)
    return [_span(node, lines) for node in nodes]


class _Lines:
    """The lines as Python sees them, and where each begins in the original text."""

    def __init__(self, text: str) -> None:
        ends = [m.span() for m in _LINE_END.finditer(text)]
        self.starts = [0, *(stop for _, stop in ends)]
        stops = [*(start for start, _ in ends), len(text)]
        self.lines = [text[a:b] for a, b in zip(self.starts, stops, strict=True)]

    def at(self, row: int, column: int) -> int:
        """The offset of a row (from 1) and a column in characters."""
        return self.starts[row - 1] + column

    def at_byte(self, row: int, column: int) -> int:
        """The offset of a row and a column in UTF-8 bytes, as syntax trees count."""
        head = self.lines[row - 1].encode("utf-8", "surrogatepass")[:column]
        return self.at(row, len(head.decode("utf-8", "surrogatepass")))


def _comments(lines: _Lines) -> Iterator[tuple[int, int]]:
    source = iter([f"{line}\n" for line in lines.lines])
    for token in tokenize.generate_tokens(lambda: next(source, "")):
        if token.type == tokenize.COMMENT:
            yield lines.at(*token.start), lines.at(*token.end)


def _standing_strings(tree: ast.Module, lines: _Lines) -> Iterator[tuple[int, int]]:
    standing = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    for value in standing:
        if isinstance(value, ast.Constant) and isinstance(value.value, str | bytes):
            yield _span(value, lines)


def _span(node: ast.stmt | ast.expr, lines: _Lines) -> tuple[int, int]:
    start = lines.at_byte(node.lineno, node.col_offset)
    return start, lines.at_byte(node.end_lineno or node.lineno, node.end_col_offset or 0)
