"""The tags of a plan's body, as a tree. Only the tags that the workflow defines are tags.

Which tag may stand where is a table, and what a table does not allow is text: `Vec<name>` in an
action stays text, a closing tag of an outer element does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rocverify.errors import PlanError
from rocverify.plan.mask import mask_code
from rocverify.plan.source import SourceText

SECTIONS = frozenset(
    {
        "objective",
        "execution_context",
        "context",
        "tasks",
        "verification",
        "success_criteria",
        "output",
    }
)
TASK_PARTS = frozenset(
    {
        "name",
        "files",
        "read_first",
        "action",
        "verify",
        "acceptance_criteria",
        "done",
        "behavior",
        "implementation",
        "what-built",
        "how-to-verify",
        "resume-signal",
        "decision",
        "context",
        "options",
        "instructions",
        "verification",
    }
)
VERIFY_PARTS = frozenset({"automated", "manual", "human-check"})

_ROOT = ""
_CHILDREN: Mapping[str, frozenset[str]] = {
    _ROOT: SECTIONS,
    "tasks": frozenset({"task"}),
    "task": TASK_PARTS,
    "verify": VERIFY_PARTS,
    "options": frozenset({"option"}),
    "option": frozenset({"name", "pros", "cons"}),
}
_STRUCTURE = frozenset({"tasks", "task", "options", "option"})
"""Elements without text of their own: any known tag in them that the table does not allow is a mistake."""

_NAMES = sorted(frozenset().union(*_CHILDREN.values()), key=len, reverse=True)
_ATTRIBUTE = r"""\s+[A-Za-z][\w:-]*+\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s"'<>]++)"""
_TAG = re.compile(
    rf"<(?P<close>/?)(?P<name>{'|'.join(_NAMES)})(?:(?P<attributes>(?:{_ATTRIBUTE})*+)\s*+(?P<empty>/?)>|(?P<broken>\s))",
    re.ASCII,
)
_PAIR = re.compile(r"""([A-Za-z][\w:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S+))""", re.ASCII)


@dataclass(slots=True)
class Element:
    """One tag: its offset, the span of what it encloses, its children in order."""

    name: str
    attributes: dict[str, str]
    offset: int
    begin: int
    end: int = -1
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        return [child for child in self.children if child.name == name]


def parse_markup(source: SourceText, start: int) -> Element:
    """The tree of the body from `start` on; PlanError with the line of what is not closed."""
    return _Parser(source, start).parse()


class _Parser:
    def __init__(self, source: SourceText, start: int) -> None:
        self.source = source
        self.masked = mask_code(source, start)
        self.stack = [Element(_ROOT, {}, start, start)]

    def parse(self) -> Element:
        for tag in _TAG.finditer(self.masked, self.stack[0].begin):
            if tag["broken"]:
                self._broken(tag)
            elif tag["close"]:
                self._close(tag)
            else:
                self._open(tag)
        if len(self.stack) > 1:
            raise self._unclosed(self.stack[-1], "the end of the file")
        root = self.stack[0]
        root.end = len(self.source.text)
        return root

    def _open(self, tag: re.Match[str]) -> None:
        current, name = self.stack[-1], tag["name"]
        if name not in _CHILDREN.get(current.name, frozenset()):
            self._misplaced(tag)
            return
        raw = self.source.text[tag.start("attributes") : tag.end("attributes")]
        attributes = {key: a or b or c for key, a, b, c in _PAIR.findall(raw)}
        element = Element(name, attributes, tag.start(), tag.end())
        current.children.append(element)
        if tag["empty"]:
            element.end = tag.end()
        else:
            self.stack.append(element)

    def _misplaced(self, tag: re.Match[str]) -> None:
        current, name = self.stack[-1], tag["name"]
        if current.name in _STRUCTURE:
            raise self._unclosed(current, f"<{name}> on line {self.source.line(tag.start())}")
        if current.name == _ROOT and name == "task":
            raise self.source.error("<task> stands outside <tasks>", tag.start())

    def _broken(self, tag: re.Match[str]) -> None:
        current, name = self.stack[-1], tag["name"]
        if current.name in _STRUCTURE or (current.name == _ROOT and name in (*SECTIONS, "task")):
            raise self.source.error(
                f"the tag <{name} is malformed", tag.start(), hint='attributes are written key="value"'
            )

    def _close(self, tag: re.Match[str]) -> None:
        current, name = self.stack[-1], tag["name"]
        if current.name == name:
            current.end = tag.start()
            self.stack.pop()
        elif any(element.name == name for element in self.stack):
            raise self._unclosed(current, f"</{name}> on line {self.source.line(tag.start())}")
        elif current.name in _STRUCTURE or (current.name == _ROOT and name in (*SECTIONS, "task")):
            raise self.source.error(f"</{name}> closes nothing", tag.start())

    def _unclosed(self, element: Element, before: str) -> PlanError:
        return self.source.error(
            f"<{element.name}> is not closed before {before}",
            element.offset,
            hint=f"add </{element.name}>, or put a tag that is meant as text in backticks",
        )
