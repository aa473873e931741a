"""Things that host code does (a call, a dispatch, a copy), and the functions that lead to two of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from rocverify.code.call_sites import CERTAIN, CallKind, CallSite
from rocverify.code.files import sources
from rocverify.code.index import CodeIndex
from rocverify.code.languages import PYTHON, is_c_family, is_python, is_rust
from rocverify.code.languages.cpp_macros import macros_of
from rocverify.code.launches import LaunchFinder
from rocverify.code.order import Order, Wanted, find_order
from rocverify.code.places import Place
from rocverify.code.syntax import Call, Unit
from rocverify.code.transfers import TransferFinder
from rocverify.code.unrun import drops
from rocverify.settings import Transfers

DISPATCH, READ_BACK, UPLOAD = "dispatch", "read_back", "upload"
Asked = Callable[[CallSite], bool | None]
"""True for a call that does a thing, False for one that may, None for any other."""
_TESTS = frozenset({"tests", "test", "benches", "examples"})
_MOST_CALLERS = 2_000
_CALLING = re.compile(
    r"@(?:staticmethod|classmethod|property|override|final|abstractmethod|overload|(?:typing|abc)\.\w+"
    r"|(?:functools\.)?(?:wraps|total_ordering|singledispatch)\b.*|\w+\.(?:setter|getter|deleter|register)\b.*"
    r"|(?:torch\.)?(?:no_grad|inference_mode)\(\)|(?:pytest|nvtx|torch\.profiler)\..*)\s*(?:#.*)?\Z"
)
"""Decorators that call what they decorate, or stand for it."""


class Leading:
    """Looks for functions over the host sources of one project."""

    def __init__(self, code: CodeIndex, transfers: Transfers) -> None:
        self._code = code
        self._launches = LaunchFinder(code, transfers.launches)
        self._transfers = TransferFinder(code, transfers)
        self._calls: dict[str, list[tuple[Place, Call]]] = {}

    def _units(self, name: str) -> list[Unit]:
        """The records of the host sources in which a name may stand."""
        word = name.replace("::", ".").rpartition(".")[2]
        return [*self._code.modules.host, *self._code.units_with(word)]

    def named(self, name: str) -> list[Place]:
        """The functions that a name means (`f`, `Type::f`, `src/a.rs:f`), those that are built before those
        of tests; kernels and declarations are left out."""
        path, separator, rest = name.partition(":")
        given = separator and not rest.startswith(":")
        units = [self._code.unit(self._path(path))] if given else self._units(name)
        found = [Place(unit, f) for unit in units for f in unit.functions_of(rest if given else name)]
        bodies = [place for place in found if not place.function.declared and not place.function.kernel]
        return [place for place in bodies if not place.function.dead] or bodies

    def _path(self, text: str) -> str:
        known = is_rust(text) or is_c_family(text) or is_python(text)
        return text if known else self._code.module(text).path

    def does(self, thing: str, wanted: Sequence[Place]) -> Wanted:
        """Tells the calls that do a thing: a dispatch, a copy, or a call of the wanted functions."""
        words: dict[str, Asked] = {
            DISPATCH: self._launches.is_launch,
            READ_BACK: self._transfers.back,
            UPLOAD: self._transfers.up,
        }
        if thing in words:
            return self.told(words[thing])
        return lambda call, place: self._is_one_of(call, place, wanted)

    def told(self, asked: Asked) -> Wanted:
        """Tells the calls by what they may call."""

        def told(call: Call, place: Place) -> bool | None:
            said = [(site.kind, asked(site)) for site in self._code.graph.sites_of(call, place)]
            if any(answer and kind is CallKind.CALL for kind, answer in said):
                return True
            return None if all(answer is None for _, answer in said) else False

        return told

    def _is_one_of(self, call: Call, place: Place, wanted: Sequence[Place]) -> bool | None:
        family = [one for one in wanted if _language(one.unit.path) == _language(place.unit.path)]
        if not family:
            return None
        told = self._code.names(place.unit.path).may_be(call, place, family)
        return False if told and self._may_be_dropped(call, place, family) else told

    def _may_be_dropped(self, call: Call, place: Place, wanted: Sequence[Place]) -> bool:
        """Whether a decorator stands between a call and the function's own code, or a macro around the call
        leaves out what is handed over."""
        if is_python(place.unit.path):
            return any(one.function.name == call.name and self._is_wrapped(one) for one in wanted)
        if not is_c_family(place.unit.path):
            return False
        inner = re.compile(rf"\b{re.escape(call.name)}\s*\(")
        around = (o for o in place.function.calls if any(inner.search(text) for text in o.arguments))
        return any(self._drops(other, inner) for other in around)

    def _is_wrapped(self, place: Place) -> bool:
        """Whether a Python function has a decorator of which it is not known that it calls it."""
        if not is_python(place.unit.path):
            return False
        lines = self._code.text(place.unit.path).splitlines()[: place.function.line - 1]
        indent = len(lines[-1]) - len(lines[-1].lstrip()) if lines else 0
        for line in reversed(lines):
            text = line.strip()
            if text.startswith("@") and not _CALLING.match(text):
                return True
            deeper = len(line) - len(line.lstrip()) > indent or text[:1] in (")", "]", "#", "@")
            if not text or not deeper:
                return False
        return False

    def _drops(self, outer: Call, inner: re.Pattern[str]) -> bool:
        """Whether a macro of the project's, in one of its definitions, does not evaluate an argument."""
        for unit in self._code.units_with(outer.name):
            if any(n.name == outer.name and n.kind == "macro" and not n.dead for n in unit.named):
                for macro in macros_of(self._code.mask(unit.path).code):
                    if macro.name == outer.name and macro.parameters is not None:
                        given = zip(macro.parameters, outer.arguments, strict=False)
                        at = [n for n, (_, text) in enumerate(given) if inner.search(text)]
                        if all(drops(macro.parameters, macro.body, n) for n in at or (len(outer.arguments),)):
                            return True
        return False

    def order(self, start: Place, first: Wanted, then: Wanted) -> Order:
        """What a function does of two things, and in which order."""
        return find_order(self._code.graph, start, first, then, self._is_lazy)

    def order_of_certain(self, start: Place, first: Asked, then: Asked) -> Order:
        """The same of what calls are sure to lead to, whether or not a run makes them."""
        graph, known = self._code.graph, (self.told(_certainly(first)), self.told(_certainly(then)))
        return find_order(graph, start, *known, self._is_lazy, cautious=False)

    def _is_lazy(self, target: Place, place: Place, call: Call) -> bool:
        """A generator, what is awaited elsewhere than where it is called, what a decorator stands before, or
        what may end early by `?` where its error is dropped."""
        if self._is_wrapped(target):
            return True
        lines = self._code.text(target.unit.path).splitlines()
        body = lines[target.function.line - 1 : target.function.last_line]
        if is_rust(target.unit.path) and any("?" in line.partition("//")[0] for line in body):
            line = self._code.text(place.unit.path).splitlines()[call.line - 1]
            if re.search(rf"\blet\s+_\s*=.*\b{call.name}\b|\b{call.name}\b.*\.ok\(\)\s*;", line):
                return True
        if is_python(target.unit.path) and any(re.search(r"\byield\b", line) for line in body):
            return True
        if not body or not re.search(r"\basync\b", body[0]):
            return False
        here = self._code.text(place.unit.path).splitlines()[call.line - 1 : call.line + 2]
        return not any(re.search(r"\bawait\b", line) for line in here)

    def to_both(self, first: Wanted, then: Wanted, wanted: Sequence[Place]) -> list[tuple[Place, Order]]:
        """The functions that lead to both, the nearest to the wanted ones; no tests. Whoever calls one of
        these is none."""
        found, queue = [], [caller for place in wanted for caller in self._callers(place)]
        seen = {place.key for place in (*wanted, *queue)}
        while queue and len(seen) < _MOST_CALLERS:
            place = queue.pop(0)
            order = self.order(place, first, then)
            if order.reaches_both:
                found.append((place, order))
                continue
            for caller in self._callers(place):
                if caller.key not in seen:
                    seen.add(caller.key)
                    queue.append(caller)
        return found

    def _callers(self, place: Place) -> Iterator[Place]:
        names = {place.function.name}
        if place.function.name in ("__init__", "__call__"):
            names.add(place.function.owner)
        seen: set[object] = set()
        for caller, call in (pair for name in names for pair in self._calls_of(name)):
            if caller.key in seen or is_test(caller) or caller.key == place.key:
                continue
            if self._is_one_of(call, caller, [place]) is not None:
                seen.add(caller.key)
                yield caller

    def _calls_of(self, name: str) -> list[tuple[Place, Call]]:
        """The calls of a name, in what may run."""
        if name not in self._calls:
            functions = (Place(unit, function) for unit in self._units(name) for function in unit.functions)
            pairs = ((place, call) for place in functions for call in place.function.calls)
            self._calls[name] = [
                (place, call) for place, call in pairs if call.name == name and not call.dead
            ]
        return self._calls[name]

    def handed_on(self, wanted: Sequence[Place]) -> str:
        """Where one of the functions may be called by way of a value; empty where it is not."""
        for name in {place.function.name for place in wanted}:
            for caller, call in self._calls_of(name):
                if self._is_one_of(call, caller, wanted) is False and not is_test(caller):
                    return f"{caller.unit.path}:{call.line}"
        return ""

    def called_nowhere(self, wanted: Sequence[Place]) -> bool:
        """Whether plain functions stand in no source elsewhere than where they are defined. Methods, and what
        attributes and decorators may call, can be called without being named."""
        if any(self._called_unnamed(place) for place in wanted):
            return False
        for name in {place.function.name for place in wanted}:
            word = re.compile(rf"\b{re.escape(name)}\b")
            if any(word.search(self._code.text(path)) for path in self._other_python()):
                return False
            for unit in self._units(name):
                own = {function.line for function in unit.functions if function.name == name}
                if any(hit.line not in own for hit in self._code.search_word(unit.path, name).code):
                    return False
        return True

    def _called_unnamed(self, place: Place) -> bool:
        function = place.function
        around = self._code.text(place.unit.path).splitlines()[max(0, function.line - 4) : function.line]
        marked = any(re.search(r"@|#\[|\bextern\b|__attribute__", line) for line in around)
        return bool(function.owner) or function.name == "main" or marked

    def _other_python(self) -> list[str]:
        """The Python sources that are not among the host's."""
        host = set(self._code.modules.host_paths)
        return [path for path in sources(self._code.root, PYTHON) if path not in host]


def _certainly(asked: Asked) -> Asked:
    return lambda site: asked(site) if site.kind in CERTAIN else None


def is_test(place: Place) -> bool:
    """Whether a function is one of tests, benchmarks or examples, or is not built."""
    parts = PurePosixPath(place.unit.path).parts
    named = parts[-1].startswith("test_") or place.function.name.startswith("test_")
    return bool(place.function.dead) or named or not _TESTS.isdisjoint(parts)


def _language(path: str) -> str:
    return "rust" if is_rust(path) else "python" if is_python(path) else "c"
