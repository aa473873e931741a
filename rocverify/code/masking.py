"""Separating code from comments: the text with comments blanked, in exactly the same layout.

`Mask` marks every character as code or as comment. Docstrings, and strings that stand alone as a
statement, count as comments: they execute nothing. All other strings are code, since the
"rope.hip" of a build list is a string. Line and column of everything stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pygments.token import Comment, String, _TokenType

from rocverify.code.languages import is_c_family, is_markdown, is_python, lexer_for
from rocverify.code.languages.cpp_text import c_comments
from rocverify.code.markdown_mask import markdown_comments
from rocverify.code.python_mask import python_comments

Span = tuple[int, int]
"""A half-open range of character offsets."""


@dataclass(frozen=True)
class Mask:
    """A text and the spans of it that are comments (sorted, not overlapping)."""

    text: str
    spans: tuple[Span, ...]

    @cached_property
    def code(self) -> str:
        """The text with every comment character blanked; same length, same lines."""
        pieces: list[str] = []
        end = 0
        for start, stop in self.spans:
            pieces += (self.text[end:start], blank(self.text[start:stop]))
            end = stop
        return "".join((*pieces, self.text[end:]))


def blank(text: str) -> str:
    """`text` with each visible character replaced by a space: white space and line ends stay."""
    return "".join(c if c.isspace() else " " for c in text)


def mask(text: str, path: str) -> Mask:
    """The mask of a text, by the language that its file name says."""
    if is_python(path):
        spans = python_comments(text)
        if spans is not None:
            return Mask(text, merge(spans))
    if is_markdown(path):
        return Mask(text, merge(markdown_comments(text)))
    if is_c_family(path):
        return Mask(text, merge(c_comments(text)))
    return Mask(text, merge(_lexed_comments(text, path)))


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans sorted, overlapping and adjoining ones joined, empty ones dropped."""
    merged: list[Span] = []
    for start, stop in sorted(s for s in spans if s[0] < s[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return tuple(merged)


def _lexed_comments(text: str, path: str) -> Iterable[Span]:
    for start, kind, value in lexer_for(path).get_tokens_unprocessed(text):
        if _within(kind, String.Doc) or _is_comment(kind):
            yield start, start + len(value)


def _is_comment(kind: _TokenType) -> bool:
    """Pygments files preprocessor lines and `#!` lines under Comment; those are not comments."""
    code = (Comment.Preproc, Comment.PreprocFile, Comment.Hashbang)
    return _within(kind, Comment) and not any(_within(kind, c) for c in code)


def _within(kind: _TokenType, family: _TokenType) -> bool:
    """Token types are tuples of names from the general to the special."""
    return tuple(kind)[: len(family)] == tuple(family)
