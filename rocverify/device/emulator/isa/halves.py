"""Halves of vector registers, which RDNA 3 and 4 have 16-bit operands in, and LLVM 19 has no names for.

Its tables (decoding.py) know these operands as the whole registers v0 to v127; later compilers, as Triton's,
put values into the upper halves too. VOP1, VOP2 and VOPC have the half in the highest bit of the register's
number, VOP3 in OP_SEL: which of its bits is which operand's, halves.json has (scripts/decoding/halves.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

_LOW = 128
"""Registers of which the halves have names."""

Bits = Mapping[int, int]
"""For operands by their place, the bit that says whether it is the upper half."""


def of_table(name: str) -> Mapping[str, Bits]:
    """For VOP3's instructions of a table by their mnemonics; none for a family without halves."""
    return next((rows for family, rows in _all().items() if name.startswith(family)), {})


@cache
def _all() -> Mapping[str, Mapping[str, Bits]]:
    data = json.loads((files(__package__) / "families" / "halves.json").read_text())
    return {family: {name: dict(bits) for name, bits in rows.items()} for family, rows in data.items()}


def with_upper_halves(runs: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """A table of an operand field (see decoding_table.texts_of). Where its registers end at v127 it is that
    of a 16-bit operand, and the numbers from there on are upper halves."""
    found = list(runs)
    for run in runs:
        if len(run) == 5 and list(run[1:]) == [_LOW, "v{}", [0], [1]]:
            found.append([run[0] + _LOW, _LOW, "v{}.h", [0], [1]])
    return found
