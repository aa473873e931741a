"""Data-parallel primitives: the lane permutation of a first source, and which lanes then write."""

from __future__ import annotations

import re

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.types import I1, I32, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.errors import DeviceError

ROW = 16
CONTROLS = frozenset(
    {"dpp8", "quad_perm", "row_shl", "row_shr", "row_ror", "row_xmask", "row_share", "row_mirror"}
    | {"row_half_mirror", "row_newbcast", "row_bcast", "wave_shl", "wave_shr", "wave_rol", "wave_ror"}
)
"""The last six are of GCN and CDNA."""


_IN_ROW = ("quad_perm", "row_shl", "row_shr", "row_ror", "row_xmask", "row_share", "row_newbcast")
_ACROSS_ROWS = ("row_bcast", "wave_shl", "wave_shr", "wave_rol", "wave_ror")


def source_lanes(inst: Instruction, lanes: int) -> list[int | None]:
    """For every lane the lane that it reads, or None where the control reaches past the row."""
    if "dpp8" in inst.modifiers:
        selects = inst.flags("dpp8", 8, 0)
        return [lane - lane % 8 + selects[lane % 8] for lane in range(lanes)]
    for name in _IN_ROW:
        if name in inst.modifiers:
            return [_in_row(inst, name, lane) for lane in range(lanes)]
    for name in _ACROSS_ROWS:
        if name in inst.modifiers:
            return [_across_rows(name, int(inst.modifiers[name], 0), lane, lanes) for lane in range(lanes)]
    if "row_mirror" in inst.modifiers:
        return [lane - lane % ROW + (ROW - 1 - lane % ROW) for lane in range(lanes)]
    if "row_half_mirror" in inst.modifiers:
        return [lane - lane % 8 + (7 - lane % 8) for lane in range(lanes)]
    raise DeviceError(f"a DPP control that is not supported: {inst.text}")


def _in_row(inst: Instruction, name: str, lane: int) -> int | None:
    row, place = lane - lane % ROW, lane % ROW
    if name == "quad_perm":
        return lane - lane % 4 + inst.flags("quad_perm", 4, 0)[lane % 4]
    amount = int(inst.modifiers[name], 0)
    target = {
        "row_shl": place + amount,
        "row_shr": place - amount,
        "row_ror": (place - amount) % ROW,
        "row_xmask": place ^ amount,
        "row_share": amount,
        "row_newbcast": amount,
    }[name]
    return row + target if 0 <= target < ROW else None


def _across_rows(name: str, amount: int, lane: int, lanes: int) -> int | None:
    """Controls that move every lane of the wave by one, or give what the last lane of a row (row_bcast:15) or
    of two rows (row_bcast:31) has to those behind them."""
    if name == "row_bcast":
        source = lane // (amount + 1) * (amount + 1) - 1
        return source if source >= 0 else None
    target = lane + (1 if name in ("wave_shl", "wave_rol") else -1)
    if name in ("wave_rol", "wave_ror"):
        return target % lanes
    return target if 0 <= target < lanes else None


def is_dpp(inst: Instruction) -> bool:
    """By the encoding or the control: comparisons are written without the suffix."""
    return re.search(r"dpp8?$", inst.encoding) is not None or not CONTROLS.isdisjoint(inst.modifiers)


def permute(k: WaveBuilder, inst: Instruction, value: Value) -> Value:
    """The permuted first source; lanes without a valid source read 0 (they write only with
    bound_ctrl). Sets the builder's lane override for the commit."""
    sources = source_lanes(inst, k.lanes)
    index = ir.Constant(
        ir.VectorType(I32, k.lanes),
        [ir.Constant(I32, lane if s is None else s) for lane, s in enumerate(sources)],
    )
    undefined = ir.Constant(value.type, ir.Undefined)
    moved = k.b.shuffle_vector(value, undefined, index)
    exec_mask = k.exec_mask()
    active = k.b.shuffle_vector(exec_mask, ir.Constant(exec_mask.type, ir.Undefined), index)
    inside = _mask_constant(k, [s is not None for s in sources])
    fetches_inactive = inst.modifiers.get("fi") == "1"
    valid = inside if fetches_inactive else k.b.and_(active, inside)
    if "dpp8" in inst.modifiers:
        allowed = _mask_constant(k, [True] * k.lanes)
    else:
        allowed = _written_rows(k, inst)
        if inst.modifiers.get("bound_ctrl") is None:
            allowed = k.b.and_(allowed, valid)
    k.lane_override = allowed
    return k.b.select(valid, moved, k.const(value.type, 0))


def _written_rows(k: WaveBuilder, inst: Instruction) -> Value:
    rows = int(inst.modifiers.get("row_mask", "0xf"), 0)
    banks = int(inst.modifiers.get("bank_mask", "0xf"), 0)
    return _mask_constant(
        k, [bool(rows >> lane // ROW & 1 and banks >> lane % ROW // 4 & 1) for lane in range(k.lanes)]
    )


def _mask_constant(k: WaveBuilder, bits: list[bool]) -> Value:
    return ir.Constant(ir.VectorType(I1, k.lanes), [ir.Constant(I1, int(bit)) for bit in bits])
