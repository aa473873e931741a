"""Kernel launches in Rust and C++ as their sources write them: which kernel, with which arguments and block.

A launch by array (`hipModuleLaunchKernel`, `hipLaunchKernel`) is paired with the array in the same function.
What does not show is left out: it is no fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rocverify.code.callchains import reached
from rocverify.code.places import Names, Place
from rocverify.code.syntax import Call, Function, Unit, Value

_ADDRESS = re.compile(
    r"(?:&\s*(?:mut\s+|raw\s+(?:mut|const)\s+)?|addr_of(?:_mut)?!\s*\(\s*|addressof\s*\(\s*)(?P<name>[A-Za-z_]\w*)"
    r"(?P<more>\s*[.\[(]|\s*->|\s*::)?"
)
_ARRAY = re.compile(r"\*?\s*(?:&\s*(?:mut\s+)?)?(?P<name>[A-Za-z_]\w*)\b")
_NUMBER = re.compile(r"(?P<digits>\d[\d_']*)(?:[uU]?[lL]{0,2}|[ui](?:8|16|32|64|size))")
_DIM3 = re.compile(r"(?:\w+::)*(?:dim3|Dim3)\s*[({](?P<inner>.*)[)}]")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Handed:
    """One argument in an array: the variable whose address stands there and its type, empty where they do not
    show."""

    text: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class LaunchSite:
    """One launch. `arguments` is None where the array does not show, `block` where a size is no constant;
    `steps` are the calls that lead to it."""

    where: str
    function: str
    arguments: tuple[Handed, ...] | None
    block: tuple[int, ...] | None
    steps: tuple[str, ...]


def launch_sites(
    names: Names, start: Unit, wrapper: str, symbol: str, launches: Iterable[str]
) -> list[LaunchSite]:
    """The launches of a kernel that a function reaches for sure. A launch by a handle is the kernel's if its
    symbol, and no other of a kernel, is named as a text in the launching function or on the way to it."""
    places = [Place(start, function) for function in start.functions_of(wrapper)]
    by_handle = frozenset(launches)
    found = []
    for place, steps, way in reached(names, places):
        for call in place.function.calls:
            if call.dead or not call.sure:
                continue
            if call.launch is not None and call.name == symbol:
                found.append(_by_name(call, place, steps))
            elif call.name in by_handle and len(call.arguments) > 9 and _names_symbol(way, symbol):
                found.append(_by_handle(call, place, steps))
    return found


def _by_name(call: Call, place: Place, steps: tuple[str, ...]) -> LaunchSite:
    array = next((a for a in call.arguments if a.startswith("*")), None)
    arguments = _handed(array, place.function) if array is not None and len(call.arguments) == 1 else None
    block = _block(call.launch[1:2] if call.launch else (), place)
    return LaunchSite(f"{place.unit.path}:{call.line}", place.function.qualified, arguments, block, steps)


def _by_handle(call: Call, place: Place, steps: tuple[str, ...]) -> LaunchSite:
    arguments = _handed(call.arguments[9], place.function)
    block = _block(call.arguments[4:7], place)
    return LaunchSite(f"{place.unit.path}:{call.line}", place.function.qualified, arguments, block, steps)


def _names_symbol(way: tuple[Function, ...], symbol: str) -> bool:
    """Whether the functions on a way name the symbol as a text, and no other that looks like a kernel's."""
    texts = {
        text
        for function in way
        for call in function.calls
        if not call.dead
        for argument in call.arguments
        for text in re.findall(r'"(\w+)(?:\\0)?"', argument)
    }
    texts |= {t for f in way for v in f.values for t in re.findall(r'\A[bc]?"(\w+)(?:\\0)?"\Z', v.text)}
    return symbol in texts and not any(t != symbol and t.endswith("kernel") for t in texts)


def _handed(array: str, function: Function) -> tuple[Handed, ...] | None:
    """What an array of a function holds; None where it does not show, or is written to later."""
    name = _ARRAY.match(array.lstrip("*"))
    found = [v for v in function.values if name and v.name == name["name"] and v.elements]
    if len(found) != 1 or any(c.name in ("push", "push_back") for c in function.calls):
        return None
    return tuple(_one(element, function) for element in found[0].elements if element != "nullptr")


def _one(element: str, function: Function) -> Handed:
    found = _ADDRESS.search(element)
    if found is None or found["more"]:
        return Handed(element, "", "")
    known = [v for v in (*function.values, *function.parameters) if v.name == found["name"]]
    kinds = {_type(value) for value in known}
    return Handed(element, found["name"], kinds.pop() if len(kinds) == 1 else "")


def _type(value: Value) -> str:
    """The type of a variable: as written, else that of a cast or suffix of its value."""
    if value.type and value.type.split()[-1] not in ("auto", "const", "auto&", "auto*"):
        return value.type
    cast = re.search(
        r"(?:\bas\s+(?P<rust>[\w:*]+(?:\s+[\w:]+)?)|static_cast<(?P<cpp>[^<>]+)>\(.*\))\Z", value.text
    )
    suffix = re.fullmatch(r"-?\d[\d_.]*(?P<kind>[uif](?:8|16|32|64|size))", value.text)
    return (cast["rust"] or cast["cpp"]) if cast else suffix["kind"] if suffix else ""


def _block(texts: tuple[str, ...], place: Place) -> tuple[int, ...] | None:
    """The sizes of a block, if they are constants."""
    found = _DIM3.fullmatch(texts[0]) if len(texts) == 1 else None
    parts = found["inner"].split(",") if found else list(texts)
    sizes = [constant_of(part.strip(), place) for part in parts]
    return tuple(size for size in sizes if size is not None) if sizes and None not in sizes else None


def constant_of(text: str, place: Place, depth: int = 0) -> int | None:
    """The number that a text is: a literal, or a constant of the function or file; None for anything else."""
    number = _NUMBER.fullmatch(text)
    if number is not None:
        return int(number["digits"].replace("_", "").replace("'", ""))
    if depth > _DEEPEST or not text.isidentifier():
        return None
    inside = [v.text for v in place.function.values if v.name == text]
    if inside or any(p.name == text for p in place.function.parameters):
        fixed = [v.text for v in place.function.values if v.name == text and "const" in v.type.split()]
        return constant_of(fixed[0], place, depth + 1) if len(fixed) == len(inside) == 1 else None
    outside = [n.text for n in place.unit.named if n.name == text and n.text and not n.dead]
    return constant_of(outside[0], place, depth + 1) if len(outside) == 1 else None


def wave_widths(unit: Unit) -> Iterator[tuple[str, int, int]]:
    """The constants of a file that say how wide a wave is: name, width and line."""
    for named in unit.named:
        number = _NUMBER.fullmatch(named.text)
        if number and not named.dead and re.fullmatch(_WIDTH, named.name, re.IGNORECASE):
            yield named.name, int(number["digits"].replace("_", "")), named.line


_WIDTH = r"k?_?(?:wave|warp|wavefront)_?(?:front)?_?(?:size|width)"
