"""What the project under verification has: kernels, host functions and contracts, found statically."""

from __future__ import annotations

import ast
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from rocverify.binding.contract_facts import ContractFacts
from rocverify.binding.static import (
    constants,
    integers_of,
    keywords,
    parse_python,
    resolve,
    text_of,
    texts_of,
)
from rocverify.code.files import inside_root
from rocverify.code.index import CodeIndex
from rocverify.code.kernel_sources import kernel_sources
from rocverify.code.languages.python import MODULE
from rocverify.code.python.modules import module_name
from rocverify.code.syntax import Unit
from rocverify.cycles import looked_for_seldom
from rocverify.errors import SourceError
from rocverify.kernel_names import last_name, same_kernel
from rocverify.settings import Settings
from rocverify.subject.host.python_path import source_folders


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel source and the symbols that manifest and contracts know in it."""

    source: str
    symbols: tuple[str, ...]
    in_manifest: bool

    def has(self, name: str) -> bool:
        """Whether a name, written in whichever way, is that of one of its kernels."""
        return any(same_kernel(symbol, name) for symbol in self.symbols)

    @property
    def stem(self) -> str:
        """The source's file name without its suffix."""
        return PurePosixPath(self.source).stem

    @property
    def file(self) -> str:
        """The source's file name."""
        return PurePosixPath(self.source).name


@dataclass(frozen=True, slots=True)
class Function:
    """A host function: `ref` is `kernels.rope:rope_gpu_kernel`."""

    name: str
    ref: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Contract:
    """A kernel contract as its file states it. `dims` has the values of a dimension where listed, `ranges`
    every number that its range names; `dtypes` are the element types, empty where they cannot be seen."""

    name: str
    ref: str
    source: str
    symbols: tuple[str, ...]
    wrapper: str | None
    dims: dict[str, tuple[int, ...]] = field(hash=False)
    dtypes: tuple[str, ...] = ()
    ranges: dict[str, tuple[int, ...]] = field(default_factory=dict, hash=False, compare=False)

    def has(self, name: str) -> bool:
        """Whether a name, written in whichever way, is that of one of its kernels."""
        return any(same_kernel(symbol, name) for symbol in self.symbols)


class Subject:
    """The project at `root`, looked at on first use. Raises ManifestError for a malformed manifest."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root = root
        self.settings = settings
        self._trees: dict[Path, ast.Module | None] = {}
        self.worked_out: dict[Hashable, Any] = {}
        """What others have found out about it, by what they asked."""

    @cached_property
    def contracts(self) -> tuple[Contract, ...]:
        """Their symbols are as the manifest, or else the source, has them, where it has these kernels."""
        paths = self._files(self.settings.contract_globs)
        found = tuple(contract for path in paths for contract in self._contracts_in(path))
        return tuple(self._as_known(contract, found) for contract in found)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The functions of the Python host sources and the methods of their classes, those that may run."""
        contracts = {p.relative_to(self.root).as_posix() for p in self._files(self.settings.contract_globs)}
        with looked_for_seldom():
            paths = [path for path in self.code.modules.host_paths if path not in contracts]
            found = (function for path in paths for function in self._functions_in(path))
            return tuple({function.ref: function for function in found}.values())

    @cached_property
    def code(self) -> CodeIndex:
        """The records of the host sources."""
        return CodeIndex(self.root, self.settings)

    @cached_property
    def kernels(self) -> tuple[Kernel, ...]:
        """The manifest's entries, then sources that it lacks: what was taken out of the manifest still
        has a name, so that its check can fail."""
        found = dict(self._built_kernels)
        for contract in self.contracts:
            known = found.get(contract.source, Kernel(contract.source, (), False))
            symbols = tuple(dict.fromkeys((*known.symbols, *contract.symbols)))
            found[contract.source] = Kernel(known.source, symbols, known.in_manifest)
        for path in self._files(self.settings.kernel_globs):
            source = path.relative_to(self.root).as_posix()
            found.setdefault(source, Kernel(source, (), False))
        return tuple(found.values())

    @cached_property
    def _facts(self) -> ContractFacts:
        trees = map(self._tree, self._files(self.settings.contract_globs))
        return ContractFacts(tree for tree in trees if tree is not None)

    def _tree(self, path: Path) -> ast.Module | None:
        """A contract's file, which is read once."""
        if path not in self._trees:
            self._trees[path] = parse_python(path)
        return self._trees[path]

    def text(self, path: str) -> str:
        """A file of the project as text; empty where it cannot be read."""
        try:
            real = inside_root(self.root, path)
            return real.read_text(encoding="utf-8", errors="replace")
        except (SourceError, OSError):
            return ""

    def named(self, name: str) -> tuple[Function, ...]:
        """The functions of a name, with or without their class."""
        return tuple(f for f in self.functions if name in (f.name, f.name.rpartition(".")[2]))

    def named_in_compiled(self, name: str) -> tuple[Function, ...]:
        """The same among the Rust, C and C++ sources that are built, kernels left out; `ref` is
        `src/a.rs:Type::f`."""
        return tuple(
            Function(function.qualified, f"{unit.path}:{function.qualified}", unit.path, function.line)
            for unit in self.code.units_with(name.rpartition("::")[2])
            for function in unit.functions
            if not function.dead and not function.declared and not function.kernel
            if name in (function.qualified, function.qualified.rpartition("::")[2])
        )

    def contracts_of(self, source: str) -> tuple[Contract, ...]:
        """The contracts of a kernel source, by its path."""
        return tuple(c for c in self.contracts if c.source == source)

    def contracts_driving(self, function: Function) -> tuple[Contract, ...]:
        """The contracts whose wrapper is this function."""
        return tuple(c for c in self.contracts if c.wrapper == function.ref)

    @cached_property
    def _built_kernels(self) -> dict[str, Kernel]:
        return {kernel.source: kernel for kernel in self._manifest_kernels()}

    def _as_known(self, contract: Contract, contracts: tuple[Contract, ...]) -> Contract:
        """A contract, its symbols by the names that are known of its source."""
        known = self._built_kernels.get(contract.source)
        if known is None or set(contract.symbols) <= set(known.symbols):
            return contract
        said = {s for c in contracts if c.source == contract.source for s in c.symbols}
        symbols = (_known_name(symbol, known.symbols, said) for symbol in contract.symbols)
        return replace(contract, symbols=tuple(dict.fromkeys(symbols)))

    def _manifest_kernels(self) -> Iterator[Kernel]:
        from rocverify.toolchain.manifest import load_manifest

        if (self.root / self.settings.manifest).is_file():
            entries = load_manifest(self.root, self.settings).entries
            yield from (Kernel(entry.source, tuple(entry.symbols), True) for entry in entries)
        else:
            yield from (Kernel(s.source, s.symbols, True) for s in kernel_sources(self.root, self.code))

    def _files(self, globs: Iterable[str]) -> list[Path]:
        found = {path for pattern in globs for path in self.root.glob(pattern) if path.is_file()}
        return sorted(found)

    def _module(self, path: str) -> str | None:
        name = module_name(path, source_folders(self.root))
        return name if all(part.isidentifier() for part in name.split(".")) else None

    def _functions_in(self, path: str) -> Iterator[Function]:
        module = self._module(path)
        for one in self._record(path).functions if module is not None else ():
            if not (one.inner or one.scope or one.dead or one.name == MODULE):
                name = ".".join(one.path)
                yield Function(name, f"{module}:{name}", path, one.line)

    def _record(self, path: str) -> Unit:
        """What a Python source says; nothing where it cannot be read."""
        try:
            return self.code.modules.record(path)
        except SourceError:
            return Unit(path, (), (), ())

    def _contracts_in(self, path: Path) -> Iterator[Contract]:
        tree, module = self._tree(path), self._module(path.relative_to(self.root).as_posix())
        if tree is None or module is None:
            return
        names = constants(tree)
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        for node in classes.values():
            declared = next((keywords(d) for d in node.decorator_list if _is_contract(d)), None)
            source = text_of(declared.get("source"), names) if declared else None
            if declared and source:
                yield Contract(
                    name=node.name,
                    ref=f"{module}:{node.name}",
                    source=source,
                    symbols=texts_of(declared.get("symbol"), names),
                    wrapper=text_of(declared.get("wrapper"), names),
                    dims=_dims(node, classes, names),
                    dtypes=self._facts.dtypes(node, declared.get("symbol"), names),
                    ranges=self._facts.ranges(node, names),
                )


def _is_contract(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == "contract"


def _known_name(symbol: str, known: tuple[str, ...], said: set[str]) -> str:
    """The known name of the kernel that a contract's symbol means; the symbol itself, where several kernels
    or symbols (`said` by the source's contracts) have its short name."""
    short = last_name(symbol)
    same = [name for name in known if last_name(name) == short]
    alike = {name for name in said if last_name(name) == short}
    return same[0] if symbol not in known and len(same) == 1 and len(alike) == 1 else symbol


def _dims(
    node: ast.ClassDef, classes: dict[str, ast.ClassDef], names: dict[str, ast.expr]
) -> dict[str, tuple[int, ...]]:
    """The dimensions of a contract class, or of the nearest base in its module that has some."""
    seen: set[str] = set()
    queue = [node]
    while queue:
        current = queue.pop(0)
        if current.name in seen:
            continue
        seen.add(current.name)
        own = constants(ast.Module(current.body, []))
        if "dims" in own:
            return {n: integers_of(v, names) for n, v in keywords(resolve(own["dims"], names)).items()}
        queue += [classes[b.id] for b in current.bases if isinstance(b, ast.Name) and b.id in classes]
    return {}
