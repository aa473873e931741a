"""Patterns that would be found in almost any file, and so prove nothing of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rocverify.code.search import Matcher
from rocverify.settings import Settings

_SAMPLES = (
    "import os\nfrom typing import Any\n\nBASE: int = 4\n\n\nclass Reader:\n"
    "    def lines(self, path: str) -> list:\n"
    '        if not path:\n            raise ValueError("nothing to read")\n        return [path]\n',
    "#include <stdio.h>\n\nstatic int total = 0;\n\nvoid add(const float* p, int n) {\n"
    "  for (int i = 0; i < n; ++i) { total += p[i] > 1.0f; }\n}\n",
    "use std::fmt;\n\npub struct Size { width: usize }\n\nimpl Size {\n    pub fn area(&self) -> usize {\n"
    "        let side = self.width;\n        side * side\n    }\n}\n",
    '[package]\nname = "reader"\nversion = "0.1.0"\n\n[dependencies]\nregex = "1"\n',
)
"""Small files in four languages. What three of them hold, any file holds."""

_WORDS = frozenset(
    {
        *("import", "from", "class", "self", "None", "True", "False", "pass", "with", "raise", "return"),
        *("const", "static", "void", "float", "double", "unsigned", "char", "bool", "include", "define"),
        *("extern", "struct", "public", "private", "impl", "while", "else", "elif", "name", "version"),
        *("main", "test", "data", "value", "size", "type", "list", "dict", "args"),
    }
)
"""Words of four letters and more that are no file's own."""

_FILES = 60
_LARGEST = 200_000


class Commonness:
    """The files of a project that patterns are compared with: hosts, kernels, contracts, the root's."""

    def __init__(self, root: Path, settings: Settings) -> None:
        globs = (
            *settings.host_globs,
            *settings.kernel_globs,
            *settings.contract_globs,
            settings.manifest,
            "*",
        )
        self._texts = list(_texts(root, globs))

    def vacuous(self, pattern: Matcher, matched: str) -> str | None:
        """Why a pattern that was found (its first match is `matched`) proves nothing; None if it may.

        It stands in files of any language, or in most of the project's, without one name of its own.
        """
        if not matched.strip():
            return "it matches where there is nothing but white space"
        if sum(_is_in(pattern, text) for text in _SAMPLES) >= len(_SAMPLES) - 1:
            return "it is found in files of any language"
        if _is_specific(matched):
            return None
        found = sum(_is_in(pattern, text) for text in self._texts)
        if len(self._texts) >= 4 and found > 0.6 * len(self._texts):
            return f"it is found in {found} of {len(self._texts)} files of the project"
        return None


def _is_specific(text: str) -> bool:
    """Whether a text has a name that is not every file's."""
    return any(word not in _WORDS for word in re.findall(r"[^\W\d]\w{3,}", text))


def _is_in(pattern: Matcher, text: str) -> bool:
    return next(pattern.spans(text), None) is not None


def _texts(root: Path, globs: tuple[str, ...]) -> Iterator[str]:
    paths = sorted({path for glob in globs for path in root.glob(glob) if path.is_file()})
    step = max(1, len(paths) // _FILES)
    for path in paths[::step]:
        if path.stat().st_size <= _LARGEST:
            text = path.read_bytes()
            if b"\0" not in text:
                yield text.decode("utf-8", "replace")
