"""Texts inside tags: list items, file lists, `@` references, the labels of an objective."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from rocverify.plan.markup import Element
from rocverify.plan.model import ContextRef, Item, Section
from rocverify.plan.source import SourceText

_ITEM = re.compile(
    r"(?P<indent>[ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[(?P<box>[ xX])\](?:[ \t]+|$))?(?P<text>.*)"
)
_REFERENCE = re.compile(r"(?:^|(?<=[\s(]))@(?P<path>[^\s,;)]+)")
_LABEL = re.compile(r"[ \t]*\**(?P<label>[A-Z][A-Za-z ]{0,30}?)\**:\**(?:[ \t]+|$)(?P<text>.*)")


_ENTITY = re.compile(r"&(?:(?P<name>amp|lt|gt|quot|apos)|#(?P<number>\d{1,7}|[xX][0-9A-Fa-f]{1,6}));")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def decoded(text: str) -> str:
    """A tag's text with XML's entities as what they stand for, each once (`&amp;lt;` is `&lt;`).

    A text with a bare `&&` or `<` is not escaped: an entity in it is what its command is about, unless the
    chain itself is written `&amp;&amp;`. References to control characters are left as they are.
    """
    bare = "&&" in text or "<" in text
    return text if bare and "&amp;&amp;" not in text else _ENTITY.sub(_character, text)


def _character(entity: re.Match[str]) -> str:
    if entity["name"]:
        return _CHARACTERS[entity["name"]]
    number = entity["number"]
    code = int(number[1:], 16) if number[0] in "xX" else int(number)
    known = code < 0x110000 and chr(code).isprintable()
    return chr(code) if known else entity[0]


def inner_text(source: SourceText, element: Element | None) -> str:
    """What stands in a tag, without the indentation that all its lines share."""
    if element is None:
        return ""
    raw = source.text[element.begin : element.end]
    first, newline, rest = raw.partition("\n")
    return (first.strip() + newline + textwrap.dedent(rest)).strip()


def offset_of_text(source: SourceText, element: Element) -> int:
    """The offset of the first character in a tag that is not blank."""
    raw = source.text[element.begin : element.end]
    return element.begin + len(raw) - len(raw.lstrip())


def _lines(source: SourceText, element: Element) -> Iterator[tuple[int, str]]:
    offset = element.begin
    for line in source.text[element.begin : element.end].split("\n"):
        yield offset, line
        offset += len(line) + 1


def items(source: SourceText, element: Element | None) -> tuple[Item, ...]:
    """The list items in a tag, those with a check box told apart; lines indented deeper continue one."""
    found: list[tuple[int, list[str], str | None]] = []
    indent = -1
    for offset, line in _lines(source, element) if element else ():
        item = _ITEM.fullmatch(line)
        if item:
            indent = len(item["indent"])
            found.append((offset, [item["text"]], item["box"]))
        elif not line.strip():
            indent = -1
        elif 0 <= indent < len(line) - len(line.lstrip()):
            found[-1][1].append(line)
        else:
            indent = -1
    return tuple(
        Item(" ".join(" ".join(lines).split()), None if box is None else box in "xX", source.ref(offset))
        for offset, lines, box in found
    )


def section(source: SourceText, element: Element | None) -> Section | None:
    """A tag as a section with its items; None where the plan lacks the tag."""
    if element is None:
        return None
    return Section(inner_text(source, element), items(source, element), source.ref(element.offset))


def names(source: SourceText, element: Element | None) -> tuple[str, ...]:
    """Paths listed one a line or between commas, with or without bullets, backticks, `@` or a remark in
    parentheses."""
    pieces = re.split(r"[,;\n]", inner_text(source, element))
    around = re.compile(r"^(?:[-*+]\s+)?[`@]*|`(?:\s.*)?$|\s+\(.*\)$")
    cleaned = (around.sub("", piece.strip()).strip() for piece in pieces)
    return tuple(dict.fromkeys(piece for piece in cleaned if piece))


def references(source: SourceText, element: Element | None) -> tuple[ContextRef, ...]:
    """The `@path` references in a tag; what follows a `#` at a line's start is a comment."""
    return tuple(
        ContextRef(found["path"].rstrip(".:`"), source.ref(offset + found.start()))
        for offset, line in (_lines(source, element) if element else ())
        if not line.lstrip().startswith("#")
        for found in _REFERENCE.finditer(line)
    )


def labelled(text: str, label: str) -> str:
    """The paragraph behind `Purpose:` (or **Purpose:**) in an objective, on one line."""
    found: list[str] = []
    inside = False
    for line in text.split("\n"):
        start = _LABEL.fullmatch(line)
        if start:
            inside = start["label"].strip() == label
        elif not line.strip():
            inside = False
        if inside:
            found.append(start["text"] if start else line)
    return " ".join(" ".join(found).split())
