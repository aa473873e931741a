"""What of a source can never run or be compiled: it counts as no code."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path

from rocverify.code import conditionals
from rocverify.code.conditionals import Preprocess
from rocverify.code.files import build_files, c_sources
from rocverify.code.languages import is_c_family, is_python
from rocverify.code.languages.cpp_text import without_comments
from rocverify.code.languages.python_flow import dead_statements
from rocverify.code.masking import Mask, Span
from rocverify.code.python.modules import ModuleTable
from rocverify.code.python_mask import node_spans
from rocverify.errors import SourceError
from rocverify.settings import Settings

_WORD = re.compile(r"[A-Z_][A-Z0-9_]{2,}")
_FLAG = re.compile(r"-D\s*(\w+)")


class DeadCode:
    """Dead code of the sources under a root, each looked at once.

    `preprocess` asks a compiler which branches of conditionals it takes; else plain ones are evaluated.
    """

    def __init__(self, root: Path, settings: Settings, preprocess: Preprocess | None) -> None:
        self._root, self._settings, self._preprocess = root, settings, preprocess
        self._known: dict[str, tuple[Span, ...]] = {}
        self._lines: dict[str, dict[int, str]] = {}

    def spans(self, path: str, masked: Mask, modules: ModuleTable) -> tuple[Span, ...]:
        """Python statements that can never run, C and C++ that is never compiled; nothing elsewhere."""
        if path not in self._known:
            found: tuple[Span, ...] = ()
            if is_python(path):
                found = _of_python(path, masked, modules)
            elif is_c_family(path):
                found = tuple(_line_spans(masked.text, self.lines(path, masked.text)))
            self._known[path] = found
        return self._known[path]

    def lines(self, path: str, text: str) -> dict[int, str]:
        """The lines of a C, C++ or HIP source that no compiler sees, from 1, and why."""
        if path not in self._lines:
            self._lines[path] = self._unseen(path, text)
        return self._lines[path]

    def _unseen(self, path: str, text: str) -> dict[int, str]:
        if not conditionals.may_have_branches(text):
            return {}
        found = conditionals.branches(without_comments(text))
        if not found:
            return {}
        kept = None
        if self._preprocess is not None:
            kept = self._preprocess(path, conditionals.marked(text, found))
        if kept is None:
            dead = conditionals.never_taken(found, self._macros)
        else:
            dead = conditionals.not_kept(found, kept)
        return conditionals.dead_lines(found, dead)

    @cached_property
    def _macros(self) -> frozenset[str]:
        """Every macro that a C or C++ file of the project, or a file that says how it is built, may
        define."""
        found: set[str] = set()
        for path in c_sources(self._root):
            found |= conditionals.defined_names(self._text(path))
        for path in build_files(self._root):
            found |= set(_WORD.findall(self._text(path)))
        return frozenset(found | set(_FLAG.findall(self._text(self._settings.manifest))))

    def _text(self, path: str) -> str:
        real = self._root / path
        return real.read_text(encoding="utf-8", errors="replace") if real.is_file() else ""


def _of_python(path: str, masked: Mask, modules: ModuleTable) -> tuple[Span, ...]:
    try:
        module = modules.by_path(path)
    except SourceError:  # does not parse: then nothing is known to be dead
        return ()
    return tuple(node_spans(masked.text, dead_statements(module.tree.body)))


def _line_spans(text: str, lines: Collection[int]) -> Iterator[Span]:
    """The characters of lines, from 1."""
    start = 0
    for number, line in enumerate(text.split("\n"), 1):
        if number in lines:
            yield start, start + len(line)
        start += len(line) + 1
