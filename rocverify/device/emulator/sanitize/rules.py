"""Instructions whose undefined bits can be told one by one: moves, selections, logic, sums and shifts.

A rule runs before the instruction's own semantics, reads values and shadows, and writes shadows only.
A move of bits is its own rule: the same semantics are applied to the shadows of what is moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import EXEC, Operand, OperandKind
from rocverify.device.emulator.sanitize import crossing, pairs, tuples
from rocverify.device.emulator.sanitize.bits import (
    Bits,
    constant_bits,
    lanes_undefined,
    operand_shadow,
    shadowed,
    smear_left,
    spread,
)
from rocverify.device.emulator.translate.builder.registers import SCC_SHADOW, SHADOW
from rocverify.device.emulator.translate.builder.types import I32, TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.lowering.program import handler_name
from rocverify.device.emulator.translate.semantics import packed
from rocverify.device.emulator.translate.semantics.vector import read

K = WaveBuilder
Rule = Callable[[K, Instruction], None]
B32 = TYPES["b32"]


# ---- moves


def moved(*data: int, control: Sequence[int] = ()) -> Rule:
    """Operands `data` are moved as they are; if one of `control` is undefined, all of the result is."""

    def rule(k: K, inst: Instruction) -> None:
        operands = tuple(shadowed(o) if i == 0 or i in data else o for i, o in enumerate(inst.operands))
        plain = {name: text for name, text in inst.modifiers.items() if name not in ("clamp", "mul", "div")}
        twin = replace(inst, operands=operands, modifiers=plain)
        undefined = [operand_shadow(k, inst.operands[i]) for i in control if i < len(inst.operands)]
        _apply(k, twin, [shadow for shadow in undefined if shadow is not None])

    return rule


def _apply(k: K, twin: Instruction, controls: Sequence[Value]) -> None:
    handler = k.dialect.handlers[handler_name(twin)]
    k.scc_register = SCC_SHADOW
    try:
        commits = k.captured(lambda: handler(k, twin))
    finally:
        k.scc_register = None
    for register, value in commits:
        k.commit(register, reduce(lambda v, c: k.b.or_(v, _lanes(k, spread(k, c))), controls, value))
    target = twin.operands[0]
    if target.kind is OperandKind.SGPR and controls:
        for index in range(target.index, target.index + target.count):
            value = k.quiet_sgpr(index)
            for shadow in controls:
                value = k.b.or_(value, spread(k, shadow))
            k.set_sgpr(index, value)
    if twin.mnemonic.startswith("s_") and controls:
        k.set_sgpr(
            SCC_SHADOW, reduce(lambda v, c: k.b.or_(v, spread(k, c)), controls, k.quiet_sgpr(SCC_SHADOW))
        )


def _lanes(k: K, value: Value) -> Value:
    return value if value.type == k.shapes.i32 else k.splat(value)


def _select_lanes(k: K, inst: Instruction) -> None:
    """v_cndmask_b32: where the mask is undefined, so is what it chooses."""
    mask = inst.operands[3] if len(inst.operands) > 3 else k.vcc
    twin = replace(inst, operands=(*(shadowed(o) for o in inst.operands[:3]), *inst.operands[3:]))
    commits = k.captured(lambda: k.dialect.handlers[handler_name(inst)](k, twin))
    undefined = k.b.sext(k.lanes_of(_mask_shadow(k, mask)), k.shapes.i32)
    for register, value in commits:
        k.commit(register, k.b.or_(value, undefined))


def _mask_shadow(k: K, mask: Operand) -> Value:
    """The undefined bits of a lane mask, i64."""
    if mask.kind is not OperandKind.SGPR or mask.index == EXEC:
        return k.i64(0)
    high = k.quiet_sgpr(SHADOW + mask.index + 1) if k.lanes == 64 else None
    return k.wide_mask(k.quiet_sgpr(SHADOW + mask.index), high)


def _select_scalar(k: K, inst: Instruction) -> None:
    """s_cselect, s_cmov: SCC chooses."""
    undefined = k.quiet_sgpr(SCC_SHADOW)
    operands = tuple(shadowed(operand) for operand in inst.operands)
    _apply(k, replace(inst, operands=operands), [undefined])


# ---- logic and sums


def source_bits(k: K, inst: Instruction, operand: Operand) -> Bits:
    """A vector source of 32 bits with its shadow, both permuted as the instruction says."""
    value = read(k, inst, operand, B32)
    if not operand.is_register or operand.index in (EXEC, EXEC + 1):
        return constant_bits(k, value)
    source = shadowed(operand)
    same = replace(inst, operands=tuple(source if o is operand else o for o in inst.operands))
    return Bits(k, value, read(k, same, source, B32))


def vector(compute: Callable[..., Bits]) -> Rule:
    """`mnemonic vdst, src0, ...` of 32 bits."""

    def rule(k: K, inst: Instruction) -> None:
        result = compute(*(source_bits(k, inst, operand) for operand in inst.operands[1:]))
        k.commit(shadowed(inst.operands[0]), _saturated(k, inst, result.shadow))

    return rule


def _saturated(k: K, inst: Instruction, shadow: Value) -> Value:
    """With clamp a sum is limited to its type: its highest bits decide all the others."""
    return spread(k, shadow) if "clamp" in inst.modifiers else shadow


def scalar_bits(k: K, operand: Operand, bits: int) -> Bits:
    """A scalar source of 32 or 64 bits with its shadow."""
    value = k.read_scalar(operand, TYPES[f"b{bits}"])
    if operand.kind is not OperandKind.SGPR or operand.index in (EXEC, EXEC + 1):
        return constant_bits(k, value)
    return Bits(k, value, k.read_scalar(shadowed(operand), TYPES[f"b{bits}"]))


def scalar(compute: Callable[..., Bits], bits: int, *, carries: bool = False) -> Rule:
    """`mnemonic sdst, ssrc0, ...`; SCC is `result != 0`, or with `carries` the carry."""

    def rule(k: K, inst: Instruction) -> None:
        sources = [scalar_bits(k, operand, bits) for operand in inst.operands[1:]]
        result = compute(*sources)
        k.write_scalar(shadowed(inst.operands[0]), result.shadow)
        scc = k.b.trunc(spread(k, result.shadow), I32) if carries else result.is_nonzero_undefined()
        k.set_sgpr(SCC_SHADOW, scc)

    return rule


def save_exec(compute: Callable[[Bits, Bits], Bits], bits: int, *, saves: bool = True) -> Rule:
    """s_*_saveexec and s_*_wrexec: EXEC = f(source, EXEC); the old EXEC, or the new one, is kept."""

    def rule(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        old = constant_bits(k, k.read_scalar(Operand(OperandKind.SGPR, EXEC, bits // 32), TYPES[f"b{bits}"]))
        result = compute(scalar_bits(k, source, bits), old)
        k.write_scalar(shadowed(target), k.const(result.shadow.type, 0) if saves else result.shadow)
        k.write_scalar(Operand(OperandKind.SGPR, SHADOW + EXEC, bits // 32), result.shadow)
        k.set_sgpr(SCC_SHADOW, result.is_nonzero_undefined())

    return rule


def _bit_compare(k: K, inst: Instruction) -> None:
    """s_bitcmp0 and s_bitcmp1: one bit decides."""
    operands = (shadowed(inst.operands[0]), inst.operands[1])
    k.scc_register = SCC_SHADOW
    handler = k.dialect.handlers[inst.mnemonic.replace("bitcmp0", "bitcmp1")]
    handler(k, replace(inst, operands=operands))
    k.scc_register = None
    number = operand_shadow(k, inst.operands[1])
    if number is not None:
        bits = k.b.and_(number, k.i32(int(inst.mnemonic[-2:]) - 1))
        k.set_sgpr(SCC_SHADOW, k.b.or_(k.quiet_sgpr(SCC_SHADOW), spread(k, bits)))


def _carry(k: K, inst: Instruction) -> None:
    """v_add_co_u32 and its kin, with carry in or without: `vdst, sdst, src0, src1[, carry]`."""
    target, carry_out, *sources = inst.operands
    shadow = source_bits(k, inst, sources[0]).shadow
    shadow = smear_left(k, k.b.or_(shadow, source_bits(k, inst, sources[1]).shadow))
    if len(sources) > 2:
        shadow = k.b.or_(shadow, k.b.sext(k.lanes_of(_mask_shadow(k, sources[2])), k.shapes.i32))
    lanes = lanes_undefined(k, shadow)
    k.commit(shadowed(target), _saturated(k, inst, shadow))
    k.write_lane_mask(shadowed(carry_out), lanes)


def _multiply_add_64(k: K, inst: Instruction) -> None:
    """v_mad_u64_u32, v_mad_i64_i32: `vdst[2], sdst, src0, src1, src2[2]`. Compilers leave the upper half of
    src2 undefined where they want the lower half of the sum."""
    target, carry_out, first, second, added = inst.operands
    factors = k.b.or_(source_bits(k, inst, first).shadow, source_bits(k, inst, second).shadow)
    shadow = k.b.zext(factors, k.shapes.i64)
    if added.is_register:
        shadow = k.b.or_(shadow, read(k, inst, shadowed(added), TYPES["b64"]))
    low, high = k.halves(_saturated(k, inst, smear_left(k, shadow)))
    k.commit(shadowed(target.part(0)), low)
    k.commit(shadowed(target.part(1)), high)
    k.write_lane_mask(shadowed(carry_out), lanes_undefined(k, high))


def _pack_halves(k: K, inst: Instruction) -> None:
    """v_pack_b32_f16: a half of each source."""
    selects = inst.flags("op_sel", 3, 0)
    halves = []
    for operand, select in zip(inst.operands[1:3], selects, strict=False):
        shadow = source_bits(k, inst, replace(operand, negate=False, absolute=False)).shadow
        if select or operand.half == "h":
            shadow = k.b.lshr(shadow, k.const(shadow.type, 16))
        halves.append(k.b.and_(shadow, k.const(shadow.type, 0xFFFF)))
    k.commit(shadowed(inst.operands[0]), k.b.or_(halves[0], k.b.shl(halves[1], k.const(halves[1].type, 16))))


def _packed(k: K, inst: Instruction) -> None:
    """v_pk_*: either half of the result from the halves that op_sel and op_sel_hi name."""
    sources = [o for o in inst.operands[1:] if o.is_register and o.index not in (EXEC, EXEC + 1)]
    places = [i for i, o in enumerate(inst.operands[1:]) if o in sources]
    result = k.const(k.shapes.i32, 0)
    for name, default, target in (("op_sel", 0, 0xFFFF), ("op_sel_hi", 1, 0xFFFF0000)):
        selects = inst.flags(name, len(inst.operands) - 1, default)
        total = k.const(k.shapes.i32, 0)
        for place in places:
            operand = inst.operands[1 + place]
            shadow = _lanes(k, k.quiet_vgpr(SHADOW + operand.index) if operand.kind is OperandKind.VGPR
                            else k.quiet_sgpr(SHADOW + operand.index))  # fmt: skip
            mask = 0xFFFF0000 if selects[place] else 0xFFFF
            total = k.b.or_(total, k.b.and_(shadow, k.const(shadow.type, mask)))
        if inst.mnemonic.startswith("v_pk_fmac"):
            added = k.quiet_vgpr(SHADOW + inst.operands[0].index)
            total = k.b.or_(total, k.b.and_(added, k.const(added.type, target)))
        result = k.b.or_(result, k.b.and_(spread(k, total), k.const(k.shapes.i32, target)))
    k.commit(shadowed(inst.operands[0]), result)


def _from_byte(number: int) -> Rule:
    """v_cvt_f32_ubyteN: one byte of the source."""

    def rule(k: K, inst: Instruction) -> None:
        shadow = source_bits(k, inst, inst.operands[1]).shadow
        k.commit(
            shadowed(inst.operands[0]), spread(k, k.b.and_(shadow, k.const(shadow.type, 0xFF << 8 * number)))
        )

    return rule


_LOGIC: dict[str, Callable[..., Bits]] = {
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "and_not1": lambda a, b: a & ~b,
    "or_not1": lambda a, b: a | ~b,
    "nand": lambda a, b: ~(a & b),
    "nor": lambda a, b: ~(a | b),
    "xnor": lambda a, b: ~(a ^ b),
}
_SAVES: dict[str, Callable[..., Bits]] = {
    **_LOGIC,
    "and_not0": lambda a, b: ~a & b,
    "or_not0": lambda a, b: ~a | b,
}


def _scalar_rules() -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for bits in (32, 64):
        for name, compute in _LOGIC.items():
            rules[f"s_{name}_b{bits}"] = scalar(compute, bits)
        for name, compute in _SAVES.items():
            rules[f"s_{name}_saveexec_b{bits}"] = save_exec(compute, bits)
            rules[f"s_{name}_wrexec_b{bits}"] = save_exec(compute, bits, saves=False)
        rules[f"s_not_b{bits}"] = scalar(lambda a: ~a, bits)
        rules[f"s_mov_b{bits}"] = moved(1)
        rules[f"s_brev_b{bits}"] = moved(1)
        rules[f"s_cselect_b{bits}"] = rules[f"s_cmov_b{bits}"] = _select_scalar
        for name in (
            f"s_lshl_b{bits}",
            f"s_lshr_b{bits}",
            f"s_ashr_i{bits}",
            f"s_bfe_u{bits}",
            f"s_bfe_i{bits}",
        ):
            rules[name] = moved(1, control=(2,))
        rules[f"s_bitcmp0_b{bits}"] = rules[f"s_bitcmp1_b{bits}"] = _bit_compare
    for name in ("s_add_u32", "s_add_i32"):
        rules[name] = scalar(lambda a, b: a + b, 32, carries=True)
    for name in ("s_sub_u32", "s_sub_i32"):
        rules[name] = scalar(lambda a, b: a - b, 32, carries=True)
    for name in ("s_pack_ll_b32_b16", "s_pack_lh_b32_b16", "s_pack_hh_b32_b16", "s_pack_hl_b32_b16"):
        rules[name] = moved(1, 2)
    rules["s_sext_i32_i8"] = rules["s_sext_i32_i16"] = moved(1)
    return rules


def _vector_rules() -> dict[str, Rule]:
    expressions: dict[str, Callable[..., Bits]] = {
        "v_and_b32": lambda a, b: a & b,
        "v_or_b32": lambda a, b: a | b,
        "v_xor_b32": lambda a, b: a ^ b,
        "v_xnor_b32": lambda a, b: ~(a ^ b),
        "v_not_b32": lambda a: ~a,
        "v_or3_b32": lambda a, b, c: a | b | c,
        "v_xor3_b32": lambda a, b, c: a ^ b ^ c,
        "v_and_or_b32": lambda a, b, c: (a & b) | c,
        "v_bfi_b32": lambda a, b, c: (a & b) | (~a & c),
        "v_lshl_or_b32": lambda a, b, c: (a << b) | c,
        "v_lshl_add_u32": lambda a, b, c: (a << b) + c,
        "v_add_lshl_u32": lambda a, b, c: (a + b) << c,
        "v_add3_u32": lambda a, b, c: a + b + c,
        "v_xad_u32": lambda a, b, c: (a ^ b) + c,
        "v_add_nc_u32": lambda a, b: a + b,
        "v_sub_nc_u32": lambda a, b: a - b,
        "v_subrev_nc_u32": lambda a, b: b - a,
        "v_mul_lo_u32": lambda a, b: a * b,
    }
    rules = {name: vector(compute) for name, compute in expressions.items()}
    for name in (
        "v_mov_b32",
        "v_mov_b16",
        "v_bfrev_b32",
        "v_readfirstlane_b32",
        "v_permlane64_b32",
        "ds_swizzle_b32",
    ):
        rules[name] = moved(1)
    rules["v_readlane_b32"] = moved(1, control=(2,))
    for name in ("v_permlane16_b32", "v_permlanex16_b32", "v_bfe_u32", "v_bfe_i32"):
        rules[name] = moved(1, control=(2, 3))
    for name in (
        "v_lshlrev_b32", "v_lshrrev_b32", "v_ashrrev_i32", "v_lshlrev_b16", "v_lshrrev_b16", "v_ashrrev_i16",
        "v_lshlrev_b64", "v_lshrrev_b64", "v_ashrrev_i64",
    ):  # fmt: skip
        rules[name] = moved(2, control=(1,))
    for name in ("v_alignbit_b32", "v_alignbyte_b32"):
        rules[name] = moved(1, 2, control=(3,))
    rules["v_swap_b32"] = moved(1)
    rules["v_cndmask_b32"] = _select_lanes
    rules["v_mad_u64_u32"] = rules["v_mad_i64_i32"] = _multiply_add_64
    rules["v_pack_b32_f16"] = _pack_halves
    for name in ("v_add_co", "v_sub_co", "v_subrev_co", "v_add_co_ci", "v_sub_co_ci", "v_subrev_co_ci"):
        rules[f"{name}_u32"] = _carry
    rules.update({f"v_cvt_f32_ubyte{number}": _from_byte(number) for number in range(4)})
    rules.update({name: _packed for name in packed.HANDLERS if name.startswith("v_pk_")})
    return rules


RULES: dict[str, Rule] = {
    **_scalar_rules(),
    **_vector_rules(),
    **crossing.RULES,
    **pairs.RULES,
    **tuples.RULES,
}
"""By mnemonic; what is not here follows the rule that one undefined bit makes all bits undefined."""
