"""C and C++ conditionals: which lines each branch holds, and which branches no compiler ever sees."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

MARK = "rocverify_branch"

_DIRECTIVE = re.compile(r"\s*#\s*(?P<name>if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b(?P<rest>.*)")
_OPENING = re.compile(r"#[^\S\n]*if")
_DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)", re.MULTILINE)
_NAME = re.compile(r"\s*(?:defined\s*\(?\s*)?(?P<name>[A-Za-z_]\w*)\s*\)?\s*(?://.*|/\*.*)?\Z")
_NUMBER = re.compile(r"\s*(?P<number>\d+)\s*(?://.*|/\*.*)?\Z")

Preprocess = Callable[[str, str], Collection[int] | None]
"""From a path and its text with `#pragma rocverify_branch N` in each branch to the branches kept."""


@dataclass(frozen=True, slots=True)
class Branch:
    """What stands between two directives of a conditional: lines `first` to `last`, from 1, both inside.

    `parent` is the number of the branch around it, -1 for none; `condition` is its directive as written.
    """

    first: int
    last: int
    parent: int
    name: str
    rest: str
    opening: str


def may_have_branches(text: str) -> bool:
    """Whether a text has what begins a conditional, be it in a comment."""
    return _OPENING.search(text) is not None


def branches(code: str) -> list[Branch]:
    """The branches of a text whose comments are blanked; one that is not closed reaches to the end."""
    lines = code.split("\n")
    found: list[Branch] = []
    open_ones: list[tuple[int, str]] = []  # number of the current branch, how its conditional began

    def begin(line: int, name: str, rest: str, opening: str, parent: int) -> None:
        found.append(Branch(line + 1, len(lines), parent, name, rest, opening))

    for number, name, rest in _directives(lines):
        if name.startswith("if"):
            parent = open_ones[-1][0] if open_ones else -1
            begin(number, name, rest, f"{name}{rest}", parent)
            open_ones.append((len(found) - 1, f"{name}{rest}"))
        elif open_ones:
            current, opening = open_ones.pop()
            branch = found[current]
            first_of_directive = number - rest.count("\n")
            found[current] = Branch(
                branch.first, first_of_directive - 1, branch.parent, branch.name, branch.rest, branch.opening
            )
            if name != "endif":
                begin(number, name, rest, opening, branch.parent)
                open_ones.append((len(found) - 1, opening))
    return found


def _directives(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    """The last line of each directive (backslashes join lines), its name and what follows."""
    number = 0
    while number < len(lines):
        found = _DIRECTIVE.match(lines[number])
        rest = found["rest"] if found else ""
        while found and rest.endswith("\\") and number + 1 < len(lines):
            number += 1
            rest = f"{rest[:-1]}\n{lines[number]}"
        number += 1
        if found:
            yield number, found["name"], rest


def marked(text: str, found: list[Branch]) -> str:
    """The text with a pragma at the beginning of each branch."""
    lines = text.split("\n")
    for number, branch in sorted(enumerate(found), key=lambda pair: pair[1].first, reverse=True):
        lines.insert(branch.first - 1, f"#pragma {MARK} {number}")
    return "\n".join(lines)


def defined_names(text: str) -> set[str]:
    """The macros that a text defines anywhere."""
    return set(_DEFINE.findall(text))


def never_taken(found: list[Branch], known: Collection[str]) -> set[int]:
    """The branches that no compiler sees, as far as that is plain, and what is inside them.

    `#if 0`, `#ifdef` of a name that nothing in the project defines (`known` are those that something does).
    A name with an underscore first is the compiler's own, so it may be defined.
    """
    dead: set[int] = set()
    for number, branch in enumerate(found):
        if branch.parent in dead or _is_never(branch, known):
            dead.add(number)
    return dead


def _is_never(branch: Branch, known: Collection[str]) -> bool:
    if branch.name in ("if", "elif"):
        number, name = _NUMBER.match(branch.rest), _NAME.match(branch.rest)
        if number:
            return int(number["number"]) == 0
        return name is not None and _is_undefined(name["name"], known)
    if branch.name in ("ifdef", "elifdef"):
        name = _NAME.match(branch.rest)
        return name is not None and _is_undefined(name["name"], known)
    if branch.name == "else":
        number = _NUMBER.match(branch.opening.removeprefix("if"))
        return number is not None and branch.opening.startswith("if ") and int(number["number"]) != 0
    return False


def _is_undefined(name: str, known: Collection[str]) -> bool:
    return not name.startswith("_") and name not in known


def not_kept(found: list[Branch], kept: Collection[int]) -> set[int]:
    """The branches that a compiler left out, but for those that depend on a name of its own: another target's
    or another compiler's code is code."""
    dead: set[int] = set()
    for number, branch in enumerate(found):
        own = re.search(r"(?<!\w)_\w+", f"{branch.opening} {branch.rest}") is not None
        if branch.parent in dead or (number not in kept and not own):
            dead.add(number)
    return dead


def dead_lines(found: list[Branch], dead: Collection[int]) -> dict[int, str]:
    """The lines of the dead branches, from 1, and which directive leaves each out."""
    lines: dict[int, str] = {}
    for number in sorted(dead):
        branch = found[number]
        directive = " ".join(f"#{branch.name}{branch.rest}".split())
        why = f"`{directive}` on line {branch.first - 1} leaves it out"
        for line in range(branch.first, branch.last + 1):
            lines.setdefault(line, why)
    return lines
