"""Kernel launches as host code makes them: whether a function reaches one, of which kernel and, in Rust and
C++, with which arguments and block.

A launch by array (`hipModuleLaunchKernel`, `hipLaunchKernel`) is paired with the array in the same function.
What does not show is left out: it is no fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rocverify.code.call_sites import CERTAIN, CallKind, CallSite
from rocverify.code.callgraph import Chain, Path
from rocverify.code.constants import Find, constant_of, texts_of
from rocverify.code.index import CodeIndex
from rocverify.code.places import Place
from rocverify.code.syntax import Call, Function, Value
from rocverify.kernel_names import last_name, same_kernel

_ADDRESS = re.compile(
    r"(?:&\s*(?:mut\s+|raw\s+(?:mut|const)\s+)?|addr_of(?:_mut)?!\s*\(\s*|addressof\s*\(\s*)(?P<name>[A-Za-z_]\w*)"
    r"(?P<more>\s*[.\[(]|\s*->|\s*::)?"
)
_ARRAY = re.compile(r"\*?\s*(?:&\s*(?:mut\s+)?)?(?P<name>[A-Za-z_]\w*)\b")
_DIM3 = re.compile(r"(?:\w+::)*(?:dim3|Dim3)\s*[({](?P<inner>.*)[)}]")
_PARAMETER = re.compile(
    r"\*?(?:&(?:mut )?)?(?P<name>[A-Za-z_]\w*)"
    r"(?:\.(?P<element>\d)|\.(?P<axis>[xyz])|\.as_mut_ptr\(\)|\.as_ptr\(\)|\.data\(\))?"
)
_TUPLE = re.compile(r"(?:(?:\w+::)*(?:dim3|Dim3))?\s*[({](?P<inner>.*)[)}]")


@dataclass(frozen=True, slots=True)
class SymbolUse:
    """Where the host code names a kernel symbol on its way to a launch: `path` leads to the launch."""

    symbol: str
    location: str
    function: Place
    path: Path


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


class LaunchFinder:
    """Finds launches in live code. `functions` are the names of HIP's launch functions."""

    def __init__(self, index: CodeIndex, functions: Iterable[str]) -> None:
        self._index = index
        self._graph = index.graph
        self._functions = frozenset((*functions, "hipLaunchKernel"))
        self._paths: dict[Place, Path | None] = {}

    def is_launch(self, site: CallSite) -> bool | None:
        """True for a launch: of a kernel by its name, or by one of HIP's functions. A function of the project
        that only is called so is none."""
        if site.call.launch is not None:
            return True
        return True if site.is_foreign and not site.call.kind and site.short in self._functions else None

    def path(self, entry: Place) -> Path | None:
        """A shortest chain of certain calls from a function to a launch."""
        if entry not in self._paths:
            self._paths[entry] = self._graph.find(entry, self.is_launch)
        return self._paths[entry]

    def search(self, entries: Sequence[Place]) -> Chain:
        """How the search for a launch of any kernel turns out."""
        return self._graph.search(entries, self.is_launch)

    def use_of(self, entries: Sequence[Place], symbol: str) -> SymbolUse | None:
        """Where functions, or what they call on the way to a launch, name the kernel symbol.

        None if no launch is reached or nothing on the way forms that name.
        """
        for place, path in self._graph.paths(*entries, kinds=CERTAIN).items():
            launch = self.path(place)
            line = None if launch is None else self._index.names(place.path).line_forming(symbol, place)
            for site in self._graph.sites(place):
                if self._is_of(site.call, symbol) and site.kind in CERTAIN:
                    launch, line = (site,), site.line
            if launch is not None and line is not None:
                return SymbolUse(symbol, f"{place.path}:{line}", place, (*path, *launch))
        return None

    def sites(self, wrappers: Sequence[Place], symbol: str) -> list[LaunchSite]:
        """The launches of a kernel that functions of a Rust or C++ host reach for sure. A launch by a handle
        is the kernel's if its symbol, and no other of a kernel, is named as a text in the launching function
        or on the way to it. What such a function launches with by its parameters is looked up where it is
        called."""
        found = []
        find = self._index.units_with
        for place, way in self._graph.paths(*wrappers, kinds=frozenset({CallKind.CALL})).items():
            steps = tuple(f"{site.call.name} ({site.location})" for site in way)
            for call in place.function.calls:
                if call.dead or not call.sure:
                    continue
                if self._is_of(call, symbol):
                    found.append(_by_name(call, place, steps, find))
                elif self._hands_over_an_array(call) and _names_symbol(place, way, symbol):
                    found.append(_by_handle(call, place, steps, way, find))
        return found

    def _is_of(self, call: Call, symbol: str) -> bool:
        return call.launch is not None and call.name == last_name(symbol)

    def _hands_over_an_array(self, call: Call) -> bool:
        return call.name in self._functions and len(call.arguments) > 9

    def dead(self, wrappers: Sequence[Place], symbol: str) -> tuple[str, str] | None:
        """The launch of a kernel that functions have but that can never run, and why; None where they have
        another that may be meant, or not all of it can be read."""

        def is_wanted(site: CallSite) -> bool | None:
            if site.call.name == last_name(symbol):
                return site.call.launch is not None
            if site.call.name not in self._functions:
                return None
            ways = ((CallSite(one, symbol, site.call),) for one in wrappers)
            return any(_names_symbol(site.caller, way, symbol) for way in ways)

        found = self._graph.search(wrappers, is_wanted)
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
    places = (*(step.caller for step in way), place)
    texts = {text for one in places for text, _ in texts_of(one)}
    others = [text for text in texts if not same_kernel(text, symbol)]
    return len(others) < len(texts) and not any(last_name(text).endswith("kernel") for text in others)


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
