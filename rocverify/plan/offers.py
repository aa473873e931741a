"""What the body of a plan without must-haves offers instead: its checklists, criteria, and tasks' claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rocverify.plan.markup import Element
from rocverify.plan.model import (
    ChecklistItem,
    Criterion,
    DoneClaim,
    Item,
    Section,
    Task,
    Truth,
    VerifyClaim,
)
from rocverify.plan.requirements import trailing_requirements
from rocverify.plan.source import SourceText
from rocverify.plan.text import items
from rocverify.records import SourceRef

Line = tuple[str, SourceRef]

MAX_WORDS = 1_000
"""Characters of a claim: what is longer is prose of several pages, and is cut where it is shown anyway."""


def of_body(
    plan: str, tasks: Iterable[Task], verification: Section | None, criteria: Section | None
) -> tuple[Truth, ...]:
    """Must-haves `16-01/V1` (verification), `/C1` (success criteria), `/D1` (done) and `/S1` (verify)."""
    tasks = tuple(tasks)
    return (
        *_numbered(ChecklistItem, plan, "V", _lines(verification)),
        *_numbered(Criterion, plan, "C", _lines(criteria)),
        *_numbered(DoneClaim, plan, "D", ((t.done, t.source) for t in tasks if t.done)),
        *verify_claims(plan, tasks),
    )


def verify_claims(plan: str, tasks: Iterable[Task]) -> tuple[Truth, ...]:
    """Each step of `<verify>` as a must-have `16-01/S1`."""
    return tuple(_numbered(VerifyClaim, plan, "S", ((s.text, s.source) for t in tasks for s in t.verify)))


def loose_checklist(source: SourceText, plan: str) -> tuple[Truth, ...]:
    """The check boxes of a document without tags."""
    whole = Element("", {}, 0, 0, len(source.text))
    boxes: list[Item] = [item for item in items(source, whole) if item.checked is not None]
    return tuple(_numbered(ChecklistItem, plan, "V", ((item.text, item.source) for item in boxes)))


def _lines(section: Section | None) -> Iterator[Line]:
    """The items of a section; its text where it has none."""
    if section is None:
        return
    if section.items:
        yield from ((item.text, item.source) for item in section.items)
    elif section.text:
        yield section.text, section.source


def _numbered(kind: type[Truth], plan: str, letter: str, lines: Iterable[Line]) -> Iterator[Truth]:
    texts = ((" ".join(text.split())[:MAX_WORDS], source) for text, source in lines)
    for number, (text, source) in enumerate(((t, s) for t, s in texts if t), 1):
        yield kind(f"{plan}/{letter}{number}", text, trailing_requirements(text), source)
