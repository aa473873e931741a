"""The records of a project's sources, each read once, and how names resolve in them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from rocverify.code.dead_code import DeadCode
from rocverify.code.files import c_sources, existing_file, read_text, relative, rust_sources
from rocverify.code.languages import is_c_family, is_python, is_rust
from rocverify.code.languages.cpp import read_cpp
from rocverify.code.languages.python import read_python
from rocverify.code.languages.rust import read_rust
from rocverify.code.names_cpp import CppNames
from rocverify.code.names_rust import RustNames
from rocverify.code.places import Names
from rocverify.code.syntax import Unit
from rocverify.errors import SourceError


class Units:
    """Sources under `root`, listed and read once: files that come later are not seen. Paths are relative to
    the root; `dead` knows the lines that no compiler sees."""

    def __init__(self, root: Path, dead: DeadCode) -> None:
        self._root = root
        self._dead = dead
        self._units: dict[str, Unit] = {}
        self._texts: dict[str, str] = {}

    def unit(self, path: str) -> Unit:
        """The record of one source; SourceError for a file that cannot be read, and for one in another
        language."""
        if path in self._units:
            return self._units[path]
        key = relative(self._root, existing_file(self._root, path))
        if key not in self._units:
            self._units[key] = self._read(key, read_text(self._root, key))
        return self._units[key]

    def _read(self, key: str, text: str) -> Unit:
        if is_rust(key):
            return read_rust(key, text)
        if is_c_family(key):
            return read_cpp(key, text, self._dead.lines(key, text))
        if is_python(key):
            return read_python(key, text)
        raise SourceError("is no source in a language that is read", where=key)

    def with_word(self, word: str) -> tuple[Unit, ...]:
        """The records of the Rust, C, C++ and HIP sources in whose text a word stands: the others cannot
        define what it names, and reading them all would take seconds. Build outputs are left out."""
        return self._all_of(path for path in (*self._rust, *self._c) if word in self._text_of(path))

    def names(self, path: str) -> Names:
        """How names resolve in a Rust, C, C++ or HIP source."""
        return self._rust_names if is_rust(path) else self._cpp_names

    @cached_property
    def _rust(self) -> tuple[str, ...]:
        return rust_sources(self._root)

    @cached_property
    def _c(self) -> tuple[str, ...]:
        return c_sources(self._root)

    @cached_property
    def _rust_names(self) -> RustNames:
        return RustNames(self._rust_unit, lambda: self._all_of(self._rust))

    @cached_property
    def _cpp_names(self) -> CppNames:
        return CppNames(lambda: self._all_of(self._c))

    def _rust_unit(self, path: str) -> Unit | None:
        """The record of a Rust source, or None where there is no such file."""
        return self.unit(path) if is_rust(path) and (self._root / path).is_file() else None

    def _text_of(self, path: str) -> str:
        if path not in self._texts:
            try:
                self._texts[path] = read_text(self._root, path)
            except SourceError:
                self._texts[path] = ""
        return self._texts[path]

    def _all_of(self, paths: Iterable[str]) -> tuple[Unit, ...]:
        found = []
        for path in paths:
            with suppress(SourceError):
                found.append(self.unit(path))
        return tuple(found)
