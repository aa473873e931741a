"""RDNA 3: "RDNA3 Instruction Set Architecture", chapter "Microcode Formats"."""

from __future__ import annotations

from scripts.decoding.layouts import Field, Layout, Test, bits, dpp, flag, number, scalar, source, vector

_NULL = 124
_TFE = 1 << 53
"""A load that also returns whether it failed: not decoded."""
_SIMM16 = number("simm16", 0, 16)
_SCALAR = (scalar("ssrc0", 0, 0),)
_SOURCES = (source("src0", 32, 0), source("src1", 41, 1), source("src2", 50, 2))
_OUTPUT = (flag("omod", 59, 2), *bits("neg", range(61, 64)))

VOP3 = Layout(
    "VOP3", 2, (16, 10),
    (vector("vdst", 0, 3), *bits("abs", range(8, 11)), *bits("opsel", range(11, 15)), flag("clamp", 15),
     *_SOURCES, *_OUTPUT),
    fixed=0b110101 << 26,
    alternatives=((vector("vdst", 0, 3), scalar("sdst", 8, 0, 7), flag("clamp", 15), *_SOURCES, *_OUTPUT),),
)  # fmt: skip
VOP3P = Layout(
    "VOP3P", 2, (16, 7),
    (vector("vdst", 0, 3), *bits("neg_hi", range(8, 11)), *bits("opsel", range(11, 14)),
     flag("opsel_hi2", 14, 1, (1, 0)), flag("clamp", 15), *_SOURCES,
     *bits("opsel_hi", range(59, 61), (1, 0)), *bits("neg", range(61, 64))),
    fixed=0b11001100 << 24,
)  # fmt: skip
VOP1 = Layout("VOP1", 1, (9, 8), (vector("vdst", 17, 3), source("src0", 0, 0)), fixed=0b0111111 << 25)
VOP2 = Layout("VOP2", 1, (25, 6), (vector("vdst", 17, 3), source("src0", 0, 0), vector("vsrc1", 9, 1)))
VOPC = Layout("VOPC", 1, (17, 8), (source("src0", 0, 0), vector("vsrc1", 9, 1)), fixed=0b0111110 << 25)


def smem(null: int, **caching: int) -> Layout:
    """Scalar memory, by the number of the register that is none and the places of the bits about caches."""
    return Layout(
        "SMEM", 2, (18, 8),
        (scalar("sbase", 0, 1, 6), scalar("sdata", 6, 2, 7),
         *(flag(name, low) for name, low in caching.items()),
         number("offset", 32, 21), scalar("soffset", 57, 0, 7)),
        tests=(Test(57, 7, null, otherwise=8), Test(32, 21, 0, otherwise=16)),
        fixed=0b111101 << 26,
    )  # fmt: skip


def ds(*more: Field) -> Layout:
    """The local data share, with what else a family has."""
    registers = (
        vector("addr", 32, 0), vector("data0", 40, 1), vector("data1", 48, 2), vector("vdst", 56, 3),
    )  # fmt: skip
    return Layout(
        "DS",
        2,
        (18, 8),
        (number("offset", 0, 16), *more, *registers),
        fixed=0b110110 << 26,
        alternatives=((number("offset0", 0, 8), number("offset1", 8, 8), *more, *registers),),
    )


def _flat(name: str, segment: int) -> Layout:
    return Layout(
        name, 2, (18, 7),
        (number("offset", 0, 13), flag("dlc", 13), flag("slc", 15), vector("addr", 32, 0),
         vector("data", 40, 1), scalar("saddr", 48, 0, 7), vector("vdst", 56, 3)),
        tests=(Test(48, 7, _NULL, otherwise=8), Test(14, 1), Test(55, 1)),
        fixed=0b110111 << 26 | segment << 16,
    )  # fmt: skip


def _buffer(name: str, encoding: int, opcode: tuple[int, int], *fields: Field) -> Layout:
    return Layout(
        name, 2, opcode,
        (number("offset", 0, 12), flag("glc", 14), flag("slc", 12), flag("dlc", 13), *fields,
         vector("vaddr", 32, 0), vector("vdata", 40, 1), scalar("srsrc", 48, 0, 5), scalar("soffset", 56, 1)),
        tests=(Test(54, 1), Test(55, 1)),
        zero=_TFE,
        fixed=encoding << 26,
    )  # fmt: skip


def _vopd(part: int, opcode: tuple[int, int], fields: tuple[Field, ...], tests: tuple[Test, ...]) -> Layout:
    # The other half is v_dual_mov_b32 v1, v0; opcode 8 in both.
    other = (8 << 17 | 256 << 32) if part == 0 else (8 << 22 | 256)
    return Layout("VOPDXY"[:4] + "XY"[part], 2, opcode, fields, tests, 0b110010 << 26 | other, part=part)


LAYOUTS = (
    Layout("SOP1", 1, (8, 8), (scalar("sdst", 16, 1, 7), *_SCALAR), fixed=0b101111101 << 23),
    Layout("SOPC", 1, (16, 7), (*_SCALAR, scalar("ssrc1", 8, 1)), fixed=0b101111110 << 23),
    Layout("SOPP", 1, (16, 7), (_SIMM16,), fixed=0b101111111 << 23),
    Layout("SOPK", 1, (23, 5), (scalar("sdst", 16, 1, 7), _SIMM16), fixed=0b1011 << 28),
    Layout("SOP2", 1, (23, 7), (scalar("sdst", 16, 2, 7), *_SCALAR, scalar("ssrc1", 8, 1)), fixed=0b10 << 30),
    smem(_NULL, dlc=13, glc=14),
    VOP1, *dpp(VOP1, 1), VOPC, *dpp(VOPC, 1), VOP2, *dpp(VOP2, 1), VOP3, *dpp(VOP3, 2), VOP3P, *dpp(VOP3P, 2),
    Layout(
        "VINTERP", 2, (16, 7),
        (vector("vdst", 0, 3), flag("waitexp", 8, 3), *bits("opsel", range(11, 15)), flag("clamp", 15),
         *_SOURCES, *bits("neg", range(61, 64))),
        fixed=0b11001101 << 24,
    ),
    Layout(
        "LDSDIR", 1, (20, 2),
        (vector("vdst", 0, 3), vector("attr", 8, 0), flag("waitvdst", 16, 4)),
        fixed=0b11001110 << 24,
    ),
    _vopd(0, (22, 4), (source("src0", 0, 0), vector("vsrc1", 9, 1), vector("vdst", 56, 3)), ()),
    _vopd(
        1, (17, 5), (source("src0", 32, 0), vector("vsrc1", 41, 1), vector("vdst", 49, 3, 7)), (Test(56, 1),)
    ),
    ds(flag("gds", 17, 1, (0, 1))),
    _flat("FLAT", 0), _flat("SCRATCH", 1), _flat("GLOBAL", 2),
    _buffer("MUBUF", 0b111000, (18, 8)),
    _buffer("MTBUF", 0b111010, (15, 4), flag("format", 19, 7, (1,))),
    Layout(
        "MIMG", 2, (18, 8), (flag("dim", 2, 3, tuple(range(8))), flag("dmask", 8, 4, (1, 15))),
        tests=(Test(0, 1),), fixed=0b111100 << 26, named=True,
    ),
    Layout("EXP", 2, (26, 6), (flag("target", 4, 6),), fixed=0b111110 << 26, named=True),
)  # fmt: skip
