"""RDNA 4: "RDNA4 Instruction Set Architecture", chapter "Microcode Formats"."""

from __future__ import annotations

from dataclasses import replace

from scripts.decoding.gfx11 import LAYOUTS as GFX11
from scripts.decoding.gfx11 import VOP1, VOP2, VOP3, VOP3P, VOPC, ds
from scripts.decoding.layouts import Field, Layout, Test, dpp, flag, number, scalar, vector

_NULL = 124
_TFE = 1 << 22
"""A load that also returns whether it failed: not decoded."""
_RETURNS = Test(52, 1)
"""Of an atomic: whether it returns what was there. It is the lowest bit of the temporal hint (TH)."""
_CACHING = replace(flag("cpol", 50, 5), whole=True)
"""SCOPE with TH above it: which names a hint has depends on the scope."""


def _merged(fields: tuple[Field, ...], name: str, low: int) -> tuple[Field, ...]:
    """The fields with the bits `low` and `low + 1` as one: a number."""
    kept = tuple(one for one in fields if one.low not in (low, low + 1))
    return (*kept, flag(name, low, 2))


def _memory(name: str, segment: int) -> Layout:
    return Layout(
        name, 3, (14, 8),
        (scalar("saddr", 0, 0, 7), vector("vdst", 32, 3), _CACHING, vector("data", 55, 1),
         vector("addr", 64, 0), number("offset", 72, 24)),
        tests=(Test(0, 7, _NULL, otherwise=8), _RETURNS, *((Test(49, 1),) if name == "SCRATCH" else ())),
        fixed=0b111011 << 26 | segment << 24,
    )  # fmt: skip


def _buffer(name: str, opcode: tuple[int, int], fixed: int) -> Layout:
    return Layout(
        name, 3, opcode,
        (scalar("soffset", 0, 1, 7), vector("vdata", 32, 1), scalar("srsrc", 41, 0, 7), _CACHING,
         flag("format", 55, 7, (1,)), vector("vaddr", 64, 0), number("offset", 72, 24)),
        tests=(Test(62, 1), Test(63, 1), _RETURNS),
        zero=_TFE,
        fixed=0b110001 << 26 | fixed,
    )  # fmt: skip


def _image(name: str, encoding: int) -> Layout:
    return Layout(
        name, 3, (14, 8),
        (flag("dim", 0, 3, tuple(range(8))), flag("a16", 6, 1, (0, 1)), flag("dmask", 22, 4, (1, 15))),
        fixed=encoding << 26, named=True,
    )  # fmt: skip


_VOP3 = replace(
    VOP3,
    alternatives=(
        *VOP3.alternatives,
        _merged(VOP3.fields, "byte_sel", 11),
        _merged(VOP3.fields, "byte_sel", 13),
    ),
)
_VOP3P = replace(VOP3P, alternatives=(_merged(VOP3P.fields, "index_key", 11),))

LAYOUTS = (
    *GFX11[:5],
    Layout(
        "SMEM", 2, (13, 6),
        (scalar("sbase", 0, 1, 6), scalar("sdata", 6, 2, 7), flag("cpol", 21, 4), number("offset", 32, 24),
         scalar("soffset", 57, 0, 7)),
        tests=(Test(57, 7, _NULL, otherwise=8), Test(32, 24, 0, otherwise=16)),
        fixed=0b111101 << 26,
    ),
    VOP1, *dpp(VOP1, 1), VOPC, *dpp(VOPC, 1), VOP2, *dpp(VOP2, 1),
    _VOP3, *dpp(_VOP3, 2), _VOP3P, *dpp(_VOP3P, 2),
    next(one for one in GFX11 if one.name == "VINTERP"),
    Layout(
        "LDSDIR", 1, (20, 2),
        (vector("vdst", 0, 3), vector("attr", 8, 0), flag("waitvdst", 16, 4), flag("waitvsrc", 23)),
        fixed=0b11001110 << 24,
    ),
    *(one for one in GFX11 if one.part is not None),
    ds(),
    _memory("FLAT", 0), _memory("SCRATCH", 1), _memory("GLOBAL", 2),
    _buffer("MUBUF", (14, 8), 0), _buffer("MTBUF", (14, 4), 0b1000 << 18),
    _image("VIMAGE", 0b110100), _image("VSAMPLE", 0b111001),
    Layout("EXP", 2, (26, 6), (flag("target", 4, 6),), fixed=0b111110 << 26, named=True),
)  # fmt: skip
