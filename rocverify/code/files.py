"""Reading the files under verification: inside the root only, and as text.

A file that is absent, lies outside the root (by `..`, an absolute path or a symbolic link), is not
text or is too large for a source raises `SourceError`; the checks report that as a failure.
"""

from __future__ import annotations

import io
import os
import stat
import tokenize
from collections.abc import Callable, Collection
from pathlib import Path, PurePath

from rocverify.code.languages import C_FAMILY, CUDA
from rocverify.errors import SourceError

MAX_SOURCE_BYTES = 4 * 1024 * 1024
"""Above this a file is data or generated: no plan means it, and lexers take minutes over it."""


_BUILD_FILES = frozenset(
    {"CMakeLists.txt", "Makefile", "makefile", "GNUmakefile", "build.rs", "setup.py", "meson.build"}
)
_BUILD_SUFFIXES = frozenset({".cmake", ".mk"})
_CMAKE_OUTPUT = "CMakeCache.txt"
"""A folder that has it was written by CMake."""
_WRITTEN_BY_TOOLS = frozenset({"target", "node_modules", "__pycache__"})


def is_output(path: PurePath) -> bool:
    """Whether a path relative to a root is hidden, or lies in a folder that builds and tools write."""
    return any(part.startswith(".") or part in _WRITTEN_BY_TOOLS for part in path.parts)


def rust_sources(root: Path) -> tuple[str, ...]:
    """The Rust sources of a project, relative to its root, in order of path; outputs left out."""
    return sources(root, {".rs"})


def c_sources(root: Path) -> tuple[str, ...]:
    """The C, C++ and HIP sources and headers of a project, in order of path; outputs and large files left
    out."""
    return sources(root, C_FAMILY | CUDA)


def sources(root: Path, suffixes: Collection[str]) -> tuple[str, ...]:
    """The files of a project whose names end so, relative to its root, in order of path; what builds and
    tools write, and what is too large for a source, is left out."""
    return _files(root, lambda name: _suffix(name).lower() in suffixes and not name.startswith("."))


def build_files(root: Path) -> tuple[str, ...]:
    """The files that say how a project is built, relative to its root, in order of path."""
    return _files(root, lambda name: name in _BUILD_FILES or _suffix(name) in _BUILD_SUFFIXES)


def _files(root: Path, wanted: Callable[[str], bool]) -> tuple[str, ...]:
    found: list[str] = []
    top = os.fspath(root)
    for folder, folders, names in os.walk(top):
        folders[:] = [n for n in folders if not n.startswith(".") and n not in _WRITTEN_BY_TOOLS]
        if _CMAKE_OUTPUT in names:
            folders.clear()
            continue
        below = folder[len(top) :].strip(os.sep)
        found += [f"{below}{os.sep}{name}" if below else name for name in names if wanted(name)]
    # There may be tens of thousands: as texts and not as Path, which takes five times as long.
    found.sort(key=lambda path: path.split(os.sep))  # noqa: PTH206
    return tuple(path for path in found if _is_source(f"{top}{os.sep}{path}"))


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1]  # noqa: PTH122 - see _files


def _is_source(path: str) -> bool:
    """Whether it is a regular file, and not too large for a source."""
    try:
        there = os.stat(path)  # noqa: PTH116 - see _files
    except OSError:
        return False
    return stat.S_ISREG(there.st_mode) and there.st_size <= MAX_SOURCE_BYTES


def inside_root(root: Path, path: str | Path) -> Path:
    """The real path of `path` (relative to the root), which must lie inside the root.

    The file need not exist. Raises SourceError for an escape, whichever way it is made.
    """
    text = os.fspath(path)
    if "\0" in text or not text.strip():
        raise SourceError(f"{text!r} is not a path", hint="name a file relative to the root")
    real_root = root.resolve()
    try:
        real = (real_root / text).resolve()
    except (OSError, RuntimeError) as error:  # a loop of symbolic links
        raise SourceError(f"cannot be resolved: {error}", where=text) from None
    # `../checkout/a.py` comes back only where the folder happens to have that name.
    leaves = Path(os.path.normpath(text)).parts[:1] == (os.pardir,)
    if leaves or not real.is_relative_to(real_root):
        raise SourceError(
            "lies outside the root",
            where=text,
            hint="plans may name only files of the repository, and not through links that leave it",
        )
    return real


def existing_file(root: Path, path: str | Path) -> Path:
    """The real path of a regular file inside the root; SourceError says what is in the way."""
    real = inside_root(root, path)
    if real.is_dir():
        raise SourceError("is a directory, not a file", where=os.fspath(path))
    if not real.exists():
        raise SourceError("does not exist", where=os.fspath(path))
    if not real.is_file():
        raise SourceError("is not a regular file", where=os.fspath(path))
    return real


def read_text(root: Path, path: str | Path) -> str:
    """The text of a source file, line ends as they are.

    Python files are decoded as their coding line says, all others as UTF-8 (a byte order mark is
    dropped). Raises SourceError for binary, undecodable and over-large files.
    """
    return _text(existing_file(root, path), os.fspath(path))


def listed_text(root: Path, path: str) -> str:
    """The same for a path that `sources` gave, which lies inside the root unless it is a link."""
    real = root / path
    return read_text(root, path) if real.is_symlink() else _text(real, path)


def _text(real: Path, where: str) -> str:
    data = _read_bytes(real, where)
    if b"\0" in data:
        raise SourceError("is a binary file", where=where, hint="plans can search text files only")
    try:
        return data.decode(_encoding(real, data))
    except (UnicodeDecodeError, LookupError, SyntaxError) as error:
        raise SourceError(f"cannot be decoded: {error}", where=where, hint="save it as UTF-8") from None


def _read_bytes(real: Path, where: str) -> bytes:
    try:
        size = real.stat().st_size
        if size > MAX_SOURCE_BYTES:
            raise SourceError(
                f"has {size} bytes, more than the {MAX_SOURCE_BYTES} of a source file", where=where
            )
        return real.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=where) from None


def _encoding(real: Path, data: bytes) -> str:
    if real.suffix == ".py":
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    return "utf-8-sig"


def relative(root: Path, real: Path) -> str:
    """`real` as reports write it: relative to the root, with forward slashes."""
    return real.relative_to(root.resolve()).as_posix()
