"""The names that kernels have in their source, from those in code objects."""

from __future__ import annotations

import re

_LENGTH = re.compile(r"\d+")


def source_name(symbol: str) -> str:
    """The last part of what a symbol of C++ names (`fill` of `_ZN3gpu4fillEPf`); any other symbol itself."""
    if not symbol.startswith("_Z"):
        return symbol
    rest = symbol[2:].lstrip("NL").lstrip("rVK")
    name = ""
    while (found := _LENGTH.match(rest)) is not None:
        end = found.end() + int(found[0])
        name, rest = rest[found.end() : end], rest[end:]
    return name or symbol
