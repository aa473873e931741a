"""The kernels of a project that has no build manifest: sources that define them, and how the project builds
them.

What counts is what a source defines: a live `__global__` function. `build.rs`, CMake, Makefiles and setup.py
add the flags, the environment variable and the kernels that they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from rocverify.code.files import build_files, c_sources, read_text
from rocverify.code.index import CodeIndex
from rocverify.code.languages import CUDA, is_header
from rocverify.errors import SourceError

_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'([^\'\n]*)\'')
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{2,}")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_COMMAND = re.compile(r"^[ \t]*(?P<name>\w+)\s*\((?P<words>[^()]*(?:\([^()]*\)[^()]*)*)\)", re.MULTILINE)
_DEFINES = frozenset({"add_compile_definitions", "target_compile_definitions", "add_definitions"})
_INCLUDES = frozenset({"include_directories", "target_include_directories"})
_SCOPES = frozenset({"PRIVATE", "PUBLIC", "INTERFACE", "BEFORE", "AFTER", "SYSTEM"})
_COMPILER = re.compile(
    r"^.*\b(?:hipcc|amdclang\+\+|clang\+\+|HIPCC)\b.*$|^\s*\w*FLAGS\s*[:+?]?=.*$", re.MULTILINE
)
_FLAG = re.compile(r"(?<!\S)-(?:D\w+(?:=[\w.]+)?|O[0-3]|std=[\w+]+|ffast-math|I\s*[\w./-]+)(?!\S)")


@dataclass(frozen=True, slots=True)
class KernelSource:
    """A source of kernels: `symbols` are those that its code object must have, by the names they have in the
    source (templates are not among them); `env` the variable that the build puts its code object's path in,
    empty where it names none; `line` is that of the first kernel."""

    source: str
    symbols: tuple[str, ...]
    env: str
    flags: tuple[str, ...]
    line: int


class _Build:
    """What one build file says: of which sources, and with which flags."""

    def __init__(self, root: Path, path: str, text: str) -> None:
        self._root, self.path, self.text = root, path, text
        self.folder = PurePosixPath(path).parent

    @cached_property
    def rows(self) -> list[tuple[tuple[str, ...], int]]:
        """The strings that stand together: in one tuple or initializer, else on one line."""
        found = []
        for number, line in enumerate(self.text.split("\n"), 1):
            strings = tuple(a or b for a, b in _STRING.findall(line))
            if strings:
                found.append((strings, number))
        return found

    @cached_property
    def flags(self) -> tuple[str, ...]:
        is_cmake = PurePosixPath(self.path).name == "CMakeLists.txt" or self.path.endswith(".cmake")
        found = self._of_cmake() if is_cmake else self._of_commands()
        return tuple(dict.fromkeys(found))

    def _of_cmake(self) -> Iterator[str]:
        for command in _COMMAND.finditer(re.sub(r"(?m)#.*$", "", self.text)):
            name, words = command["name"].lower(), command["words"].split()
            if name.startswith("target_"):
                words = words[1:]
            words = [w.strip('"') for w in words if w not in _SCOPES and "$" not in w]
            if name in _DEFINES:
                yield from (f"-D{word.removeprefix('-D')}" for word in words)
            elif name in _INCLUDES:
                yield from self._folders(words)

    def _of_commands(self) -> Iterator[str]:
        lines = self.text.replace("\\\n", " ")
        for line in _COMPILER.findall(lines):
            for flag in _FLAG.findall(line.replace('"', " ").replace(",", " ")):
                if flag.startswith("-I"):
                    yield from self._folders([flag[2:].strip()])
                else:
                    yield flag

    def _folders(self, words: Iterable[str]) -> Iterator[str]:
        for word in words:
            place = (self._root / self.folder / word).resolve()
            if place.is_dir() and place.is_relative_to(self._root.resolve()):
                yield f"-I{place.relative_to(self._root.resolve()).as_posix()}"

    def row_of(self, source: str) -> tuple[tuple[str, ...], int] | None:
        """The strings beside a source that the file names, and the line."""
        for strings, line in self.rows:
            if any(self._is(text, source) for text in strings):
                return strings, line
        if PurePosixPath(self.path).name in ("build.rs", "setup.py"):
            return None
        for found in re.finditer(
            rf"(?<![\w/.-])[\w./-]*{re.escape(PurePosixPath(source).name)}(?![\w.-])", self.text
        ):
            if self._is(found[0], source):
                return (found[0],), self.text.count("\n", 0, found.start()) + 1
        return None

    def _is(self, written: str, source: str) -> bool:
        return written.endswith(PurePosixPath(source).name) and source in (
            PurePosixPath(written).as_posix(),
            (self.folder / written).as_posix(),
        )


def kernel_sources(root: Path, code: CodeIndex) -> tuple[KernelSource, ...]:
    """Every source of the project that defines kernels, in order of path."""
    builds = list(_builds(root))
    found = []
    for path in c_sources(root):
        kernels = _kernels_of(code, path) if _lists(root, path) else {}
        if kernels:
            found.append(_described(path, kernels, builds))
    return tuple(found)


def kernel_source(root: Path, code: CodeIndex, path: str) -> KernelSource | None:
    """The same for one source; None where it defines no kernel that `kernel_sources` would list."""
    if path not in c_sources(root) or not _lists(root, path):
        return None
    kernels = _kernels_of(code, path)
    return _described(path, kernels, list(_builds(root))) if kernels else None


def _lists(root: Path, path: str) -> bool:
    """Whether a source is looked at for kernels."""
    return not is_header(path) and PurePosixPath(path).suffix not in CUDA and _may_define(root, path)


def _builds(root: Path) -> Iterator[_Build]:
    for path in build_files(root):
        try:
            yield _Build(root, path, read_text(root, path))
        except SourceError:
            continue


def _may_define(root: Path, path: str) -> bool:
    try:
        return "__global__" in read_text(root, path) or "#include" in read_text(root, path)
    except SourceError:
        return False


def _kernels_of(code: CodeIndex, path: str) -> Mapping[str, int]:
    """The kernels that a source defines, with their lines; those of templates under 0."""
    functions = [f for f in code.unit(path).functions if f.kernel and not f.declared and not f.dead]
    return {f.name: 0 if f.template or f.local else f.line for f in functions}


def _described(path: str, kernels: Mapping[str, int], builds: list[_Build]) -> KernelSource:
    symbols = [name for name, at in kernels.items() if at]
    line = next((at for at in kernels.values() if at), 1)
    env = ""
    flags: tuple[str, ...] = ()
    for build in builds:
        row = build.row_of(path)
        if row is None:
            continue
        flags = tuple(dict.fromkeys((*flags, *build.flags)))
        named = [text for text in row[0] if _IDENTIFIER.fullmatch(text)]
        env = env or next((text for text in named if _VARIABLE.fullmatch(text)), "")
        symbols += [
            text for text in named if text.endswith("kernel") and text not in symbols and text not in kernels
        ]
    return KernelSource(path, tuple(symbols), env, flags, line)
