"""Every instruction that the emulator executes is in a class, and the arithmetic ones have their count."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rocverify.device.emulator.counters import InstructionClasses
from rocverify.device.emulator.counters.classes import (
    ARITHMETIC,
    SCALAR_ARITHMETIC,
    SMEM_BYTES,
    TRANSCENDENTAL,
    WMMA,
    arithmetic_of,
    class_of,
    is_memory,
    may_write_exec,
)
from rocverify.device.emulator.counters.fields import FIELDS
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.families.rdna3 import RDNA3
from rocverify.device.emulator.isa.operands import parse_operand
from rocverify.device.emulator.translate.lowering.flow import BRANCHES, ENDS
from rocverify.device.emulator.translate.semantics.tables import handlers

HANDLERS = handlers(RDNA3)

NO_ARITHMETIC = re.compile(
    r"[sv]_(min|max|min3|max3|med3|maxmin|minmax|rndne|trunc|floor|ceil|fract|ldexp|frexp_mant|div_scale|div_fixup"
    r"|cmpx?_\w+|cvt_\w+|pk_min|pk_max|pack_b32|pk_minmax|pk_maxmin|cubeid|cubema|cubesc|cubetc|trig_preop)_(f16|bf16|f32|f64)"
    r"|[sv]_(cvt|frexp_exp|pack)_\w+"
)
"""Floating-point instructions that neither add nor multiply."""

DIRECTIONS = ("load", "store", "atomic")
FIELD_NAMES = [name.rpartition(".")[2] for name in FIELDS]
TABLES = (ARITHMETIC, SCALAR_ARITHMETIC, TRANSCENDENTAL, WMMA)
KNOWN = sorted({*HANDLERS, *BRANCHES, *ENDS})


def test_the_documentation_names_every_counter(repo_root: Path) -> None:
    page = (repo_root / "docs/reference/counters.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", page))
    spelled = {f"{space}_{what}" for space in ("global", "flat", "scratch", "lds") for what in DIRECTIONS}
    assert set(FIELD_NAMES) - spelled <= named


def instruction(mnemonic: str, *operands: str) -> Instruction:
    return Instruction(0, 4, mnemonic, "", tuple(parse_operand(text) for text in operands))


def test_every_instruction_has_a_class() -> None:
    kinds = {mnemonic: class_of(instruction(mnemonic)) for mnemonic in KNOWN}
    assert set(kinds.values()) <= set(InstructionClasses.__dataclass_fields__)
    unnamed = [mnemonic for mnemonic, kind in kinds.items() if kind == "other"]
    assert [mnemonic for mnemonic in unnamed if not mnemonic.startswith("ds_gws")] == []


def test_every_float_instruction_is_arithmetic_or_is_not() -> None:
    """A new one has to be put somewhere, and in one place only."""
    unclear = []
    for mnemonic in KNOWN:
        if re.search(r"_b?f(16|32|64)\b", mnemonic) and not is_memory(instruction(mnemonic)):
            tables = sum(mnemonic in table for table in TABLES)
            if tables + (NO_ARITHMETIC.fullmatch(mnemonic) is not None) != 1:
                unclear.append(mnemonic)
    assert unclear == []


@pytest.mark.parametrize(
    ("mnemonic", "expected"),
    [
        ("ds_load_2addr_stride64_b64", "lds_load"),
        ("ds_store_b8_d16_hi", "lds_store"),
        ("ds_storexchg_rtn_b32", "lds_atomic"),
        ("ds_cmpstore_b64", "lds_atomic"),
        ("ds_swizzle_b32", "lds_permute"),
        ("buffer_load_b128", "global_load"),
        ("buffer_atomic_add_f32", "global_atomic"),
        ("buffer_gl1_inv", "cache"),
        ("s_load_b512", "smem"),
        ("s_getpc_b64", "salu"),
        ("s_waitcnt_vscnt", "wait"),
        ("s_delay_alu", "wait"),
        ("s_call_b64", "branch"),
        ("v_nop", "valu"),
        ("v_rsq_f64", "transcendental"),
        ("v_cmp_class_f16", "valu"),
        ("v_readfirstlane_b32", "valu"),
        ("image_load", "other"),
    ],
)
def test_classes_by_name(mnemonic: str, expected: str) -> None:
    assert class_of(instruction(mnemonic)) == expected


def test_every_scalar_load_has_its_size() -> None:
    for name in HANDLERS:
        if re.fullmatch(r"s_(buffer_)?load_b\d+", name):
            assert SMEM_BYTES[name] == int(name.rpartition("_b")[2]) // 8


def test_a_pair_computes_what_its_halves_do() -> None:
    second = instruction("v_dual_mul_f32", "v1", "v2", "v3")
    pair = Instruction(0, 8, "v_dual_fmac_f32", "", (), second=second)
    assert class_of(pair) == "vopd"
    assert [tuple(one) for one in arithmetic_of(pair)] == [("f32", 2), ("f32", 1)]


@pytest.mark.parametrize(
    ("mnemonic", "operands", "expected"),
    [
        ("s_mov_b32", ("exec_lo", "s1"), True),
        ("s_mov_b64", ("exec", "s[2:3]"), True),
        ("s_mov_b32", ("exec_hi", "s1"), True),
        ("s_and_saveexec_b32", ("s1", "vcc_lo"), True),
        ("s_and_not1_wrexec_b64", ("s[2:3]", "vcc"), True),
        ("v_cmpx_lt_i32", ("v0", "v1"), True),
        ("v_cmp_lt_i32", ("exec_lo", "v0", "v1"), True),
        ("v_add_co_u32", ("v0", "exec_lo", "v0", "v1"), True),
        ("s_mov_b32", ("s1", "exec_lo"), False),
        ("s_and_b32", ("s1", "exec_lo", "vcc_lo"), False),
        ("s_mov_b64", ("vcc", "exec"), False),
        ("v_cmp_lt_i32", ("vcc_lo", "v0", "v1"), False),
        ("s_load_b64", ("s[4:5]", "s[0:1]", "0x0"), False),
    ],
)
def test_writes_of_exec_by_operands(mnemonic: str, operands: tuple[str, ...], expected: bool) -> None:
    assert may_write_exec(instruction(mnemonic, *operands)) is expected
