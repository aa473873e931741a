"""What a call in Rust means: by modules, `use`, the type a method belongs to, and what a receiver is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import PurePosixPath

from rocverify.code.call_sites import CallSite, sites_by_name
from rocverify.code.constants import line_with
from rocverify.code.places import Place
from rocverify.code.syntax import Call, Import, Unit

_MOST_REEXPORTS = 5
_HERE = ("crate", "self", "super")
_PROGRAMS = frozenset({"bin", "tests", "examples", "benches"})
_STANDARD = ("std", "core", "alloc")

_POINTER = re.compile(r"(?:&(?:'\w+ )?(?:mut )?|(?:\w+::)*(?:Box|Arc|Rc)<)(?P<inner>.*?)>?")
_OPEN = re.compile(r"[A-Z]\d?|Arc|Box|Cow|Rc|Self")
_TYPE = re.compile(r"(?:\w+::)*(?P<name>[A-Z]\w*)\b(?!::)")

Load = Callable[[str], Unit | None]


class RustNames:
    """Names of the Rust sources of one project. load: the unit at a path relative to the root, or None;
    units: all of them, asked for once and only where a call does not resolve."""

    def __init__(self, load: Load, units: Callable[[], Iterable[Unit]]) -> None:
        self._load = load
        self._units = units

    @cached_property
    def _by_name(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for unit in self._units():
            for function in unit.functions:
                found.setdefault(function.name, []).append(Place(unit, function))
        return found

    @cached_property
    def _types(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for unit in self._units():
            for named in unit.named:
                if named.kind in ("struct", "enum", "union", "trait", "type"):
                    found.setdefault(named.name, set()).add(unit.path)
        return found

    @cached_property
    def _owners(self) -> frozenset[str]:
        return frozenset(place.function.owner for places in self._by_name.values() for place in places)

    @cached_property
    def _fields(self) -> dict[tuple[str, str], str]:
        return {key: kind for unit in self._units() for key, kind in unit.fields.items()}

    def _typed(self, call: Call) -> Call:
        """The call with the type of a receiver that is a field; empty where it does not show, and where it is
        a parameter of types or a pointer to what does not."""
        if not call.receiver or "." not in call.receiver:
            return replace(call, receiver="") if self._is_open(call.receiver) else call
        owner, _, name = call.receiver.partition(".")
        written = self._fields.get((owner, name), "")
        while (inner := _POINTER.fullmatch(written)) is not None:
            written = inner["inner"]
        found = _TYPE.match(written)
        named = found["name"] if found else ""
        return replace(call, receiver="" if self._is_open(named) else named)

    def _is_open(self, kind: str | None) -> bool:
        """Whether a type's name tells nothing of what its methods are."""
        return bool(kind and _OPEN.fullmatch(kind)) and kind not in self._types and kind not in self._owners

    def sites(self, call: Call, place: Place) -> tuple[CallSite, ...]:
        """What a call may call."""
        return sites_by_name(self, call, place)

    def worth(self, text: str, place: Place) -> frozenset[str]:
        """What an expression can stand for: what is written."""
        del place
        return frozenset({text})

    def line_forming(self, text: str, place: Place) -> int | None:
        """The line on which the live code of a function has this text, or a kernel's name; else None."""
        return line_with(text, place)

    def resolved(self, call: Call, place: Place) -> list[Place]:
        """The functions that a call is sure to mean; from what is built, only what is built."""
        call = self._typed(call)
        found = list(_resolved(call, place, self._load)) or self._of_own_type(call, place)
        return found if place.function.dead else [p for p in found if not p.function.dead]

    def _of_own_type(self, call: Call, place: Place) -> list[Place]:
        """The methods of a type that one other file of the project defines, and that nothing but the project
        can mean here. Of a trait, what is called depends on the value."""
        owner = call.receiver if call.receiver is not None else next(reversed(call.scope), "")
        path = _expanded(call.scope or (owner,), place)
        if not owner[:1].isupper() or (len(path) > 1 and path[0] not in _HERE):
            return []
        homes = self._types.get(owner, set())
        if len(homes) != 1 or (call.scope and len(path) < 2):
            return []
        found = [p for p in self._by_name.get(call.name, ()) if p.function.owner == owner]
        known = [p.unit.types[owner] for p in found if owner in p.unit.types]
        return [] if any(named.kind == "trait" for named in known) else found

    def perhaps(self, call: Call, place: Place) -> list[Place]:
        """The functions that a call which does not resolve may mean: by the type of the receiver where it
        shows, else by name. None for what another crate or the standard library has."""
        call = self._typed(call)
        named = [p for p in self._by_name.get(call.name, ()) if place.function.dead or not p.function.dead]
        if call.receiver is not None:
            named = [p for p in named if p.function.owner and call.receiver in ("", p.function.owner)]
        elif call.scope:
            named = [] if _expanded(call.scope, place)[0] in _STANDARD else named
        else:
            paths = [imported.path for imported in _imports(place) if imported.name == call.name]
            named = [p for p in named if not p.function.owner] if paths or not call.sure else []
        return [p for p in named if _may_mean(call, place, [p], self._load) is not None]

    def may_be(self, call: Call, place: Place, wanted: list[Place]) -> bool | None:
        """True for a call of one of the wanted functions, False for one that may be, None for any other."""
        return _is_wanted(self._typed(call), place, wanted, self._load)


def _is_wanted(call: Call, place: Place, wanted: list[Place], load: Load) -> bool | None:
    """True for a call of one of the wanted functions, False for one that may be, None for any other."""
    found = {place.key for place in _resolved(call, place, load)}
    if found:
        return True if found & {place.key for place in wanted} else None
    named = [place for place in wanted if place.function.name == call.name]
    return _may_mean(call, place, named, load) if named else None


def _may_mean(call: Call, place: Place, named: list[Place], load: Load) -> bool | None:
    """The same of a call that does not resolve; the wanted functions have its name."""
    owners = {place.function.owner for place in named}
    if call.receiver is not None:
        if not owners - {""}:
            return None
        known = bool(call.receiver) and call.receiver in owners
        return None if known and _is_anothers(call.receiver, place, named, load) else known
    if call.scope:
        scope = _expanded(call.scope, place)
        if scope[0] in _STANDARD:
            return None
        if scope[-1] in owners:
            return None if _is_anothers(call.scope[-1], place, named, load) else True
        return "" in owners and _is_module(scope, named)
    return _may_import(place, call.name, named) if "" in owners else None


def _is_anothers(owner: str, place: Place, named: list[Place], load: Load) -> bool:
    """Whether a type is one of the same name in another file than the wanted functions'."""
    if not any(target.unit.named_as(owner) for target in named):
        return False  # an `impl` apart from its type
    homes = [place.unit] if place.unit.named_as(owner) else []
    for imported in _imports(place):
        if imported.name == owner and len(imported.path) > 1 and not homes:
            files = module_files(place.unit.path, imported.path[:-1])
            homes = [
                unit for unit in map(load, files) if unit is not None and unit.named_as(imported.path[-1])
            ]
    return bool(homes) and not {unit.path for unit in homes} & {target.unit.path for target in named}


def _imports(place: Place) -> list[Import]:
    """What a function's body and file import; in what is built, without what tests alone have."""
    inner = {imported.name for imported in place.function.imports} - {"*"}
    outer = (imported for imported in place.unit.imports if imported.name not in inner)
    found = [*place.function.imports, *outer]
    return found if place.function.dead else [imported for imported in found if not imported.dead]


def _expanded(scope: tuple[str, ...], place: Place) -> tuple[str, ...]:
    """A path from the crate on, as far as imports tell it: `crate::cpu::rope` for `rope`."""
    for imported in _imports(place):
        if imported.name == scope[0] and len(imported.path) > 1:
            return (*imported.path, *scope[1:])
    return scope


def _is_module(scope: tuple[str, ...], named: list[Place]) -> bool:
    """Whether a path is the module of a wanted function, as far as it shows its first part a crate or not."""
    inner = scope[1:] if len(scope) > 1 and scope[0] in _HERE else scope
    for place in named:
        module = (*_modules(place.unit.path), *place.function.scope)
        for parts in (inner, inner[1:]):
            if parts and parts == module[-len(parts) :]:
                return True
    return False


def _may_import(place: Place, name: str, named: list[Place]) -> bool | None:
    """Whether a bare name is that of a wanted function's file: True where nothing says that it comes from
    elsewhere, False where an import could not be followed, None where it is another crate's."""
    paths = [imported.path for imported in _imports(place) if imported.name == name]
    if not paths or any(len(path) < 2 or _is_module(path[:-1], named) for path in paths):
        return True
    if any(path[0] in _HERE for path in paths):
        return False
    crates = any(path[0] not in _STANDARD for path in paths)
    return False if crates and any(_is_another_crate(place.unit.path, p.unit.path) for p in named) else None


def _is_another_crate(caller: str, callee: str) -> bool:
    """Whether a file names another one's crate: they are of two packages, or it is a program or test."""
    packages = {f"/{path}".rpartition("/src/")[0] for path in (caller, callee)}
    parts = PurePosixPath(caller).parts
    return len(packages) > 1 or parts[-1] == "main.rs" or not _PROGRAMS.isdisjoint(parts)


def _modules(path: str) -> tuple[str, ...]:
    """The modules that lead to a file: `a`, `b` for `src/a/b.rs` and for `src/a/b/mod.rs`."""
    pure = PurePosixPath(path)
    parts = pure.parent.parts if pure.stem in ("mod", "lib", "main") else (*pure.parent.parts, pure.stem)
    return parts[parts.index("src") + 1 :] if "src" in parts else parts


def _resolved(call: Call, place: Place, load: Load) -> Iterator[Place]:
    """The functions that a call is sure to mean."""
    unit, function = place.unit, place.function
    if call.name.endswith("!"):
        yield from (Place(unit, macro) for macro in unit.macros if macro.name == call.name)
        return
    if not call.sure and not call.scope and call.receiver is None:
        yield from (Place(unit, table) for table in unit.macros if table.name == call.name)
    if call.receiver is not None:
        if call.receiver:
            yield from _methods(unit, call.receiver, call.name)
        return
    if call.scope:
        yield from _methods(unit, call.scope[-1], call.name)
        yield from _reached(place, _expanded(call.scope, place), call.name, load)
        return
    inner = {imported.name for imported in function.imports}
    own = [f for f in unit.functions if f.name == call.name and not f.owner and f.scope == function.scope]
    if own and call.name not in inner:
        yield from (Place(unit, f) for f in own)
        return
    for imported in _imports(place):
        if imported.name == call.name and len(imported.path) > 1:
            yield from _reached(place, imported.path[:-1], imported.path[-1], load)
        elif imported.name == "*":
            yield from _reached(place, imported.path, call.name, load)


def _reached(place: Place, path: tuple[str, ...], name: str, load: Load) -> Iterator[Place]:
    """The functions of a name in the module that a path leads to, seen from a function, which may be in a
    module within its file."""
    unit, scope = place.unit, place.function.scope
    up = next((n for n, part in enumerate(path) if part not in ("super", "self")), len(path))
    climbed = path[:up].count("super")
    if scope and up and climbed <= len(scope):
        module = (*scope[: len(scope) - climbed], *path[up:])
        found = [f for f in unit.functions if f.name == name and not f.owner and f.scope == module]
        yield from (Place(unit, f) for f in found)
        if found or module:
            return
    yield from _in_module(unit, path, name, load)


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
    if not parts and not module:
        return
    for base in folders:
        there = base.joinpath(*parts)
        yield from () if there == PurePosixPath(".") else (f"{there}.rs",)
        yield str(there / "mod.rs")
        yield from () if parts else (str(there / "lib.rs"), str(there / "main.rs"))
