"""Instructions that look across lanes, and those that move between scalar and vector registers."""

from __future__ import annotations

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import I32, I64, PTR, TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.vector import commit_bits, read

K = WaveBuilder
B32 = TYPES["b32"]


def _lane_number(k: K, operand: Operand) -> Value:
    return k.b.and_(k.read_scalar(operand, B32), k.i32(k.lanes - 1))


def _readlane(k: K, inst: Instruction) -> None:
    """EXEC does not matter: any lane's value, as it stands."""
    target, source, lane = inst.operands
    k.write_scalar(target, k.b.extract_element(k.vgpr(source.index), _lane_number(k, lane)))


def _writelane(k: K, inst: Instruction) -> None:
    target, source, lane = inst.operands
    value = k.b.insert_element(k.vgpr(target.index), k.read_scalar(source, B32), _lane_number(k, lane))
    k.set_vgpr_all_lanes(target.index, value)


def first_lane(k: K) -> Value:
    """The lowest active lane; lane 0 when none is active."""
    bits = k.exec_bits()
    found = k.intrinsic("cttz", bits.type, [bits, ir.Constant(ir.IntType(1), 0)])
    none = k.b.icmp_unsigned("==", bits, k.i64(0))
    return k.b.select(none, k.i32(0), k.b.trunc(found, I32))


def _readfirstlane(k: K, inst: Instruction) -> None:
    target, source = inst.operands
    if source.kind is not OperandKind.VGPR:
        k.write_scalar(target, k.read_scalar(source, B32))
        return
    k.write_scalar(target, k.b.extract_element(k.vgpr(source.index), first_lane(k)))


def _mbcnt(high: bool) -> Handler:
    """How many lower lanes have their bit set, plus the second source."""

    def handle(k: K, inst: Instruction) -> None:
        target, mask, base = inst.operands
        below = [
            ((1 << lane) - 1) >> 32 if high else ((1 << lane) - 1) & 0xFFFFFFFF for lane in range(k.lanes)
        ]
        lanes_below = ir.Constant(k.shapes.i32, [ir.Constant(I32, bits) for bits in below])
        chosen = k.b.and_(read(k, inst, mask, B32), lanes_below)
        count = k.intrinsic("ctpop", chosen.type, [chosen])
        commit_bits(k, target, k.b.add(count, read(k, inst, base, B32)))

    return handle


def permute_lanes(k: K, value: Value, sources: Value) -> Value:
    """Lane i takes `value` of lane `sources[i]` (already inside the wave), gathered from the wave's memory:
    LLVM's own choice of lanes by variable takes seconds to compile."""
    k.store_field(abi.Wave.addresses.offset, value)
    base = k.b.ptrtoint(k.field_pointer(abi.Wave.addresses.offset), I64)
    offsets = k.b.zext(k.b.shl(sources, k.const(sources.type, 2)), k.shapes.i64)
    pointers = k.b.inttoptr(k.b.add(k.splat(base), offsets), ir.VectorType(PTR, k.lanes))
    mask = k.const(k.shapes.i1, 1)
    name = f"llvm.masked.gather.v{k.lanes}i32.v{k.lanes}p0"
    return k.call(name, value.type, [pointers, k.i32(4), mask, ir.Constant(value.type, ir.Undefined)])


def _bpermute(k: K, inst: Instruction) -> None:
    """ds_bpermute_b32: each lane pulls from the lane that its address names; inactive lanes give 0."""
    target, address, data = inst.operands
    offset = k.b.add(k.vgpr(address.index), k.const(k.shapes.i32, inst.offset))
    active = k.b.select(k.exec_mask(), k.vgpr(data.index), k.const(k.shapes.i32, 0))
    commit_bits(k, target, permute_lanes(k, active, lane_named(k, offset)))


def lane_named(k: K, offset: Value) -> Value:
    """The lane that a byte offset names. The crossbar joins the lanes of the smallest wave that there is: a
    wave64 of RDNA has two of them, of CDNA one."""
    joined = min(k.dialect.family.wave_sizes)
    lane = k.b.and_(k.b.lshr(offset, k.const(k.shapes.i32, 2)), k.const(k.shapes.i32, joined - 1))
    parts = ir.Constant(k.shapes.i32, [ir.Constant(I32, lane & -joined) for lane in range(k.lanes)])
    return k.b.or_(lane, parts)


def _permute(k: K, inst: Instruction) -> None:
    """ds_permute_b32: each active lane pushes; where several push to one lane, the highest wins."""
    target, address, data = inst.operands
    offset = k.b.add(k.vgpr(address.index), k.const(k.shapes.i32, inst.offset))
    places, value, exec_mask = lane_named(k, offset), k.vgpr(data.index), k.exec_mask()
    result = k.const(k.shapes.i32, 0)
    for lane in range(k.lanes):
        place = k.b.extract_element(places, k.i32(lane))
        pushed = k.b.insert_element(result, k.b.extract_element(value, k.i32(lane)), place)
        result = k.b.select(k.b.extract_element(exec_mask, k.i32(lane)), pushed, result)
    commit_bits(k, target, result)


def _swizzle(k: K, inst: Instruction) -> None:
    """ds_swizzle_b32 in its four modes, within groups of 32."""
    target, data = inst.operands
    sources = [_swizzle_source(inst, lane) for lane in range(k.lanes)]
    index = ir.Constant(ir.VectorType(I32, k.lanes), [ir.Constant(I32, s) for s in sources])
    value = k.b.select(k.exec_mask(), k.vgpr(data.index), k.const(k.shapes.i32, 0))
    commit_bits(k, target, k.b.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), index))


def _swizzle_source(inst: Instruction, lane: int) -> int:
    text = inst.modifiers.get("offset", "0")
    if text.startswith("swizzle("):
        return _named_swizzle(text, lane)
    pattern = int(text, 0)
    if pattern >= 0xE000:
        return _fft_source(pattern & 31, lane)
    if pattern >= 0xC000:
        turn = -(pattern >> 5 & 31) if pattern & 0x400 else pattern >> 5 & 31
        return lane & 32 | lane & pattern & 31 | (lane + turn) & ~pattern & 31
    if pattern & 0x8000:
        return lane - lane % 4 + (pattern >> 2 * (lane % 4) & 3)
    and_mask, or_mask, xor_mask = pattern & 31, pattern >> 5 & 31, pattern >> 10 & 31
    return lane - lane % 32 + (((lane % 32 & and_mask) | or_mask) ^ xor_mask)


def _fft_source(mask: int, lane: int) -> int:
    """The order of a Fourier transform's inputs: the lane's five bits reversed, those of the mask kept."""
    reversed_bits = sum((lane >> bit & 1) << 4 - bit for bit in range(5))
    return lane & 32 | reversed_bits >> mask.bit_count() | lane & mask


def _named_swizzle(text: str, lane: int) -> int:
    """LLVM's spellings: QUAD_PERM, BITMASK_PERM, BROADCAST, SWAP, REVERSE, FFT and ROTATE."""
    name, *arguments = (part.strip().strip('"') for part in text[len("swizzle(") : -1].split(","))
    row, place = lane - lane % 32, lane % 32
    if name == "QUAD_PERM":
        return lane - lane % 4 + int(arguments[lane % 4], 0)
    if name == "BITMASK_PERM":
        return row + sum(_mask_bit(c, place, 4 - i) for i, c in enumerate(arguments[0]))
    size = int(arguments[0], 0)
    if name == "FFT":
        return _fft_source(size, lane)
    if name == "ROTATE":
        turn, mask = int(arguments[1], 0), int(arguments[2], 0) if len(arguments) > 2 else 0
        return row | place & mask | (place + (-turn if size else turn)) & ~mask & 31
    if name == "BROADCAST":
        return lane - lane % size + int(arguments[1], 0)
    if name == "SWAP":
        return row + (place ^ size)
    return lane - lane % size + (size - 1 - lane % size)


def _mask_bit(control: str, place: int, bit: int) -> int:
    own = place >> bit & 1
    return {"0": 0, "1": 1, "p": own, "i": own ^ 1}[control] << bit


def _permlane(across: bool) -> Handler:
    """v_permlane16_b32 and v_permlanex16_b32: lane selects in two SGPRs, four bits a lane."""

    def handle(k: K, inst: Instruction) -> None:
        _, _, low, high = inst.operands
        selects = k.pair(k.read_scalar(low, B32), k.read_scalar(high, B32))
        shifts = ir.Constant(
            k.shapes.i64, [ir.Constant(ir.IntType(64), 4 * (lane % 16)) for lane in range(k.lanes)]
        )
        nibble = k.b.trunc(k.b.lshr(k.splat(selects), shifts), k.shapes.i32)
        permute_within_rows(k, inst, nibble, across)

    return handle


def permute_within_rows(k: K, inst: Instruction, selects: Value, across: bool) -> None:
    """`mnemonic vdst, vsrc, ...`: each lane gets what the lane of its row, or of the row beside, has that the
    low four bits of its select name; op_sel says whether inactive lanes are fetched, and whether lanes that
    get nothing get zero."""
    target, data = inst.operands[:2]
    fetch_inactive, bound_control = inst.flags("op_sel", 2, 0)
    rows = ir.Constant(
        k.shapes.i32, [ir.Constant(I32, (lane // 16 ^ int(across)) * 16) for lane in range(k.lanes)]
    )
    lane = k.b.add(k.b.and_(selects, k.const(k.shapes.i32, 15)), rows)
    value = permute_lanes(k, k.vgpr(data.index), lane)
    if not fetch_inactive:
        active = k.b.sext(k.exec_mask(), k.shapes.i32)
        valid = k.b.icmp_signed("<", permute_lanes(k, active, lane), k.const(k.shapes.i32, 0))
        kept = k.const(value.type, 0) if bound_control else k.vgpr(target.index)
        value = k.b.select(valid, value, kept)
    commit_bits(k, target, value)


def _permlane64(k: K, inst: Instruction) -> None:
    """v_permlane64_b32: the halves of a wave64 change places; in wave32 nothing happens."""
    target, source = inst.operands
    if k.lanes == 64:
        index = ir.Constant(k.shapes.i32, [ir.Constant(I32, lane ^ 32) for lane in range(64)])
        value = k.vgpr(source.index)
        commit_bits(k, target, k.b.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), index))


def _swap(k: K, inst: Instruction) -> None:
    a, b = inst.operands
    first, second = k.vgpr(a.index), k.vgpr(b.index)
    k.commit(a, second)
    k.commit(b, first)


HANDLERS: dict[str, Handler] = {
    "v_readlane_b32": _readlane,
    "v_writelane_b32": _writelane,
    "v_readfirstlane_b32": _readfirstlane,
    "v_mbcnt_lo_u32_b32": _mbcnt(high=False),
    "v_mbcnt_hi_u32_b32": _mbcnt(high=True),
    "v_permlane16_b32": _permlane(across=False),
    "v_permlanex16_b32": _permlane(across=True),
    "v_permlane64_b32": _permlane64,
    "v_swap_b32": _swap,
    "ds_bpermute_b32": _bpermute,
    "ds_permute_b32": _permute,
    "ds_swizzle_b32": _swizzle,
}
