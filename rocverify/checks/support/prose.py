"""Names of code in English text: what a docstring claims to be a function."""

from __future__ import annotations

import regex

_IDENTIFIER = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_CALLED = regex.compile(rf"(?<![\w.]){_IDENTIFIER}(?=\(\))")
_ROLE = regex.compile(rf":(?:func|meth|py:func|py:meth):`~?({_IDENTIFIER})(?:\(\))?`")
_QUOTED = regex.compile(rf"(?<!`)`{{1,2}}({_IDENTIFIER})(?:\(\))?`{{1,2}}(?!`)")
_ARROW = r"\s*(?:->|→|-->|=>)\s*"
_STEP = rf"`{{0,2}}{_IDENTIFIER}(?:\(\))?`{{0,2}}"
_CHAIN = regex.compile(rf"{_STEP}(?:{_ARROW}{_STEP})+")


def position_of(name: str, text: str) -> int | None:
    """Where a text first mentions a name as a whole word; None if it does not."""
    found = regex.search(rf"(?<![\w.]){regex.escape(name)}(?!\w)", text)
    return found.start() if found else None


def arrow_chains(text: str) -> list[tuple[str, ...]]:
    """The chains `a -> b -> c` of a text whose steps all look like code."""
    chains = []
    for found in _CHAIN.finditer(text):
        steps = regex.split(_ARROW, found[0])
        if all(_looks_like_code(step) for step in steps):
            chains.append(tuple(step.strip("`").removesuffix("()") for step in steps))
    return chains


def mentioned_names(text: str) -> tuple[str, ...]:
    """The names that a text presents as functions: `name()`, Sphinx roles, steps of arrow chains, and
    quoted identifiers with an underscore. In order, each once."""
    found = [(m.start(), m[0]) for m in _CALLED.finditer(text)]
    found += [(m.start(), m[1]) for m in _ROLE.finditer(text)]
    found += [(m.start(), m[1]) for m in _QUOTED.finditer(text) if "_" in m[1].strip("_")]
    found += [(m.start(), name) for m in _CHAIN.finditer(text) for name in _steps_of(m[0])]
    return tuple(dict.fromkeys(name for _, name in sorted(found)))


def _steps_of(chain: str) -> tuple[str, ...]:
    return next(iter(arrow_chains(chain)), ())


def _looks_like_code(step: str) -> bool:
    return "_" in step or "`" in step or step.endswith("()") or "." in step
