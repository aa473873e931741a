"""The C++ types of a kernel's parameters, from its name or its source: the metadata has their sizes only."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rocverify.kernel_names import at_commas, parameter_types
from rocverify.toolchain.code_metadata import KernelArg

FLOAT_TYPES = frozenset({"float", "double"})
HALF_TYPES = frozenset({"_Float16", "__half", "half", "__fp16"})
BFLOAT_TYPES = frozenset({"__bf16", "__hip_bfloat16", "hip_bfloat16"})
SIGNED = frozenset({"int", "short", "long", "long long", "signed char"})
UNSIGNED = frozenset(
    {"unsigned int", "unsigned", "unsigned short", "unsigned long", "unsigned long long", "unsigned char"}
)

_ELEMENT_BYTES = {
    **dict.fromkeys(("char", "signed char", "unsigned char", "bool"), 1),
    **dict.fromkeys(("short", "unsigned short", *HALF_TYPES, *BFLOAT_TYPES), 2),
    **dict.fromkeys(("int", "unsigned int", "unsigned", "float"), 4),
    **dict.fromkeys(("long", "unsigned long", "long long", "unsigned long long", "double"), 8),
}

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_QUALIFIER = re.compile(r"\b(?:const|volatile|__restrict__|__restrict|restrict)\b")
_NAMED = re.compile(r"(?P<type>.*?[\s*&])\s*(?P<name>[A-Za-z_]\w*)?\s*", re.DOTALL)


def types_of(readable: str, takes: Sequence[KernelArg], source: str, name: str) -> tuple[str | None, ...]:
    """The type of each parameter, None where nothing tells: by the demangled name, else by the source."""
    known = parameter_types(readable) or source_parameter_types(source, name) or ()
    return tuple(known) if len(known) == len(takes) else tuple(arg.type_name for arg in takes)


def is_float_type(type_name: str | None) -> bool:
    """Whether it is known to be a floating-point number."""
    return type_name in FLOAT_TYPES | HALF_TYPES | BFLOAT_TYPES


def is_integer_type(type_name: str | None) -> bool:
    """Whether it is known to be an integer."""
    return type_name in SIGNED | UNSIGNED | {"bool", "char"}


def element_bytes(type_name: str | None) -> int | None:
    """The size of what a pointer of this type points to; None where it is not a plain type."""
    if type_name is None or not type_name.endswith("*"):
        return None
    words = [word for word in type_name[:-1].split() if word not in ("const", "volatile", "__restrict__")]
    return _ELEMENT_BYTES.get(" ".join(words))


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
