"""What a plan means by a path: a file, folder, glob, `path:line`, `path::symbol`, "a or b", or no path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rocverify.code.files import inside_root, is_output
from rocverify.errors import RocverifyError, SourceError

MOST_FILES = 5_000
"""Files of a folder or glob that are searched; a claim about more than these names too much."""

_LONGEST_NAME = 255
_LONGEST_PATH = 2_000
_MOST_BRACES = 4
_MOST_STARS = 3
"""Of `{a,b}` and `**` in one glob: each multiplies what has to be looked at."""

_QUOTES = re.compile(r"`([^`]+)`")
_REMARK = re.compile(r"\s+(?:\([^()]*\)|[\u2013\u2014-]{1,2}\s.*)\Z")
_LINE = re.compile(r"(?P<path>.+?)(?::|#L)(?P<line>\d{1,7})(?:[-:]L?(?P<last>\d{1,7}))?\Z")
_SYMBOL = re.compile(r"(?P<path>[^:\s]+?\.\w+)(?:::?|#)(?P<symbol>[A-Za-z_][\w.:]*)(?:\(\))?\Z")
_OR = re.compile(r"\s+(?:or|\|\|?|/)\s+")
_FILE_LIKE = re.compile(r"(?:[\w.@+~-]+/)*[\w.@+~-]*\.[A-Za-z]\w{0,9}\Z")
_FOLDER_LIKE = re.compile(r"(?:[\w.@+~-]+/)+[\w.@+~-]*\Z")


@dataclass(frozen=True, slots=True)
class Target:
    """What a text names: `paths` of what exists, relative to the root, folders among them.

    `line` and `last` where it names lines, `symbol` where it names what is defined there; `shape` tells a
    "file" and a "folder" from "several" (a glob, a folder's content, alternatives).
    """

    text: str
    paths: tuple[str, ...]
    shape: str
    line: int | None = None
    last: int | None = None
    symbol: str | None = None

    @property
    def path(self) -> str:
        """The first of them."""
        return self.paths[0]


def find_target(root: Path, text: str) -> Target | None:
    """What `text` names under the root; None for a text that is no path (a package, a route, a variable).

    SourceError for a path that leads outside the root, and for one that names nothing there is.
    """
    plain = _plain(text)
    for reading in dict.fromkeys((text.strip(), plain)):
        found = _exact(root, reading)
        if found:
            return Target(text, (found,), "folder" if (root / found).is_dir() else "file")
    found_parts = _with_place(root, text, plain) or _alternatives(root, text, plain)
    if found_parts:
        return found_parts
    if any(c in plain for c in "*?[{") and "/" in plain + "/" and not plain.startswith("/"):
        return _glob(root, text, plain)
    if is_path_like(plain):
        inside_root(root, plain)
        raise SourceError("does not exist", where=plain)
    return None


def is_path_like(text: str) -> bool:
    """Whether a text can only be meant as a path: it has a suffix, or slashes between plain names."""
    if any(c.isspace() for c in text) or text.startswith(("http:", "https:", "/")):
        return False
    return bool(
        (_FILE_LIKE.match(text) and ("/" in text or _has_known_suffix(text))) or _FOLDER_LIKE.match(text)
    )


def files_of(root: Path, target: Target) -> tuple[str, ...]:
    """The files that a target stands for; what lies in folders too, hidden ones and binaries left out.

    RocverifyError where they are more than can be looked into.
    """
    found: dict[str, None] = {}
    for path in target.paths:
        real = root / path
        inner = (p for p in sorted(real.rglob("*")) if not is_output(p.relative_to(real)))
        for file in inner if real.is_dir() else (real,):
            if not file.is_file():
                continue
            if len(found) >= MOST_FILES:
                raise RocverifyError(
                    f"holds more than {MOST_FILES} files", where=target.text, hint="name a smaller part of it"
                )
            if file.resolve().is_relative_to(root.resolve()) and not (real.is_dir() and is_binary(file)):
                found.setdefault(file.relative_to(root).as_posix())
    return tuple(found)


def is_binary(path: Path) -> bool:
    """Whether a file's first bytes have a zero, which no text has."""
    if not path.is_file():
        return False  # a pipe would be waited for
    try:
        with path.open("rb") as file:
            return b"\0" in file.read(8192)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _plain(text: str) -> str:
    """A path without the backticks around it and the remark behind it."""
    quoted = _QUOTES.match(text.strip())
    return (quoted[1] if quoted else _REMARK.sub("", text.strip())).removeprefix("@").strip()


def _exact(root: Path, text: str) -> str | None:
    if not text or text.startswith(("/", "~")):
        return None
    if any(len(part.encode()) > _LONGEST_NAME for part in text.split("/")) or len(text) > _LONGEST_PATH:
        return None  # a sentence: no file can have such a name
    real = inside_root(root, text)
    return real.relative_to(root.resolve()).as_posix() if real.exists() else None


def _with_place(root: Path, text: str, plain: str) -> Target | None:
    """`path:line` and `path::symbol`, of a file that exists."""
    if (found := _LINE.match(plain)) and (path := _exact(root, found["path"])):
        last = int(found["last"]) if found["last"] else None
        return Target(text, (path,), "file", line=int(found["line"]), last=last)
    if (found := _SYMBOL.match(plain)) and (path := _exact(root, found["path"])):
        return Target(text, (path,), "file", symbol=found["symbol"].replace("::", "."))
    return None


def _alternatives(root: Path, text: str, plain: str) -> Target | None:
    """ "a or b": those of them that exist. "a, b": all of them have to."""
    either = [part.strip(" `\"'") for part in _OR.split(text.strip())]
    if len(either) > 1 and all(map(is_path_like, either)):
        there = tuple(path for part in either if (path := _exact(root, part)))
        if not there:
            raise SourceError("neither exists", where=plain)
        return Target(text, there, "several")
    each = [part.strip(" `\"'") for part in re.split(r",|\s\+\s|\sand\s", text)]
    if len(each) > 1 and all(map(is_path_like, each)):
        gone = [part for part in each if not _exact(root, part)]
        if gone:
            raise SourceError("does not exist", where=gone[0])
        return Target(text, tuple(path for part in each if (path := _exact(root, part))), "several")
    return None


def _glob(root: Path, text: str, plain: str) -> Target | None:
    """What a glob matches; None for what is none ("POST /api/{id}")."""
    if any(c.isspace() for c in plain) or not re.fullmatch(r"[\w.@+~/*?\[\]{},!-]+", plain):
        return None
    if plain.count("{") > _MOST_BRACES or plain.count("**") > _MOST_STARS:
        raise RocverifyError("is a glob with too many braces or stars", where=plain)
    real_root = root.resolve()
    found: dict[str, None] = {}
    for pattern in _braces(plain):
        if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
            raise SourceError("lies outside the root", where=plain)
        try:
            there = sorted(real_root.glob(pattern.rstrip("/")))
        except (ValueError, NotImplementedError) as error:
            raise RocverifyError(f"is not a glob: {error}", where=plain) from None
        matches = (p.relative_to(real_root) for p in there)
        found |= {p.as_posix(): None for p in matches if not is_output(p) or pattern.startswith(".")}
    for path in found:
        inside_root(root, path)
    if not found:
        raise SourceError("matches no file", where=plain)
    return Target(text, tuple(found), "several")


def _braces(pattern: str) -> Iterator[str]:
    """`a/{b,c}.rs` as `a/b.rs` and `a/c.rs`."""
    inner = re.search(r"\{([^{}]*)\}", pattern)
    if inner is None:
        yield pattern
        return
    for choice in inner[1].split(",")[:32]:
        yield from _braces(pattern[: inner.start()] + choice + pattern[inner.end() :])


_SUFFIX_NAMES = """
py pyi rs hip c cc cpp cxx h hh hpp cu cuh cl toml json yaml yml md txt sh cmake ini cfg lock html js ts tsx
jsx css go java kt swift rb sql wgsl glsl svg png hsaco so a o bin csv xml proto env ipynb
"""
_SUFFIXES = frozenset(f".{name}" for name in _SUFFIX_NAMES.split())


def _has_known_suffix(text: str) -> bool:
    return PurePosixPath(text).suffix.lower() in _SUFFIXES
