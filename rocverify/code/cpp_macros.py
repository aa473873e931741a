"""Functions that macros define: `DEFINE_ROPE(rope_kernel_f16, _Float16)` at file scope.

Only function-like macros of the same file whose body has a function body are expanded, with `##` and
stringification; nothing else of the preprocessor is imitated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

_DIRECTIVE = regex.compile(r"^[ \t]*#[ \t]*(?P<name>\w*)(?P<rest>(?:\\\r?\n|[^\n])*)", regex.MULTILINE)
_MACRO = regex.compile(r"\s*(?P<name>[A-Za-z_]\w*)(?P<parameters>\([^()]*\))?(?P<body>.*)", regex.DOTALL)
_PASTE = regex.compile(r"\s*##\s*")


@dataclass(frozen=True, slots=True)
class Macro:
    """A #define: its name, its parameters (None: object-like), its body, and where the name stands."""

    name: str
    parameters: tuple[str, ...] | None
    body: str
    offset: int

    @property
    def defines_functions(self) -> bool:
        return self.parameters is not None and "{" in self.body

    @property
    def marks_kernels(self) -> bool:
        """True for `#define KERNEL extern "C" __global__`."""
        return self.parameters is None and "__global__" in self.body

    def expanded(self, arguments: list[str]) -> str:
        """The body with its parameters replaced."""
        given = dict(zip(self.parameters or (), arguments, strict=False))
        text = regex.sub(r"#\s*(?!#)(?<!##)([A-Za-z_]\w*)", _quoted, self.body.replace("\\\n", "\n"))
        text = regex.sub(r"[A-Za-z_]\w*", lambda m: given.get(m[0], m[0]), text)
        return _PASTE.sub("", text)


def _quoted(found: regex.Match[str]) -> str:
    before = found.string[: found.start()].rstrip()
    return found[0] if before.endswith("#") else '""'


def macros_of(code: str) -> list[Macro]:
    """The macros that a source defines, comments being blanked already."""
    found = []
    for directive in _DIRECTIVE.finditer(code):
        macro = _MACRO.match(directive["rest"]) if directive["name"] == "define" else None
        if macro is not None:
            offset = directive.start("rest") + macro.start("name")
            found.append(Macro(macro["name"], _parameters(macro), macro["body"], offset))
    return found


def _parameters(macro: regex.Match[str]) -> tuple[str, ...] | None:
    text = macro["parameters"]
    return None if text is None else tuple(p.strip() for p in text[1:-1].split(","))


def without_directives(code: str) -> str:
    """The source with preprocessor lines blanked."""
    return _DIRECTIVE.sub(lambda m: regex.sub(r"\S", " ", m[0]), code)


def invocations(body: str, macros: list[Macro]) -> Iterator[tuple[int, int, str]]:
    """Uses of macros that define functions: where each begins and ends, and what it expands to."""
    for macro in macros:
        if macro.defines_functions:
            for found in regex.finditer(rf"\b{macro.name}\s*\(", body):
                arguments, end = _arguments(body, found.end())
                yield found.start(), end, macro.expanded(arguments)


def _arguments(text: str, start: int) -> tuple[list[str], int]:
    """The arguments behind an opening parenthesis, split at its own commas, and the end of the list."""
    arguments, depth, begin = [], 1, start
    for i in range(start, len(text)):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth == 0 or (depth == 1 and text[i] == ","):
            arguments.append(text[begin:i].strip())
            begin = i + 1
        if depth == 0:
            return arguments, i + 1
    return arguments, len(text)
