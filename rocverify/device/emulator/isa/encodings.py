"""Which microcode format an instruction has, by the bits of its dwords: one table for each family.

Sources: "RDNA3 Instruction Set Architecture" and RDNA 2's, chapter "Microcode Formats" (the encoding field of
each format, SRC0 values of DPP, SEG of the memory format). A further family is a further table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Bits(NamedTuple):
    """A field of the encoding: bits `high` to `low` of dword `dword` hold `value`."""

    dword: int
    high: int
    low: int
    value: int

    def holds(self, words: Sequence[int]) -> bool:
        """Whether these dwords have the field's value; never where they end before it."""
        if self.dword >= len(words):
            return False
        return words[self.dword] >> self.low & (1 << self.high - self.low + 1) - 1 == self.value


class Format(NamedTuple):
    """A microcode format and the fields that tell it from all others. `variant` follows the name where
    formats of one name have tables of their own."""

    name: str
    fields: tuple[Bits, ...]
    variant: str = ""

    @property
    def table(self) -> str:
        """The name of its table of instructions."""
        return self.name + self.variant


def _first(high: int, low: int, value: int) -> Bits:
    return Bits(0, high, low, value)


_DPP16, _DPP8, _DPP8FI = 250, 233, 234
"""SRC0 values that announce a dword of lane control; the last two differ in fetching inactive lanes."""


def _with_dpp(name: str, dword: int, *fields: Bits) -> tuple[Format, ...]:
    """A vector format, first with the SRC0 values that announce DPP; `dword` is where SRC0 lies."""
    variants = (("_DPP16", _DPP16, ""), ("_DPP8", _DPP8, ""), ("_DPP8", _DPP8FI, "FI"))
    return (
        *(
            Format(name + suffix, (*fields, Bits(dword, 8, 0, source)), variant)
            for suffix, source, variant in variants
        ),
        Format(name, fields),
    )


GFX11 = (
    Format("SOP1", (_first(31, 23, 0b101111101),)),
    Format("SOPC", (_first(31, 23, 0b101111110),)),
    Format("SOPP", (_first(31, 23, 0b101111111),)),
    Format("SOPK", (_first(31, 28, 0b1011),)),
    Format("SOP2", (_first(31, 30, 0b10),)),
    Format("SMEM", (_first(31, 26, 0b111101),)),
    *_with_dpp("VOP1", 0, _first(31, 25, 0b0111111)),
    *_with_dpp("VOPC", 0, _first(31, 25, 0b0111110)),
    *_with_dpp("VOP2", 0, _first(31, 31, 0)),
    *_with_dpp("VOP3", 1, _first(31, 26, 0b110101)),
    *_with_dpp("VOP3P", 1, _first(31, 24, 0b11001100)),
    Format("VINTERP", (_first(31, 24, 0b11001101),)),
    Format("LDSDIR", (_first(31, 24, 0b11001110),)),
    Format("VOPD", (_first(31, 26, 0b110010),)),
    Format("DS", (_first(31, 26, 0b110110),)),
    Format("FLAT", (_first(31, 26, 0b110111), _first(17, 16, 0))),
    Format("SCRATCH", (_first(31, 26, 0b110111), _first(17, 16, 1))),
    Format("GLOBAL", (_first(31, 26, 0b110111), _first(17, 16, 2))),
    Format("MUBUF", (_first(31, 26, 0b111000),)),
    Format("MTBUF", (_first(31, 26, 0b111010),)),
    Format("MIMG", (_first(31, 26, 0b111100),)),
    Format("EXP", (_first(31, 26, 0b111110),)),
)
"""In this order: the first format whose fields hold is the instruction's."""

_SDWA = 249
"""The SRC0 value that announces a dword of sub-dword selectors."""


def _with_sdwa(name: str, *fields: Bits) -> Format:
    return Format(f"{name}_SDWA", (*fields, Bits(0, 8, 0, _SDWA)))


_VOP1, _VOPC, _VOP2 = _first(31, 25, 0b0111111), _first(31, 25, 0b0111110), _first(31, 31, 0)
_OLD_FLAT = _first(31, 26, 0b110111)

GFX10 = (
    *(one for one in GFX11 if one.name.startswith("S") and one.name != "SCRATCH"),
    _with_sdwa("VOP1", _VOP1),
    *_with_dpp("VOP1", 0, _VOP1),
    _with_sdwa("VOPC", _VOPC),
    Format("VOPC", (_VOPC,)),
    _with_sdwa("VOP2", _VOP2),
    *_with_dpp("VOP2", 0, _VOP2),
    Format("VOP3", (_first(31, 26, 0b110101),)),
    Format("VOP3P", (_first(31, 24, 0b11001100),)),
    Format("VINTRP", (_first(31, 26, 0b110010),)),
    Format("FLAT", (_OLD_FLAT, _first(15, 14, 0))),
    Format("SCRATCH", (_OLD_FLAT, _first(15, 14, 1))),
    Format("GLOBAL", (_OLD_FLAT, _first(15, 14, 2))),
    *(one for one in GFX11 if one.name in ("DS", "MUBUF", "MTBUF", "MIMG", "EXP")),
)
"""As GFX11."""

_VECTOR_MEMORY = (0b11101100, 0b11101101, 0b11101110)

GFX12 = (
    *(one for one in GFX11 if one.name not in ("FLAT", "SCRATCH", "GLOBAL", "MUBUF", "MTBUF", "MIMG", "EXP")),
    *(
        Format(name, (_first(31, 24, encoding),))
        for name, encoding in zip(("FLAT", "SCRATCH", "GLOBAL"), _VECTOR_MEMORY, strict=True)
    ),
    Format("MTBUF", (_first(31, 26, 0b110001), _first(21, 18, 0b1000))),
    Format("MUBUF", (_first(31, 26, 0b110001),)),
    Format("VIMAGE", (_first(31, 26, 0b110100),)),
    Format("VSAMPLE", (_first(31, 26, 0b111001),)),
    Format("EXP", (_first(31, 26, 0b111110),)),
)
"""As GFX11. Names of formats stay those of RDNA 3's manual where RDNA 4's has V before them."""

_OLD_VOP3 = _first(31, 26, 0b110100)
_OLD_VOP3P = _first(31, 23, 0b110100111)


def _matrix(*fields: Bits) -> tuple[Format, ...]:
    """Matrix instructions: opcodes of VOP3P that say for themselves whether registers are accumulators. The
    opcodes of a variant share a mask of bits; which instructions there are, the tables say."""
    return tuple(
        Format("VOP3P", (_OLD_VOP3P, one), variant)
        for one, variant in zip(fields, ("MAI", "MAIXF"), strict=True)
    )


GFX9 = (
    *(one for one in GFX11 if one.name in ("SOP1", "SOPC", "SOPP", "SOPK", "SOP2")),
    Format("SMEM", (_first(31, 26, 0b110000),)),
    _with_sdwa("VOP1", _VOP1),
    Format("VOP1_DPP16", (_VOP1, Bits(0, 8, 0, _DPP16))),
    Format("VOP1", (_VOP1,)),
    _with_sdwa("VOPC", _VOPC),
    Format("VOPC", (_VOPC,)),
    _with_sdwa("VOP2", _VOP2),
    Format("VOP2_DPP16", (_VOP2, Bits(0, 8, 0, _DPP16))),
    Format("VOP2", (_VOP2,)),
    *_matrix(_first(22, 22, 1), _first(22, 17, 0b011111)),
    Format("VOP3P", (_OLD_VOP3P,)),
    Format("VOP3", (_OLD_VOP3,)),
    Format("DS", (_first(31, 26, 0b110110),)),
    Format("FLAT", (_OLD_FLAT, _first(15, 14, 0))),
    Format("SCRATCH", (_OLD_FLAT, _first(15, 14, 1))),
    Format("GLOBAL", (_OLD_FLAT, _first(15, 14, 2))),
    *(one for one in GFX11 if one.name in ("MUBUF", "MTBUF")),
    Format("MIMG", (_first(31, 26, 0b111100),)),
)
"""As GFX11. CDNA has no exports and no interpolation."""
