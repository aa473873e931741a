"""Executed instructions whose result is a model of the hardware's, and what such a value may decide."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.emulator.coverage.executed import Modelled, together
from rocverify.device.emulator.coverage.instrument import CoverageInstrument
from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler
from tests.machines import opened_machine

START = """
s_load_b64 s[4:5], s[0:1], 0x0
v_lshlrev_b32 v1, 2, v0
s_waitcnt lgkmcnt(0)
global_load_b32 v2, v1, s[4:5]
s_waitcnt vmcnt(0)
"""


@pytest.fixture(scope="module")
def machine(toolchain: Toolchain, translations: Path) -> Iterator[Machine]:
    with opened_machine(toolchain, translations, instruments=[CoverageInstrument()]) as made:
        yield made


def seen(machine: Machine, assembler: Assembler, body: str) -> tuple[Modelled, ...]:
    module, memory = machine.load(assembler.kernel(START + body, 32)), machine.memory.malloc(1024)
    try:
        kernarg = memory.to_bytes(8, "little") * 3
        stats = machine.launch(module.kernel("probe"), (1, 1, 1), (32, 1, 1), 0, kernarg)
        found: tuple[Modelled, ...] = stats.observed["coverage"].models
        return found
    finally:
        machine.memory.free(memory)
        machine.unload(module)


def test_a_result_that_is_only_stored_decides_nothing(machine: Machine, assembler: Assembler) -> None:
    (one,) = seen(machine, assembler, "v_exp_f32 v3, v2\nglobal_store_b32 v1, v3, s[4:5]\ns_endpgm")
    assert (one.mnemonic, len(one.places), one.branches, one.addresses) == ("v_exp_f32", 1, (), ())
    assert "within 1 ULP" in one.words
    assert one.words.endswith("decides no branch or address")


def test_a_result_that_is_compared_may_decide_a_branch(machine: Machine, assembler: Assembler) -> None:
    body = """
v_sqrt_f32 v3, v2
v_add_f32 v3, 1.0, v3
v_cmp_lt_f32 vcc_lo, v2, v3
s_cbranch_vccz done
v_mov_b32 v4, 0
done:
s_endpgm"""
    (one,) = seen(machine, assembler, body)
    assert (len(one.branches), one.addresses) == (1, ())
    assert "may decide a branch" in one.words


def test_a_result_that_becomes_an_offset_may_decide_an_address(
    machine: Machine, assembler: Assembler
) -> None:
    body = """
v_rcp_f32 v3, 2.0
v_cvt_u32_f32 v3, v3
v_lshlrev_b32 v3, 2, v3
global_load_b32 v4, v3, s[4:5]
s_endpgm"""
    (one,) = seen(machine, assembler, body)
    assert (one.branches, len(one.addresses)) == ((), 1)


def test_a_register_that_is_written_again_holds_it_no_more(machine: Machine, assembler: Assembler) -> None:
    body = """
v_log_f32 v3, v2
v_mov_b32 v3, 0
global_load_b32 v4, v3, s[4:5]
s_endpgm"""
    (one,) = seen(machine, assembler, body)
    assert (one.branches, one.addresses) == ((), ())


def test_what_is_not_executed_is_not_told(machine: Machine, assembler: Assembler) -> None:
    clock = "s_sendmsg_rtn_b64 s[8:9], sendmsg(MSG_RTN_GET_REALTIME)"
    body = f"s_branch done\nv_sin_f32 v3, v2\ndone:\n{clock}\ns_waitcnt lgkmcnt(0)\ns_endpgm"
    assert [one.mnemonic for one in seen(machine, assembler, body)] == ["s_sendmsg_rtn_b64"]


def test_launches_are_added_up() -> None:
    one = Modelled("v_exp_f32", "m", (4,), (8,), ())
    other = Modelled("v_exp_f32", "m", (4, 12), (), (16,))
    third = Modelled("v_cos_f32", "n", (20,))
    assert together((one,), (other, third)) == (third, Modelled("v_exp_f32", "m", (4, 12), (8,), (16,)))


def test_the_order_of_a_matrix_product_is_a_model(machine: Machine, assembler: Assembler) -> None:
    product = "v_wmma_f32_16x16x16_f16 v[8:15], v[16:23], v[24:31], v[8:15]"
    body = f"{product}\nglobal_store_b32 v1, v8, s[4:5]\ns_endpgm"
    (one,) = seen(machine, assembler, body)
    assert one.mnemonic == "v_wmma_f32_16x16x16_f16"
    assert "the sum over k in ascending order" in one.words
