"""Imports the host code under verification: from the given root and no other, as it stands now.

The import machinery of the process stays as it is but for one finder, which serves the modules of
the current root. It never reads or writes bytecode: a file edited within the resolution of its time
stamp is seen, and nothing is left behind in the user's tree.
"""

from __future__ import annotations

import difflib
import importlib
import re
import sys
import threading
import traceback
from collections.abc import Sequence
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    NamespaceLoader,
    PathFinder,
    SourceFileLoader,
)
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from .missing import missing_module
from .python_path import source_folders

_REFERENCE = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*)(:(?P<attribute>[^\W\d]\w*(\.[^\W\d]\w*)*))?")
_RESERVED = frozenset({"rocverify", "conftest"})
"""Top-level names that are left alone: the harness that runs is the one that was started, and pytest
has its own way with conftest.py."""

_FOREIGN = frozenset({"site-packages", "dist-packages", ".venv"})

_lock = threading.RLock()


class LoadError(Exception):
    """What was asked for cannot be loaded. `kind` is the class of rocverify.errors that says so to the judge,
    `where` is `path:line`, `hint` says what to do."""

    def __init__(
        self, message: str, *, where: str | None = None, hint: str | None = None, kind: str = "SourceError"
    ) -> None:
        super().__init__(message)
        self.message, self.where, self.hint, self.kind = message, where, hint, kind


def _of_rocverify(error: BaseException) -> bool:
    """Whether it is an error of contracts' declarations, which speaks for itself."""
    return type(error).__module__ == "rocverify.errors"


def in_project(root: Path, filename: str) -> str | None:
    """The file relative to the root, with forward slashes, if it is the project's own; else None. Installed
    packages are not, even where the root contains them."""
    path = Path(filename)
    if not path.is_absolute() or not path.is_relative_to(root):
        return None
    relative = path.relative_to(root)
    return None if _FOREIGN.intersection(relative.parts) else relative.as_posix()


def load_subject(root: Path, reference: str, device: object = None) -> Any:
    """The object that `module:attribute` names (or the module that `module` names) under `root`.

    Modules of another root, and of this one if a file of it has changed or another device has been
    opened since, are forgotten first. Raises LoadError for a malformed reference, for a module or attribute
    that does not exist and for a module that raises on import.
    """
    module_name, attribute = _parsed(reference)
    root = root.resolve()
    with _lock:
        _subject.prepare(root, module_name.partition(".")[0], device)
        module = _import(root, module_name, reference)
    return _attribute(root, module, attribute, reference) if attribute else module


def forget_subject() -> None:
    """Ends what `load_subject` began: its modules and its finder go, what they displaced comes back."""
    with _lock:
        _subject.release()


_compiled: dict[tuple[str, bytes], Any] = {}
"""Code of sources, by path and content."""


class _UncachedLoader(SourceFileLoader):
    """Reads the source each time, and compiles what this process has not compiled before: bytecode is keyed
    on what `path_stats` tells."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:  # type: ignore[override]
        key = str(path), bytes(data)
        if key not in _compiled:
            _compiled[key] = super().source_to_code(data, path, _optimize=_optimize)
        return _compiled[key]

    def path_stats(self, path: Any) -> Any:
        raise OSError(f"bytecode of {path} is not used")

    def get_data(self, path: Any) -> bytes:
        _subject.note(str(path))
        return super().get_data(path)


class _Finder:
    """Finds modules in one folder. Packages without `__init__.py` give way to installed ones."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[str, FileFinder] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in _RESERVED:
            return None
        folders = [str(self._root / name) for name in ("", *source_folders(self._root))]
        for folder in folders if path is None else path:
            spec = self._find_in(folder, fullname)
            if spec is None:
                continue
            if spec.loader is not None:
                return spec
            installed = PathFinder.find_spec(fullname, path, target)
            return spec if installed is None or installed.loader is None else None
        return None

    def _find_in(self, folder: str, fullname: str) -> ModuleSpec | None:
        if not Path(folder).is_relative_to(self._root):
            return None
        if folder not in self._folders:
            self._folders[folder] = FileFinder(
                folder, (_UncachedLoader, SOURCE_SUFFIXES), (ExtensionFileLoader, EXTENSION_SUFFIXES)
            )
        self._folders[folder].invalidate_caches()
        return self._folders[folder].find_spec(fullname)


class _Subject:
    """The root whose modules are imported, on which device, and the files they came from."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._root: Path | None = None
        self._finder: _Finder | None = None
        self._serial: object = None
        self._stamps: dict[str, tuple[int, int]] = {}
        self._asked: set[str] = set()
        self._displaced: dict[str, ModuleType] = {}
        self._settled: tuple[str, ...] | None = None

    def prepare(self, root: Path, top: str, serial: object) -> None:
        """Leaves in `sys.modules` no module of the subject that is not what an import would give.

        `top` is the top-level name that is about to be imported.
        """
        self._asked.add(top)
        # What a module keeps (handles of modules and kernels) belongs to the device that it was made on.
        other_device = serial not in (None, self._serial)
        if root != self._root or other_device or self._changed():
            self._forget()
            self._install(root)
        if serial is not None:
            self._serial = serial
        if self._settled != tuple(sys.modules):
            for name, module in self._served(root):
                if not _comes_from(module, root) or _imported_plainly(module):
                    self._displaced.setdefault(name, sys.modules.pop(name))

    def release(self) -> None:
        """Leaves the process as if nothing had been loaded."""
        for name, module in self._served(self._root):
            if isinstance(getattr(module.__spec__, "loader", None), _UncachedLoader | NamespaceLoader):
                del sys.modules[name]
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        for name, module in self._displaced.items():
            sys.modules.setdefault(name, module)
        self._clear()

    def note(self, path: str) -> None:
        """Remembers the state of a file that is about to be read, or was read by someone else."""
        self._stamps[path] = _stamp(path)

    def note_all(self) -> None:
        """Remembers the files of this root that something else imported."""
        imported = tuple(sys.modules)
        if self._settled == imported:
            return
        self._settled = imported
        for _, module in self._served(self._root):
            origin = getattr(module.__spec__, "origin", None)
            if origin and origin not in self._stamps:
                self.note(origin)

    def _changed(self) -> bool:
        return any(_stamp(path) != stamp for path, stamp in self._stamps.items())

    def _forget(self) -> None:
        for name, _ in self._served(self._root):
            del sys.modules[name]
        self._stamps.clear()
        self._serial = None
        self._settled = None

    def _served(self, root: Path | None) -> list[tuple[str, ModuleType]]:
        """The imported modules whose names the root would serve, wherever they came from."""
        if root is None:
            return []
        imported = [(n, m) for n, m in list(sys.modules.items()) if getattr(m, "__spec__", None) is not None]
        tops = {name.partition(".")[0] for name, _ in imported} - _RESERVED
        places = [root / folder for folder in ("", *source_folders(root))]
        there = {path.name for place in places for path in place.iterdir()}
        served = {name for name in tops if f"{name}.py" in there or self._serves(root, name, there)}
        return [(name, module) for name, module in imported if name.partition(".")[0] in served]

    def _serves(self, root: Path, name: str, there: set[str]) -> bool:
        """Whether a folder of the root is this package. One without `__init__.py` counts only if it was
        asked for: any folder could be meant."""
        if name not in there:
            return False
        if any((root / f / name / "__init__.py").is_file() for f in ("", *source_folders(root))):
            return True
        bare = getattr(sys.modules.get(name), "__file__", None) is None
        return bare and name in self._asked and (root / name).is_dir()

    def _install(self, root: Path) -> None:
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        self._root, self._finder = root, _Finder(root)
        ahead = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
        sys.meta_path.insert(ahead, self._finder)


_subject = _Subject()


def _comes_from(module: ModuleType, root: Path) -> bool:
    spec = module.__spec__
    locations = [spec.origin, *(spec.submodule_search_locations or ())] if spec is not None else []
    return any(location and Path(location).is_relative_to(root) for location in locations)


def _imported_plainly(module: ModuleType) -> bool:
    """Whether somebody else imported it, by the usual way: its bytecode may be of another time."""
    return type(getattr(module.__spec__, "loader", None)) is SourceFileLoader


def _stamp(path: str) -> tuple[int, int]:
    try:
        stat = Path(path).stat()
    except OSError:
        return (0, 0)
    return stat.st_mtime_ns, stat.st_size


def _parsed(reference: str) -> tuple[str, str | None]:
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        hint = "write it as package.module:function"
        raise LoadError(f"{reference!r} names no Python object", hint=hint, kind="UsageError")
    return match["module"], match["attribute"]


class _Importing:
    """Turns whatever a user's module raises on import into one typed error with its place."""

    def __init__(self, root: Path, reference: str) -> None:
        self._root = root
        self._reference = reference

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _subject.note_all()
        missing = missing_module(self._root, error, self._reference)
        if missing is not None:
            raise LoadError(missing[0], hint=missing[1], kind="MissingModuleError") from error
        if isinstance(error, Exception) and not isinstance(error, LoadError) and not _of_rocverify(error):
            raise LoadError(
                f"{self._reference} cannot be imported: {type(error).__name__}: {error}",
                where=_place(self._root, error),
                hint="import the module by hand from the project's root to see the whole traceback",
            ) from error


def _import(root: Path, name: str, reference: str) -> ModuleType:
    with _Importing(root, reference):
        for module in _with_parents(name):
            if not _exists(module):
                raise LoadError(
                    f"{reference}: there is no module {module}",
                    hint=f"expected {module.replace('.', '/')}.py or a package of that name below the root",
                )
            importlib.import_module(module)
    return sys.modules[name]


def _with_parents(name: str) -> list[str]:
    """`a`, `a.b`, `a.b.c` of `a.b.c`."""
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _exists(name: str) -> bool:
    parent = name.rpartition(".")[0]
    if parent and not hasattr(sys.modules[parent], "__path__"):
        return False
    return name in sys.modules or find_spec(name) is not None


def _place(root: Path, error: Exception) -> str | None:
    """`path:line` of the innermost frame of the user's own code."""
    if isinstance(error, SyntaxError) and error.filename:
        path = in_project(root, error.filename) or error.filename
        return f"{path}:{error.lineno or 1}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        inside = in_project(root, frame.filename)
        if inside is not None:
            return f"{inside}:{frame.lineno or 1}"
    return None


def _attribute(root: Path, module: ModuleType, attribute: str, reference: str) -> Any:
    value: Any = module
    for name in attribute.split("."):
        if not hasattr(value, name):
            close = difflib.get_close_matches(name, dir(value), n=3)
            raise LoadError(
                f"{reference}: {name!r} does not exist",
                where=in_project(root, getattr(module, "__file__", None) or "") or module.__name__,
                hint=f"did you mean {', '.join(close)}?" if close else "define it, or correct the plan",
            )
        value = getattr(value, name)
    return value
