"""What launches are counted as: classes, lanes, branches, arithmetic, all known by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from rocverify.device.emulator.counters import Counters
from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.counters.counting import counting_machine, run_body


@pytest.fixture(scope="module")
def machine(toolchain: Toolchain, translations: Path) -> Iterator[Machine]:
    made = counting_machine(toolchain, translations)
    yield made
    made.close()


def classes(counters: Counters) -> dict[str, int]:
    named = ((one.name, getattr(counters.instructions, one.name)) for one in fields(counters.instructions))
    return {name: count for name, count in named if count}


def flops(counters: Counters) -> dict[str, int]:
    named = ((one.name, getattr(counters.flops, one.name)) for one in fields(counters.flops))
    return {name: count for name, count in named if count}


# ---- instructions

EVERY_CLASS = """
    s_load_b64 s[4:5], s[0:1], 0x0
    s_load_b128 s[8:11], s[0:1], 0x0
    s_waitcnt lgkmcnt(0)
    v_lshlrev_b32 v1, 2, v0
    v_mov_b32 v2, 0
    v_dual_add_f32 v3, v1, v2 :: v_dual_mul_f32 v4, v2, v1
    v_exp_f32 v5, v2
    global_load_b32 v6, v1, s[4:5]
    s_waitcnt vmcnt(0)
    global_store_b32 v1, v6, s[4:5]
    global_atomic_add_u32 v1, v2, s[4:5]
    scratch_store_b32 off, v2, off
    scratch_load_b32 v7, off, off
    ds_store_b32 v1, v2
    ds_load_b32 v8, v1
    ds_add_u32 v1, v2
    ds_bpermute_b32 v9, v1, v2
    v_add_co_u32 v10, vcc_lo, s4, v1
    v_add_co_ci_u32_e64 v11, vcc_lo, s5, 0, vcc_lo
    flat_load_b32 v12, v[10:11]
    flat_store_b32 v[10:11], v2
    flat_atomic_add_u32 v[10:11], v2
    buffer_gl0_inv
    s_barrier
    s_sendmsg sendmsg(MSG_DEALLOC_VGPRS)
    s_branch last
last:
    s_endpgm
"""


def test_every_class_once(machine: Machine, assembler: Assembler) -> None:
    seen = run_body(machine, assembler, EVERY_CLASS, lds=128, scratch=16, buffers=[bytes(128)])
    once = (
        "vopd", "transcendental", "global_load", "global_store", "global_atomic", "scratch_store",
        "scratch_load", "lds_store", "lds_load", "lds_atomic", "lds_permute", "flat_load", "flat_store",
        "flat_atomic", "cache", "barrier", "message", "branch", "end",
    )  # fmt: skip
    assert classes(seen) == {**dict.fromkeys(once, 1), "smem": 2, "wait": 2, "valu": 4}
    assert seen.valu_operations == 4 + 1 + 2
    assert seen.scalar_load_bytes == 8 + 16
    assert flops(seen) == {"f32": 64}
    assert seen.special_functions == 32
    assert (seen.global_load_bytes, seen.global_store_bytes, seen.global_atomic_bytes) == (256, 256, 256)
    assert (seen.global_accesses, seen.global_segments, seen.global_atomic_lanes) == (6, 6, 64)
    assert (seen.scratch_load_bytes, seen.scratch_store_bytes, seen.scratch_bytes) == (128, 128, 256)
    assert (seen.lds_load_bytes, seen.lds_store_bytes, seen.lds_atomic_bytes) == (128, 128, 128)
    assert (seen.branches_taken, seen.branches_not_taken, seen.barriers) == (1, 0, 1)


LOOP = """
    v_mov_b32 v1, 1.0
    s_mov_b32 s10, 0
again:
    v_add_f32 v1, v1, v1
    s_add_i32 s10, s10, 1
    s_cmp_lt_u32 s10, 5
    s_cbranch_scc1 again
    s_endpgm
"""


@pytest.mark.parametrize(("lanes", "workitems", "waves"), [(32, 100, 4), (64, 100, 2), (64, 64, 1)])
def test_a_loop_in_partly_filled_waves(
    machine: Machine, assembler: Assembler, lanes: int, workitems: int, waves: int
) -> None:
    groups = 3
    seen = run_body(machine, assembler, LOOP, lanes, grid=(groups, 1, 1), block=(workitems, 1, 1))
    all_waves = groups * waves
    assert classes(seen) == {
        "valu": 6 * all_waves,
        "salu": 11 * all_waves,
        "branch": 5 * all_waves,
        "end": all_waves,
    }
    assert (seen.branches_taken, seen.branches_not_taken) == (4 * all_waves, all_waves)
    assert seen.valu_lanes == 6 * groups * workitems
    assert seen.valu_lane_slots == 6 * all_waves * lanes
    assert seen.lane_utilisation == workitems / (waves * lanes)
    assert flops(seen) == {"f32": 5 * groups * workitems}
    assert seen.divergent_branches == 0


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("vccz", (1, 0)),
        ("vccnz", (0, 1)),
        ("execz", (0, 1)),
        ("execnz", (1, 0)),
        ("scc0", (1, 0)),
        ("scc1", (0, 1)),
    ],
)
def test_conditional_branches_either_way(
    machine: Machine, assembler: Assembler, condition: str, expected: tuple[int, int]
) -> None:
    body = f"s_mov_b32 vcc_lo, 0\ns_cmp_eq_u32 s2, 5\ns_cbranch_{condition} there\ns_nop 0\nthere:\ns_endpgm"
    seen = run_body(machine, assembler, body)
    assert (seen.branches_taken, seen.branches_not_taken) == expected
    assert seen.instructions.wait == expected[1]


@pytest.mark.parametrize("pause", ["s_nop 0", "s_sleep 1"])
def test_waves_that_take_turns_are_counted_as_if_they_did_not(
    machine: Machine, assembler: Assembler, pause: str
) -> None:
    """More rounds than a wave has in one turn, and a wave that gives its turn up in each of the last."""
    rounds = 400_000
    body = f"""
    s_mov_b32 s10, 0
again:
    s_add_i32 s10, s10, 1
    s_cmp_lt_u32 s10, {rounds}
    s_cbranch_scc1 again
    s_mov_b32 s10, 0
resting:
    {pause}
    v_add_f32 v1, v1, v1
    s_add_i32 s10, s10, 1
    s_cmp_lt_u32 s10, 50
    s_cbranch_scc1 resting
    s_endpgm"""
    seen = run_body(machine, assembler, body, grid=(2, 1, 1), block=(96, 1, 1))
    waves = 6
    assert classes(seen) == {
        "salu": waves * (2 + 2 * rounds + 2 * 50),
        "branch": waves * (rounds + 50),
        "wait": waves * 50,
        "valu": waves * 50,
        "end": waves,
    }
    assert (seen.branches_taken, seen.branches_not_taken) == (waves * (rounds + 48), waves * 2)
    assert flops(seen) == {"f32": 2 * 96 * 50}


def test_calls_and_returns_are_branches(machine: Machine, assembler: Assembler) -> None:
    body = """
    s_getpc_b64 s[4:5]
    s_add_u32 s4, s4, twice-probe-4
    s_addc_u32 s5, s5, 0
    s_swappc_b64 s[6:7], s[4:5]
    s_swappc_b64 s[6:7], s[4:5]
    s_endpgm
twice:
    v_add_f32 v1, v1, v1
    s_setpc_b64 s[6:7]
    """
    seen = run_body(machine, assembler, body)
    assert classes(seen) == {"salu": 3, "branch": 4, "valu": 2, "end": 1}
    assert (seen.branches_taken, seen.branches_not_taken) == (4, 0)


# ---- EXEC


@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize(("limit", "left", "divergent"), [(20, 20, 1), (0, 0, 0), (200, None, 0), (1, 1, 1)])
def test_a_condition_that_splits_a_wave(
    machine: Machine, assembler: Assembler, lanes: int, limit: int, left: int | None, divergent: int
) -> None:
    """Lanes before, within and after the condition, whose end makes none of it divergent."""
    bits, mask, exec_ = ("b32", "s10", "exec_lo") if lanes == 32 else ("b64", "s[10:11]", "exec")
    vcc = "vcc_lo" if lanes == 32 else "vcc"
    body = f"""
    v_mul_f32 v2, v1, v1
    v_cmp_gt_u32 {vcc}, {limit}, v0
    s_and_saveexec_{bits} {mask}, {vcc}
    v_add_f32 v2, v1, v1
    v_fma_f32 v2, v1, v1, v1
    s_or_{bits} {exec_}, {exec_}, {mask}
    v_mul_f32 v2, v1, v1
    s_endpgm"""
    seen = run_body(machine, assembler, body, lanes)
    left = lanes if left is None else left
    assert seen.valu_lanes == 3 * lanes + 2 * left
    assert flops(seen) == {"f32": 2 * lanes + 3 * left}
    assert seen.divergent_branches == divergent


@pytest.mark.parametrize(
    ("write", "divergent", "left"),
    [
        ("v_cmpx_gt_u32 7, v0", 1, 7),
        ("s_mov_b32 exec_lo, 0xff", 1, 8),
        ("s_mov_b32 exec_lo, 0", 0, 0),
        ("s_mov_b32 exec_lo, -1", 0, 32),
        ("s_mov_b32 exec_lo, 0xff\ns_mov_b32 exec_lo, 0xff00", 1, 8),
        ("s_mov_b32 exec_lo, 0xff\ns_not_b32 exec_lo, exec_lo", 1, 24),
        ("s_mov_b64 exec, 3", 1, 2),
        ("s_and_not0_wrexec_b32 s10, 0xff", 1, 24),
        ("s_and_not1_wrexec_b32 s10, 0xff", 0, 0),
        ("s_mov_b32 s10, exec_lo\nv_readfirstlane_b32 exec_lo, v0", 0, 0),
    ],
)
def test_writes_of_exec(
    machine: Machine, assembler: Assembler, write: str, divergent: int, left: int
) -> None:
    """Divergent is what leaves some of the lanes before, not what changes to others."""
    body = f"v_mov_b32 v1, 0\n{write}\nv_add_f32 v2, v1, v1\ns_endpgm"
    seen = run_body(machine, assembler, body)
    assert seen.divergent_branches == divergent
    assert seen.flops.f32 == left


def test_lanes_that_leave_a_loop_one_after_the_other(machine: Machine, assembler: Assembler) -> None:
    """Lane i goes round i + 1 times: all but the last round but one leave lanes behind."""
    body = """
    v_mov_b32 v1, 0
    s_mov_b32 s10, exec_lo
again:
    v_add_nc_u32 v1, v1, 1
    v_cmp_le_u32 vcc_lo, v1, v0
    s_and_b32 exec_lo, exec_lo, vcc_lo
    s_cbranch_execnz again
    s_mov_b32 exec_lo, s10
    s_endpgm"""
    seen = run_body(machine, assembler, body)
    assert seen.divergent_branches == 31
    assert (seen.branches_taken, seen.branches_not_taken) == (31, 1)
    assert seen.valu_lanes == 32 + 2 * sum(range(1, 33))


# ---- arithmetic

SIX = """
    s_mov_b32 exec_lo, 0x3f
    {text}
    s_endpgm"""


@pytest.mark.parametrize(
    ("text", "dtype", "operations"),
    [
        ("v_add_f16 v1, v2, v3", "f16", 1),
        ("v_pk_add_f16 v1, v2, v3", "f16", 2),
        ("v_pk_fma_f16 v1, v2, v3, v4", "f16", 4),
        ("v_subrev_f32 v1, v2, v3", "f32", 1),
        ("v_fmac_f32 v1, v2, v3", "f32", 2),
        ("v_fmaak_f32 v1, v2, v3, 0x40400000", "f32", 2),
        ("v_fma_mix_f32 v1, v2, v3, v4", "f32", 2),
        ("v_fma_f64 v[2:3], v[4:5], v[6:7], v[8:9]", "f64", 2),
        ("v_mul_f64 v[2:3], v[4:5], v[6:7]", "f64", 1),
        ("v_dot2_f32_f16 v1, v2, v3, v4", "f16", 4),
        ("v_dot4_i32_iu8 v1, v2, v3, v4", "int8", 8),
        ("v_dot8_u32_u4 v1, v2, v3, v4", "int4", 16),
        ("v_dual_fmac_f32 v1, v2, v3 :: v_dual_mul_f32 v4, v5, v6", "f32", 3),
        ("v_dual_fmac_f32 v1, v2, v3 :: v_dual_mov_b32 v4, v5", "f32", 2),
    ],
)
def test_operations_of_active_lanes(
    machine: Machine, assembler: Assembler, text: str, dtype: str, operations: int
) -> None:
    seen = run_body(machine, assembler, SIX.format(text=text))
    assert flops(seen) == {dtype: 6 * operations}


@pytest.mark.parametrize(
    "text",
    [
        "v_max_f32 v1, v2, v3", "v_cvt_f32_i32 v1, v2", "v_cmp_lt_f32 vcc_lo, v1, v2",
        "v_mul_lo_u32 v1, v2, v3", "v_floor_f32 v1, v2", "v_ldexp_f32 v1, v2, v3", "v_rcp_f32 v1, v2",
        "v_sqrt_f64 v[2:3], v[4:5]",
    ],
)  # fmt: skip
def test_what_is_no_floating_point_arithmetic(machine: Machine, assembler: Assembler, text: str) -> None:
    seen = run_body(machine, assembler, SIX.format(text=text))
    assert flops(seen) == {}
    assert seen.special_functions == (6 if text.startswith(("v_rcp", "v_sqrt")) else 0)


@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize(
    ("form", "dtype"),
    [
        ("f32_16x16x16_f16", "f16"),
        ("f32_16x16x16_bf16", "bf16"),
        ("i32_16x16x16_iu8", "int8"),
        ("i32_16x16x16_iu4", "int4"),
    ],
)
def test_wmma_multiplies_whatever_exec_is(
    machine: Machine, assembler: Assembler, form: str, dtype: str, lanes: int
) -> None:
    """2 * 16 * 16 * 16 operations a wave."""
    width = {"iu8": 3, "iu4": 1}.get(form.rpartition("_")[2], 7)
    result = 7 if lanes == 32 else 3
    zeros = "\n".join(f"v_mov_b32 v{i}, 0" for i in range(8, 32))
    body = f"""{zeros}
    s_mov_b32 exec_lo, 1
    v_wmma_{form} v[0:{result}], v[8:{8 + width}], v[16:{16 + width}], v[24:{24 + result}]
    s_endpgm"""
    seen = run_body(machine, assembler, body, lanes, grid=(5, 1, 1))
    assert flops(seen) == {dtype: 5 * 8192}
    assert seen.instructions.wmma == 5
    assert seen.valu_lanes == 5 * 24 * lanes
