"""What a check saw, as a record with a schema, and how that is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from rocverify.figures import Figure
from rocverify.markdown import code, inline
from rocverify.store.digests import shown_digest

SHOWN = 3
"""Places of one sort that a list item names; report.json has all."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why checks failed, as a terminal tells it: failures of one kind and `sort` stand together. about: the
    kernels or names concerned; facts: a label and a sentence each, of which those of the first failure are
    shown."""

    sort: str
    about: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    replay: str = ""
    """The words of the command that replays it, behind the selection."""


class Record(BaseModel):
    """A part of a check's evidence. JSON in and out; None and empty are what was not seen."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    def data(self) -> dict[str, Any]:
        """What was set, as JSON data."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Evidence(Record):
    """The evidence of one kind of check. What a kind declares it shows itself, by `lines` and `figures`; the
    rest of what its checks hand over stands in `others`, and is shown by the report's general rule."""

    def lines(self) -> Iterator[str]:
        """List items of Markdown."""
        return iter(())

    def cause(self) -> Cause | None:
        """What failed, where the kind can tell more than its message."""
        return None

    def notes(self) -> Iterator[tuple[str, str]]:
        """What qualifies a pass, as pairs of Markdown: what it rests on or leaves open, and a part of that.
        What several checks say of one thing is told together."""
        return iter(())

    def figures(self) -> Iterator[Figure]:
        """What is better drawn."""
        return iter(())

    def line_counts(self) -> Mapping[str, tuple[int, int]]:
        """By `path:line`: instructions of waves, and bytes of global memory, of one call."""
        return {}

    def files_counted(self) -> Mapping[str, str]:
        """SHA-256 by path of the files whose lines are counted."""
        return {}

    def costs(self) -> Mapping[str, Mapping[str, float]]:
        """What may be compared from run to run, by a name of what was measured and by metric; under the
        name with ` baseline` behind it what it is held against."""
        return {}

    def launch_calls(self) -> tuple[str, ...]:
        """The calls that lead to a launch, from the outside in."""
        return ()

    @property
    def others(self) -> Mapping[str, Any]:
        """What the kind does not declare."""
        return self.model_extra or {}


def known(value: object) -> str:
    """A value as text of Markdown, `unknown` where there is none."""
    return "unknown" if value in (None, "") else inline(value)


def named(value: object) -> str:
    """A name, path or call as a code span."""
    return code(value or "unknown")


def digest(value: str | None) -> str:
    """A digest, cut, as a code span."""
    return code(shown_digest(value)) if value else "unknown"


def first_of(items: Sequence[str]) -> str:
    """The first few as code spans."""
    return "; ".join(map(code, items[:SHOWN]))
