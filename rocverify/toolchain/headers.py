"""Which headers a compilation read, which it would have preferred, and whether that still holds.

A cached object is right only if every header it was made from has the same bytes, *and* no header has
appeared earlier in the search path or where `__has_include` looked. So besides the digests, the places
are remembered in which each included name could be found, and which of them existed.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rocverify.store.digests import digest_file, digest_texts

_SEARCH_FLAGS = {
    "-I", "-iquote", "-isystem", "-idirafter", "-internal-isystem", "-internal-externc-isystem",
    "-c-isystem", "-cxx-isystem",
}  # fmt: skip
_NAMED = re.compile(
    rb"(?:#\s*(?:include|include_next|import)|__has_include(?:_next)?\s*\()\s*(?:<([^>\n]+)>|\"([^\"\n]+)\")"
)


class Seen:
    """What was looked at on disk in one go: sources that are judged together have most headers in common, and
    it is enough to look at each once."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}
        self._listed: dict[str, frozenset[str]] = {}
        self._files: dict[tuple[str, str], bool] = {}

    def digest(self, path: str) -> str:
        """SHA-256 of a file's bytes; OSError where it cannot be read."""
        if path not in self._digests:
            self._digests[path] = digest_file(path)
        return self._digests[path]

    def existing(self, folder: str, names: Iterable[str]) -> Iterator[str]:
        """The names that are files in a folder, which is listed once: few names need a look of their own."""
        if folder not in self._listed:
            try:
                self._listed[folder] = frozenset((".", "..", *os.listdir(folder)))
            except OSError:
                self._listed[folder] = frozenset()
        listed = self._listed[folder]
        return (name for name in names if name.partition("/")[0] in listed and self._is_file(folder, name))

    def _is_file(self, folder: str, name: str) -> bool:
        place = folder, name
        if place not in self._files:
            self._files[place] = os.path.isfile(f"{folder}/{name}")
        return self._files[place]


@dataclass(frozen=True, slots=True)
class Lookups:
    """Every place where an included, or asked for, name could be found: each of `names` in each of
    `folders` (the search path), and the names in `beside` in the folder of the file that quotes them."""

    names: tuple[str, ...]
    folders: tuple[str, ...]
    beside: Mapping[str, tuple[str, ...]]

    def existing(self, root: Path, seen: Seen | None = None) -> frozenset[str]:
        """Which of the places exist, as `folder/name`."""
        seen = Seen() if seen is None else seen
        found: set[str] = set()
        for folder in {*self.folders, *self.beside}:
            names = self.names if folder in self.folders else self.beside[folder]
            found.update(f"{folder}/{name}" for name in seen.existing(os.path.join(root, folder), names))
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class HeaderState:
    """The state of the headers that one compilation saw. Paths inside the root are relative to it.

    `files`: header to digest. `found`: which of the places in `lookups` existed.
    """

    files: Mapping[str, str]
    lookups: Lookups
    found: frozenset[str]

    @property
    def digest(self) -> str:
        """One digest over all headers."""
        return digest_texts(part for item in sorted(self.files.items()) for part in item)

    def holds(self, root: Path, seen: Seen | None = None) -> bool:
        """True if the same compilation would read the same bytes today. seen: see Seen."""
        seen = Seen() if seen is None else seen
        try:
            same = all(seen.digest(os.path.join(root, path)) == sha for path, sha in self.files.items())
        except OSError:
            return False
        return same and self.lookups.existing(root, seen) == self.found

    def to_json(self) -> dict[str, Any]:
        """The state as JSON data."""
        return {
            "files": dict(self.files),
            "names": list(self.lookups.names),
            "folders": list(self.lookups.folders),
            "beside": {folder: list(names) for folder, names in self.lookups.beside.items()},
            "found": sorted(self.found),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> HeaderState:
        """The state that its JSON data says."""
        beside = {folder: tuple(names) for folder, names in data["beside"].items()}
        lookups = Lookups(tuple(data["names"]), tuple(data["folders"]), beside)
        return cls(dict(data["files"]), lookups, frozenset(data["found"]))


def header_state(root: Path, source: str, depfile: str, search_path: Sequence[str]) -> HeaderState:
    """The state of what a compilation of `source` read, by the depfile that clang wrote.

    Raises OSError if a header has gone since.
    """
    read = [relative_to_root(root, path) for path in parse_depfile(depfile)]
    files = {path: digest_file(root / path) for path in read if path != source}
    lookups = _lookups(root, [source, *files], [relative_to_root(root, path) for path in search_path])
    return HeaderState(files, lookups, lookups.existing(root))


def relative_to_root(root: Path, path: str) -> str:
    """`path` relative to the root if it lies inside, else absolute; `..` and `.` taken out."""
    plain = os.path.normpath(root / path)
    inside = os.path.relpath(plain, root)
    return inside if not inside.startswith("..") else plain


def parse_depfile(text: str) -> list[str]:
    """The prerequisites in a Makefile rule as clang writes it: `\\ ` is a space, `$$` a dollar."""
    _, _, prerequisites = text.replace("\\\n", " ").partition(": ")
    words = re.findall(r"(?:\\[ #]|[^\s])+", prerequisites)
    return [re.sub(r"\\([ #])", r"\1", word).replace("$$", "$") for word in words]


def search_path(invocation: str) -> list[str]:
    """The folders that the compiler proper searches, from what `clang -###` prints."""
    line = next((line for line in invocation.splitlines() if '"-cc1"' in line), "")
    words = shlex.split(line)
    folders = [value for flag, value in pairwise(words) if flag in _SEARCH_FLAGS]
    joined = [word[2:] for word in words if word.startswith("-I") and len(word) > 2]
    return list(dict.fromkeys((*joined, *folders)))


def _lookups(root: Path, sources: Iterable[str], folders: Sequence[str]) -> Lookups:
    """The names that any of the sources includes or asks for, and where they might be found."""
    names: set[str] = set()
    beside: dict[str, set[str]] = {}
    for source in sources:
        for angled, quoted in _NAMED.findall((root / source).read_bytes()):
            name = (angled or quoted).decode("utf-8", errors="surrogateescape").strip()
            names.add(name)
            if quoted:
                beside.setdefault(str(Path(source).parent), set()).add(name)
    return Lookups(
        tuple(sorted(names)),
        tuple(dict.fromkeys(folders)),
        {folder: tuple(sorted(quoted)) for folder, quoted in sorted(beside.items())},
    )
