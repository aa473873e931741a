"""Whether one function may lead to another by a way that calls do not show: by whatever its text mentions.

The call graph knows calls that are written as such. A function is also called through a table, a field, a
variable or a macro's tokens, by a trait, an operator or a destructor. What a text mentions is followed by
its name alone, so that where nothing leads there, nothing calls it: only then may a call be denied.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import takewhile

from rocverify.code.call_sites import CERTAIN, CallKind, CallSite
from rocverify.code.callgraph import MOST_FUNCTIONS
from rocverify.code.index import CodeIndex
from rocverify.code.languages import is_c_family, is_python, is_rust
from rocverify.code.languages.python import MODULE
from rocverify.code.places import Place
from rocverify.code.syntax import Call, Function, Named, Unit

_WORD = re.compile(r"[A-Za-z_]\w*")
_BARE = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*|(?<=\.\.)[A-Za-z_]\w*")
_MACRO = re.compile(r"\b[A-Za-z_]\w*!(?!=)")
_METHOD = re.compile(r"(?:\.|->)\s*([A-Za-z_]\w*)\s*(?:(?:::)?<[^()]*>)?\s*\(")
_ATTRIBUTE = re.compile(r"\.\s*([A-Za-z_]\w*)")
_BY_TEXT = re.compile(
    r"\b(?:\w*attr|methodcaller|globals|locals|vars|import_module|dlsym|GetProcAddress)\b|__dict__"
)
"""Where functions are looked up by their names."""
_STRING = re.compile(r"\"(?:\\.|[^\"\\])*\"")
_PYTHON_STRING = re.compile(r"([\"'])(?:\\.|(?!\1)[^\\])*\1")
_NAME_ALONE = re.compile(r"[\"'](?:\w+\.)*(\w+)[\"']")
_CALLED = re.compile(
    r"(\.|->|)\b(\w+)\s*[)}>?]*(?:\[[^\[\]]*\]|\s*\.\s*(?:get|unwrap|lock|with|load|value)\b[^;{}]*?[)\]])*\s*\("
)
"""A name behind which something is called, be it an element of what has the name."""
_PASTED = re.compile(r"\[<|##|\bconcat_idents!|\b(?:exec|eval)\s*\(")
"""Where names are made while the code runs or is expanded, and may be any."""
_DYNAMIC = re.compile(r"\b(?:getattr|globals|locals|vars|import_module|attrgetter|methodcaller)\b|__dict__")
_OPERATION = re.compile(r"[\w)\]]\s*(?:[-+*/@%&|^]|\*\*|//|<<|>>)\s*[A-Za-z_(]")
_SET = re.compile(r"(?:\.([A-Za-z_]\w*)\s*(?::[^=]*)?=(?!=)|\bsetattr\s*\([^,]*,\s*[\"'](\w+))")
"""An attribute that is given a value (Python)."""
_OF_A_VALUE = re.compile(r"\)\s*\(|\w\[[^\[\]]*\]\s*\(")
"""A call of what a call gives, of what parentheses or a subscript hold."""
_EMPTY = ("field", "variant", "module")
_UNCALLED = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\b(?!\s*[(=\w:.])")
_DEFINING = re.compile(r"\s*(?:import|from|(?:async\s+)?def|class)\b")
_FUNCTION = re.compile(r"\(\s*(?:\w+::)*\*|\)\s*\(|\bfunction\b|\b(?:fn|Fn|FnMut|FnOnce)\b|\bauto\b")
_SILENT = ("get", "set", "import", "lambda")
_OUTSIDE = "<outside>"
"""What stands in a file outside of all functions."""

_RUST_IMPLICIT = """
drop add sub mul div rem neg not index index_mut deref deref_mut fmt from try_from into next into_iter eq ne
cmp partial_cmp hash poll clone default from_str as_ref borrow from_iter extend sum product write read call
call_mut call_once add_assign sub_assign mul_assign div_assign bitand bitor bitxor shl shr to_owned
"""
_IMPLICIT = frozenset(_RUST_IMPLICIT.split())


class Mentions:
    """Follows the words of functions over the sources of one project."""

    def __init__(self, index: CodeIndex) -> None:
        self._index = index
        self._lines: dict[str, list[str]] = {}
        self._words: dict[Place, frozenset[str]] = {}
        self._asked: dict[Place, set[str]] = {}

    def leading_to(self, starts: Sequence[Place], targets: Sequence[Place]) -> str:
        """Where one of the functions, or what it may lead to, mentions what may lead to a target
        (`path:line`); empty where nothing does."""
        if not (starts and targets):
            return ""
        own = (place.unit for place in (*starts, *targets))
        units = {unit.path: unit for unit in (*self._units(starts[0].path), *own)}
        language = _Language(self, tuple(units.values()))
        wanted, found = set(targets), dict.fromkeys(starts, "")
        queue = deque(found)
        while queue:
            place = queue.popleft()
            if self._may_name_any(place):
                return found[place] or place.location
            for onward, word in self._onwards(place, language):
                where = found[place] or self._where(word, place)
                if onward in wanted or len(found) > MOST_FUNCTIONS:
                    return where
                if onward not in found:
                    found[onward] = where if word else found[place]
                    queue.append(onward)
        return ""

    def _units(self, path: str) -> tuple[Unit, ...]:
        """The records of the sources in the language of one."""
        if is_python(path):
            return self._index.modules.host
        same = is_rust if is_rust(path) else is_c_family
        return tuple(unit for unit in self._index.units_with("") if same(unit.path))

    def _onwards(self, place: Place, language: _Language) -> Iterator[tuple[Place, str]]:
        """What a function leads to, and by which word; an empty one for a call that is sure."""
        settled = self._settled(place)
        yield from ((s.callee, "") for sites in settled.values() for s in sites if s.callee is not None)
        for word in self.words(place) - {place.function.name}:
            named = () if word in settled else self._meant(word, place, language)
            others = (*language.regions.get(word, ()), *language.implicit.get(word, ()))
            yield from ((one, word) for one in (*named, *others))
        open_ = [c for c in place.function.calls if not (c.dead or c.name in settled or c.kind in _SILENT)]
        for word in {call.name for call in open_ if call.kind}:  # what an operation calls
            yield from ((one, "") for one in language.named(word))
        unknown = {call.name for call in open_}
        if is_python(place.path):
            for word in self.attributes(place) - settled.keys() - language.values:
                methods = (one for one in language.named(word) if one.function.owner)
                yield from ((one, word) for one in (*language.properties.get(word, ()), *methods))
            if any(_OPERATION.search(line) for line in self._text(place)):
                yield from ((one, "") for one in language.operators)
        called = {word.lstrip(".-") for word in self._called(place)} - settled.keys()
        for word in called & language.values:
            yield from ((one, word) for one in language.mentioning(word))
        if called & language.values or self._calls_own(place) or self._calls_a_value(place, unknown):
            yield from ((one, "") for one in (*language.handed_on, *language.named("__call__")))
        outside = language.outside(place.unit)
        if any(
            word in self.words(outside) and not (language.named(word) or word in language.regions)
            for word in unknown
        ):
            yield outside, ""

    def _meant(self, word: str, place: Place, language: _Language) -> Iterator[Place]:
        """The functions of a name that are in sight: in Python no method by its bare name, and what stands in
        a function within its file alone."""
        asked = word in self._asked[place]
        for one in language.named(word):
            function = one.function
            here = not function.inner or one.path == place.path
            if not is_python(place.path) or (here and (asked or not function.owner)):
                yield one

    def _calls_a_value(self, place: Place, unknown: Set[str]) -> bool:
        """Whether a function calls something that has no name of its own there."""
        if is_python(place.path):
            sites = (s for s in self._index.graph.sites(place) if s.call.name in unknown and not s.call.kind)
            return any(site.name in ("?", f"?{site.call.name}", "?.value") for site in sites)
        return any(_OF_A_VALUE.search(line) for line in self._text(place))

    def _settled(self, place: Place) -> Mapping[str, Sequence[CallSite]]:
        """The names whose calls in a function are all known, or can never run, with what they call."""
        found: dict[str, list[CallSite]] = {}
        open_ = set()
        for call in place.function.calls:
            sites = [s for s in self._index.graph.sites_of(call, place) if s.kind in CERTAIN]
            if not (call.dead or call.kind in _SILENT or _is_settled(call, sites)):
                open_.add(call.name)
            name = f".{call.name}" if call.kind in _SILENT else call.name
            found.setdefault(name, []).extend(sites)
        plain = {name: sites for name, sites in found.items() if name not in open_}
        return plain | {name.rstrip("!"): sites for name, sites in plain.items()}

    def _called(self, place: Place) -> set[str]:
        """The names in a function behind which something is called; with the dot before what is asked of a
        value."""
        return {sign[:1] + name for line in self._text(place) for sign, name in _CALLED.findall(line)}

    def words(self, place: Place) -> frozenset[str]:
        """The names in the code of a function that may be functions: not its own variables, and what is asked
        of a value only where it is called. Texts that are names count where names are looked up."""
        if place not in self._words:
            text = self._text(place)
            found = {word for line in text for word in (*_BARE.findall(line), *_MACRO.findall(line))}
            methods = {word for line in text for word in _METHOD.findall(line)}
            own = _own(place)
            found = found - own | methods
            self._words[place] = frozenset(word for word in found if not word.startswith("__"))
            self._asked[place] = methods
        return self._words[place]

    def has(self, word: str, place: Place) -> bool:
        """Whether a name stands anywhere in a function's code."""
        return any(word in _WORD.findall(line) for line in self._text(place))

    def handed_on(self, place: Place) -> set[str]:
        """The names of functions that a Python function has without calling them."""
        text = [line for line in self._text(place) if not _DEFINING.match(line)]
        own = _own(place)
        return {word for line in text for word in _UNCALLED.findall(line)} - own

    def attributes(self, place: Place) -> set[str]:
        """What a function asks of values."""
        return {name for line in self._text(place) for name in _ATTRIBUTE.findall(line)}

    def _may_name_any(self, place: Place) -> bool:
        """Whether names are made of parts there, or a value is asked for something by a name that is."""
        text = self._text(place)
        if any(_PASTED.search(line) for line in text):
            return True
        asked = is_python(place.path) and any(_DYNAMIC.search(line) for line in text)
        return asked and (self._calls_own(place) or any(_OF_A_VALUE.search(line) for line in text))

    def _calls_own(self, place: Place) -> bool:
        own = _own(place)
        return not own.isdisjoint(self._called(place))

    def _text(self, place: Place) -> list[str]:
        lines = self.lines(place.path)
        if place.function.name not in (_OUTSIDE, MODULE):
            first = place.function.line - 1
            while is_python(place.path) and first and lines[first - 1].lstrip().startswith("@"):
                first -= 1  # what decorates a function may run in its place
            return lines[first : place.function.last_line]
        inside = {n for f in place.unit.functions if f.name != MODULE for n in range(f.line, f.last_line + 1)}
        return [line for number, line in enumerate(lines, 1) if number not in inside]

    def _where(self, word: str, place: Place) -> str:
        lines = enumerate(self.lines(place.path), 1)
        inside = range(place.function.line, place.function.last_line + 1)
        found = (n for n, line in lines if n in inside and re.search(rf"\b{re.escape(word)}\b", line))
        return f"{place.path}:{next(found, place.function.line)}"

    def lines(self, path: str) -> list[str]:
        """The code of a source, without comments, texts and what can never run; a text that is a name is left
        where names are looked up."""
        if path not in self._lines:
            self._lines[path] = [_plain(line, path) for line in self._index.live(path).code.split("\n")]
        return self._lines[path]


def _own(place: Place) -> set[str]:
    """The names of a function's parameters and variables."""
    return {v.name.lstrip("*") for v in (*place.function.parameters, *place.function.values)}


def _plain(line: str, path: str) -> str:
    named = _NAME_ALONE.sub(r" \1 ", line) if _BY_TEXT.search(line) else line
    return (_PYTHON_STRING if is_python(path) else _STRING).sub('""', named)


class _Language:
    """What the sources of one language have under a name."""

    def __init__(self, mentions: Mentions, units: Sequence[Unit]) -> None:
        self._mentions = mentions
        self._units = units

    def named(self, word: str) -> Sequence[Place]:
        """The functions of a name."""
        return self._functions.get(word, ())

    @cached_property
    def _functions(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for unit in self._units:
            for place in (Place(unit, function) for function in unit.functions if not function.dead):
                found.setdefault(place.function.name, []).append(place)
        return found

    @cached_property
    def regions(self) -> dict[str, list[Place]]:
        """By name, the constants, variables, types and macros, with the lines that they stand on."""
        found: dict[str, list[Place]] = {}
        for unit in self._units:
            for made in _regions(unit):
                found.setdefault(made.name, []).append(Place(unit, made))
        return found

    @cached_property
    def values(self) -> frozenset[str]:
        """The names of fields and variables that may hold a function: by their type where it is written, in
        Python whatever is assigned to as an attribute."""
        named = [n for unit in self._units for n in unit.named]
        others = {n.name for n in named if n.kind == "type" and _FUNCTION.search(n.type or n.text)}
        kinds = ("field", "static", "variable", "constant")
        found = {n.name for n in named if n.kind in kinds and _may_be_called(n, others)}
        found |= {n.name for n in named if n.kind == "static of a macro"}
        for unit in (unit for unit in self._units if is_python(unit.path)):
            lines = self._mentions.lines(unit.path)
            found.update(name for line in lines for names in _SET.findall(line) for name in names if name)
        return frozenset(found)

    @cached_property
    def implicit(self) -> dict[str, list[Place]]:
        """By type, what is called without being named: its operators, destructor and the like, and those of
        its fields and bases. By a decorator, what it decorates."""
        found: dict[str, list[Place]] = {}
        for unit in self._units:
            for place in (Place(unit, function) for function in unit.functions if not function.dead):
                for name in self._served(place):
                    found.setdefault(name, []).append(place)
        inner: dict[str, set[str]] = {}
        for named in (n for unit in self._units for n in unit.named if not n.dead):
            if named.kind == "field":
                inner.setdefault(named.owner, set()).update(_WORD.findall(f"{named.type} {named.text}"))
            elif named.bases:
                inner.setdefault(named.name, set()).update(named.bases)
        return {name: self._with_inner(name, found, inner) for name in found.keys() | inner.keys()}

    def _with_inner(
        self, name: str, found: Mapping[str, list[Place]], inner: Mapping[str, set[str]]
    ) -> list[Place]:
        seen, queue = {name}, [name]
        while queue:
            more = inner.get(queue.pop(), set()) & (found.keys() | inner.keys()) - seen
            seen |= more
            queue += more
        return [place for one in sorted(seen) for place in found.get(one, ())]

    def _served(self, place: Place) -> Iterator[str]:
        """The types and decorators whose use may call a function without naming it."""
        function = place.function
        special = function.name.startswith(("operator", "__", "~")) or function.name in _IMPLICIT
        if function.owner and (special or function.name == function.owner):
            yield function.owner
        elif function.name.startswith("operator"):
            yield from (word for p in function.parameters for word in _WORD.findall(p.type))
        if is_python(place.path):
            above = reversed(self._mentions.lines(place.path)[: function.line - 1])
            for line in takewhile(lambda line: line.strip().startswith("@"), above):
                yield from _WORD.findall(line)

    @cached_property
    def properties(self) -> dict[str, list[Place]]:
        """The methods of Python that run where their names are asked for."""
        marked = {id(p): p for name, places in self.implicit.items() if "property" in name for p in places}
        found: dict[str, list[Place]] = {}
        for place in marked.values():
            found.setdefault(place.function.name, []).append(place)
        return found

    @cached_property
    def operators(self) -> list[Place]:
        """The methods that operators of Python call."""
        special = (one for found in self.implicit.values() for one in found)
        return [one for one in special if one.function.name.startswith("__")]

    @cached_property
    def handed_on(self) -> list[Place]:
        """The functions that are named without being called, and so may be called by a value."""
        names: set[str] = set()
        for unit in self._units:
            if is_python(unit.path):
                places = (*(Place(unit, f) for f in unit.functions if not f.dead), self.outside(unit))
                names.update(name for place in places for name in self._mentions.handed_on(place))
            else:
                functions = (*unit.functions, *unit.macros)
                names.update(c.name for f in functions for c in f.calls if not c.sure)
        found = [one for name in names for one in self.named(name)]
        return [one for one in found if not (is_python(one.path) and one.function.owner)]

    def mentioning(self, word: str) -> Iterator[Place]:
        """The functions whose text has a word: one of them may give a value its function."""
        for unit in self._units:
            for place in (*(Place(unit, f) for f in unit.functions if not f.dead), self.outside(unit)):
                if self._mentions.has(word, place):
                    yield place

    def outside(self, unit: Unit) -> Place:
        """What stands in a file outside of its functions."""
        return Place(unit, Function(_OUTSIDE, "", (), 0, 0, ()))


def _is_settled(call: Call, sites: Sequence[CallSite]) -> bool:
    callees = [site.callee.function for site in sites if site.callee is not None]
    if callees:
        bases = {b for s in sites if s.callee for b in _bases(s.callee)}
        abstract = not {"Protocol", "ABC"}.isdisjoint(bases)
        return not abstract and not all(one.declared or one.name.endswith("!") for one in callees)
    known = any(site.kind is CallKind.CALL and not site.name.startswith("?") for site in sites)
    return known and call.kind == ""


def _may_be_called(named: Named, others: Set[str]) -> bool:
    """Whether a field or variable may hold a function. others: names of types that are those of functions."""
    return not named.type or bool(
        _FUNCTION.search(named.type) or not others.isdisjoint(_WORD.findall(named.type))
    )


def _bases(place: Place) -> tuple[str, ...]:
    """What the type of a method inherits from."""
    named = place.unit.types.get(place.function.owner)
    return named.bases if named is not None else ()


def _regions(unit: Unit) -> Iterator[Function]:
    """The constants, variables and macros of a file, each with the lines to the next item."""
    lines = sorted({f.line for f in unit.functions} | {n.line for n in unit.named})
    for named in unit.named:
        if not named.dead and not named.inner and (named.text or named.kind not in _EMPTY):
            name = f"{named.name}!" if named.kind == "macro" and is_rust(unit.path) else named.name
            yield Function(name, "", (), named.line, _last_line(named, lines), ())


def _last_line(named: Named, lines: Sequence[int]) -> int:
    return max(named.line, next((line - 1 for line in lines if line > named.line), named.line + 200))
