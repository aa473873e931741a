"""Calls between functions of HIP sources, by tokens: bodies, and the names followed by `(` in them."""

from __future__ import annotations

from collections import deque
from pathlib import PurePosixPath

import regex

from rocverify.code.cpp import cpp_functions
from rocverify.code.index import CodeIndex
from rocverify.code.languages import is_c_family
from rocverify.errors import SourceError

_INCLUDE = regex.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', regex.MULTILINE)


def cpp_call_path(
    index: CodeIndex, caller: str, callee: str, paths: tuple[str, ...]
) -> tuple[str, ...] | None:
    """The steps `name (path:line)` from one function to another over the given files and the local
    headers that they include; None if there is no such chain."""
    calls: dict[str, list[tuple[str, str]]] = {}
    for path in _with_headers(index, paths):
        for function in cpp_functions(index.masked(path)):
            found = [(name, f"{path}:{line}") for name, line in function.calls]
            calls.setdefault(function.name, []).extend(found)
    queue: deque[tuple[str, tuple[str, ...]]] = deque([(caller, ())])
    seen = {caller}
    while queue:
        current, steps = queue.popleft()
        for name, location in calls.get(current, ()):
            if name == callee:
                return (*steps, f"{name} ({location})")
            if name not in seen and name in calls:
                seen.add(name)
                queue.append((name, (*steps, f"{name} ({location})")))
    return None


def _with_headers(index: CodeIndex, paths: tuple[str, ...]) -> list[str]:
    found: dict[str, None] = {}
    queue = list(paths)
    while queue:
        path = queue.pop(0)
        if path in found or not is_c_family(path):
            continue
        found[path] = None
        for header in _INCLUDE.findall(index.masked(path)):
            try:
                queue.append(index.locate(str(PurePosixPath(path).parent / header)))
            except SourceError:  # a header of the system or the compiler
                continue
    return list(found)
