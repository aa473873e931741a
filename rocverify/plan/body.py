"""The body of a plan: its sections, and its tasks as records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rocverify.plan.markup import SECTIONS, Element, parse_markup
from rocverify.plan.model import DecisionOption, Task, VerifyStep
from rocverify.plan.requirements import trailing_requirements
from rocverify.plan.source import SourceText
from rocverify.plan.text import decoded, inner_text, items, names, offset_of_text

_OWN_FIELDS = frozenset(
    {"name", "files", "read_first", "action", "verify", "acceptance_criteria", "done", "options"}
)


@dataclass(frozen=True, slots=True)
class Body:
    """The sections by tag, each at most once, and the text they are in."""

    source: SourceText
    sections: dict[str, Element]

    def get(self, name: str) -> Element | None:
        """The section of a name; None if there is none."""
        return self.sections.get(name)


def parse_body(source: SourceText, start: int) -> Body:
    """The body's sections. What is not well formed is read as it was most likely meant, with a warning."""
    sections: dict[str, Element] = {}
    for element in parse_markup(source, start).children:
        _add_once(source, sections, element)
    assert sections.keys() <= SECTIONS
    return Body(source, sections)


def _add_once(source: SourceText, found: dict[str, Element], element: Element) -> None:
    """Keeps the first of two; the tasks of two lists are put together."""
    first = found.setdefault(element.name, element)
    if first is element:
        return
    first.children += element.children if element.name == "tasks" else []
    kept = "both are read" if element.name == "tasks" else "the first is read"
    source.warn(
        f"a second <{element.name}>, the first is on line {source.line(first.offset)}: {kept}", element.offset
    )


def tasks_of(body: Body, plan: str) -> tuple[Task, ...]:
    """The plan's tasks, with ids `16-01/task1`, ..."""
    element = body.get("tasks")
    found = element.children if element else []
    return tuple(_task(body.source, task, f"{plan}/task{n}") for n, task in enumerate(found, 1))


def _task(source: SourceText, element: Element, identity: str) -> Task:
    parts: dict[str, Element] = {}
    for child in element.children:
        _add_once(source, parts, child)
    kind = element.attributes.get("type", "auto")
    name = " ".join(inner_text(source, parts.get("name")).split())
    if not name and not kind.startswith("checkpoint"):
        name = element.attributes.get("title") or element.attributes.get("name") or ""
        source.warn("a task without <name>" + (f": read as {name!r}" if name else ""), element.offset)
    return Task(
        id=identity,
        type=kind,
        name=name,
        requirements=trailing_requirements(name),
        files=names(source, parts.get("files")),
        read_first=names(source, parts.get("read_first")),
        action=inner_text(source, parts.get("action")),
        verify=tuple(_verify_steps(source, parts.get("verify"))),
        acceptance_criteria=items(source, parts.get("acceptance_criteria")),
        done=inner_text(source, parts.get("done")),
        options=_options(source, parts.get("options")),
        parts={key: inner_text(source, e) for key, e in parts.items() if key not in _OWN_FIELDS},
        attributes=dict(element.attributes),
        source=source.ref(element.offset),
    )


def _verify_steps(source: SourceText, element: Element | None) -> Iterator[VerifyStep]:
    """The tagged steps and the plain text around them, in the order they stand in."""
    if element is None:
        return
    position = element.begin
    for child in element.children:
        yield from _plain_step(source, position, child.offset)
        text = decoded(inner_text(source, child))
        yield VerifyStep(child.name, text, source.ref(offset_of_text(source, child)))
        position = source.text.find(">", child.end) + 1 if child.end > child.begin else child.end
    yield from _plain_step(source, position, element.end)


def _plain_step(source: SourceText, begin: int, end: int) -> Iterator[VerifyStep]:
    span = Element("text", {}, begin, begin, end)
    text = decoded(inner_text(source, span))
    if text:
        yield VerifyStep("text", text, source.ref(offset_of_text(source, span)))


def _options(source: SourceText, element: Element | None) -> tuple[DecisionOption, ...]:
    def text(option: Element, name: str) -> str:
        return inner_text(source, next(iter(option.all(name)), None))

    return tuple(
        DecisionOption(o.attributes.get("id", ""), text(o, "name"), text(o, "pros"), text(o, "cons"))
        for o in (element.children if element else ())
    )
