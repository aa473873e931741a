"""How large a value of a Rust or C++ host may become: checks in the functions that have it, and in those
that call them.

A check that cannot be read makes the answer unknown, never a larger one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from rocverify.code.constants import Find, constant_of
from rocverify.code.host_values import HostValues
from rocverify.code.places import Names, Place
from rocverify.code.syntax import Call, Function

_OPERATOR = r"<=|>=|==|!=|<(?!<)|(?<![-=])>(?!>)"
_OPERAND = r"[\w:.]+(?:\(\))?"
_ARROWS = re.compile(r"->|=>|<<<|>>>")
_TYPES = re.compile(r"(?:::)?<(?!\s)(?:[\w:*', \[\]()]|&(?!&))*(?<!\s)>")
_CASTS = r"(?:\s*as\s+\w+)?"
_HARMLESS = frozenset(
    {
        "Some",
        "Ok",
        "alloc",
        "dim3",
        "format!",
        "from",
        "hipMalloc",
        "hipMallocAsync",
        "new",
        "printf",
        "println!",
        "size_of",
        "sizeof",
        "static_cast",
        "with_capacity",
        "zeros",
    }
)
"""Calls that limit nothing."""
_TESTS = frozenset({"tests", "test", "benches", "bench", "examples"})
_DEEPEST = 4
_PLAIN = re.compile(r"\*?(?:&\s*(?:mut\s+)?)?(?P<name>[A-Za-z_]\w*)(?:\s+as\s+\w+)*")


@dataclass(frozen=True, slots=True)
class Bound:
    """The largest value, infinite where nothing limits it, and the check or call that says so
    (`path:line`)."""

    most: float
    where: str = ""


class Bounds:
    """Bounds of the parameters of functions. `find`: the sources in which a word occurs."""

    def __init__(self, names: Names, values: HostValues, find: Find) -> None:
        self._names = names
        self._values = values
        self._find = find

    def of(self, name: str, place: Place, depth: int = 0) -> Bound | None:
        """The bound of a parameter; None where it cannot be told. What its function checks is what it
        admits; without a check, what its callers (tests left out) hand over."""
        own = self._own(name, place, depth)
        if own is None or own.most < math.inf:
            return own
        handed = list(self._handed(name, place, depth))
        known = [bound for bound in handed if bound is not None]
        if len(known) < len(handed):
            return None
        return max(known, key=lambda bound: bound.most, default=own)

    def _own(self, name: str, place: Place, depth: int) -> Bound | None:
        """By what the function itself checks, or a function that it hands the value to."""
        if depth > _DEEPEST or not self._values.is_parameter(name, place):
            return None
        code = self._values.code(place)
        if _hidden(name, code) or any(_is_asked(one, code) for one in _derived(name, place.function)):
            return None
        found = [self._compared(*one, place) for one in _comparisons(name, code)]
        found += [self._passed(call, index, place, depth) for call, index in _passed(name, place.function)]
        known = [bound for bound in found if bound is not None]
        if len(known) < len(found):
            return None
        return min(known, key=lambda bound: bound.most, default=Bound(math.inf))

    def _compared(self, sign: str, other: str, line: int, place: Place) -> Bound | None:
        """A comparison, the value on its left. Which way is taken does not matter: the bound is not made
        larger than the number that is compared with."""
        number = constant_of(other.rpartition("::")[2], place, self._find)
        if number is None or (sign in ("==", "!=") and number != 0):
            return None
        if number == 0 or (number == 1 and sign in ("<", ">=")):  # that there is anything at all
            return Bound(math.inf)
        most = number - 1 if sign in ("<", ">=") else number
        return Bound(most, f"{place.unit.path}:{place.function.line + line}")

    def _passed(self, call: Call, index: int, place: Place, depth: int) -> Bound | None:
        callees = self._names.resolved(call, place)
        if not callees:
            return Bound(math.inf) if call.name in _HARMLESS else None
        found = []
        for callee in callees:
            parameters = callee.function.parameters
            shift = int(call.receiver is not None and bool(parameters) and parameters[0].name == "self")
            inside = parameters[index + shift].name if index + shift < len(parameters) else ""
            found.append(self._own(inside, callee, depth + 1) if inside else None)
        known = [bound for bound in found if bound is not None]
        return min(known, key=lambda bound: bound.most) if len(known) == len(found) else None

    def related(self, name: str, others: Collection[str], place: Place) -> bool:
        """Whether all callers hand over the same for a parameter as for one of the others."""
        calls = [given for _, _, given in self._callers(place)]
        return bool(calls) and all(
            any(given.get(name) == given.get(other) for other in others) for given in calls
        )

    def _handed(self, name: str, place: Place, depth: int) -> Iterator[Bound | None]:
        """What callers hand over for a parameter."""
        for caller, call, given in self._callers(place):
            yield self._given(given.get(name, ""), call, caller, depth)

    def _callers(self, place: Place) -> Iterator[tuple[Place, Call, dict[str, str]]]:
        """The calls of a function outside of tests, and the texts handed over by the parameter."""
        parameters = [p.name for p in place.function.parameters]
        for unit in self._find(place.function.name):
            for function in unit.functions if not is_test(unit.path) else ():
                caller = Place(unit, function)
                for call in function.calls if not function.dead else ():
                    if self._is_of(call, caller, place):
                        own = call.receiver is not None and parameters[:1] == ["self"]
                        yield caller, call, dict(zip(parameters[int(own) :], call.arguments, strict=False))

    def _is_of(self, call: Call, caller: Place, place: Place) -> bool:
        if call.name != place.function.name or call.dead:
            return False
        called = {one.key for one in self._names.resolved(call, caller)}
        return not called or place.key in called

    def _given(self, text: str, call: Call, caller: Place, depth: int) -> Bound | None:
        number = self._values.number(text, caller)
        if number is not None:
            return Bound(number, f"{caller.unit.path}:{call.line}")
        plain = _PLAIN.fullmatch(text)
        return self.of(plain["name"], caller, depth + 1) if plain else None


def is_test(path: str) -> bool:
    """Whether a source is of tests, benchmarks or examples: what they hand over limits nothing."""
    parts, stem = PurePosixPath(path).parts, PurePosixPath(path).stem
    return bool(_TESTS & set(parts)) or stem.startswith("test_") or stem.endswith("_test")


def _comparisons(name: str, code: str) -> Iterator[tuple[str, str, int]]:
    """The comparisons of a name: sign, other side, line from 0; those that have it on the right turned."""
    word = rf"(?<![\w.])(?<!->){re.escape(name)}{_CASTS}"
    turned = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
    for found in re.finditer(rf"{word}\s*({_OPERATOR})\s*({_OPERAND})?", code):
        yield found[1], found[2] or "", code.count("\n", 0, found.start())
    for found in re.finditer(rf"({_OPERAND})?{_CASTS}\s*({_OPERATOR})\s*{word}(?![\w.(])", code):
        yield turned.get(found[2], found[2]), found[1] or "", code.count("\n", 0, found.start())


def _hidden(name: str, code: str) -> bool:
    """Whether a check of a name cannot be read: an assertion without a comparison, or a comparison of
    something that is computed from it."""
    if re.search(rf"(?:assert|ensure|require)\w*!?\s*\([^;<>]*(?<![\w.]){name}\b[^;<>]*\)", code):
        return True
    for statement in _statements(code):
        if _is_asked(name, statement) and not any(True for _ in _comparisons(name, statement)):
            return True
    return False


def _statements(code: str) -> list[str]:
    """The statements, without signs of comparisons that compare nothing: arrows, launches, types."""
    plain, before = _ARROWS.sub(" ", code), ""
    while plain != before:  # types within types
        plain, before = _TYPES.sub("", plain), plain
    return re.split(r"[;{}]", plain)


def _is_asked(name: str, code: str) -> bool:
    """Whether a statement compares, and says a name."""
    return any(
        re.search(_OPERATOR, statement) and re.search(rf"(?<![\w.]){re.escape(name)}\b", statement)
        for statement in _statements(code)
    )


def _derived(name: str, function: Function) -> list[str]:
    """The variables that are computed from a parameter."""
    found = [name]
    for value in function.values:
        said = re.findall(r"(?<![\w.])[A-Za-z_]\w*", value.text)
        if value.name not in found and any(word in found for word in said):
            found.append(value.name)
    return found[1:]


def _passed(name: str, function: Function) -> Iterator[tuple[Call, int]]:
    """The calls to which a name is handed by itself, and as which argument. What a kernel is launched with
    limits nothing."""
    for call in function.calls:
        for index, argument in enumerate(call.arguments if call.launch is None and not call.dead else ()):
            plain = _PLAIN.fullmatch(argument)
            if plain and plain["name"] == name:
                yield call, index
