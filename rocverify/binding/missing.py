"""Names in the parameters of checks that the project does not have: contracts, modules, functions, kernels,
files. Nothing is imported: what cannot be seen from the sources alone is not held against a plan."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rocverify.binding.model import BoundMustHave
from rocverify.binding.project import Contract, Subject
from rocverify.checks.base import CheckSpec
from rocverify.code.languages import is_c_family, is_rust
from rocverify.code.targets import find_target
from rocverify.errors import RocverifyError, SourceError
from rocverify.plan.model import ExplicitCheck, Plan

_FILES = ("source", "mirror")
_CONTRACTS = ("contract", "than")
_FUNCTIONS = ("wrapper", "entry", "fallback")
_KERNELS = ("symbol", "symbols", "kernels", "not_launched", "reuses_for")
_CLOSE = 0.5


@dataclass(frozen=True, slots=True)
class Missing:
    """A name that is nowhere. check: the id of the check that has it; place: `path:line` of what says so."""

    check: str
    place: str
    message: str
    nearest: str = ""

    def __str__(self) -> str:
        return f"{self.message}{f'; nearest: {self.nearest}' if self.nearest else ''}"


def missing_names(plan: Plan, must_haves: Iterable[BoundMustHave], subject: Subject) -> tuple[Missing, ...]:
    """What the checks of a plan name and the project does not have. Raises ManifestError for a build manifest
    that is wrong."""
    looked = _Project(subject)
    entries = {entry.source: entry for entry in plan.explicit}
    found: dict[Missing, None] = {}
    for bound in must_haves:
        for spec in bound.checks:
            entry = entries.get(spec.source)
            for key, message, nearest in looked.faults(spec):
                found[Missing(spec.id, _place(spec, entry, key), message, nearest)] = None
    return tuple(found)


def _place(spec: CheckSpec, entry: ExplicitCheck | None, key: str) -> str:
    if entry is None:
        return str(spec.source)
    written = next((name for name in (key, key.removesuffix("s")) if name in entry.params), key)
    return str(entry.at(written))


Fault = tuple[str, str, str]
"""The parameter, what is wrong with it, the nearest name that there is."""


class _Project:
    """The project, asked for names."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._code = subject.code

    def faults(self, spec: CheckSpec) -> Iterator[Fault]:
        params = spec.params
        for key in _CONTRACTS:
            if params.get(key):
                yield from ((key, *fault) for fault in self._contract(str(params[key])))
        for key in _FUNCTIONS:
            if params.get(key):
                yield from ((key, *fault) for fault in self._function(str(params[key])))
        for key in _FILES:
            if params.get(key) and not (self._subject.root / str(params[key])).is_file():
                yield key, f"there is no file {params[key]}", self._near_file(str(params[key]))
        for key in _KERNELS:
            for name in _texts(params.get(key)):
                yield from ((key, *fault) for fault in self._kernel(name, params.get("source")))
        for node in _texts(params.get("nodes")):
            yield from (("nodes", *fault) for fault in self._node(node))
        if spec.kind in ("absent", "constant_value"):
            for path in _texts(params.get("paths")):
                yield from (("paths", *fault) for fault in self._path(path))
        yield from (("dims", *fault) for fault in self._dims(params))

    # -- contracts -------------------------------------------------------------------------------------

    def _contract(self, reference: str) -> Iterator[tuple[str, str]]:
        known = self._subject.contracts
        contract = next((c for c in known if c.ref == reference), None)
        if contract is not None:
            yield from self._of_contract(contract)
            return
        module, _, name = reference.partition(":")
        tree = self._tree(module)
        if isinstance(tree, str):
            yield f"there is no module {module}", tree
            return
        if tree is None or name.partition(".")[0] in _bound(tree):
            return  # a module that cannot be read here, or a name that it has from elsewhere
        inside = [c.ref for c in known if c.ref.startswith(f"{module}:")]
        yield f"{module} has no contract {name}", _nearest(reference, inside or [c.ref for c in known])

    def _of_contract(self, contract: Contract) -> Iterator[tuple[str, str]]:
        """What the contract itself names."""
        if not (self._subject.root / contract.source).is_file():
            words = f"there is no file {contract.source}, which the contract {contract.ref} is about"
            yield words, self._near_file(contract.source)
            return
        for symbol in contract.symbols:
            for message, nearest in self._kernel(symbol, contract.source):
                yield f"{message}, which the contract {contract.ref} names", nearest
        for message, nearest in self._function(contract.wrapper) if contract.wrapper else ():
            yield f"{message}, which the contract {contract.ref} names", nearest

    def _dims(self, params: Any) -> Iterator[tuple[str, str]]:
        contract = next((c for c in self._subject.contracts if c.ref == params.get("contract")), None)
        given = params.get("dims")
        if contract is None or not contract.dims or not isinstance(given, dict):
            return
        for name in given:
            if name not in contract.dims:
                yield f"{contract.ref} has no dimension {name}", _nearest(str(name), contract.dims)

    # -- functions and modules -------------------------------------------------------------------------

    def _function(self, reference: str) -> Iterator[tuple[str, str]]:
        where, _, name = reference.partition(":")
        if is_rust(where) or is_c_family(where):
            yield from self._compiled(where, name)
            return
        tree = self._tree(where)
        if isinstance(tree, str):
            yield f"there is no module {where}", tree
            return
        if tree is None or name.partition(".")[0] in _bound(tree):
            return
        inside = [f.ref for f in self._subject.functions if f.ref.startswith(f"{where}:")]
        every = inside or [f.ref for f in self._subject.functions]
        yield f"{where} has no function {name}", _nearest(reference, every)

    def _compiled(self, path: str, name: str) -> Iterator[tuple[str, str]]:
        try:
            unit = self._code.unit(path)
        except SourceError:
            yield f"there is no file {path}", self._near_file(path)
            return
        names = [function.qualified for function in unit.functions]
        plain = name.replace(".", "::")
        if not any(plain in (known, known.rpartition("::")[2]) for known in names):
            yield f"{path} has no function {name}", _nearest(plain, names)

    def _tree(self, module: str) -> ast.Module | str | None:
        """A module of the project; None where it cannot be parsed; the nearest name where there is none, or
        where it is a folder without code."""
        try:
            found = self._code.modules.by_name(module)
        except SourceError:
            return None
        if found is not None:
            return found.tree
        refs = [c.ref for c in self._subject.contracts] + [f.ref for f in self._subject.functions]
        return _nearest(module, {ref.partition(":")[0] for ref in refs})

    # -- kernels and files -----------------------------------------------------------------------------

    def _kernel(self, name: str, source: object) -> Iterator[tuple[str, str]]:
        """A kernel by its name in the source, in the code object, or as the manifest has it."""
        known = {
            symbol for kernel in self._subject.kernels if kernel.in_manifest for symbol in kernel.symbols
        }
        sources = [kernel.source for kernel in self._subject.kernels if source in (None, kernel.source)]
        there = {kernel for path in sources for kernel in self._kernels_of(path)}
        if name in known or any(name == one or f"{len(one.encode())}{one}" in name for one in there):
            return
        if not there or re.search(r"[<*?(:]", name):
            return  # made by macros, a template's instance or a pattern: not to be seen here
        where = f"{source} defines" if source is not None else "the project has"
        yield f"{where} no kernel {name}", _nearest(name, there | known)

    def _kernels_of(self, path: str) -> tuple[str, ...]:
        try:
            return self._code.kernels(path)
        except SourceError:
            return ()

    def _node(self, node: str) -> Iterator[tuple[str, str]]:
        path, _, names = node.partition("::")
        if not (self._subject.root / path).exists():
            yield f"there is no file {path}", self._near_file(path)
            return
        text = self._subject.text(path)
        defined = re.findall(r"\b(?:def|class)\s+(\w+)", text)
        for name in filter(None, names.split("::")):
            plain = name.partition("[")[0]
            if plain not in defined:
                yield f"{path} has no test {plain}", _nearest(plain, defined)

    def _path(self, path: str) -> Iterator[tuple[str, str]]:
        try:
            find_target(self._subject.root, path)
        except SourceError:
            yield f"nothing in the project is {path}", self._near_file(path)
        except RocverifyError:
            return  # not searchable: the check says so

    def _near_file(self, path: str) -> str:
        root = self._subject.root
        folder = (root / path).parent
        there = [p for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []
        names = [p.relative_to(root).as_posix() for p in there if p.is_relative_to(root)]
        names += [kernel.source for kernel in self._subject.kernels if (root / kernel.source).is_file()]
        return "" if re.search(r"[*?\[]", path) else _nearest(path, names)


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    return [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else ()


def _bound(tree: ast.Module) -> Collection[str]:
    """The names that a module binds anywhere outside of functions; everything, where it imports a star."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                return _Everything()
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in names}
    return found


class _Everything(frozenset[str]):
    def __contains__(self, name: object) -> bool:
        return True


def _nearest(name: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name, sorted(set(known)), n=1, cutoff=_CLOSE)), "")
