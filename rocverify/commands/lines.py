"""Shell lines taken apart: which tools they start themselves, and what of a tool they ask for.

Only what is plain is seen: words, `cd`, variables before a command, redirections, `&&`, `;` and pipes. A
substitution or a group of commands is no tool.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

_REDIRECTED = re.compile(r"\d?>&\d|&>>?\s*[^\s;&|]+|\d?>>?\s*[^\s;&|]+|<\s*[^\s;&|]+")
_VARIABLE = re.compile(r"[A-Za-z_]\w*=")
_OPAQUE = re.compile(r"[`(){}]|\$\(")
_BEFORE = ("env", "time", "exec", "command", "nice", "nohup")
_SETTING = ("cd", "export", "set", "mkdir", "ulimit", "umask", "pushd", "popd")
_SAYING = ("echo", "printf", "true", ":")
_RUNNING = ("uv", "poetry", "pdm", "pipenv", "hatch", "rye")
"""What runs a tool in a project's environment, as `uv run pytest`."""
_OF_SYSTEM = ("/usr/", "/bin/", "/opt/")
_OF_ENVIRONMENT = re.compile(r"(?:.*/)?\.?v?env[\w.-]*/bin/(?:python[\d.]*|pytest)")
_ASKING: dict[str, tuple[str, ...]] = {
    "ctest": ("-N", "--show-only", "--print-labels"),
    "pytest": ("--co", "--collect-only", "--fixtures", "--markers", "--setup-plan"),
    "make": ("-n", "--dry-run", "--just-print", "--recon", "-q", "--question", "-t", "--touch", "-p"),
    "ninja": ("-n", "-t"),
    "cargo": ("--list", "metadata", "tree", "locate-project"),
}
"""By tool, the words by which it does not do what it is for."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One command of a line: its words, and what stands behind it (`&&`, `|`, `;`, nothing)."""

    words: tuple[str, ...]
    then: str

    @property
    def tool(self) -> str:
        """`cargo test`, `ctest`, `pytest`, `unittest`, `make`, `cmake --build`; else the program's own name,
        with its path where that is not a folder of the system's. Empty for none that can be told."""
        if not self.words:
            return ""
        first = self.words[0]
        installed = first.startswith(_OF_SYSTEM) or _OF_ENVIRONMENT.fullmatch(first)
        name = PurePosixPath(first).name if installed else first
        rest = self.words[1:]
        if name == "cargo":
            plain = [word for word in rest if not word.startswith(("+", "-"))]
            sub = {"t": "test", "b": "build", "c": "check", "r": "run"}.get(*plain[:1] * 2) if plain else None
            return f"cargo {sub or plain[0]}" if plain else "cargo"
        if name == "cmake" and "--build" in rest:
            return "cmake --build"
        if re.fullmatch(r"python[\d.]*", name) and "-m" in rest[:-1]:
            module = rest[rest.index("-m") + 1]
            return module if module in ("pytest", "unittest") else f"python -m {module}"
        return {"py.test": "pytest", "gmake": "make"}.get(name, name)

    @property
    def asks(self) -> bool:
        """Whether the tool is only asked what it is, or what it would do."""
        words = self.words[1:]
        if any(word in ("--version", "--help", "-V") for word in words[:3]) and len(words) <= 4:
            return True
        told = (*_ASKING.get(self.tool, ()), *_ASKING.get(self.tool.partition(" ")[0], ()))
        return any(word.split("=")[0] in told for word in words)


def segments(line: str) -> tuple[Segment, ...]:
    """The commands of a line. Empty where it cannot be taken apart."""
    lexer = shlex.shlex(_REDIRECTED.sub(" ", line), posix=True, punctuation_chars="&|;")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    found: list[Segment] = []
    words: list[str] = []
    try:
        for token in lexer:
            if re.fullmatch(r"[&|;]+", token):
                found.append(Segment(_plain(words), token))
                words = []
            else:
                words.append(token)
    except ValueError:
        return ()
    return (*found, Segment(_plain(words), "")) if words else tuple(found)


def _plain(words: Sequence[str]) -> tuple[str, ...]:
    """Without the variables and helpers before a command. None of it where its path is changed, or where it
    is no plain command."""
    left = list(words)
    while left and (_VARIABLE.match(left[0]) or left[0] in _BEFORE or left[0] == "!"):
        if left[0].startswith("PATH=") or left[0] == "!":
            return ()
        left.pop(0)
    if left[:1] == ["timeout"] and len(left) > 2:
        left = left[2:]
    if left[1:2] == ["run"] and left[0] in _RUNNING:
        left = left[2:]
    return () if left and _OPAQUE.search(left[0]) else tuple(left)


def shows_nothing(line: str) -> bool:
    """Whether a line only says something, or only asks tools about themselves."""
    if _OPAQUE.search(re.sub(r"'[^']*'", "", line)):
        return False
    parts = segments(line)
    if any(part.then == "|" and part.words[:1] and part.words[0] in _SAYING for part in parts):
        return False
    return bool(parts) and all(
        part.words and (part.words[0] in (*_SETTING, *_SAYING) or part.asks) for part in parts
    )


def says_only(line: str) -> bool:
    """Whether a line only says something."""
    parts = segments(line)
    opaque = _OPAQUE.search(re.sub(r"'[^']*'", "", line))
    return not opaque and bool(parts) and all(part.words[:1] and part.words[0] in _SAYING for part in parts)


def tools(line: str) -> Iterator[Segment]:
    """The commands of a line that do something."""
    for part in segments(line):
        if part.words and part.words[0] not in (*_SETTING, *_SAYING) and not part.asks:
            yield part
