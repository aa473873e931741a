"""A plan as immutable records: what it claims, and where each claim stands (`source`).

Texts are as the author wrote them, but for outer white space; `contains` and `pattern` are exactly as YAML
yields them. Paths are relative to the root, with forward slashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from rocverify.records import MustHaveType, SourceRef

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """Something in a plan that is not as the workflow writes it, and how it was read all the same."""

    message: str
    source: SourceRef
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.source}: {self.message}" + (f"; {self.hint}" if self.hint else "")


@dataclass(frozen=True, slots=True)
class MustHave:
    """What truths, artifacts and key links have in common. `id` is `16-01/T1`, `/A1` or `/L1`."""

    type: ClassVar[MustHaveType]

    id: str
    text: str
    requirements: tuple[str, ...]
    source: SourceRef
    unread: str = field(default="", kw_only=True)
    """Why the entry could not be read as what it should be; then nothing can check it."""

    @property
    def requirement(self) -> str | None:
        """The requirement ids in the text's trailing parentheses, joined by commas; None without any."""
        return ", ".join(self.requirements) or None

    @property
    def tail(self) -> str:
        """The id within its plan: `T1`."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Truth(MustHave):
    """A sentence that must be true. `details`: what the plan says of it beside (`verification: backstop`)."""

    type: ClassVar[MustHaveType] = MustHaveType.TRUTH

    details: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)


@dataclass(frozen=True, slots=True)
class Prohibition(Truth):
    """A sentence about what must not be so."""

    type: ClassVar[MustHaveType] = MustHaveType.PROHIBITION


@dataclass(frozen=True, slots=True)
class Criterion(Truth):
    """What a plan without must-haves gives as a criterion of its success."""

    type: ClassVar[MustHaveType] = MustHaveType.CRITERION


@dataclass(frozen=True, slots=True)
class ChecklistItem(Truth):
    """What a plan without must-haves has on a list of things to verify."""

    type: ClassVar[MustHaveType] = MustHaveType.CHECKLIST


@dataclass(frozen=True, slots=True)
class DoneClaim(Truth):
    """What a task of a plan without must-haves calls done."""

    type: ClassVar[MustHaveType] = MustHaveType.DONE


@dataclass(frozen=True, slots=True)
class VerifyClaim(Truth):
    """A step of the `<verify>` of a task, in a plan without must-haves or where commands are allowed."""

    type: ClassVar[MustHaveType] = MustHaveType.VERIFY


@dataclass(frozen=True, slots=True)
class Artifact(MustHave):
    """A file that must be there, and what its code must hold."""

    type: ClassVar[MustHaveType] = MustHaveType.ARTIFACT

    path: str
    provides: str = ""
    contains: str | None = None
    not_contains: str | None = None
    min_lines: int | None = None
    exports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyLink(MustHave):
    """A connection from one file to another; `pattern` must be found in the code of `from_path`."""

    type: ClassVar[MustHaveType] = MustHaveType.KEY_LINK

    from_path: str
    to_path: str
    via: str = ""
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class ExplicitCheck:
    """One entry of the plan's `rocverify:` list: which must-haves it proves, by which check.

    `params` are the entry's other keys as YAML yields them, not yet checked against the kind's
    schema; `lines` gives the line of every key path below the entry, for messages.
    """

    index: int
    proves: tuple[str, ...]
    check: str
    params: Mapping[str, Any]
    source: SourceRef
    lines: Mapping[KeyPath, int] = field(repr=False, default_factory=dict)

    def at(self, *keys: str | int) -> SourceRef:
        """The place of a key path below this entry, or of its nearest ancestor that has one."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.lines:
                return SourceRef(self.source.path, self.lines[keys[:length]])
        return self.source


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a list: `checked` is None where it has no check box."""

    text: str
    checked: bool | None
    source: SourceRef


@dataclass(frozen=True, slots=True)
class Section:
    """A tagged section of the body: its text, and the list items in it."""

    text: str
    items: tuple[Item, ...]
    source: SourceRef


@dataclass(frozen=True, slots=True)
class ContextRef:
    """A file that the plan tells its executor to read (`@path`)."""

    path: str
    source: SourceRef


@dataclass(frozen=True, slots=True)
class VerifyStep:
    """A step of a task's `<verify>`. `kind` is the inner tag (`automated`, ...), else `text`.

    Steps are kept as text and shown; their commands run only where the command line allows it.
    """

    kind: str
    text: str
    source: SourceRef


@dataclass(frozen=True, slots=True)
class DecisionOption:
    """One option of a `checkpoint:decision` task."""

    id: str
    name: str
    pros: str
    cons: str


@dataclass(frozen=True, slots=True)
class Task:
    """A `<task>`: `parts` are its other tagged texts, such as a checkpoint's `resume-signal`."""

    id: str
    type: str
    name: str
    requirements: tuple[str, ...]
    files: tuple[str, ...]
    read_first: tuple[str, ...]
    action: str
    verify: tuple[VerifyStep, ...]
    acceptance_criteria: tuple[Item, ...]
    done: str
    options: tuple[DecisionOption, ...]
    parts: Mapping[str, str]
    attributes: Mapping[str, str]
    source: SourceRef

    @property
    def is_checkpoint(self) -> bool:
        """Whether a person has to act before the plan goes on."""
        return self.type.partition(":")[0] == "checkpoint"


@dataclass(frozen=True, slots=True)
class UserSetup:
    """What the user has to set up outside the repository; `details` are the entry's other keys."""

    service: str
    why: str
    details: Mapping[str, Any]
    source: SourceRef


@dataclass(frozen=True, slots=True)
class Plan:
    """One PLAN.md. `number` is `16-01`, `phase` is `16-gpu-rope-implementation`, `path` is under `root`."""

    root: Path
    path: str
    phase: str
    phase_number: str
    number: str
    kind: str
    wave: int | None
    depends_on: tuple[str, ...]
    files_modified: tuple[str, ...]
    autonomous: bool
    gap_closure: bool
    requirements: tuple[str, ...]
    requirements_line: int
    user_setup: tuple[UserSetup, ...]
    truths: tuple[Truth, ...]
    artifacts: tuple[Artifact, ...]
    key_links: tuple[KeyLink, ...]
    prohibitions: tuple[Prohibition, ...]
    of_body: tuple[Truth, ...]
    explicit: tuple[ExplicitCheck, ...]
    objective: str
    purpose: str
    objective_output: str
    execution_context: tuple[ContextRef, ...]
    context: str
    context_refs: tuple[ContextRef, ...]
    tasks: tuple[Task, ...]
    verification: Section | None
    success_criteria: Section | None
    output_path: str
    extra: Mapping[str, Any]
    warnings: tuple[PlanWarning, ...] = ()

    @property
    def must_haves(self) -> tuple[Truth | Artifact | KeyLink, ...]:
        """Every must-have, in the order truths, prohibitions, artifacts, key links; what the body offers
        (`of_body`) where the frontmatter has none."""
        return (*self.truths, *self.prohibitions, *self.artifacts, *self.key_links, *self.of_body)

    @property
    def all_requirements(self) -> tuple[str, ...]:
        """Requirement ids of the frontmatter and of the must-haves, each once, in order."""
        found = [*self.requirements, *(r for m in self.must_haves for r in m.requirements)]
        return tuple(dict.fromkeys(found))

    def must_haves_of(self, task: Task) -> tuple[Truth | Artifact | KeyLink, ...]:
        """The must-haves that a task is about.

        Those which share a requirement id with the task's name, and the artifacts and key links
        whose file the task lists.
        """
        wanted = set(task.requirements)
        return tuple(m for m in self.must_haves if wanted & set(m.requirements) or _file_of(m) in task.files)


def _file_of(must_have: MustHave) -> str | None:
    if isinstance(must_have, Artifact):
        return must_have.path
    return must_have.from_path if isinstance(must_have, KeyLink) else None
