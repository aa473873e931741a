"""The tags of a plan's body, as a tree. Only the tags that the workflow defines are tags.

Which tag may stand where is a table, and what a table does not allow is text: `Vec<name>` in an
action stays text, a closing tag of an outer element does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

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
        """The children of a name, in their order."""
        return [child for child in self.children if child.name == name]


def parse_markup(source: SourceText, start: int) -> Element:
    """The tree of the body from `start` on. What is not well formed is read as it was most likely meant, and
    `source` is warned of it."""
    return _Parser(source, start).parse()


class _Parser:
    def __init__(self, source: SourceText, start: int) -> None:
        self.source = source
        self.masked = mask_code(source, start)
        self.stack = [Element(_ROOT, {}, start, start)]
        self.last_close = {
            tag["name"]: tag.start() for tag in _TAG.finditer(self.masked, start) if tag["close"]
        }

    def parse(self) -> Element:
        for tag in _TAG.finditer(self.masked, self.stack[0].begin):
            if tag["close"]:
                self._close(tag)
            elif tag["broken"]:
                self._broken(tag)
            else:
                self._open(tag)
        self._end_down_to(0, len(self.source.text), "the end of the file")
        root = self.stack[0]
        root.end = len(self.source.text)
        return root

    def _open(self, tag: re.Match[str], begin: int | None = None) -> None:
        if not self._make_room(tag):
            return
        raw = self.source.text[tag.start("attributes") : tag.end("attributes")] if begin is None else ""
        attributes = {key: a or b or c for key, a, b, c in _PAIR.findall(raw)}
        element = Element(tag["name"], attributes, tag.start(), tag.end() if begin is None else begin)
        self.stack[-1].children.append(element)
        if tag["empty"]:
            element.end = tag.end()
        else:
            self.stack.append(element)

    def _make_room(self, tag: re.Match[str]) -> bool:
        """Whether the tag may stand here, once what ought to have been closed before it is closed."""
        current, name = self.stack[-1], tag["name"]
        if name in _CHILDREN.get(current.name, frozenset()):
            return True
        if current.name == _ROOT and name == "task":
            self.source.warn("<task> stands outside <tasks>", tag.start())
            self.stack[0].children.append(tasks := Element("tasks", {}, tag.start(), tag.start()))
            self.stack.append(tasks)
            return True
        if current.name not in _STRUCTURE and self._is_closed_later(current, tag.start()):
            return False
        for depth in range(len(self.stack) - 2, -1, -1):
            if name in _CHILDREN.get(self.stack[depth].name, frozenset()):
                before = f"<{name}> on line {self.source.line(tag.start())}"
                self._end_down_to(depth, tag.start(), before)
                return True
        if current.name in _STRUCTURE:
            self.source.warn(f"<{name}> does not belong in <{current.name}>: read as text", tag.start())
        return False

    def _is_closed_later(self, element: Element, offset: int) -> bool:
        return element.name == _ROOT or self.last_close.get(element.name, -1) > offset

    def _broken(self, tag: re.Match[str]) -> None:
        current, name = self.stack[-1], tag["name"]
        if not (current.name in _STRUCTURE or (current.name == _ROOT and name in (*SECTIONS, "task"))):
            return
        self.source.warn(
            f"the tag <{name} is malformed", tag.start(), hint='attributes are written key="value"'
        )
        line_end = self.source.text.find("\n", tag.start())
        end = self.source.text.find(">", tag.end(), line_end if line_end >= 0 else None)
        if end >= 0:
            self._open(tag, end + 1)

    def _close(self, tag: re.Match[str]) -> None:
        current, name = self.stack[-1], tag["name"]
        depths = [depth for depth, element in enumerate(self.stack) if element.name == name]
        if depths:
            self._end_down_to(depths[-1], tag.start(), f"</{name}> on line {self.source.line(tag.start())}")
            self.stack.pop().end = tag.start()
        elif current.name in _STRUCTURE or (current.name == _ROOT and name in (*SECTIONS, "task")):
            self.source.warn(f"</{name}> closes nothing", tag.start())

    def _end_down_to(self, depth: int, offset: int, before: str) -> None:
        """Ends what is open above `depth` at an offset, with a warning for each."""
        while len(self.stack) > depth + 1:
            element = self.stack.pop()
            element.end = offset
            if element.offset < element.begin:
                self.source.warn(
                    f"<{element.name}> is not closed before {before}",
                    element.offset,
                    hint=f"add </{element.name}>, or put a tag that is meant as text in backticks",
                )
