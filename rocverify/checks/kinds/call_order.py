"""call_order: one thing is done before another on the call path, as the sources of the host tell.

In Python, C++ and Rust alike, through all calls that resolve. What stands under a condition or in a closure,
or is called through something unknown, leaves the order open: then the check decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, first_of, named
from rocverify.checks.support.references import Entry
from rocverify.code.call_sites import CAUTIOUS
from rocverify.code.languages import is_c_family
from rocverify.code.leading import DISPATCH, READ_BACK, UPLOAD, Leading, is_test
from rocverify.code.order import Order
from rocverify.code.places import Place
from rocverify.errors import RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_WORDS = {
    DISPATCH: "a kernel is launched",
    READ_BACK: "data is copied back to the host",
    UPLOAD: "data is uploaded",
}
_NAME = re.compile(r"(?:[\w./-]+:(?!:))?[A-Za-z_~]\w*(?:(?:::|\.)[A-Za-z_~]\w*)*")
_SHOWN = 10


def _is_thing(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is neither a function (f, Type::f, src/a.rs:f) nor one of {', '.join(_WORDS)}"
        )
    return text


Thing = Annotated[str, AfterValidator(_is_thing)]


class CallOrderParams(CheckParams):
    """`first` must have been done wherever `then` is: functions (`f`, `Type::f`, `src/a.rs:f`), or `dispatch`
    (any launch of a kernel), `read_back`, `upload`. `entry` is the function in which this holds, with all
    that it calls (`module:function`, `src/a.rs:Type::step`); by default, each that leads to both."""

    first: Thing
    then: Thing
    entry: Entry | None = None


class Places(Record):
    """Where a function, with what it calls, does the two things."""

    function: str | None = None
    first_at: list[str] = Field(default_factory=list)
    then_at: list[str] = Field(default_factory=list)


class CallOrderEvidence(Evidence):
    """Where the two things are done, in each function that leads to both."""

    first: str | None = None
    then: str | None = None
    functions: list[Places] = Field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Where each of the two is done in every function, as lines of a Markdown list."""
        for one in self.functions:
            first, then = (first_of(places) or "nowhere" for places in (one.first_at, one.then_at))
            yield f"- in {named(one.function)}: {named(self.first)} at {first}; {named(self.then)} at {then}"


def run(params: CallOrderParams, ctx: CheckContext) -> Outcome:
    """Raises RocverifyError where the order cannot be told, SourceError for a file that is not there."""
    leading = Leading(ctx.code, ctx.settings.transfers)
    known = {thing: _known(leading, thing) for thing in (params.first, params.then)}
    for thing, places in known.items():
        if not places and thing not in _WORDS:
            return _undefined(params, ctx, thing)
    for thing, places in known.items():
        _refuse_twins(thing, places)
    found = _orders(params, leading, known)
    evidence = CallOrderEvidence(
        first=params.first,
        then=params.then,
        functions=[
            Places(
                function=f"{place.unit.path}:{place.function.qualified}",
                first_at=list(order.first[:_SHOWN]),
                then_at=[seen.where for seen in order.then[:_SHOWN]],
            )
            for place, order in found
        ],
    )
    if not found:
        return _uncalled(params, leading, known, evidence)
    if all(order.kept and not order.broken for _, order in found):
        names = ", ".join(place.function.qualified for place, _ in found)
        order = found[0][1]
        where = f"{', '.join(order.first[:3])} before {', '.join(seen.where for seen in order.then[:3])}"
        return Outcome.passed(f"in {names}: {_said(params.first)} at {where}", seen=evidence)
    wrong = [(place, order) for place, order in found if order.broken_order and not order.broken]
    if len(wrong) == len(found):
        _refuse_hidden(params, ctx, leading, known, found)
        return _wrong(params, *wrong[0], evidence)
    raise _open(params, found)


def _undefined(params: CallOrderParams, ctx: CheckContext, thing: str) -> Outcome:
    """RocverifyError where it may be defined in a source that is not looked at."""
    path, separator, name = thing.partition(":")
    if not separator or name.startswith(":") or ctx.code.unit(path).broken is not None:
        globs = ", ".join(ctx.settings.host_globs)
        raise RocverifyError(
            f"no host source defines a function {thing} ({globs}; all of Rust and C++)",
            hint="correct the name, or the setting host_globs",
        )
    return _failed(params, f"{path} defines no function {name}", path, CallOrderEvidence())


def _refuse_twins(thing: str, places: list[Place]) -> None:
    """RocverifyError where a name means several functions, so that a call of the one says nothing of the
    other. What stands twice in one place, for two builds, is one."""
    own = [place for place in places if not is_test(place)] or places
    if thing.rpartition(".")[2].rpartition(":")[2] in {place.function.owner for place in own}:
        return  # a type: all its methods
    homes = {(place.unit.path, place.function.path, _signature(place)): place for place in own}
    if len(homes) < 2:
        return
    listed = ", ".join(f"{p.unit.path}:{p.function.line}" for p in homes.values())
    names = {(place.unit.path, place.function.path) for place in own}
    raise RocverifyError(
        f"{thing} may be any of {len(homes)} functions ({listed}), and calls of one say nothing of another",
        where=f"{own[0].unit.path}:{own[0].function.line}",
        hint="name it in full: path/of/source:Type::function"
        if len(names) > 1
        else "overloads cannot be named: bind a program or command that shows the order",
    )


def _signature(place: Place) -> tuple[str, ...]:
    """What tells overloads apart, in the languages that have them."""
    return tuple(p.type for p in place.function.parameters) if is_c_family(place.unit.path) else ()


def _known(leading: Leading, thing: str) -> list[Place]:
    return [] if thing in _WORDS else leading.named(thing)


def _orders(
    params: CallOrderParams, leading: Leading, known: dict[str, list[Place]]
) -> list[tuple[Place, Order]]:
    first, then = (leading.does(thing, known[thing]) for thing in (params.first, params.then))
    if params.entry is not None:
        entries = leading.named(params.entry)
        if not entries:
            raise RocverifyError(f"there is no function {params.entry}", hint="correct entry")
        found = [(place, leading.order(place, first, then)) for place in entries]
        if not any(order.then for _, order in found):
            raise RocverifyError(
                f"{params.entry}: it is not seen that {_said(params.then)} in it", where=entries[0].unit.path
            )
        return found
    named = known[params.first] or known[params.then]
    if not named:
        raise RocverifyError("of two such words, entry must say where", hint="give entry")
    return leading.to_both(first, then, named)


def _uncalled(
    params: CallOrderParams, leading: Leading, known: dict[str, list[Place]], evidence: CallOrderEvidence
) -> Outcome:
    """No function leads to both: wrong only where one of the two is called nowhere at all."""
    for thing, places in known.items():
        if places and leading.called_nowhere(places):
            where = f"{places[0].unit.path}:{places[0].function.line}"
            return _failed(params, f"{thing} is called nowhere", where, evidence)
    raise RocverifyError(
        f"no function is seen to lead both to where {_said(params.first)} and to where {_said(params.then)}",
        hint="name the function in which the order holds: entry",
    )


def _refuse_hidden(
    params: CallOrderParams,
    ctx: CheckContext,
    leading: Leading,
    known: dict[str, list[Place]],
    found: list[tuple[Place, Order]],
) -> None:
    """RocverifyError where the first may be called by a way that the records do not show."""
    wanted = known[params.first]
    if wanted and (where := leading.handed_on(wanted)):
        raise RocverifyError(f"{params.first} may be called from {where}, too", where=where)
    if not wanted or not wanted[0].unit.path.endswith(".py"):
        return
    seen = {where for _, order in found for where in (*order.first, *order.perhaps)}
    for place, _ in found:
        for reached, path in ctx.code.graph.paths(place, kinds=CAUTIOUS).items():
            if path and reached in wanted and path[-1].location not in seen:
                raise RocverifyError(
                    f"{params.first} may be called from {path[-1].location}, too", where=path[-1].location
                )


def _wrong(params: CallOrderParams, place: Place, order: Order, evidence: CallOrderEvidence) -> Outcome:
    then = next(seen.where for seen in order.then if seen.sure)
    later = f"only at {order.first[0]}" if order.first else "not"
    if order.perhaps and not order.first:
        later = f"only at {order.perhaps[0]}"
    message = (
        f"in {place.function.qualified} {_said(params.then)} at {then}, and before that it is not so that "
        f"{_said(params.first)} ({later} in {place.function.qualified})"
    )
    return _failed(params, message, then, evidence)


def _open(params: CallOrderParams, found: list[tuple[Place, Order]]) -> RocverifyError:
    place, order = next((pair for pair in found if not pair[1].kept or pair[1].broken), found[0])
    seen = next((seen for seen in order.then if seen.before is not True or not seen.sure), None)
    if order.broken:
        return RocverifyError(f"{place.function.qualified}: not all could be parsed", where=order.broken)
    where = seen.where if seen is not None else f"{place.unit.path}:{place.function.line}"
    why = (
        f"the call at {where} may not be one of {params.then}"
        if seen is not None and seen.before is True
        else f"whether {_said(params.first)} before {where} hangs on a condition, closure or unknown call"
        if seen is not None and seen.before is None
        else f"at {where} it is not so, and elsewhere it is"
    )
    return RocverifyError(
        f"{place.function.qualified}: the order cannot be told: {why}",
        where=where,
        hint="name the function in which it holds (entry), or bind a command or program that shows it",
    )


def _said(thing: str) -> str:
    return _WORDS.get(thing) or f"{thing.rpartition(':')[2]}() is called"


def _failed(params: CallOrderParams, message: str, where: str, evidence: CallOrderEvidence) -> Outcome:
    finding = Finding(message, where, entity=params.first)
    hint = f"have it so that {_said(params.first)} before {_said(params.then)}, or correct the plan"
    return Outcome.failed(message, hint=hint, findings=(finding,), seen=evidence)


CHECK = CheckKind("call_order", CallOrderParams, run, evidence=CallOrderEvidence)
