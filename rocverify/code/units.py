"""The records of a project's sources, each read once, and how names resolve in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from rocverify.code.dead_code import DeadCode
from rocverify.code.files import c_sources, existing_file, listed_text, relative, rust_sources
from rocverify.code.kept import KeptUnits
from rocverify.code.languages import is_c_family, is_python, is_rust
from rocverify.code.languages.cpp import read_cpp
from rocverify.code.languages.rust import read_rust
from rocverify.code.names_cpp import CppNames
from rocverify.code.names_rust import RustNames
from rocverify.code.places import Names
from rocverify.code.syntax import Unit
from rocverify.cycles import looked_for_seldom
from rocverify.errors import SourceError


class Units:
    """Sources under `root`, listed and read once: files that come later are not seen. Paths are relative to
    the root; `dead` knows the lines that no compiler sees."""

    def __init__(self, root: Path, dead: DeadCode, kept: KeptUnits, python: Callable[[str], Unit]) -> None:
        """kept: the records of earlier runs; python: reads a Python source."""
        self._root = root
        self._python = python
        self._kept = kept
        self._dead = dead
        self._units: dict[str, Unit] = {}
        self._texts: dict[str, str] = {}

    def seen_by(self, dead: DeadCode) -> Units:
        """The same sources with other lines that no compiler sees; their texts are not read again."""
        made = Units(self._root, dead, self._kept, self._python)
        made._texts = self._texts
        return made

    def unit(self, path: str) -> Unit:
        """The record of one source; SourceError for a file that cannot be read, and for one in another
        language."""
        if path in self._units:
            return self._units[path]
        return self._listed(relative(self._root, existing_file(self._root, path)))

    def _listed(self, path: str) -> Unit:
        """The same for the path of a file as `sources` lists it."""
        if path not in self._units:
            self._units[path] = self._read(path, self._texts.get(path) or listed_text(self._root, path))
        return self._units[path]

    def _read(self, key: str, text: str) -> Unit:
        if is_rust(key):
            return self._kept.get(key, text, "", lambda: read_rust(key, text))
        if is_c_family(key):
            dead = self._dead.lines(key, text)
            return self._kept.get(key, text, repr(dead), lambda: read_cpp(key, text, dead))
        if is_python(key):
            return self._python(key)
        raise SourceError("is not a source in a language that is read", where=key)

    def with_word(self, word: str) -> tuple[Unit, ...]:
        """The records of the Rust, C, C++ and HIP sources in whose text a word stands: the others cannot
        define what it names, and reading them all would take seconds. Build outputs are left out."""
        return self._all_of(path for path in (*self._rust, *self._c) if word in self._text_of(path))

    def names(self, path: str) -> Names:
        """How names resolve in a Rust, C, C++ or HIP source."""
        return self._rust_names if is_rust(path) else self._cpp_names

    def keep(self) -> None:
        """Keeps what was read for later runs; where that cannot be written, they are slower and no other."""
        with suppress(OSError):
            self._kept.keep()

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
                self._texts[path] = listed_text(self._root, path)
            except SourceError:
                self._texts[path] = ""
        return self._texts[path]

    def _all_of(self, paths: Iterable[str]) -> tuple[Unit, ...]:
        found = []
        with looked_for_seldom():
            for path in paths:
                with suppress(SourceError):
                    found.append(self._listed(path))
        return tuple(found)
