"""What of a source can never run or be compiled: it counts as no code."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path

from rocverify.code import conditionals
from rocverify.code.conditionals import Preprocess
from rocverify.code.languages import is_c_family, is_python
from rocverify.code.liveness import dead_statements
from rocverify.code.masking import Mask, Span
from rocverify.code.modules import ModuleTable
from rocverify.code.python_mask import node_spans
from rocverify.errors import SourceError
from rocverify.settings import Settings


class DeadCode:
    """Dead code of the sources under a root, each looked at once.

    `preprocess` asks a compiler which branches of conditionals it takes; else plain ones are evaluated.
    """

    def __init__(self, root: Path, settings: Settings, preprocess: Preprocess | None) -> None:
        self._root, self._settings, self._preprocess = root, settings, preprocess
        self._known: dict[str, tuple[Span, ...]] = {}

    def spans(self, path: str, masked: Mask, modules: ModuleTable) -> tuple[Span, ...]:
        """Python statements that can never run, C and C++ that is never compiled; nothing elsewhere."""
        if path not in self._known:
            found: tuple[Span, ...] = ()
            if is_python(path):
                found = _of_python(path, masked, modules)
            elif is_c_family(path):
                found = self._branches(path, masked)
            self._known[path] = found
        return self._known[path]

    def _branches(self, path: str, masked: Mask) -> tuple[Span, ...]:
        found = conditionals.branches(masked.code)
        if not found:
            return ()
        kept = None
        if self._preprocess is not None:
            kept = self._preprocess(path, conditionals.marked(masked.text, found))
        if kept is None:
            dead = conditionals.never_taken(found, self._macros)
        else:
            dead = conditionals.not_kept(found, kept)
        lines = conditionals.dead_lines(found, dead)
        return tuple(_line_spans(masked.text, lines))

    @cached_property
    def _macros(self) -> frozenset[str]:
        """Every macro that a C or C++ file beside the kernels, or a flag of the manifest, defines."""
        globs = self._settings.kernel_globs
        folders = {path.parent for glob in globs for path in self._root.glob(glob)}
        files = (path for folder in folders for path in folder.iterdir() if path.is_file())
        texts = (p.read_text(encoding="utf-8", errors="replace") for p in files if is_c_family(p.name))
        found = {name for text in texts for name in conditionals.defined_names(text)}
        manifest = self._root / self._settings.manifest
        flags = manifest.read_text(encoding="utf-8", errors="replace") if manifest.is_file() else ""
        return frozenset(found | set(re.findall(r"-D\s*(\w+)", flags)))


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
