"""Finding and parsing the Python modules of the project, each once, on demand.

A dotted name belongs to the project if the root has a file or a package folder for it, as it would be
imported with the root on the path; everything else is external.
"""

from __future__ import annotations

import ast
from functools import cached_property
from pathlib import Path, PurePosixPath

from rocverify.code.files import inside_root, listed_text, read_text, relative
from rocverify.code.kept import KeptUnits
from rocverify.code.python.constants import fold_constants
from rocverify.code.python.scopes import ParsedModule
from rocverify.code.python_mask import parse_python
from rocverify.code.syntax import Unit
from rocverify.cycles import looked_for_seldom
from rocverify.errors import SourceError
from rocverify.subject.host.python_path import source_folders

_SKIPPED = frozenset({"__pycache__", "node_modules"})


class ModuleTable:
    """The modules under one root. `host_globs` say which of them are the project's host code; `kept` has the
    records of earlier runs."""

    def __init__(self, root: Path, host_globs: tuple[str, ...], kept: KeptUnits) -> None:
        self._root = root.resolve()
        self._globs = host_globs
        self._kept = kept
        self._by_path: dict[str, ParsedModule] = {}
        self._records: dict[str, Unit] = {}
        self._paths: dict[str, str | None] = {}

    def by_path(self, path: str | Path) -> ParsedModule:
        """The module in a file. SourceError if it is absent, outside the root or does not parse."""
        known = self._by_path.get(str(path))
        if known is not None:
            return known
        key = relative(self._root, inside_root(self._root, path))
        if key not in self._by_path:
            self._by_path[key] = _parse(read_text(self._root, key), key, source_folders(self._root))
        return self._by_path[key]

    def record(self, path: str) -> Unit:
        """What a file says by itself; SourceError for one that cannot be read. The record of one that is not
        Python, or is nested too deeply, is `broken`."""
        if path not in self._records:
            self._records[path] = self._record(path)
        return self._records[path]

    def _record(self, path: str) -> Unit:
        text = listed_text(self._root, path)
        try:
            return self._kept.get(path, text, "", lambda: self.by_path(path).record.unit)
        except SourceError:
            return Unit(path, (), (), (), 1)

    def by_name(self, name: str) -> ParsedModule | None:
        """The project's module of a dotted name; None if it is external or a folder without code."""
        path = self._path_of(name)
        return None if path is None else self.by_path(path)

    def has(self, name: str) -> bool:
        """True if the dotted name is a module or a package folder of the project."""
        return self._path_of(name) is not None or self._is_folder(name)

    @cached_property
    def host_paths(self) -> tuple[str, ...]:
        """The paths of all modules that the host globs select, in order."""
        found = {p for glob in self._globs for p in self._root.glob(glob) if self._is_host(p)}
        return tuple(dict.fromkeys(relative(self._root, p.resolve()) for p in sorted(found)))

    @cached_property
    def host(self) -> tuple[Unit, ...]:
        """The records of these modules; SourceError if one cannot be read or does not parse."""
        with looked_for_seldom():
            return tuple(self.whole(path) for path in self.host_paths)

    def whole(self, path: str) -> Unit:
        """The record of a file; SourceError if it cannot be read or does not parse."""
        unit = self.record(path)
        if unit.broken is not None:
            self.by_path(path)  # says what is wrong with it
        return unit

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """Every identifier of the host code: names, attributes, parameters, definitions, and constants
        that are names (`getattr(x, "name")`, the symbols of kernels)."""
        return frozenset(name for unit in self.host for name in unit.identifiers)

    def loaded(self) -> tuple[str, ...]:
        """The paths of the modules that were parsed so far."""
        return tuple(self._by_path)

    def _is_host(self, path: Path) -> bool:
        parts = path.relative_to(self._root).parts
        hidden = any(p.startswith(".") or p in _SKIPPED for p in parts)
        inside = path.resolve().is_relative_to(self._root)
        return path.suffix == ".py" and not hidden and inside and path.is_file()

    def _path_of(self, name: str) -> str | None:
        if name not in self._paths:
            self._paths[name] = self._find(name)
        return self._paths[name]

    def _find(self, name: str) -> str | None:
        parts = name.split(".")
        if not all(part.isidentifier() for part in parts):
            return None
        stem = PurePosixPath(*parts)
        for folder in ("", *source_folders(self._root)):
            for candidate in (f"{folder}{stem}/__init__.py", f"{folder}{stem}.py"):
                if (self._root / candidate).is_file():
                    return candidate
        return None

    def _is_folder(self, name: str) -> bool:
        parts = name.split(".")
        folders = ("", *source_folders(self._root))
        plain = all(p.isidentifier() for p in parts)
        return plain and any((self._root / folder).joinpath(*parts).is_dir() for folder in folders)


def module_name(path: str, folders: tuple[str, ...] = ()) -> str:
    """The dotted name under which a file is imported with the root and these folders on the path."""
    inside = max((folder for folder in folders if path.startswith(folder)), key=len, default="")
    parts = PurePosixPath(path.removeprefix(inside)).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _parse(text: str, path: str, folders: tuple[str, ...]) -> ParsedModule:
    tree = parse_python(text)
    if tree is None:
        raise _syntax_error(text, path)
    name = module_name(path, folders)
    is_package = PurePosixPath(path).name == "__init__.py"
    package = name if is_package else name.rpartition(".")[0]
    try:
        return ParsedModule(name, path, text, fold_constants(tree), package)
    except RecursionError:
        raise SourceError("is nested too deeply to analyse", where=path) from None


def _syntax_error(text: str, path: str) -> SourceError:
    try:
        ast.parse(text, filename=path)
    except SyntaxError as error:
        return SourceError(f"is not valid Python: {error.msg}", where=f"{path}:{error.lineno or 1}")
    except (ValueError, RecursionError, MemoryError) as error:
        return SourceError(f"is not valid Python: {error}", where=path)
    return SourceError("is not valid Python", where=path)
