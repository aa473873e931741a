"""Where a plan wants its SUMMARY written: the path in `<output>`, or beside the plan."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from rocverify.plan.markup import Element
from rocverify.plan.numbers import split_plan
from rocverify.plan.source import SourceText
from rocverify.plan.text import inner_text

_QUOTED = re.compile(r"`([^`\n]*SUMMARY\.md)`")
_BARE = re.compile(r"""[^\s`'"()<>\[\]]*SUMMARY\.md""")
_PLACEHOLDER = re.compile(r"[{}<>*?\[\]]")


def summary_path(source: SourceText, element: Element | None, root: Path, number: str) -> str:
    """The SUMMARY's path relative to the root: beside the plan where `<output>` names none, and, with a
    warning, where it names several, another plan's, or one that is absolute, unfilled or outside the root."""
    beside = str(PurePosixPath(source.path).parent / f"{_own_name(source.path, number)}-SUMMARY.md")
    if element is None:
        return beside
    text = inner_text(source, element)
    named = list(dict.fromkeys(_QUOTED.findall(text) or _BARE.findall(text)))
    if not named:
        return beside
    if len(named) > 1:
        fault = f"<output> names several summaries ({', '.join(named)})"
    elif wrong := _fault(named[0], root) or _not_mine(named[0], beside, number):
        fault = f"<output> names {named[0]!r}, which {wrong}"
    else:
        return str(PurePosixPath(named[0]))
    source.warn(f"{fault}: the summary is written to {beside}", source.text.index(named[0], element.begin))
    return beside


def _own_name(path: str, number: str) -> str:
    """What a plan is called beside its summary: its number, or its file's name where that says another."""
    stem = PurePosixPath(path).name.removesuffix("PLAN.md").removesuffix("-")
    numbers, own = split_plan(stem), split_plan(number)
    return stem if stem and (numbers is None or own is None or numbers[:2] != own[:2]) else number


def _not_mine(path: str, beside: str, number: str) -> str | None:
    """A plan that was copied keeps the summary of the one it was copied from."""
    name = PurePosixPath(path).name
    own, named = split_plan(number), split_plan(name.removesuffix("SUMMARY.md").rstrip("-"))
    if name != PurePosixPath(beside).name and own and named and named[:2] != own[:2]:
        return f"is another plan's: this one is {number}"
    return None


def _fault(path: str, root: Path) -> str | None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or path.startswith("~") or re.match(r"[A-Za-z]:|\\", path):
        return "is not relative to the root"
    if _PLACEHOLDER.search(path):
        return "has a placeholder that was not filled in"
    if wrong := _leading_out(root, path):
        return wrong
    if pure.parts[0] == ".planning" and not (root / pure.parent).is_dir():
        return "is in a folder that is not there"
    return None


def _leading_out(root: Path, path: str) -> str | None:
    """Why a path does not stay below the root, symbolic links followed."""
    try:
        inside = (root / path).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError) as error:
        return f"cannot be resolved: {error}"
    return None if inside and ".." not in PurePosixPath(path).parts else "leads outside the root"
