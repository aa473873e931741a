"""Where a plan wants its SUMMARY written: the path in `<output>`, or beside the plan."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from rocverify.errors import PlanError
from rocverify.plan.markup import Element
from rocverify.plan.source import SourceText
from rocverify.plan.text import inner_text

_QUOTED = re.compile(r"`([^`\n]*SUMMARY\.md)`")
_BARE = re.compile(r"""[^\s`'"()<>\[\]]*SUMMARY\.md""")
_PLACEHOLDER = re.compile(r"[{}<>*?\[\]]")


def summary_path(source: SourceText, element: Element | None, root: Path, number: str) -> str:
    """The SUMMARY's path relative to the root.

    PlanError if `<output>` names several, or one that is absolute, unfilled or outside the root.
    """
    beside = str(PurePosixPath(source.path).parent / f"{number}-SUMMARY.md")
    if element is None:
        return beside
    text = inner_text(source, element)
    named = list(dict.fromkeys(_QUOTED.findall(text) or _BARE.findall(text)))
    if not named:
        return beside
    if len(named) > 1:
        raise source.error(f"<output> names several summaries: {', '.join(named)}", element.offset)
    _check(source, element, root, named[0])
    return str(PurePosixPath(named[0]))


def _check(source: SourceText, element: Element, root: Path, path: str) -> None:
    fault = _fault(path, root)
    if fault:
        raise source.error(
            f"<output> names {path!r}, which {fault}",
            source.text.index(path, element.begin),
            hint="name a path such as .planning/phases/16-slug/16-01-SUMMARY.md",
        )


def _fault(path: str, root: Path) -> str | None:
    pure = PurePosixPath(path)
    if pure.is_absolute() or path.startswith("~") or re.match(r"[A-Za-z]:|\\", path):
        return "is not relative to the root"
    if _PLACEHOLDER.search(path):
        return "has a placeholder that was not filled in"
    if ".." in pure.parts or not _inside(root, root / path):
        return "leads outside the root"
    return None


def _inside(root: Path, path: Path) -> bool:
    """Whether a path stays below the root, symbolic links followed."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError) as error:
        raise PlanError(f"{path.name} cannot be resolved: {error}") from None
