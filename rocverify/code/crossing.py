"""Calls from one language into another, where names show them: `extern "C"` functions called through a
declaration or a loaded library, and what pybind11 and PyO3 export to Python."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rocverify.code.call_sites import CERTAIN, CallSite
from rocverify.code.callgraph import Chain, Path
from rocverify.code.index import CodeIndex
from rocverify.code.languages import is_python, is_rust
from rocverify.code.places import Place

_EXTERN = re.compile(r'\bextern\s+"C"')
_BLOCK = re.compile(r'\bextern\s+"C"\s*\{')
_UNMANGLED = re.compile(r"#\[\s*(?:unsafe\s*\(\s*)?no_mangle\b")
_RENAMED = re.compile(r'#\[\s*(?:unsafe\s*\(\s*)?export_name\s*=\s*"(\w+)"')
_LOADED = re.compile(r"\b(?:CDLL|PyDLL|WinDLL|LoadLibrary|cdll|dlopen)\b")
_BOUND = re.compile(r'\bdef\s*\(\s*"(?P<name>\w+)"\s*,\s*&?\s*(?P<path>[A-Za-z_][\w:]*)')
_PYBIND = re.compile(r"\b(?:PYBIND11_MODULE|NB_MODULE|TORCH_LIBRARY)\s*\(\s*(\w+)")
_PYO3 = re.compile(r"#\[\s*pymodule\b[^\]]*\]\s*(?:pub\s+)?fn\s+(\w+)")
_PYFUNCTION = re.compile(r"#\[\s*pyfunction\b")
_MOST_LINES = 6


@dataclass(frozen=True, slots=True)
class Exported:
    """A function that another language may call under `name`; `module`: Python's module that has it, empty
    for one of C's linkage."""

    place: Place
    name: str
    module: str = ""


@dataclass(frozen=True, slots=True)
class Crossing:
    """How a search across languages turned out: the calls up to the border and behind it, or what may be one
    (`path:line`)."""

    path: Path = ()
    maybe: str = ""
    broken: str = ""


def search_across(index: CodeIndex, callers: Sequence[Place], targets: Sequence[Place]) -> Crossing:
    """Whether functions of one language lead to functions of another. Certain is a call of an exported name
    that is declared, loaded or imported where the call is; another call of such a name may be one."""
    ends = {one: _way(index, one, targets) for one in _exported(index, targets[0].path)}
    leading = {one: way for one, way in ends.items() if way is not None}

    def wanted(site: CallSite) -> bool | None:
        told = [_is_call_of(index, site, one) for one in leading]
        return True if True in told else False if False in told else None

    found: Chain = index.graph.search(callers, wanted)
    if found.path:
        last = found.path[-1]
        tail = next(way for one, way in leading.items() if _is_call_of(index, last, one))
        return Crossing((*found.path, *tail))
    return Crossing((), found.doubtful[-1].location if found.doubtful else "", found.broken)


def _way(index: CodeIndex, exported: Exported, targets: Sequence[Place]) -> Path | None:
    """The calls from an exported function to a target; None where none shows."""
    if exported.place in targets:
        return ()
    return index.graph.chain([exported.place], targets).path or None


def _is_call_of(index: CodeIndex, site: CallSite, exported: Exported) -> bool | None:
    if site.short != exported.name or not site.is_foreign or site.call.kind:
        return None
    sure = site.kind in CERTAIN
    if is_python(site.path):
        if exported.module:
            full = site.name.replace(":", ".")
            return sure and f".{full}".endswith(f".{exported.module}.{exported.name}")
        return sure and _LOADED.search(index.live(site.path).code) is not None
    if exported.module:
        return None
    return sure and site.callee is not None


def _exported(index: CodeIndex, path: str) -> Iterator[Exported]:
    """What the sources in the language of a path export."""
    rust = is_rust(path)
    for unit in index.units_with("" if rust else "(") if not is_python(path) else ():
        if is_rust(unit.path) != rust:
            continue
        code = index.live(unit.path).code
        bodies = [Place(unit, f) for f in unit.functions if not (f.declared or f.dead or f.kernel)]
        if (rust and "extern" in code) or "pyfunction" in code:
            yield from _of_rust(code, bodies)
        elif not rust:
            yield from _of_cpp(code, bodies)


def _of_rust(code: str, bodies: Sequence[Place]) -> Iterator[Exported]:
    lines = code.split("\n")
    modules = _PYO3.findall(code)
    for place in bodies:
        first = place.line - 1
        above = first
        while above and first - above < _MOST_LINES and lines[above - 1].lstrip().startswith("#["):
            above -= 1
        head = "\n".join(lines[above : first + 1])
        name = place.function.name
        renamed = _RENAMED.search(head)
        if renamed is not None or (_UNMANGLED.search(head) and _EXTERN.search(head)):
            yield Exported(place, renamed[1] if renamed else name)
        if _PYFUNCTION.search(head):
            yield from (Exported(place, name, module) for module in modules)


def _of_cpp(code: str, bodies: Sequence[Place]) -> Iterator[Exported]:
    lines = code.split("\n")
    inside = set(_extern_lines(code))
    for place in bodies:
        head = "\n".join(lines[max(place.line - 2, 0) : place.line]).rpartition("}")[2]
        if not place.function.owner and (place.line in inside or _EXTERN.search(head)):
            yield Exported(place, place.function.name)
    modules = _PYBIND.findall(code)
    for bound in _BOUND.finditer(code) if modules else ():
        last = bound["path"].rpartition("::")[2]
        for place in (one for one in bodies if one.function.name == last):
            yield from (Exported(place, bound["name"], module) for module in modules)


def _extern_lines(code: str) -> Iterator[int]:
    """The lines, from 1, that stand in a block of C's linkage."""
    for found in _BLOCK.finditer(code):
        depth, at = 1, found.end()
        while at < len(code) and depth:
            depth += {"{": 1, "}": -1}.get(code[at], 0)
            at += 1
        first = code.count("\n", 0, found.end()) + 1
        yield from range(first, first + code.count("\n", found.end(), at) + 1)
