"""RDNA 2: "RDNA 2 Instruction Set Architecture", chapter "Microcode Formats"."""

from __future__ import annotations

from dataclasses import replace

from scripts.decoding.gfx11 import (
    LAYOUTS as GFX11,
)
from scripts.decoding.gfx11 import (
    VOP1,
    VOP2,
    VOP3,
    VOP3P,
    VOPC,
    smem,
)
from scripts.decoding.layouts import Field, Layout, Test, dpp, flag, number, scalar, sdwa, vector

_NULL, _NOTHING = 125, 127
_TFE = 1 << 55
"""A load that also returns whether it failed: not decoded."""
_BUFFER_TESTS = (Test(12, 1), Test(13, 1))


def _flat(name: str, segment: int) -> Layout:
    return Layout(
        name, 2, (18, 7),
        (number("offset", 0, 12), flag("dlc", 12), flag("slc", 17), vector("addr", 32, 0),
         vector("data", 40, 1), scalar("saddr", 48, 0, 7), vector("vdst", 56, 3)),
        tests=(Test(48, 7, _NULL, otherwise=8), Test(48, 7, _NOTHING, otherwise=8), Test(16, 1), Test(13, 1)),
        fixed=0b110111 << 26 | segment << 14,
    )  # fmt: skip


def _buffer(
    name: str, encoding: int, opcode: tuple[int, int], tests: tuple[Test, ...], *fields: Field
) -> Layout:
    return Layout(
        name, 2, opcode,
        (number("offset", 0, 12), flag("glc", 14), flag("dlc", 15), flag("slc", 54), *fields,
         vector("vaddr", 32, 0), vector("vdata", 40, 1), scalar("srsrc", 48, 0, 5), scalar("soffset", 56, 1)),
        tests=(*_BUFFER_TESTS, *tests),
        fixed=encoding << 26,
        zero=_TFE,
    )  # fmt: skip


_ATTRIBUTE = (
    vector("attr", 32, 0), flag("high", 40),
    *(one for one in VOP3.fields if one.name != "src0"),
)  # fmt: skip
"""The fields of interpolations of halves."""

LAYOUTS = (
    *GFX11[:5],
    smem(_NULL, dlc=14, glc=16),
    VOP1, sdwa(VOP1), *dpp(VOP1, 1), VOPC, sdwa(VOPC), VOP2, sdwa(VOP2), *dpp(VOP2, 1),
    replace(VOP3, alternatives=(*VOP3.alternatives, _ATTRIBUTE)), VOP3P,
    Layout(
        "VINTRP", 1, (16, 2), (vector("vsrc", 0, 0), vector("attr", 8, 1), vector("vdst", 18, 3)),
        fixed=0b110010 << 26,
    ),
    next(one for one in GFX11 if one.name == "DS"),
    _flat("FLAT", 0), _flat("SCRATCH", 1), _flat("GLOBAL", 2),
    _buffer("MUBUF", 0b111000, (18, 8), (Test(16, 1),)),
    _buffer("MTBUF", 0b111010, (16, 3), (Test(53, 1),), flag("format", 19, 7, (1,))),
    Layout(
        "MIMG", 2, (18, 7), (flag("dim", 3, 3, tuple(range(8))), flag("dmask", 8, 4, (1, 15)),
         flag("a16", 62, 1, (0, 1))),
        tests=(Test(0, 1), Test(1, 2)), fixed=0b111100 << 26, named=True,
    ),
    Layout("EXP", 2, (26, 6), (flag("target", 4, 6),), fixed=0b111110 << 26, named=True),
)  # fmt: skip
