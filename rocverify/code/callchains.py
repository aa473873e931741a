"""Whether one function of a host calls another, over the records of `rocverify.code.syntax`.

A name is resolved by what shows: the modules and imports of the caller's file, the type a method belongs to,
the type of a receiver. What does not resolve is told apart from what is not there: a call that may be meant
is neither yes nor no.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from rocverify.code.syntax import Call, Function, Unit

MOST_FUNCTIONS = 20_000
"""Functions that one question may lead through."""

_MOST_REEXPORTS = 5
_HERE = ("crate", "self", "super")
_STANDARD = ("std", "core", "alloc")

Load = Callable[[str], Unit | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A function and the file it is in."""

    unit: Unit
    function: Function

    @property
    def key(self) -> tuple[str, int, str]:
        return self.unit.path, self.function.line, self.function.qualified

    def __str__(self) -> str:
        return f"{self.function.qualified} ({self.unit.path}:{self.function.line})"


@dataclass(frozen=True, slots=True)
class Chain:
    """How a question turned out: the `steps` of a call that is made; else a call that may be meant (`maybe`,
    `path:line`), or one that can never run (`dead`: place and reason)."""

    steps: tuple[str, ...] = ()
    maybe: str = ""
    dead: tuple[str, str] | None = None


def find_chain(load: Load, start: Unit, caller: str, target: Unit, callee: str) -> Chain:
    """The shortest chain of calls from `caller`, in `start`, to `callee`, in `target`.

    load: the unit at a path relative to the root, or None.
    """
    wanted = [Place(target, function) for function in target.functions_of(callee)]
    queue: deque[tuple[Place, tuple[str, ...]]] = deque(
        (Place(start, function), ()) for function in start.functions_of(caller)
    )
    seen = {place.key for place, _ in queue}
    maybe, dead = "", None
    while queue and len(seen) < MOST_FUNCTIONS:
        place, steps = queue.popleft()
        for call in place.function.calls:
            here = f"{place.unit.path}:{call.line}"
            answer = _is_wanted(call, place, wanted, load)
            if answer is not None and call.dead:
                dead = dead or (here, call.dead)
                continue
            if answer:
                return Chain((*steps, f"{call.name} ({here})"))
            maybe = maybe or (here if answer is False else "")
            if call.dead:
                continue
            for onward in _resolved(call, place, load):
                if onward.key not in seen:
                    seen.add(onward.key)
                    queue.append((onward, (*steps, f"{call.name} ({here})")))
    return Chain(maybe=maybe, dead=dead)


def _is_wanted(call: Call, place: Place, wanted: list[Place], load: Load) -> bool | None:
    """True for a call of one of the wanted functions, False for one that may be, None for any other."""
    if call.receiver is None and not call.scope and call.name in place.function.local:
        return None
    found = {place.key for place in _resolved(call, place, load)}
    if found:
        return True if found & {place.key for place in wanted} else None
    named = [place for place in wanted if place.function.name == call.name]
    if not named:
        return None
    owners = {place.function.owner for place in named}
    if call.receiver is not None:
        if not owners - {""}:
            return None
        return bool(call.receiver) and call.receiver in owners
    if call.scope:
        if call.scope[0] in _STANDARD:
            return None
        return call.scope[-1] in owners or ("" in owners and _is_module(call.scope, named))
    return _may_import(place.unit, call.name, named) if "" in owners else None


def _is_module(scope: tuple[str, ...], named: list[Place]) -> bool:
    """Whether a path's last part is the module that a wanted function's file is."""
    return any(scope[-1] in (_module(p.unit.path), *p.function.scope[-1:]) for p in named)


def _may_import(unit: Unit, name: str, named: list[Place]) -> bool | None:
    """Whether a bare name is that of a wanted function's file: True where nothing says that it comes from
    elsewhere, False where an import inside the crate could not be followed, None where it is another's."""
    paths = [imported.path for imported in unit.imports if imported.name == name]
    if not paths or any(len(path) < 2 or _is_module(path[:-1], named) for path in paths):
        return True
    return False if any(path[0] in _HERE for path in paths) else None


def _module(path: str) -> str:
    """The module that a file is: `b` of `src/b.rs` and of `src/b/mod.rs`."""
    pure = PurePosixPath(path)
    return pure.parent.name if pure.stem in ("mod", "lib", "main", "__init__") else pure.stem


def _resolved(call: Call, place: Place, load: Load) -> Iterator[Place]:
    """The functions that a call is sure to mean."""
    unit, function = place.unit, place.function
    if call.receiver is not None:
        if call.receiver:
            yield from _methods(unit, call.receiver, call.name)
        return
    if call.scope:
        yield from _methods(unit, call.scope[-1], call.name)
        yield from _in_module(unit, call.scope, call.name, load)
        return
    own = [f for f in unit.functions if f.name == call.name and not f.owner and f.scope == function.scope]
    if own:
        yield from (Place(unit, f) for f in own)
        return
    for imported in unit.imports:
        if imported.name == call.name and len(imported.path) > 1:
            yield from _in_module(unit, imported.path[:-1], imported.path[-1], load)
        elif imported.name == "*":
            yield from _in_module(unit, imported.path, call.name, load)


def _methods(unit: Unit, owner: str, name: str) -> Iterator[Place]:
    return (Place(unit, f) for f in unit.functions if f.owner == owner and f.name == name)


def _in_module(unit: Unit, path: tuple[str, ...], name: str, load: Load, depth: int = 0) -> Iterator[Place]:
    """The functions of a name in the module that a path leads to, seen from a file; re-exports followed."""
    for file in module_files(unit.path, path):
        there = load(file)
        if there is None:
            continue
        found = [Place(there, f) for f in there.functions if f.name == name and not f.owner]
        yield from found
        for imported in there.imports if not found and depth < _MOST_REEXPORTS else ():
            if imported.exported and imported.name in (name, "*"):
                inner = imported.path if imported.name == "*" else imported.path[:-1]
                last = name if imported.name == "*" else imported.path[-1]
                yield from _in_module(there, inner, last, load, depth + 1)
        return
    own = [f for f in unit.functions if f.name == name and not f.owner and f.scope[-1:] == path[-1:]]
    yield from (Place(unit, f) for f in own)


def module_files(path: str, module: tuple[str, ...]) -> Iterator[str]:
    """Where the module of a Rust path may be, seen from the file at `path`."""
    folder = PurePosixPath(path).parent
    own = folder if PurePosixPath(path).stem in ("mod", "lib", "main") else folder / PurePosixPath(path).stem
    parts = list(module)
    if parts and parts[0] == "crate":
        parts = parts[1:]
        at = path.split("/")
        folders = [PurePosixPath(*at[: at.index("src") + 1])] if "src" in at else [folder]
    elif parts and parts[0] in ("self", "super"):
        base = own
        while parts and parts[0] in ("self", "super"):
            base = base.parent if parts[0] == "super" else base
            parts = parts[1:]
        folders = [base]
    else:
        folders = [own, folder]
    if not parts:
        return
    for base in folders:
        there = base.joinpath(*parts)
        yield f"{there}.rs"
        yield str(there / "mod.rs")
