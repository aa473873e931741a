"""Microcode formats of RDNA 2, by what the assembler encodes."""

from __future__ import annotations

from io import BytesIO

import pytest
from elftools.elf.elffile import ELFFile

from rocverify.device.emulator.isa.decoding import decoder
from rocverify.device.emulator.isa.encodings import GFX10
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics.known_instructions import Knowledge

FORMS = {
    "s_mov_b32 s1, s2": "SOP1",
    "s_add_u32 s1, s2, s3": "SOP2",
    "s_cmp_eq_u32 s1, s2": "SOPC",
    "s_movk_i32 s1, 5": "SOPK",
    "s_nop 0": "SOPP",
    "s_load_dword s1, s[2:3], 0x0": "SMEM",
    "v_mov_b32_e32 v1, v2": "VOP1",
    "v_mov_b32_e64 v1, v2": "VOP3",
    "v_mov_b32_sdwa v1, v2 src0_sel:BYTE_0": "VOP1_SDWA",
    "v_mov_b32_dpp v1, v2 quad_perm:[1,0,2,3] row_mask:0xf bank_mask:0xf": "VOP1_DPP16",
    "v_mov_b32_dpp v1, v2 dpp8:[7,6,5,4,3,2,1,0]": "VOP1_DPP8",
    "v_mov_b32_dpp v1, v2 dpp8:[7,6,5,4,3,2,1,0] fi:1": "VOP1_DPP8",
    "v_add_f32_e32 v1, v2, v3": "VOP2",
    "v_add_f32_sdwa v1, v2, v3 src0_sel:WORD_1 src1_sel:DWORD": "VOP2_SDWA",
    "v_add_f32_dpp v1, v2, v3 row_shr:1 row_mask:0xf bank_mask:0xf": "VOP2_DPP16",
    "v_add_f32_e64 v1, v2, v3": "VOP3",
    "v_cmp_lt_f32_e32 vcc_lo, v2, v3": "VOPC",
    "v_cmp_lt_f32_sdwa vcc_lo, v2, v3 src0_sel:WORD_1 src1_sel:DWORD": "VOPC_SDWA",
    "v_pk_add_f16 v1, v2, v3": "VOP3P",
    "ds_read_b32 v1, v2": "DS",
    "flat_load_dword v1, v[2:3]": "FLAT",
    "scratch_load_dword v1, v2, off": "SCRATCH",
    "global_load_dword v1, v[2:3], off": "GLOBAL",
    "buffer_load_dword v1, off, s[4:7], s3": "MUBUF",
    "tbuffer_load_format_x v1, off, s[4:7], format:1, s3": "MTBUF",
    "image_load v1, v[2:3], s[4:11] dmask:0x1 dim:SQ_RSRC_IMG_2D": "MIMG",
    "exp mrt0 v1, v2, v3, v4": "EXP",
    "v_interp_p1_f32 v1, v2, attr0.x": "VINTRP",
}


@pytest.mark.parametrize("line", FORMS)
def test_an_instruction_has_the_format_of_its_encoding(assembler: Assembler, line: str) -> None:
    code = _text(Knowledge(assembler.mc, "gfx1030").object_file([line]))
    known = decoder("gfx1030", GFX10)
    assert known is not None
    found = known.decode(int.from_bytes(code, "little"), len(code))
    assert found is not None
    assert found.format == FORMS[line]


def _text(data: bytes) -> bytes:
    return bytes(ELFFile(BytesIO(data)).get_section_by_name(".text").data())
