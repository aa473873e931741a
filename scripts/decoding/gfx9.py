"""CDNA 2 and 3: "CDNA3 Instruction Set Architecture", chapter "Microcode Formats", and MI200's."""

from __future__ import annotations

from dataclasses import replace

from scripts.decoding.gfx11 import LAYOUTS as GFX11
from scripts.decoding.gfx11 import VOP1, VOP2, VOP3, VOP3P, VOPC
from scripts.decoding.layouts import (
    Field,
    Layout,
    Test,
    bits,
    dpp,
    flag,
    number,
    scalar,
    sdwa,
    source,
    vector,
)

_OFF = 127
_ROW_NEWBCAST = 0x155
_SOURCES = (source("src0", 32, 0), source("src1", 41, 1), source("src2", 50, 2))
_ACCUMULATES = Test(55, 1)
"""Of memory instructions: whether the data is in accumulation registers."""


def _dpp(layout: Layout) -> Layout:
    """Lane control, of which this family has one form, that never fetches inactive lanes. Of 64 bits, it
    knows row_newbcast alone."""
    found = dpp(layout, 1)[0]
    kept = (one for one in found.fields if one.name != "fi")
    return replace(
        found,
        fields=tuple(
            replace(one, bases=(0, _ROW_NEWBCAST), whole=True) if one.name == "ctrl" else one for one in kept
        ),
    )


def _matrix(name: str, fixed: int) -> Layout:
    return Layout(
        name, 2, (16, 7),
        (vector("vdst", 0, 3), flag("cbsz", 8, 3), flag("abid", 11, 4), *_SOURCES, flag("blgp", 61, 3)),
        tests=(Test(15, 1), Test(59, 1), Test(60, 1)),
        fixed=0b110100111 << 23 | fixed,
        alternatives=(
            (vector("vdst", 0, 3), flag("cbsz", 8, 3), flag("abid", 11, 4), *_SOURCES,
             *bits("neg", range(61, 64))),
            (vector("vdst", 0, 3), *_SOURCES),
        ),
    )  # fmt: skip


def _flat(name: str, segment: int) -> Layout:
    scalar_base = (Test(48, 7, _OFF, otherwise=8),) if segment else ()
    return Layout(
        name, 2, (18, 7),
        (number("offset", 0, 13), flag("slc", 17), flag("scc", 25),
         vector("addr", 32, 0), vector("data", 40, 1), vector("vdst", 56, 3),
         *((scalar("saddr", 48, 0, 7),) if segment else ())),
        tests=(*scalar_base, Test(16, 1), Test(13, 1), _ACCUMULATES),
        fixed=0b110111 << 26 | segment << 14,
    )  # fmt: skip


def _buffer(
    name: str, encoding: int, opcode: tuple[int, int], caching: tuple[int, int], *fields: Field
) -> Layout:
    scc, slc = caching
    return Layout(
        name, 2, opcode,
        (number("offset", 0, 12), flag("scc", scc), flag("slc", slc), *fields,
         vector("vaddr", 32, 0), vector("vdata", 40, 1), scalar("srsrc", 48, 0, 5), scalar("soffset", 56, 1)),
        tests=(Test(12, 1), Test(13, 1), Test(14, 1), _ACCUMULATES,
               *((Test(16, 1),) if name == "MUBUF" else ())),
        fixed=encoding << 26,
    )  # fmt: skip


_REGISTERS = (vector("addr", 32, 0), vector("data0", 40, 1), vector("data1", 48, 2), vector("vdst", 56, 3))
_PLACE = (number("offset0", 0, 8), number("offset1", 8, 8))
_GDS = flag("gds", 16, 1, (0, 1))

LAYOUTS = (
    *GFX11[:5],
    Layout(
        "SMEM", 2, (18, 8),
        (scalar("sbase", 0, 1, 6), scalar("sdata", 6, 2, 7), flag("nv", 15), flag("glc", 16),
         number("offset", 32, 21), scalar("soffset", 57, 0, 7)),
        tests=(Test(14, 1), Test(17, 1)), fixed=0b110000 << 26,
        alternatives=(
            (scalar("sbase", 0, 1, 6), scalar("sdata", 6, 2, 7), flag("nv", 15), flag("glc", 16),
             scalar("offset", 32, 0, 7)),
        ),
    ),
    VOP1, sdwa(VOP1), _dpp(VOP1), VOPC, sdwa(VOPC), VOP2, sdwa(VOP2), _dpp(VOP2),
    _matrix("VOP3PMAI", 1 << 22), _matrix("VOP3PMAIXF", 0b11111 << 17),
    replace(VOP3P, fixed=0b110100111 << 23), replace(VOP3, fixed=0b110100 << 26),
    Layout(
        "DS", 2, (17, 8), (number("offset", 0, 16), _GDS, *_REGISTERS), tests=(Test(25, 1),),
        fixed=0b110110 << 26, alternatives=((*_PLACE, _GDS, *_REGISTERS),),
    ),
    _flat("FLAT", 0), _flat("SCRATCH", 1), _flat("GLOBAL", 2),
    _buffer("MUBUF", 0b111000, (18, 7), (15, 17)),
    _buffer("MTBUF", 0b111010, (15, 4), (53, 54), flag("format", 19, 7, (1,))),
    Layout(
        "MIMG", 2, (18, 7), (flag("dmask", 8, 4, (1, 15)), flag("unorm", 12, 1, (0, 1))),
        tests=(Test(0, 1),), fixed=0b111100 << 26, named=True,
    ),
)  # fmt: skip
