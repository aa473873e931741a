"""Scalar instructions: SOP1, SOP2, SOPC and SOPK. Names are the ISA manual's."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import I32, I64, TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics import scalar_bits
from rocverify.errors import DeviceError

K = WaveBuilder
Pair = tuple[Value, Value | None]
"""A result, and the new SCC (None leaves SCC as it is)."""


def sop2(type_: str, compute: Callable[..., Pair], second: str | None = None) -> Handler:
    """`mnemonic sdst, ssrc0, ssrc1`."""
    first_type, second_type = TYPES[type_], TYPES[second or type_]

    def handle(k: K, inst: Instruction) -> None:
        target, a, b = inst.operands
        result, scc = compute(k, k.read_scalar(a, first_type), k.read_scalar(b, second_type))
        k.write_scalar(target, result)
        if scc is not None:
            k.set_scc(scc)

    return handle


def sop1(type_: str, compute: Callable[..., Pair]) -> Handler:
    """`mnemonic sdst, ssrc0`."""
    source_type = TYPES[type_]

    def handle(k: K, inst: Instruction) -> None:
        target, a = inst.operands
        result, scc = compute(k, k.read_scalar(a, source_type))
        k.write_scalar(target, result)
        if scc is not None:
            k.set_scc(scc)

    return handle


def _logic(operation: Callable[..., Value]) -> Callable[..., Pair]:
    def compute(k: K, *sources: Value) -> Pair:
        value = operation(k, *sources)
        return value, scalar_bits.nonzero(k, value)

    return compute


def without_scc(operation: Callable[..., Value]) -> Callable[..., Pair]:
    """An operation that leaves SCC as it is, as a handler of the table."""
    return lambda k, *sources: (operation(k, *sources), None)


def _add_unsigned(k: K, a: Value, b: Value) -> Pair:
    total = k.b.add(a, b)
    return total, k.b.icmp_unsigned("<", total, a)


def _sub_unsigned(k: K, a: Value, b: Value) -> Pair:
    return k.b.sub(a, b), k.b.icmp_unsigned("<", a, b)


def _add_signed(k: K, a: Value, b: Value) -> Pair:
    total = k.b.add(a, b)
    differs = k.b.and_(k.b.xor(total, a), k.b.xor(total, b))
    return total, k.b.icmp_signed("<", differs, k.const(differs.type, 0))


def _sub_signed(k: K, a: Value, b: Value) -> Pair:
    result = k.b.sub(a, b)
    differs = k.b.and_(k.b.xor(a, b), k.b.xor(result, a))
    return result, k.b.icmp_signed("<", differs, k.const(differs.type, 0))


def _with_carry(operation: str) -> Callable[..., Pair]:
    def compute(k: K, a: Value, b: Value) -> Pair:
        wide_a, wide_b, carry = k.b.zext(a, I64), k.b.zext(b, I64), k.b.zext(k.scc(), I64)
        step = getattr(k.b, operation)
        total = step(step(wide_a, wide_b), carry)
        return k.b.trunc(total, I32), k.b.trunc(k.b.lshr(total, k.i64(32)), ir.IntType(1))

    return compute


def _extreme(relation: str, signed: bool) -> Callable[..., Pair]:
    def compute(k: K, a: Value, b: Value) -> Pair:
        first = (k.b.icmp_signed if signed else k.b.icmp_unsigned)(relation, a, b)
        return k.b.select(first, a, b), first

    return compute


def _shift(name: str) -> Callable[..., Value]:
    def compute(k: K, value: Value, count: Value) -> Value:
        width = value.type.width
        amount = k.b.and_(
            k.b.zext(count, value.type) if width > 32 else count, k.const(value.type, width - 1)
        )
        return getattr(k.b, name)(value, amount)

    return compute


def _shift_add(count: int) -> Callable[..., Pair]:
    def compute(k: K, a: Value, b: Value) -> Pair:
        total = k.b.add(k.b.shl(k.b.zext(a, I64), k.i64(count)), k.b.zext(b, I64))
        return k.b.trunc(total, I32), k.b.icmp_unsigned(">", total, k.i64(0xFFFFFFFF))

    return compute


def _mul_hi(signed: bool) -> Callable[..., Pair]:
    def compute(k: K, a: Value, b: Value) -> Pair:
        extend = k.b.sext if signed else k.b.zext
        product = k.b.mul(extend(a, I64), extend(b, I64))
        return k.b.trunc(k.b.lshr(product, k.i64(32)), I32), None

    return compute


def _absolute(k: K, value: Value) -> Value:
    negative = k.b.icmp_signed("<", value, k.i32(0))
    return k.b.select(negative, k.b.neg(value), value)


def _cselect(k: K, a: Value, b: Value) -> Pair:
    return k.b.select(k.scc(), a, b), None


def _bit_set(value: int, type_: str) -> Handler:
    """s_bitset0 and s_bitset1: one bit of the destination."""

    def handle(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        old = k.read_scalar(target, TYPES[type_])
        bit = _shift("shl")(k, k.const(old.type, 1), k.read_scalar(source, TYPES["b32"]))
        k.write_scalar(target, k.b.or_(old, bit) if value else k.b.and_(old, k.invert(bit)))

    return handle


def _compare(relation: str, type_: str) -> Handler:
    def handle(k: K, inst: Instruction) -> None:
        a, b = (k.read_scalar(s, TYPES[type_]) for s in inst.operands)
        compare = k.b.icmp_signed if TYPES[type_].signed else k.b.icmp_unsigned
        k.set_scc(compare(relation, a, b))

    return handle


def _compare_immediate(relation: str, signed: bool) -> Handler:
    def handle(k: K, inst: Instruction) -> None:
        value = k.read_scalar(inst.operands[0], TYPES["b32"])
        immediate = k.i32(_simm16(inst.operands[1].integer) if signed else inst.operands[1].integer & 0xFFFF)
        k.set_scc((k.b.icmp_signed if signed else k.b.icmp_unsigned)(relation, value, immediate))

    return handle


def _simm16(value: int) -> int:
    value &= 0xFFFF
    return value - 0x10000 if value & 0x8000 else value


def _movk(k: K, inst: Instruction) -> None:
    k.write_scalar(inst.operands[0], k.i32(_simm16(inst.operands[1].integer)))


def _cmovk(k: K, inst: Instruction) -> None:
    target, value = inst.operands
    old = k.read_scalar(target, TYPES["b32"])
    k.write_scalar(target, k.b.select(k.scc(), k.i32(_simm16(value.integer)), old))


def _cmov(type_: str) -> Handler:
    def handle(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        old, new = k.read_scalar(target, TYPES[type_]), k.read_scalar(source, TYPES[type_])
        k.write_scalar(target, k.b.select(k.scc(), new, old))

    return handle


def _addk(k: K, inst: Instruction) -> None:
    target, value = inst.operands
    result, scc = _add_signed(k, k.read_scalar(target, TYPES["b32"]), k.i32(_simm16(value.integer)))
    k.write_scalar(target, result)
    k.set_scc(scc)


def _mulk(k: K, inst: Instruction) -> None:
    target, value = inst.operands
    product = k.b.mul(k.read_scalar(target, TYPES["b32"]), k.i32(_simm16(value.integer)))
    k.write_scalar(target, product)


def _bit_test(wanted: int, type_: str) -> Handler:
    def handle(k: K, inst: Instruction) -> None:
        value, index = k.read_scalar(inst.operands[0], TYPES[type_]), inst.operands[1]
        place = k.read_scalar(index, TYPES["b32"])
        place = k.b.zext(place, value.type) if TYPES[type_].bits == 64 else place
        place = k.b.and_(place, k.const(value.type, TYPES[type_].bits - 1))
        bit = k.b.and_(k.b.lshr(value, place), k.const(value.type, 1))
        k.set_scc(k.b.icmp_unsigned("==", bit, k.const(value.type, wanted)))

    return handle


SAVEEXEC: dict[str, Callable[[K, Value, Value], Value]] = {
    "and": lambda k, s, e: k.b.and_(s, e),
    "or": lambda k, s, e: k.b.or_(s, e),
    "xor": lambda k, s, e: k.b.xor(s, e),
    "nand": lambda k, s, e: k.invert(k.b.and_(s, e)),
    "nor": lambda k, s, e: k.invert(k.b.or_(s, e)),
    "xnor": lambda k, s, e: k.invert(k.b.xor(s, e)),
    "and_not0": lambda k, s, e: k.b.and_(k.invert(s), e),
    "and_not1": lambda k, s, e: k.b.and_(s, k.invert(e)),
    "or_not0": lambda k, s, e: k.b.or_(k.invert(s), e),
    "or_not1": lambda k, s, e: k.b.or_(s, k.invert(e)),
}


def _save_exec(operation: str, bits: int, write_result: bool) -> Handler:
    """The old EXEC goes to the destination (or the new one, for *_wrexec), EXEC is combined."""

    def handle(k: K, inst: Instruction) -> None:
        if bits != k.lanes:
            raise DeviceError(f"a {bits}-bit EXEC operation in wave{k.lanes}: {inst.text}")
        target, source = inst.operands
        value = k.read_scalar(source, TYPES[f"b{bits}"])
        old = k.exec_bits() if bits == 64 else k.b.trunc(k.exec_bits(), I32)
        new = SAVEEXEC[operation](k, value, old)
        k.write_scalar(target, new if write_result else old)
        k.set_exec(new if bits == 64 else k.b.zext(new, I64))
        k.set_scc(scalar_bits.nonzero(k, new))

    return handle


def _both(suffix: str) -> dict[str, Handler]:
    """What exists for 32 and 64 bits alike."""
    b, i, u = f"b{suffix}", f"i{suffix}", f"u{suffix}"
    bits = int(suffix)
    handlers = {
        f"s_mov_{b}": sop1(b, without_scc(lambda k, a: a)),
        f"s_not_{b}": sop1(b, _logic(lambda k, a: k.invert(a))),
        f"s_cmov_{b}": _cmov(b),
        f"s_brev_{b}": sop1(b, without_scc(lambda k, a: k.intrinsic("bitreverse", a.type, [a]))),
        f"s_bcnt1_i32_{b}": sop1(b, _logic(scalar_bits.population)),
        f"s_bcnt0_i32_{b}": sop1(b, _logic(lambda k, a: scalar_bits.population(k, k.invert(a)))),
        f"s_ctz_i32_{b}": sop1(b, without_scc(scalar_bits.find("cttz"))),
        f"s_clz_i32_{u}": sop1(u, without_scc(scalar_bits.find("ctlz"))),
        f"s_quadmask_{b}": sop1(b, _logic(scalar_bits.quad_mask(bits))),
        f"s_wqm_{b}": sop1(b, _logic(scalar_bits.whole_quads(bits))),
        f"s_and_{b}": sop2(b, _logic(lambda k, x, y: k.b.and_(x, y))),
        f"s_or_{b}": sop2(b, _logic(lambda k, x, y: k.b.or_(x, y))),
        f"s_xor_{b}": sop2(b, _logic(lambda k, x, y: k.b.xor(x, y))),
        f"s_nand_{b}": sop2(b, _logic(lambda k, x, y: k.invert(k.b.and_(x, y)))),
        f"s_nor_{b}": sop2(b, _logic(lambda k, x, y: k.invert(k.b.or_(x, y)))),
        f"s_xnor_{b}": sop2(b, _logic(lambda k, x, y: k.invert(k.b.xor(x, y)))),
        f"s_and_not1_{b}": sop2(b, _logic(lambda k, x, y: k.b.and_(x, k.invert(y)))),
        f"s_or_not1_{b}": sop2(b, _logic(lambda k, x, y: k.b.or_(x, k.invert(y)))),
        f"s_cselect_{b}": sop2(b, _cselect),
        f"s_lshl_{b}": sop2(b, _logic(_shift("shl")), "u32"),
        f"s_lshr_{b}": sop2(b, _logic(_shift("lshr")), "u32"),
        f"s_ashr_{i}": sop2(i, _logic(_shift("ashr")), "u32"),
        f"s_bfe_{u}": sop2(u, _logic(scalar_bits.field(bits, signed=False)), "u32"),
        f"s_bfe_{i}": sop2(i, _logic(scalar_bits.field(bits, signed=True)), "u32"),
        f"s_bitset0_{b}": _bit_set(0, b),
        f"s_bitset1_{b}": _bit_set(1, b),
        f"s_bitcmp0_{b}": _bit_test(0, b),
        f"s_bitcmp1_{b}": _bit_test(1, b),
    }
    for operation in SAVEEXEC:
        handlers[f"s_{operation}_saveexec_{b}"] = _save_exec(operation, bits, write_result=False)
        handlers[f"s_{operation}_wrexec_{b}"] = _save_exec(operation, bits, write_result=True)
    return handlers


RELATIONS = {"eq": "==", "lg": "!=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}

HANDLERS: dict[str, Handler] = {
    **_both("32"),
    **_both("64"),
    **{f"s_cmp_{name}_u32": _compare(op, "u32") for name, op in RELATIONS.items()},
    **{f"s_cmp_{name}_i32": _compare(op, "i32") for name, op in RELATIONS.items()},
    **{f"s_cmp_{name}_u64": _compare(op, "u64") for name, op in RELATIONS.items() if name in ("eq", "lg")},
    **{f"s_cmpk_{name}_u32": _compare_immediate(op, signed=False) for name, op in RELATIONS.items()},
    **{f"s_cmpk_{name}_i32": _compare_immediate(op, signed=True) for name, op in RELATIONS.items()},
    "s_add_u32": sop2("u32", _add_unsigned),
    "s_sub_u32": sop2("u32", _sub_unsigned),
    "s_add_i32": sop2("i32", _add_signed),
    "s_sub_i32": sop2("i32", _sub_signed),
    "s_addc_u32": sop2("u32", _with_carry("add")),
    "s_subb_u32": sop2("u32", _with_carry("sub")),
    "s_mul_i32": sop2("i32", without_scc(lambda k, a, b: k.b.mul(a, b))),
    "s_mul_hi_u32": sop2("u32", _mul_hi(signed=False)),
    "s_mul_hi_i32": sop2("i32", _mul_hi(signed=True)),
    "s_min_u32": sop2("u32", _extreme("<", signed=False)),
    "s_max_u32": sop2("u32", _extreme(">=", signed=False)),
    "s_min_i32": sop2("i32", _extreme("<", signed=True)),
    "s_max_i32": sop2("i32", _extreme(">=", signed=True)),
    "s_absdiff_i32": sop2("i32", _logic(lambda k, a, b: _absolute(k, k.b.sub(a, b)))),
    "s_abs_i32": sop1("i32", _logic(_absolute)),
    "s_sext_i32_i8": sop1("b32", without_scc(lambda k, a: k.b.sext(k.b.trunc(a, ir.IntType(8)), I32))),
    "s_sext_i32_i16": sop1("b32", without_scc(lambda k, a: k.b.sext(k.b.trunc(a, ir.IntType(16)), I32))),
    "s_cls_i32": sop1("i32", without_scc(scalar_bits.leading_sign)),
    "s_cls_i32_i64": sop1("i64", without_scc(scalar_bits.leading_sign)),
    "s_bitreplicate_b64_b32": sop1("b32", without_scc(scalar_bits.replicate)),
    "s_bfm_b32": sop2("b32", without_scc(scalar_bits.field_mask)),
    "s_bfm_b64": sop2("b32", without_scc(scalar_bits.field_mask64)),
    "s_pack_ll_b32_b16": sop2("b32", without_scc(scalar_bits.pack(low_high=False, high_high=False))),
    "s_pack_lh_b32_b16": sop2("b32", without_scc(scalar_bits.pack(low_high=False, high_high=True))),
    "s_pack_hh_b32_b16": sop2("b32", without_scc(scalar_bits.pack(low_high=True, high_high=True))),
    "s_pack_hl_b32_b16": sop2("b32", without_scc(scalar_bits.pack(low_high=True, high_high=False))),
    **{f"s_lshl{n}_add_u32": sop2("u32", _shift_add(n)) for n in (1, 2, 3, 4)},
    "s_movk_i32": _movk,
    "s_cmovk_i32": _cmovk,
    "s_addk_i32": _addk,
    "s_mulk_i32": _mulk,
}
