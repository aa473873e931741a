"""Functions that macros define: `DEFINE_ROPE(rope_kernel_f16, _Float16)` at file scope.

Only function-like macros of the same file whose body has a function body are expanded, with `##` and
stringification; nothing else of the preprocessor is modelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

_DIRECTIVE = regex.compile(r"^[ \t]*#[ \t]*(?P<name>\w*)(?P<rest>(?:\\\r?\n|[^\n])*)", regex.MULTILINE)
_MACRO = regex.compile(r"\s*(?P<name>[A-Za-z_]\w*)(?P<parameters>\([^()]*\))?(?P<body>.*)", regex.DOTALL)
_STATEMENT = regex.compile(r"(?:\s|\\\n)*(?:(?:do|if|for|while|switch|return|try)\b|[{(\[])")
_OUTER = regex.compile(r"(?:\A|[;{}])\s*(?:inline\s+)?(?:namespace\b[^;{}()]*|extern\s*\"?[\w ]*\"?\s*)\Z")
_ANNOTATION = regex.compile(
    r"(?:\s|\\\n|\b(?:inline|static|extern|\"C\"|__\w+__|__forceinline|__inline)\b|\"C\""
    r"|__(?:attribute__|declspec|launch_bounds__)\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|\[\[[^\]]*\]\])*"
)
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
        """Whether its uses define functions."""
        return self.parameters is not None and "{" in self.body and not _STATEMENT.match(self.body)

    @property
    def is_annotation(self) -> bool:
        """True for `#define API` and `#define INLINE __attribute__((always_inline)) inline`."""
        return self.parameters is None and _ANNOTATION.fullmatch(self.body) is not None

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


def macros_of(code: str, text: str | None = None) -> list[Macro]:
    """The macros that a source defines, comments (and strings) being blanked already. `text`: the same with
    strings, for what the macros hold."""
    whole = code if text is None else text
    found = []
    for directive in _DIRECTIVE.finditer(code):
        macro = _MACRO.match(directive["rest"]) if directive["name"] == "define" else None
        if macro is not None:
            offset = directive.start("rest") + macro.start("name")
            start = directive.start("rest")
            body = whole[start + macro.start("body") : start + macro.end("body")]
            found.append(Macro(macro["name"], _parameters(macro), body, offset))
    return found


def _parameters(macro: regex.Match[str]) -> tuple[str, ...] | None:
    text = macro["parameters"]
    return None if text is None else tuple(p.strip() for p in text[1:-1].split(","))


def without_directives(code: str) -> str:
    """The source with preprocessor lines blanked."""
    return _DIRECTIVE.sub(lambda m: regex.sub(r"\S", " ", m[0]), code)


def invocations(body: str, macros: list[Macro]) -> Iterator[tuple[int, int, str]]:
    """Uses of macros that define functions, in no function's body: where each begins and ends, and what it
    expands to."""
    defining = {m.name: m for m in macros if m.defines_functions}
    if not defining:
        return
    inside: list[bool] = []
    for found in regex.finditer(rf"(?P<sign>[{{}}])|\b(?P<name>{'|'.join(defining)})\s*\(", body):
        if found["sign"] == "{":
            inside.append(_OUTER.search(body[max(0, found.start() - 200) : found.start()]) is None)
        elif found["sign"]:
            inside = inside[:-1]
        elif not any(inside):
            arguments, end = _arguments(body, found.end())
            yield found.start(), end, defining[found["name"]].expanded(arguments)


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
