"""What a text says of commands, and whether the commands of its checks are those."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from rocverify.commands.lines import Segment, tools

_QUOTED = re.compile(r"`([^`\n]+)`")
_PLAIN = re.compile(
    r"(?<![`\w./-])(?:cargo\s+(?:test|build|check|clippy|run|bench|nextest)|c[Tt]est|CTest|pytest"
    r"|make\s+(?:check|tests?|verify|all))\b(?![./\w-])"
)
_KNOWN = re.compile(
    r"(?:cargo \w+|ctest|pytest|unittest|make|ninja|meson|cmake(?: --build)?|\.{0,2}/.+|.+\.sh)\Z"
)
_WHERE = ("--test-dir", "-B", "-S", "-C", "--build", "--manifest-path", "-j", "--parallel", "--target-dir")
"""Options with a value that says where or how fast, not what."""
_MANNER = re.compile(
    r"-[vqsx]+|--(?:quiet|verbose|offline|locked|frozen|output-on-failure|no-fail-fast|color\S*)|-j\d*|--parallel"
    r"|--no-tests=error|--"
)
_LESS: dict[str, str] = {
    "cargo test": r"--(?:no-run|list|lib|bins?|docs?|tests?|examples?|bench(?:es)?|package|exclude)|-p"
    r"|--(?:skip|exact|ignored)",
    "pytest": r"-[km]|--(?:deselect|ignore|ignore-glob|lf|last-failed|co|collect-only|maxfail)",
    "ctest": r"-(?:R|E|L|LE|I|FA|N)|--(?:tests-regex|exclude-regex|label-\w+|rerun-failed|show-only"
    r"|tests-from-file)",
    "cargo build": r"--(?:lib|bins?|examples?|package|exclude)|-p",
    "cmake --build": r"--target|-t",
}
"""By tool, options that have it do less than it would by itself."""
_FOLDERS = ("tests", "test", "tests/", "test/", ".")


class Commanding(Protocol):
    """A check, as far as it matters here."""

    @property
    def kind(self) -> str:
        """The kind of check, by its name."""

    @property
    def params(self) -> Mapping[str, Any]:
        """The check's parameters, by name."""


def runs_tests(lines: Collection[str]) -> bool:
    """Whether a line runs a project's tests by a runner of tests, or by a target of a build named so."""
    return any(_tests(part) for line in lines for part in tools(line))


def _tests(part: Segment) -> bool:
    if part.tool in ("cargo test", "cargo nextest", "ctest", "pytest", "unittest", "tox", "nox"):
        return "--no-run" not in part.words
    builds = part.tool in ("make", "ninja", "meson", "cmake --build")
    return builds and any(re.fullmatch(r"(?:check|tests?|verify)\w*", word) for word in part.words[1:])


def commands_not_run(text: str, tries: Collection[Commanding]) -> Iterator[str]:
    """The commands that a text names and no check of commands runs, or runs only in part."""
    lines = [str(line) for one in tries for line in one.params.get("run", ()) or ()]
    if not lines:
        return
    ran = [part for line in lines for part in tools(line)]
    for said in _named(text):
        same = [part for part in ran if part.tool == said.tool]
        if said.tool == "pytest" and any(one.kind == "tests_pass" for one in tries):
            continue
        words = " ".join(said.words)
        if not same:
            listed = ", ".join(dict.fromkeys(part.tool for part in ran if part.tool)) or "nothing"
            yield f"`{words}` is not run (run: {listed})"
        elif all(any(_differences(said, part)) for part in same):
            yield from (f"`{words}` is not run as it is: {one}" for one in _differences(said, same[0]))


def _named(text: str) -> Iterator[Segment]:
    """The commands that a text names, each once, the longest of each tool."""
    lines = [found[1] for found in _QUOTED.finditer(text)]
    lines += [found[0].lower() for found in _PLAIN.finditer(_QUOTED.sub(" ", text))]
    found: dict[str, Segment] = {}
    for part in (part for line in lines for part in tools(line)):
        if _KNOWN.match(part.tool) and len(part.words) >= len(found.get(part.tool, part).words):
            found[part.tool] = part
    yield from found.values()


def _differences(said: Segment, ran: Segment) -> Iterator[str]:
    yield from (f"without {word}" for word in _telling(said) if word not in ran.words)
    less = re.compile(_LESS.get(ran.tool, r"(?!)"))
    for word in _telling(ran):
        narrows = less.fullmatch(word.partition("=")[0]) or (_selects(ran, word) and word not in _FOLDERS)
        if narrows and word not in said.words:
            yield f"only with {word}"


def _selects(part: Segment, word: str) -> bool:
    """Whether a word is the name of a test or a file, which leaves out the others."""
    before = part.words[part.words.index(word) - 1]
    return part.tool in ("cargo test", "pytest") and not word.startswith("-") and not before.startswith("-")


def _telling(part: Segment) -> Iterator[str]:
    """The words of a command that say what it does, behind the tool's own."""
    own = set(part.tool.split()) | {"-m"}
    skipped = False
    for word in part.words[1:]:
        if skipped or word in _WHERE:
            skipped = not skipped and word != "-j" and word != "--build"
            continue
        if word not in own and not word.startswith("+") and not _MANNER.fullmatch(word):
            yield word
