"""Parts of an instruction's text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rocverify.device.emulator.isa.operands import split_operands, split_outside

WITHOUT_COMMAS = ("s_waitcnt", "s_waitcnt_depctr", "s_wait_alu", "s_delay_alu")
FLAGS = {
    "glc", "slc", "dlc", "offen", "idxen", "lds", "gds", "tfe", "lwe", "high", "bound_ctrl", "row_mirror",
    "row_half_mirror", "row_bcast", "neg", "clamp", "scc", "nv", "sc0", "sc1", "nt", "unorm", "da", "r128",
    "d16", "done", "vm", "compr", "addr64",
}  # fmt: skip
_IMAGE_FLAGS = {"a16"}
"""Elsewhere, an accumulation register."""
_MODIFIER = re.compile(r"([a-z_0-9]+):(\[[^\]]*\]|[-\w.]+(?:\([^)]*\))?)$")
_BARS = re.compile(r"\|(\w+), (vcc\w*)\|")
"""LLVM 19 writes the bars of an absolute value behind VCC where that is read without being named."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Mnemonic with its suffix, operands, and modifiers in the order in which they are written."""

    mnemonic: str
    operands: tuple[str, ...]
    modifiers: tuple[str, ...]


def split(text: str) -> Parts:
    """The parts of one instruction's text."""
    mnemonic, _, rest = _BARS.sub(r"|\1|, \2", text).partition(" ")
    if mnemonic in WITHOUT_COMMAS:
        return Parts(mnemonic, (rest,) if rest else (), ())
    words = split_outside(rest, " ")
    modifiers: list[str] = []
    flags = FLAGS | _IMAGE_FLAGS if mnemonic.startswith("image_") else FLAGS
    while words and (words[-1] in flags or _MODIFIER.fullmatch(words[-1])):
        modifiers.insert(0, words.pop())
    return Parts(mnemonic, tuple(split_operands(" ".join(words))), tuple(modifiers))
