"""Which compiler flags a build manifest may ask for: those that say what machine code is made, and no others.

A manifest is part of the project under verification. A flag that loads a plugin, reads or writes other files
or passes options on to another tool would let it decide what is verified, so flags are listed, not forbidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_FLOATS = (
    "fast-math", "finite-math-only", "signed-zeros", "reciprocal-math", "associative-math",
    "unsafe-math-optimizations", "approx-func", "trapping-math", "math-errno", "honor-nans",
    "honor-infinities", "rounding-math", "gpu-approx-transcendentals", "cuda-approx-transcendentals",
    "gpu-flush-denormals-to-zero", "cuda-flush-denormals-to-zero",
    "hip-fp32-correctly-rounded-divide-sqrt",
)  # fmt: skip
_CODE = (
    "exceptions", "rtti", "unroll-loops", "inline", "inline-functions", "vectorize", "slp-vectorize",
    "strict-aliasing", "wrapv", "builtin", "hip-new-launch-api", "convergent-functions",
)  # fmt: skip
_ALLOWED = re.compile(
    r"-O([0123sgz]|fast)?|--?std=[\w+]+|-[DU]\w+(\([\w, .]*\))?(=.*)?"
    r"|-g[0-3]?|-gline-tables-only|-gdwarf-[2-5]"
    rf"|-f(no-)?({'|'.join(_FLOATS)}|{'|'.join(_CODE)})|-fno-gpu-rdc"
    r"|-ffp-contract=[\w-]+|-ffp-model=\w+|-ffp-exception-behavior=\w+"
    r"|-fdenormal-fp-math(-f32)?=[\w,-]+|-fgpu-default-stream=[\w-]+"
    r"|-mcode-object-version=\d|-m(no-)?(wavefrontsize64|cumode|tgsplit|unsafe-fp-atomics|amdgpu-ieee)"
    r"|-mprintf-kind=\w+|-W(?![alp]\b)[A-Za-z][\w=+-]*|-w|-pedantic|-nogpuinc|-nogpulib",
    re.DOTALL,
)
_WITH_NEXT = ("-D", "-U")


def refused_flag(flags: Sequence[str], allowed: Sequence[str] = ()) -> str | None:
    """The first flag that is neither listed nor among those the user has `allowed`; None if all are.

    Folders of `-I` are not judged here.
    """
    words = iter(flags)
    for flag in words:
        if flag in allowed or _ALLOWED.fullmatch(flag):
            continue
        if flag in _WITH_NEXT and (value := next(words, None)) is not None:
            if not _ALLOWED.fullmatch(flag + value):
                return f"{flag} {value}"
        elif flag == "-I" and next(words, None) is not None:
            continue
        elif not (flag.startswith("-I") and len(flag) > len("-I")):
            return flag
    return None


def include_folders(flags: Sequence[str]) -> Iterator[str]:
    """The folders that `-I` names, as written."""
    words = iter(flags)
    for flag in words:
        if flag == "-I":
            yield next(words, "")
        elif flag.startswith("-I"):
            yield flag[len("-I") :]
