"""Kernel launches in Rust and C++ as their sources write them: which kernel, with which arguments and block.

A launch by array (`hipModuleLaunchKernel`, `hipLaunchKernel`) is paired with the array in the same function.
What does not show is left out: it is no fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from rocverify.code.call_sites import CallKind, CallSite
from rocverify.code.callgraph import CallGraph, Path
from rocverify.code.places import Place
from rocverify.code.syntax import Call, Function, Unit, Value

_ADDRESS = re.compile(
    r"(?:&\s*(?:mut\s+|raw\s+(?:mut|const)\s+)?|addr_of(?:_mut)?!\s*\(\s*|addressof\s*\(\s*)(?P<name>[A-Za-z_]\w*)"
    r"(?P<more>\s*[.\[(]|\s*->|\s*::)?"
)
_ARRAY = re.compile(r"\*?\s*(?:&\s*(?:mut\s+)?)?(?P<name>[A-Za-z_]\w*)\b")
_NUMBER = re.compile(r"(?P<digits>\d[\d_']*)(?:[uU]?[lL]{0,2}|[ui](?:8|16|32|64|size))")
_DIM3 = re.compile(r"(?:\w+::)*(?:dim3|Dim3)\s*[({](?P<inner>.*)[)}]")
_PARAMETER = re.compile(
    r"\*?(?:&(?:mut )?)?(?P<name>[A-Za-z_]\w*)"
    r"(?:\.(?P<element>\d)|\.(?P<axis>[xyz])|\.as_mut_ptr\(\)|\.as_ptr\(\)|\.data\(\))?"
)
_TUPLE = re.compile(r"(?:(?:\w+::)*(?:dim3|Dim3))?\s*[({](?P<inner>.*)[)}]")
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
    `steps` are the calls that lead to it. `given`: what is handed over, as written in `place`; `shared`: the
    bytes of dynamic LDS, as written in `shared_at`, where it is told of on `shared_line`."""

    where: str
    function: str
    arguments: tuple[Handed, ...] | None
    block: tuple[int, ...] | None
    steps: tuple[str, ...]
    place: Place
    given: tuple[str, ...]
    shared: str
    shared_at: Place
    shared_line: int


Find = Callable[[str], Iterable[Unit]]
"""The sources in which a word occurs."""


def launch_sites(
    graph: CallGraph,
    start: Unit,
    wrapper: str,
    symbol: str,
    launches: Iterable[str],
    find: Find = lambda _: (),
) -> list[LaunchSite]:
    """The launches of a kernel that a function reaches for sure. A launch by a handle is the kernel's if its
    symbol, and no other of a kernel, is named as a text in the launching function or on the way to it. What
    such a function launches with by its parameters is looked up where it is called. `find` serves constants
    of other files."""
    places = [Place(start, function) for function in start.functions_of(wrapper)]
    by_handle = frozenset(launches)
    found = []
    for place, way in graph.paths(*places, kinds=frozenset({CallKind.CALL})).items():
        steps = tuple(f"{site.call.name} ({site.location})" for site in way)
        for call in place.function.calls:
            if call.dead or not call.sure:
                continue
            if call.launch is not None and call.name == symbol:
                found.append(_by_name(call, place, steps, find))
            elif call.name in by_handle and len(call.arguments) > 9 and _names_symbol(place, way, symbol):
                found.append(_by_handle(call, place, steps, way, find))
    return found


def dead_launch(
    graph: CallGraph, start: Unit, wrapper: str, symbol: str, launches: Iterable[str]
) -> tuple[str, str] | None:
    """The launch of a kernel that a function has but that can never run, and why; None where it has another
    that may be meant, or not all of it can be read."""
    by_handle = frozenset(launches)
    starts = [Place(start, function) for function in start.functions_of(wrapper)]

    def is_wanted(site: CallSite) -> bool | None:
        call, place = site.call, site.caller
        if call.name == symbol:
            return call.launch is not None
        if call.name not in by_handle:
            return None
        return any(_names_symbol(place, (CallSite(one, symbol, call),), symbol) for one in starts)

    found = graph.search(starts, is_wanted)
    return None if found.steps or found.maybe or found.broken else found.dead


def _by_name(call: Call, place: Place, steps: tuple[str, ...], find: Find) -> LaunchSite:
    array = next((a for a in call.arguments if a.startswith("*")), None)
    arguments = _handed(array, place.function) if array is not None and len(call.arguments) == 1 else None
    launch = call.launch or ()
    made = _site(call, place, steps, arguments, _block(launch[1:2], place, find))
    shared = launch[2] if len(launch) > 2 else "0"
    return replace(made, shared=shared, given=call.arguments if array is None else made.given)


def _site(
    call: Call,
    place: Place,
    steps: tuple[str, ...],
    arguments: tuple[Handed, ...] | None,
    block: tuple[int, ...] | None,
) -> LaunchSite:
    return LaunchSite(
        where=f"{place.unit.path}:{call.line}",
        function=place.function.qualified,
        arguments=arguments,
        block=block,
        steps=steps,
        place=place,
        given=_given(arguments),
        shared="0",
        shared_at=place,
        shared_line=call.line,
    )


def _given(arguments: tuple[Handed, ...] | None) -> tuple[str, ...]:
    return tuple(handed.name for handed in arguments or ())


def _by_handle(call: Call, place: Place, steps: tuple[str, ...], way: Path, find: Find) -> LaunchSite:
    shared = _traced(call.arguments[7], call, place, way)
    texts = [call.arguments[9], *call.arguments[4:7]]
    while way and any(_parameter(text, place) for text in texts):
        last = way[-1]
        texts = [_handed_over(text, place, last.call) for text in texts]
        call, place, way, steps = last.call, last.caller, way[:-1], steps[:-1]
    arguments = _handed(texts[0], place.function)
    made = _site(call, place, steps, arguments, _block(tuple(texts[1:]), place, find))
    return replace(made, shared=shared[0], shared_at=shared[1], shared_line=shared[2])


def _traced(text: str, call: Call, place: Place, way: Path) -> tuple[str, Place, int]:
    """What a text stands for where the value comes from: there, and on which line it is handed over."""
    while way and _parameter(text, place):
        last = way[-1]
        text = _handed_over(text, place, last.call)
        call, place, way = last.call, last.caller, way[:-1]
    return text, place, call.line


def _parameter(text: str, place: Place) -> tuple[int, re.Match[str]] | None:
    """The parameter that a text begins with: its place among them, and what follows it."""
    found = _PARAMETER.fullmatch(text)
    names = [parameter.name for parameter in place.function.parameters]
    return (names.index(found["name"]), found) if found and found["name"] in names else None


def _handed_over(text: str, place: Place, call: Call) -> str:
    """What a call hands over for the parameter that a text stands for, or for an element of it; the text
    itself, where it stands for none."""
    parameter = _parameter(text, place)
    if parameter is None:
        return text
    index, found = parameter
    if place.function.parameters[0].name == "self" and call.receiver is not None:
        index -= 1
    if not 0 <= index < len(call.arguments):
        return ""
    given = call.arguments[index]
    element = found["element"] or {"x": "0", "y": "1", "z": "2"}.get(found["axis"] or "")
    if element is None:
        return given
    inner = _TUPLE.fullmatch(given)
    parts = [part.strip() for part in inner["inner"].split(",")] if inner else []
    return parts[int(element)] if int(element) < len(parts) else ""


def _names_symbol(place: Place, way: Path, symbol: str) -> bool:
    """Whether the functions on a way name the symbol as a text, and no other that looks like a kernel's."""
    functions = (*(step.caller.function for step in way), place.function)
    texts = {
        text
        for function in functions
        for call in function.calls
        if not call.dead
        for argument in call.arguments
        for text in re.findall(r'"(\w+)(?:\\0)?"', argument)
    }
    values = [v.text for f in functions for v in f.values]
    texts |= {t for value in values for t in re.findall(r'\A[bc]?"(\w+)(?:\\0)?"\Z', value)}
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


def _block(texts: tuple[str, ...], place: Place, find: Find) -> tuple[int, ...] | None:
    """The sizes of a block, if they are constants."""
    found = _DIM3.fullmatch(texts[0]) if len(texts) == 1 else None
    parts = found["inner"].split(",") if found else list(texts)
    sizes = [constant_of(part.strip(), place, find) for part in parts]
    return tuple(size for size in sizes if size is not None) if sizes and None not in sizes else None


def constant_of(text: str, place: Place, find: Find = lambda _: (), depth: int = 0) -> int | None:
    """The number that a text is: a literal, or a constant of the function, of the file or, where only one
    file has a constant of that name, of another; None for anything else."""
    number = _NUMBER.fullmatch(text)
    if number is not None:
        return int(number["digits"].replace("_", "").replace("'", ""))
    if depth > _DEEPEST or not text.isidentifier():
        return None
    inside = [v.text for v in place.function.values if v.name == text]
    if inside or any(p.name == text for p in place.function.parameters):
        fixed = [v.text for v in place.function.values if v.name == text and "const" in v.type.split()]
        return constant_of(fixed[0], place, find, depth + 1) if len(fixed) == len(inside) == 1 else None
    outside = _constants(place.unit, text)
    if outside:
        return constant_of(outside[0], place, find, depth + 1) if len(outside) == 1 else None
    imported = any(i.name in (text, "*", "") for i in place.unit.imports)
    rust = place.unit.path.endswith(".rs")
    units = [unit for unit in find(text) if unit.path.endswith(".rs") == rust] if imported else []
    elsewhere = [value for unit in units for value in _constants(unit, text)]
    return constant_of(elsewhere[0], place, find, depth + 1) if len(elsewhere) == 1 else None


def _constants(unit: Unit, name: str) -> list[str]:
    return [n.text for n in unit.named if n.name == name and n.text and not n.dead]


def wave_widths(unit: Unit) -> Iterator[tuple[str, int, int]]:
    """The constants of a file that say how wide a wave is: name, width and line."""
    for named in unit.named:
        number = _NUMBER.fullmatch(named.text)
        if number and not named.dead and re.fullmatch(_WIDTH, named.name, re.IGNORECASE):
            yield named.name, int(number["digits"].replace("_", "")), named.line


_WIDTH = r"k?_?(?:wave|warp|wavefront)_?(?:front)?_?(?:size|width)"
