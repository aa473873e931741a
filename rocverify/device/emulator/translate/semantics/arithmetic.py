"""Integer vector instructions, by family. Names are the ISA manual's."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import OperandKind
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.vector import commit_bits, read, saturating, valu, write

K = WaveBuilder


def shift_amount(k: K, value: Value, bits: int) -> Value:
    """The low bits of a shift count, in the width of what is shifted."""
    wide = k.shapes.vector(ir.IntType(bits))
    width = value.type.element.width
    if width < bits:
        value = k.b.zext(value, wide)
    elif width > bits:
        value = k.b.trunc(value, wide)
    return k.b.and_(value, k.const(wide, bits - 1))


def _shl(k: K, count: Value, value: Value) -> Value:
    return k.b.shl(value, shift_amount(k, count, value.type.element.width))


def _lshr(k: K, count: Value, value: Value) -> Value:
    return k.b.lshr(value, shift_amount(k, count, value.type.element.width))


def _ashr(k: K, count: Value, value: Value) -> Value:
    return k.b.ashr(value, shift_amount(k, count, value.type.element.width))


def _low24(k: K, value: Value, signed: bool) -> Value:
    if not signed:
        return k.b.and_(value, k.const(value.type, 0xFFFFFF))
    spare = k.const(value.type, value.type.element.width - 24)
    return k.b.ashr(k.b.shl(value, spare), spare)


def _mul24(signed: bool) -> Callable[..., Value]:
    return lambda k, a, b: k.b.mul(_low24(k, a, signed), _low24(k, b, signed))


def mul_high(k: K, a: Value, b: Value, signed: bool) -> Value:
    """The upper half of the double-width product."""
    extend = k.b.sext if signed else k.b.zext
    wide = k.shapes.vector(ir.IntType(2 * a.type.element.width))
    product = k.b.mul(extend(a, wide), extend(b, wide))
    return k.b.trunc(k.b.lshr(product, k.const(wide, a.type.element.width)), a.type)


def _mul_hi24(k: K, a: Value, b: Value, signed: bool) -> Value:
    return mul_high(k, _low24(k, a, signed), _low24(k, b, signed), signed)


def pick(k: K, relation: str, signed: bool, a: Value, b: Value) -> Value:
    """`a` where `a RELATION b`, else `b`."""
    compare = k.b.icmp_signed if signed else k.b.icmp_unsigned
    return k.b.select(compare(relation, a, b), a, b)


def _minimum(signed: bool) -> Callable[..., Value]:
    return lambda k, a, b: pick(k, "<", signed, a, b)


def _maximum(signed: bool) -> Callable[..., Value]:
    return lambda k, a, b: pick(k, ">", signed, a, b)


def _median(signed: bool) -> Callable[..., Value]:
    def compute(k: K, a: Value, b: Value, c: Value) -> Value:
        low, high = pick(k, "<", signed, a, b), pick(k, ">", signed, a, b)
        return pick(k, ">", signed, low, pick(k, "<", signed, high, c))

    return compute


def _bfe(signed: bool) -> Callable[..., Value]:
    def compute(k: K, value: Value, offset: Value, width: Value) -> Value:
        five = k.const(value.type, 31)
        width, zero = k.b.and_(width, five), k.const(value.type, 0)
        moved = (k.b.ashr if signed else k.b.lshr)(value, k.b.and_(offset, five))
        mask = k.b.sub(k.b.shl(k.const(value.type, 1), width), k.const(value.type, 1))
        field = k.b.and_(moved, mask)
        if signed:
            spare = k.b.sub(
                k.const(value.type, 32), k.b.select(_is_zero(k, width), k.const(value.type, 1), width)
            )
            field = k.b.ashr(k.b.shl(field, spare), spare)
        return k.b.select(_is_zero(k, width), zero, field)

    return compute


def _is_zero(k: K, value: Value) -> Value:
    return k.b.icmp_unsigned("==", value, k.const(value.type, 0))


def _bfi(k: K, mask: Value, a: Value, b: Value) -> Value:
    return k.b.or_(k.b.and_(mask, a), k.b.and_(k.invert(mask), b))


def _bfm(k: K, width: Value, offset: Value) -> Value:
    five = k.const(width.type, 31)
    ones = k.b.sub(k.b.shl(k.const(width.type, 1), k.b.and_(width, five)), k.const(width.type, 1))
    return k.b.shl(ones, k.b.and_(offset, five))


def _align(scale: int) -> Callable[..., Value]:
    def compute(k: K, high: Value, low: Value, count: Value) -> Value:
        joined = k.pair(low, high)
        amount = k.b.and_(k.b.zext(count, k.shapes.i64), k.const(k.shapes.i64, 31 // scale))
        return k.b.trunc(k.b.lshr(joined, k.b.mul(amount, k.const(k.shapes.i64, scale))), k.shapes.i32)

    return compute


def _perm(k: K, high: Value, low: Value, selector: Value) -> Value:
    joined, result = k.pair(low, high), k.const(k.shapes.i32, 0)
    for byte in range(4):
        select = k.b.and_(k.b.lshr(selector, k.const(k.shapes.i32, 8 * byte)), k.const(k.shapes.i32, 0xFF))
        shift = k.b.zext(
            k.b.mul(k.b.and_(select, k.const(select.type, 7)), k.const(select.type, 8)), k.shapes.i64
        )
        plain = k.b.trunc(k.b.lshr(joined, shift), k.shapes.i8)
        chosen = _perm_special(k, joined, select, k.b.zext(plain, k.shapes.i32))
        result = k.b.or_(result, k.b.shl(chosen, k.const(k.shapes.i32, 8 * byte)))
    return result


def _perm_special(k: K, joined: Value, select: Value, plain: Value) -> Value:
    """Selectors 8 to 11 replicate a sign, 12 is 0x00, from 13 on 0xff."""
    value = plain
    for code, bit in ((8, 15), (9, 31), (10, 47), (11, 63)):
        sign = k.b.trunc(k.b.lshr(joined, k.const(joined.type, bit)), k.shapes.i1)
        fill = k.b.select(sign, k.const(k.shapes.i32, 0xFF), k.const(k.shapes.i32, 0))
        value = k.b.select(k.b.icmp_unsigned("==", select, k.const(select.type, code)), fill, value)
    value = k.b.select(
        k.b.icmp_unsigned("==", select, k.const(select.type, 12)), k.const(value.type, 0), value
    )
    above = k.b.icmp_unsigned(">", select, k.const(select.type, 12))
    return k.b.select(above, k.const(value.type, 0xFF), value)


def _leading(kind: str) -> Callable[..., Value]:
    """v_clz_i32_u32, v_ctz_i32_b32 and v_cls_i32: -1 where there is nothing to find."""

    def compute(k: K, value: Value) -> Value:
        missing = k.const(value.type, -1)
        source = value
        if kind == "cls":
            sign = k.b.ashr(value, k.const(value.type, 31))
            source = k.b.xor(value, sign)
        name = "cttz" if kind == "ctz" else "ctlz"
        count = k.intrinsic(name, value.type, [source, ir.Constant(ir.IntType(1), 0)])
        return k.b.select(_is_zero(k, source), missing, count)

    return compute


def _sad_u32(k: K, a: Value, b: Value, c: Value) -> Value:
    larger, smaller = pick(k, ">", False, a, b), pick(k, "<", False, a, b)
    return k.b.add(k.b.sub(larger, smaller), c)


def _carry(operation: str, reverse: bool = False, carry_in: bool = False) -> Handler:
    """v_add_co_u32 and its kin: `vdst, sdst, src0, src1[, scarry]`."""
    u32 = TYPES["u32"]

    def handle(k: K, inst: Instruction) -> None:
        target, carry_out, *sources = inst.operands
        a, b = (read(k, inst, s, u32) for s in sources[:2])
        total, carried = _step(k, operation, *((b, a) if reverse else (a, b)))
        if carry_in:
            bit = k.b.zext(k.lanes_of(k.read_mask(sources[2])), k.shapes.i32)
            total, again = _step(k, operation, total, bit)
            carried = k.b.or_(carried, again)
        bits = k.active_bits(carried)
        if "clamp" in inst.modifiers:
            total = k.b.select(carried, k.const(total.type, -1 if operation == "add" else 0), total)
        commit_bits(k, target, total)
        k.write_lane_mask(carry_out, bits)

    return handle


def _step(k: K, operation: str, a: Value, b: Value) -> tuple[Value, Value]:
    """One 32-bit addition or subtraction, and whether it carried or borrowed."""
    if operation == "add":
        total = k.b.add(a, b)
        return total, k.b.icmp_unsigned("<", total, a)
    return k.b.sub(a, b), k.b.icmp_unsigned("<", a, b)


def _limit_of(k: K, addend: Value, signed: bool) -> Value:
    """What a sum of 64 bits that overflowed is held at: it does so in the direction of both terms."""
    if not signed:
        return k.const(addend.type, -1)
    sign = k.b.ashr(addend, k.const(addend.type, 63))
    return k.b.xor(sign, k.const(addend.type, (1 << 63) - 1))


def _mad_wide(signed: bool) -> Handler:
    """v_mad_u64_u32 and v_mad_i64_i32: `vdst[2], scarry, src0, src1, src2[2]`."""

    def handle(k: K, inst: Instruction) -> None:
        target, carry_out, *sources = inst.operands
        narrow, wide = (TYPES["i32"], TYPES["i64"]) if signed else (TYPES["u32"], TYPES["u64"])
        extend = k.b.sext if signed else k.b.zext
        a, b = (extend(read(k, inst, s, narrow), k.shapes.i64) for s in sources[:2])
        product, addend = k.b.mul(a, b), read(k, inst, sources[2], wide)
        total = k.b.add(product, addend)
        if signed:
            differs = k.b.and_(k.b.xor(total, product), k.b.xor(total, addend))
            overflow = k.b.icmp_signed("<", differs, k.const(differs.type, 0))
        else:
            overflow = k.b.icmp_unsigned("<", total, product)
        if "clamp" in inst.modifiers:
            total = k.b.select(overflow, _limit_of(k, addend, signed), total)
        commit_bits(k, target, total)
        if carry_out.kind is OperandKind.NULL:
            return
        bits = k.active_bits(overflow)
        k.write_lane_mask(carry_out, bits)

    return handle


def _cndmask(bits: str, as_float: str) -> Handler:
    """v_cndmask: the condition is the last operand, or VCC where a VOPD leaves it out.

    Sources are read as floats, since VOP3 may negate them; the bits are otherwise untouched.
    """
    source_type, integers = TYPES[as_float], ir.IntType(TYPES[bits].bits)

    def handle(k: K, inst: Instruction) -> None:
        target, *sources = inst.operands[:3]
        condition = inst.operands[3] if len(inst.operands) > 3 else k.vcc
        selects = inst.flags("op_sel", 4, 0)
        a, b = (
            k.b.bitcast(
                read(k, inst, s, source_type, high=bool(select), bits=True), k.shapes.vector(integers)
            )
            for s, select in zip(sources, selects, strict=False)
        )
        chosen = k.b.select(k.lanes_of(k.read_mask(condition)), b, a)
        write(k, inst, target, chosen, TYPES[bits], high=bool(selects[3]))

    return handle


def _binary(name: str) -> Callable[..., Value]:
    return lambda k, a, b: getattr(k.b, name)(a, b)


def _three(outer: str, inner: str) -> Callable[..., Value]:
    """`outer(inner(a, b), c)`."""
    return lambda k, a, b, c: getattr(k.b, outer)(getattr(k.b, inner)(a, b), c)


def _logic(bits: str) -> dict[str, Handler]:
    sources = f"{bits} {bits}"
    return {
        f"v_and_{bits}": valu(bits, sources, _binary("and_")),
        f"v_or_{bits}": valu(bits, sources, _binary("or_")),
        f"v_xor_{bits}": valu(bits, sources, _binary("xor")),
        f"v_xnor_{bits}": valu(bits, sources, lambda k, a, b: k.invert(k.b.xor(a, b))),
        f"v_not_{bits}": valu(bits, bits, lambda k, a: k.invert(a)),
        f"v_mov_{bits}": valu(bits, bits, lambda k, a: a),
    }


def _small(u: str, i: str) -> dict[str, Handler]:
    """Additions, minima and shifts that exist in 16 and 32 bits."""
    bits = f"b{u[1:]}"
    return {
        f"v_add_nc_{u}": saturating(u, f"{u} {u}", _binary("add")),
        f"v_sub_nc_{u}": saturating(u, f"{u} {u}", _binary("sub")),
        f"v_add_nc_{i}": saturating(i, f"{i} {i}", _binary("add")),
        f"v_sub_nc_{i}": saturating(i, f"{i} {i}", _binary("sub")),
        f"v_subrev_nc_{u}": saturating(u, f"{u} {u}", lambda k, a, b: k.b.sub(b, a)),
        f"v_min_{u}": valu(u, f"{u} {u}", _minimum(signed=False)),
        f"v_max_{u}": valu(u, f"{u} {u}", _maximum(signed=False)),
        f"v_min_{i}": valu(i, f"{i} {i}", _minimum(signed=True)),
        f"v_max_{i}": valu(i, f"{i} {i}", _maximum(signed=True)),
        f"v_min3_{u}": saturating(
            u, f"{u} {u} {u}", lambda k, a, b, c: _minimum(False)(k, _minimum(False)(k, a, b), c)
        ),
        f"v_max3_{u}": saturating(
            u, f"{u} {u} {u}", lambda k, a, b, c: _maximum(False)(k, _maximum(False)(k, a, b), c)
        ),
        f"v_min3_{i}": saturating(
            i, f"{i} {i} {i}", lambda k, a, b, c: _minimum(True)(k, _minimum(True)(k, a, b), c)
        ),
        f"v_max3_{i}": saturating(
            i, f"{i} {i} {i}", lambda k, a, b, c: _maximum(True)(k, _maximum(True)(k, a, b), c)
        ),
        f"v_med3_{u}": saturating(u, f"{u} {u} {u}", _median(signed=False)),
        f"v_med3_{i}": saturating(i, f"{i} {i} {i}", _median(signed=True)),
        f"v_mul_lo_{u}": valu(u, f"{u} {u}", _binary("mul")),
        f"v_lshlrev_{bits}": valu(bits, f"{bits} {bits}", _shl),
        f"v_lshrrev_{bits}": valu(bits, f"{bits} {bits}", _lshr),
        f"v_ashrrev_{i}": valu(i, f"{i} {i}", _ashr),
    }


def _clamped_pair(type_: str, signed: bool) -> dict[str, Handler]:
    """v_maxmin and v_minmax of integers: the named order, the third source last."""
    low, high, sources = _minimum(signed), _maximum(signed), f"{type_} {type_} {type_}"
    return {
        f"v_maxmin_{type_}": valu(type_, sources, lambda k, a, b, c: low(k, high(k, a, b), c)),
        f"v_minmax_{type_}": valu(type_, sources, lambda k, a, b, c: high(k, low(k, a, b), c)),
    }


HANDLERS: dict[str, Handler] = {
    **_logic("b32"),
    **_logic("b16"),
    **_small("u32", "i32"),
    **_small("u16", "i16"),
    "v_lshlrev_b64": valu("b64", "b32 b64", _shl),
    "v_lshrrev_b64": valu("b64", "b32 b64", _lshr),
    "v_ashrrev_i64": valu("i64", "b32 i64", _ashr),
    "v_mul_hi_u32": valu("u32", "u32 u32", lambda k, a, b: mul_high(k, a, b, signed=False)),
    "v_mul_hi_i32": valu("i32", "i32 i32", lambda k, a, b: mul_high(k, a, b, signed=True)),
    "v_mul_u32_u24": saturating("u32", "u32 u32", _mul24(signed=False)),
    "v_mul_i32_i24": saturating("i32", "i32 i32", _mul24(signed=True)),
    "v_mul_hi_u32_u24": valu("u32", "u32 u32", lambda k, a, b: _mul_hi24(k, a, b, signed=False)),
    "v_mul_hi_i32_i24": valu("i32", "i32 i32", lambda k, a, b: _mul_hi24(k, a, b, signed=True)),
    "v_mad_u32_u24": saturating("u32", "u32 u32 u32", lambda k, a, b, c: k.b.add(_mul24(False)(k, a, b), c)),
    "v_mad_i32_i24": saturating("i32", "i32 i32 i32", lambda k, a, b, c: k.b.add(_mul24(True)(k, a, b), c)),
    "v_mad_u16": saturating("u16", "u16 u16 u16", _three("add", "mul")),
    "v_mad_i16": saturating("i16", "i16 i16 i16", _three("add", "mul")),
    "v_mad_u32_u16": saturating(
        "u32",
        "u16 u16 u32",
        lambda k, a, b, c: k.b.add(k.b.mul(k.b.zext(a, c.type), k.b.zext(b, c.type)), c),
    ),
    "v_mad_i32_i16": saturating(
        "i32",
        "i16 i16 i32",
        lambda k, a, b, c: k.b.add(k.b.mul(k.b.sext(a, c.type), k.b.sext(b, c.type)), c),
    ),
    "v_mad_u64_u32": _mad_wide(signed=False),
    "v_mad_i64_i32": _mad_wide(signed=True),
    "v_add3_u32": valu("u32", "u32 u32 u32", _three("add", "add")),
    "v_or3_b32": valu("b32", "b32 b32 b32", _three("or_", "or_")),
    "v_xor3_b32": valu("b32", "b32 b32 b32", _three("xor", "xor")),
    "v_and_or_b32": valu("b32", "b32 b32 b32", _three("or_", "and_")),
    "v_xad_u32": valu("u32", "u32 u32 u32", _three("add", "xor")),
    "v_lshl_or_b32": valu("b32", "b32 b32 b32", lambda k, a, n, c: k.b.or_(_shl(k, n, a), c)),
    "v_lshl_add_u32": valu("u32", "u32 u32 u32", lambda k, a, n, c: k.b.add(_shl(k, n, a), c)),
    "v_add_lshl_u32": valu("u32", "u32 u32 u32", lambda k, a, b, n: _shl(k, n, k.b.add(a, b))),
    "v_bfe_u32": valu("u32", "u32 u32 u32", _bfe(signed=False)),
    "v_bfe_i32": valu("i32", "i32 u32 u32", _bfe(signed=True)),
    "v_bfi_b32": valu("b32", "b32 b32 b32", _bfi),
    "v_bfm_b32": valu("b32", "b32 b32", _bfm),
    "v_alignbit_b32": valu("b32", "b32 b32 b32", _align(1)),
    "v_alignbyte_b32": valu("b32", "b32 b32 b32", _align(8)),
    "v_perm_b32": valu("b32", "b32 b32 b32", _perm),
    "v_bfrev_b32": valu("b32", "b32", lambda k, a: k.intrinsic("bitreverse", a.type, [a])),
    "v_bcnt_u32_b32": valu("u32", "b32 u32", lambda k, a, b: k.b.add(k.intrinsic("ctpop", a.type, [a]), b)),
    "v_clz_i32_u32": valu("i32", "u32", _leading("clz")),
    "v_ctz_i32_b32": valu("i32", "b32", _leading("ctz")),
    "v_cls_i32": valu("i32", "i32", _leading("cls")),
    **_clamped_pair("u32", signed=False),
    **_clamped_pair("i32", signed=True),
    "v_sad_u32": saturating("u32", "u32 u32 u32", _sad_u32),
    "v_add_co_u32": _carry("add"),
    "v_sub_co_u32": _carry("sub"),
    "v_subrev_co_u32": _carry("sub", reverse=True),
    "v_add_co_ci_u32": _carry("add", carry_in=True),
    "v_sub_co_ci_u32": _carry("sub", carry_in=True),
    "v_subrev_co_ci_u32": _carry("sub", reverse=True, carry_in=True),
    "v_cndmask_b32": _cndmask("b32", "f32"),
    "v_cndmask_b16": _cndmask("b16", "f16"),
}
