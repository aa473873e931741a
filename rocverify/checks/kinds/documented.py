"""documented: the flow that a truth names stands in the entry's docstring and is what the code does.

Every name of the flow must be in the docstring, exist, and lie on the static call path from the entry,
in the documented order. A docstring that names functions which do not exist fails as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, named
from rocverify.checks.support.flow import Flow, FlowPoint
from rocverify.checks.support.prose import arrow_chains, mentioned_names, position_of
from rocverify.checks.support.references import Reference
from rocverify.code.call_sites import describe_path
from rocverify.code.places import Place
from rocverify.errors import RocverifyError
from rocverify.markdown import prose
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class DocumentedParams(CheckParams):
    """`entry` is `module:function`; `flow` the names, in order, that its docstring must mention and that
    must lie on the call path from it; `title` words that the docstring must contain."""

    entry: Reference
    flow: tuple[str, ...] = Field(min_length=1)
    title: str | None = Field(default=None, min_length=1)


class DocumentedEvidence(Evidence):
    """The docstring that tells the flow, and the path to each of its names."""

    entry: str | None = None
    docstring: str | None = None
    flow: list[str] = Field(default_factory=list)
    call_paths: dict[str, str] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Where the docstring is, and the call path to each name, as lines of a Markdown list."""
        if self.docstring:
            yield f"- {named(self.entry)}: the docstring at {named(self.docstring)}"
        for name, path in self.call_paths.items():
            yield f"- {named(name)}: {prose(path)}"


def run(params: DocumentedParams, ctx: CheckContext) -> Outcome:
    """Raises SourceError for an entry that does not exist."""
    entry = ctx.code.resolve(params.entry)
    docstring = entry.function.doc
    if not docstring:
        message = f"{entry.qualname} has no docstring"
        finding = Finding(message, entry.location, entity=entry.qualname)
        hint = f"describe the flow: {' → '.join(params.flow)}"
        return Outcome.failed(message, hint=hint, findings=(finding,))
    order = Flow(ctx, entry)
    places = {name: order.point(name) for name in params.flow}
    evidence = _evidence(params, entry, places)
    findings = [
        *_title(params, entry, docstring),
        *_flow(params.flow, entry, docstring, places, order),
        *_order(params.flow, entry, places, order, "the flow"),
        *_chains(docstring, entry, order),
        *_unknown(docstring, entry, order),
    ]
    if findings:
        hint = f"let the docstring at {entry.location} and the calls below it say the same"
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), seen=evidence)
    message = f"{entry.location} documents {' → '.join(params.flow)}, and that is the call path"
    return Outcome.passed(message, seen=evidence)


def _evidence(
    params: DocumentedParams, entry: Place, places: dict[str, FlowPoint | None]
) -> DocumentedEvidence:
    steps = {}
    for name in params.flow:
        place = places[name]
        if place is not None:
            steps[name] = describe_path(place.path) or f"the entry itself ({entry.location})"
    return DocumentedEvidence(
        entry=params.entry, docstring=entry.location, flow=list(params.flow), call_paths=steps
    )


def _title(params: DocumentedParams, entry: Place, docstring: str) -> Iterator[Finding]:
    words = " ".join(docstring.split()).casefold()
    if params.title is not None and " ".join(params.title.split()).casefold() not in words:
        yield Finding(f"the docstring of {entry.qualname} does not contain {params.title!r}", entry.location)


def _flow(
    flow: tuple[str, ...],
    entry: Place,
    docstring: str,
    places: dict[str, FlowPoint | None],
    order: Flow,
) -> Iterator[Finding]:
    for name in flow:
        if position_of(name, docstring) is None:
            message = f"the docstring of {entry.qualname} does not mention {name}"
            yield Finding(message, entry.location, entity=name)
        if places[name] is None and not order.exists(name):
            yield Finding(f"{name} does not exist", entry.location, entity=name)
        elif places[name] is None:
            where = order.mentioned(name)
            if where:
                raise RocverifyError(
                    f"whether {name} is on the call path from {entry.qualname} cannot be told: it is named "
                    "there, and no call that is seen is of it",
                    where=where,
                    hint="call it by its name, as a function",
                )
            yield Finding(
                f"{name} is not on the call path from {entry.qualname}", entry.location, entity=name
            )


def _order(
    names: tuple[str, ...],
    entry: Place,
    places: dict[str, FlowPoint | None],
    order: Flow,
    what: str,
) -> Iterator[Finding]:
    """Each name must come after the one before it: called by it, or called later than it."""
    present = [(name, place) for name in names if (place := places.get(name)) is not None]
    for (before, first), (after, second) in pairwise(present):
        if not order.follows(first, second):
            message = f"{what} puts {before} before {after}, the code of {entry.qualname} does not"
            yield Finding(message, second.location, None, after)


def _chains(docstring: str, entry: Place, order: Flow) -> Iterator[Finding]:
    """Chains of arrows in the docstring itself claim an order, too."""
    for chain in arrow_chains(docstring):
        places = {name: order.point(name) for name in chain}
        for name, place in places.items():
            if place is None and order.exists(name):
                yield Finding(
                    f"the docstring puts {name} on the path of {entry.qualname}, where it is not",
                    entry.location,
                    None,
                    name,
                )
        yield from _order(chain, entry, places, order, "the docstring")


def _unknown(docstring: str, entry: Place, order: Flow) -> Iterator[Finding]:
    for name in mentioned_names(docstring):
        if not order.exists(name):
            yield Finding(
                f"the docstring of {entry.qualname} names {name}, which does not exist",
                entry.location,
                None,
                name,
            )


CHECK = CheckKind("documented", DocumentedParams, run, evidence=DocumentedEvidence)
