"""Whether a word in a sentence can only be a name of the code."""

from __future__ import annotations

import regex

_CODE = regex.compile(r"[_.:\d]|[a-z][A-Z]|[A-Z]{2,}[a-z]")


def is_code(word: str) -> bool:
    """Whether a word can only be a name: `f_g`, `a.b`, `XpLoader`."""
    return _CODE.search(word) is not None


def is_written_as_code(text: str, name: str) -> bool:
    """Whether a text means a name of the code by a word: `f()`, f_g, XpLoader; not the "Tests" that call."""
    escaped = regex.escape(name)
    return is_code(name) or regex.search(rf"`{escaped}|\b{escaped}\(", text) is not None
