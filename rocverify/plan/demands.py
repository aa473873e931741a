"""What a phase's documents ask for beside the must-haves: requirements, success criteria, plans.

ROADMAP.md gives a phase its requirements, its success criteria and its list of plans; REQUIREMENTS.md gives
it requirements in its table of traceability. A plan gives itself requirements in its frontmatter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rocverify.plan.model import Plan
from rocverify.plan.numbers import Number, split_plan
from rocverify.plan.requirements import is_requirement, requirement_ids
from rocverify.plan.source import SourceText, read_source
from rocverify.records import SourceRef

PLANNING = Path(".planning")
_HEADING = re.compile(r"(?P<level>#{1,6})\s+(?P<text>.*)")
_PHASE = re.compile(r"\W*Phase\s+(?P<number>[\w.]+)", re.IGNORECASE)
_LABEL = re.compile(r"\s*(?:[-*]\s+)?\*\*(?P<name>[^*]+?)\s*:?\s*\*\*\s*:?\s*(?P<rest>.*)")
_ITEM = re.compile(r"(?P<indent>\s*)(?:\d+[.)]|[-*+])\s+(?:\[[ xX]\]\s+)?(?P<text>\S.*)")
_CRITERION = re.compile(r"SC-0*([1-9]\d*)", re.ASCII)
_FENCE = re.compile(r"\s*(?:```|~~~)")


class DemandKind(StrEnum):
    """What is asked for."""

    REQUIREMENT = "requirement"
    CRITERION = "criterion"
    PLAN = "plan"
    PHASE = "phase"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing asked for: `id` is `ROPE-01`, `SC-2` (the phase's second criterion), `16-02` (a plan that the
    roadmap lists), `16` (a phase that it lists) or `16-01/task1/verify1`."""

    kind: DemandKind
    id: str
    text: str
    source: SourceRef


def plan_demands(plan: Plan) -> tuple[Demand, ...]:
    """The requirements that a plan's frontmatter takes upon itself."""
    source = SourceRef(plan.path, plan.requirements_line)
    return tuple(
        Demand(DemandKind.REQUIREMENT, name, f"requirement {name} of the plan", source)
        for name in dict.fromkeys(plan.requirements)
    )


def phase_demands(root: Path, phase: str) -> tuple[Demand, ...]:
    """What ROADMAP.md and REQUIREMENTS.md ask of the phase of this number; empty where they are absent.

    PlanError for a document that cannot be read as text.
    """
    number = Number.parse(phase)
    if number is None:
        return ()
    texts = _requirement_texts(root)
    found: dict[tuple[DemandKind, str], Demand] = {}
    for demand in (*_of_roadmap(root, number, texts), *_of_requirements(root, number, texts)):
        found.setdefault((demand.kind, demand.id), demand)
    return tuple(found.values())


def criterion_number(name: str) -> int | None:
    """2 for `SC-2` or `SC-02`; None for anything else."""
    found = _CRITERION.fullmatch(name)
    return int(found[1]) if found else None


def same_demand(first: str, second: str) -> bool:
    """Whether two ids name the same thing."""
    number = criterion_number(first)
    return first == second or (number is not None and number == criterion_number(second))


def document(root: Path, name: str) -> SourceText | None:
    """A document of `.planning`; None where it is absent, PlanError where it cannot be read as text."""
    path = root / PLANNING / name
    return read_source(path, root) if path.is_file() else None


Line = tuple[SourceRef, str]


def lines_of(source: SourceText) -> Iterator[Line]:
    """A document's lines outside fenced blocks, with their places."""
    fenced = False
    for number, line in enumerate(source.text.split("\n"), 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield SourceRef(source.path, number), line


def _requirement_texts(root: Path) -> dict[str, str]:
    """What REQUIREMENTS.md says each id means: `- [ ] **ROPE-01**: text`, with the lines that go on."""
    source = document(root, "REQUIREMENTS.md")
    found: dict[str, str] = {}
    current = ""
    for _, line in lines_of(source) if source else ():
        label = _LABEL.match(re.sub(r"\[[ xX]\]\s*", "", line, count=1))
        if label and is_requirement(label["name"]):
            current = label["name"]
            found[current] = label["rest"]
        elif current and line.startswith(" ") and line.strip():
            found[current] += f" {line.strip()}"
        else:
            current = ""
    return found


def known_requirements(root: Path) -> frozenset[str]:
    """Every requirement that REQUIREMENTS.md names, in a list or a table; empty where there is no file."""
    source = document(root, "REQUIREMENTS.md")
    lines = lines_of(source) if source else ()
    return frozenset(name for _, line in lines for name in requirement_ids(line))


def _section(source: SourceText, number: Number) -> list[Line]:
    """The lines below the phase's own heading, to the next heading that is not below it."""
    found: list[Line] = []
    level = 0
    for ref, line in lines_of(source):
        heading = _HEADING.match(line)
        if heading:
            named = _PHASE.match(heading["text"])
            mine = named is not None and Number.parse(named["number"].rstrip(".")) == number
            if mine:
                level = len(heading["level"])
                continue
            if named or len(heading["level"]) <= level:
                level = 0
        if level:
            found.append((ref, line))
    return found


def _of_roadmap(root: Path, number: Number, texts: dict[str, str]) -> Iterator[Demand]:
    source = document(root, "ROADMAP.md")
    section = _section(source, number) if source else []
    criteria = 0
    for label, lines in _labelled(section):
        if label.startswith("requirement"):
            for ref, line in lines:
                for name in requirement_ids(line):
                    yield Demand(DemandKind.REQUIREMENT, name, texts.get(name, name), ref)
        elif label.startswith("success criteria"):
            for ref, text in _items(lines):
                criteria += 1
                yield Demand(DemandKind.CRITERION, f"SC-{criteria}", text, ref)
        elif label.startswith("plans"):
            for ref, text in _items(lines):
                named = split_plan(re.split(r"[\s:*]", text.strip("*[`"))[0].removesuffix("-PLAN.md"))
                if named and named[0] == number:
                    yield Demand(DemandKind.PLAN, f"{named[0]}-{named[1]}", text, ref)


def _labelled(section: list[Line]) -> Iterator[tuple[str, list[Line]]]:
    """The section in parts: each bold label (or `Plans:`) in lower case, with the lines up to the next."""
    name, lines = "", list[Line]()
    for ref, line in section:
        label = _LABEL.match(line)
        plain = re.fullmatch(r"\s*(Plans|Requirements|Success Criteria)\s*:\s*(.*)", line, re.IGNORECASE)
        if label and not _ITEM.match(line):
            yield name, lines
            name, lines = label["name"].lower(), [(ref, label["rest"])]
        elif plain:
            yield name, lines
            name, lines = plain[1].lower(), [(ref, plain[2])]
        else:
            lines.append((ref, line))
    yield name, lines


def _items(lines: list[Line]) -> Iterator[Line]:
    """The items of a list, what is indented below one belonging to it."""
    current: Line | None = None
    indent = 0
    for ref, line in lines:
        item = _ITEM.match(line)
        if item and (current is None or len(item["indent"]) <= indent):
            if current:
                yield current
            current, indent = (ref, item["text"].strip()), len(item["indent"])
        elif current and line.strip() and len(line) - len(line.lstrip()) > indent:
            current = (current[0], f"{current[1]} {line.strip()}")
        elif line.strip() and current:
            break
    if current:
        yield current


def _of_requirements(root: Path, number: Number, texts: dict[str, str]) -> Iterator[Demand]:
    """The rows of a table whose header names a requirement and a phase."""
    source = document(root, "REQUIREMENTS.md")
    column = -1
    for ref, line in lines_of(source) if source else ():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.strip().startswith("|"):
            column = -1
        elif column < 0:
            named = [cell.lower() for cell in cells]
            column = next((i for i, cell in enumerate(named) if cell.startswith("phase")), 0) or -1
        elif column < len(cells):
            phases = re.findall(r"\d[\w.]*", cells[column])
            if any(Number.parse(phase.rstrip(".")) == number for phase in phases):
                for name in requirement_ids(cells[0]):
                    yield Demand(DemandKind.REQUIREMENT, name, texts.get(name, name), ref)
