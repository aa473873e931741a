"""Parameter types of a kernel as its source spells them: an `extern "C"` kernel's name does not tell them."""

from __future__ import annotations

import re

from rocverify.toolchain.kernel_names import at_commas

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_QUALIFIER = re.compile(r"\b(?:const|volatile|__restrict__|__restrict|restrict)\b")
_NAMED = re.compile(r"(?P<type>.*?[\s*&])\s*(?P<name>[A-Za-z_]\w*)?\s*", re.DOTALL)


def source_parameter_types(source: str, kernel: str) -> tuple[str, ...] | None:
    """`("float*", "int")` for `__global__ void k(const float* __restrict__ x, int n)`; None where the source
    does not show such a kernel. Types behind macros and typedefs are given as they stand there."""
    text = _COMMENT.sub(" ", source)
    for found in re.finditer(rf"__global__[^;{{}}]*?\b{re.escape(kernel)}\s*\(", text):
        inside = _balanced(text, found.end())
        if inside is None:
            continue
        if inside.strip() in ("", "void"):
            return ()
        return tuple(_type(part) for part in at_commas(inside))
    return None


def _balanced(text: str, start: int) -> str | None:
    """What stands up to the parenthesis that closes the one before `start`."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return text[start:at]
    return None


def _type(parameter: str) -> str:
    plain = _QUALIFIER.sub(" ", parameter.partition("=")[0]).strip()
    match = _NAMED.fullmatch(plain)
    words = (match["type"] if match else plain).split()
    return " ".join(words).replace(" *", "*")
