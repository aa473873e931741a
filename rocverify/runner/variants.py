"""Which kernel a symbol is, and which variant of it: template arguments, or what its name says at its end.

`_Z4gemmIfLi64EEvPT_` is the variant `<float, 64>` of `gemm`; `flash_kernel_d64_f16`, which a macro makes for
every tile and element type, is the variant `d64` of `flash_kernel`, for float16.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from rocverify.binding.vocabulary import DTYPE_WORDS
from rocverify.kernel_names import demangled, without_parameters

_SIZED = re.compile(r"(?:[a-z]{0,2}|tile|dim|head|block|warp|wave|seq)\d+(?:x\d+)*")


@dataclass(frozen=True, slots=True)
class Variant:
    """`kernel` is the name that its variants share, `variant` what tells this one from the others (empty: it
    is the only one), `dtype` the element type that the name says, `names` its own names."""

    kernel: str
    variant: str
    dtype: str | None
    names: tuple[str, ...]


@cache
def variant_of(symbol: str) -> Variant:
    """Of a kernel's symbol, mangled or not."""
    name = without_parameters(demangled([symbol])[symbol])
    if name.endswith(">") and "<" in name:
        kernel, _, arguments = name.partition("<")
        short = f"{kernel.rpartition('::')[2]}<{arguments}"
        return Variant(kernel, f"<{arguments}", None, tuple(dict.fromkeys((symbol, name, short))))
    parts = name.split("_")
    taken: list[str] = []
    while len(parts) > 1 and (parts[-1] in DTYPE_WORDS or _SIZED.fullmatch(parts[-1])):
        taken.insert(0, parts.pop())
    marks = "_".join(part for part in taken if part not in DTYPE_WORDS)
    dtype = next((DTYPE_WORDS[part] for part in taken if part in DTYPE_WORDS), None)
    return Variant("_".join(parts), marks, dtype, tuple(dict.fromkeys((symbol, name))))
