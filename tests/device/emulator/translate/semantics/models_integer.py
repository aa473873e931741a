"""Integer vector instructions, from the RDNA3 ISA manual's definitions."""

from __future__ import annotations

from tests.device.emulator.translate.semantics.models import Valu, mask, signed, valu

U32 = mask(32)


def bfe_u32(value: int, offset: int, width: int) -> int:
    return value >> (offset & 31) & mask(width & 31)


def bfe_i32(value: int, offset: int, width: int) -> int:
    width &= 31
    return signed(value >> (offset & 31), width) if width else 0


def perm(high: int, low: int, selector: int) -> int:
    source = (high << 32 | low).to_bytes(8, "little")

    def byte(select: int) -> int:
        if select >= 13:
            return 0xFF
        if select == 12:
            return 0
        if select >= 8:
            return 0xFF if source[2 * (select - 8) + 1] & 0x80 else 0
        return source[select]

    return int.from_bytes(bytes(byte(s) for s in selector.to_bytes(4, "little")), "little")


def leading_zeros(value: int) -> int:
    return 32 - value.bit_length() if value else -1


def trailing_zeros(value: int) -> int:
    return (value & -value).bit_length() - 1


def leading_signs(value: int) -> int:
    """Position from the top of the first bit that differs from the sign, -1 if none does."""
    text = f"{value & U32:032b}"
    return next((i for i in range(32) if text[i] != text[0]), -1)


def i24(value: int) -> int:
    return signed(value, 24)


def u24(value: int) -> int:
    return value & mask(24)


def dot(bits: int, a_signed: bool, b_signed: bool, a: int, b: int, c: int) -> int:
    """The sum of products of the fields of two dwords, plus the third source."""
    for place in range(0, 32, bits):
        x, y = a >> place & mask(bits), b >> place & mask(bits)
        c += (signed(x, bits) if a_signed else x) * (signed(y, bits) if b_signed else y)
    return c


def _shared(n: int) -> dict[str, Valu]:
    u, i, b = f"u{n}", f"i{n}", f"b{n}"
    return {
        f"v_and_{b}": valu(b, f"{b} {b}", lambda x, y: x & y),
        f"v_or_{b}": valu(b, f"{b} {b}", lambda x, y: x | y),
        f"v_xor_{b}": valu(b, f"{b} {b}", lambda x, y: x ^ y),
        f"v_xnor_{b}": valu(b, f"{b} {b}", lambda x, y: ~(x ^ y)),
        f"v_not_{b}": valu(b, b, lambda x: ~x),
        f"v_mov_{b}": valu(b, b, lambda x: x),
        f"v_add_nc_{u}": valu(u, f"{u} {u}", lambda x, y: x + y, saturates=True),
        f"v_sub_nc_{u}": valu(u, f"{u} {u}", lambda x, y: x - y, saturates=True),
        f"v_subrev_nc_{u}": valu(u, f"{u} {u}", lambda x, y: y - x, saturates=True),
        f"v_add_nc_{i}": valu(i, f"{i} {i}", lambda x, y: x + y, saturates=True),
        f"v_sub_nc_{i}": valu(i, f"{i} {i}", lambda x, y: x - y, saturates=True),
        f"v_min_{u}": valu(u, f"{u} {u}", min),
        f"v_max_{u}": valu(u, f"{u} {u}", max),
        f"v_min_{i}": valu(i, f"{i} {i}", min),
        f"v_max_{i}": valu(i, f"{i} {i}", max),
        f"v_min3_{u}": valu(u, f"{u} {u} {u}", min, saturates=True),
        f"v_max3_{u}": valu(u, f"{u} {u} {u}", max, saturates=True),
        f"v_min3_{i}": valu(i, f"{i} {i} {i}", min, saturates=True),
        f"v_max3_{i}": valu(i, f"{i} {i} {i}", max, saturates=True),
        f"v_med3_{u}": valu(u, f"{u} {u} {u}", lambda *v: sorted(v)[1], saturates=True),
        f"v_med3_{i}": valu(i, f"{i} {i} {i}", lambda *v: sorted(v)[1], saturates=True),
        f"v_mul_lo_{u}": valu(u, f"{u} {u}", lambda x, y: x * y),
        f"v_lshlrev_{b}": valu(b, f"{b} {b}", lambda n_, x: x << n_ % n),
        f"v_lshrrev_{b}": valu(b, f"{b} {b}", lambda n_, x: x >> n_ % n),
        f"v_ashrrev_{i}": valu(i, f"{b} {i}", lambda n_, x: x >> n_ % n),
    }


MODELS: dict[str, Valu] = {
    **_shared(32),
    **_shared(16),
    "v_lshlrev_b64": valu("b64", "b32 b64", lambda n, x: x << n % 64),
    "v_lshrrev_b64": valu("b64", "b32 b64", lambda n, x: x >> n % 64),
    "v_ashrrev_i64": valu("i64", "b32 i64", lambda n, x: x >> n % 64),
    "v_mul_hi_u32": valu("u32", "u32 u32", lambda x, y: x * y >> 32),
    "v_mul_hi_i32": valu("i32", "i32 i32", lambda x, y: x * y >> 32),
    "v_mul_u32_u24": valu("u32", "u32 u32", lambda x, y: u24(x) * u24(y), saturates=True),
    "v_mul_i32_i24": valu("i32", "i32 i32", lambda x, y: i24(x) * i24(y), saturates=True),
    "v_mul_hi_u32_u24": valu("u32", "u32 u32", lambda x, y: u24(x) * u24(y) >> 32),
    "v_mul_hi_i32_i24": valu("i32", "i32 i32", lambda x, y: i24(x) * i24(y) >> 32),
    "v_mad_u32_u24": valu("u32", "u32 u32 u32", lambda x, y, z: u24(x) * u24(y) + z, saturates=True),
    "v_mad_i32_i24": valu("i32", "i32 i32 i32", lambda x, y, z: i24(x) * i24(y) + z, saturates=True),
    "v_mad_u16": valu("u16", "u16 u16 u16", lambda x, y, z: x * y + z, saturates=True),
    "v_mad_i16": valu("i16", "i16 i16 i16", lambda x, y, z: x * y + z, saturates=True),
    "v_mad_u32_u16": valu("u32", "u16 u16 u32", lambda x, y, z: x * y + z, saturates=True),
    "v_mad_i32_i16": valu("i32", "i16 i16 i32", lambda x, y, z: x * y + z, saturates=True),
    "v_add3_u32": valu("u32", "u32 u32 u32", lambda x, y, z: x + y + z),
    "v_or3_b32": valu("b32", "b32 b32 b32", lambda x, y, z: x | y | z),
    "v_xor3_b32": valu("b32", "b32 b32 b32", lambda x, y, z: x ^ y ^ z),
    "v_and_or_b32": valu("b32", "b32 b32 b32", lambda x, y, z: x & y | z),
    "v_xad_u32": valu("u32", "u32 u32 u32", lambda x, y, z: (x ^ y) + z),
    "v_lshl_or_b32": valu("b32", "b32 b32 b32", lambda x, y, z: x << y % 32 | z),
    "v_lshl_add_u32": valu("u32", "u32 u32 u32", lambda x, y, z: (x << y % 32) + z),
    "v_add_lshl_u32": valu("u32", "u32 u32 u32", lambda x, y, z: x + y << z % 32),
    "v_bfe_u32": valu("u32", "u32 u32 u32", bfe_u32),
    "v_bfe_i32": valu("i32", "i32 u32 u32", bfe_i32),
    "v_bfi_b32": valu("b32", "b32 b32 b32", lambda m, x, y: m & x | ~m & y),
    "v_bfm_b32": valu("b32", "b32 b32", lambda w, o: mask(w % 32) << o % 32),
    "v_alignbit_b32": valu("b32", "b32 b32 b32", lambda h, low, n: (h << 32 | low) >> n % 32),
    "v_alignbyte_b32": valu("b32", "b32 b32 b32", lambda h, low, n: (h << 32 | low) >> 8 * (n % 4)),
    "v_perm_b32": valu("b32", "b32 b32 b32", perm),
    "v_bfrev_b32": valu("b32", "b32", lambda x: int(f"{x:032b}"[::-1], 2)),
    "v_bcnt_u32_b32": valu("u32", "b32 u32", lambda x, y: x.bit_count() + y),
    "v_clz_i32_u32": valu("i32", "u32", leading_zeros),
    "v_ctz_i32_b32": valu("i32", "b32", trailing_zeros),
    "v_cls_i32": valu("i32", "u32", leading_signs),
    "v_maxmin_u32": valu("u32", "u32 u32 u32", lambda x, y, z: min(max(x, y), z)),
    "v_minmax_u32": valu("u32", "u32 u32 u32", lambda x, y, z: max(min(x, y), z)),
    "v_maxmin_i32": valu("i32", "i32 i32 i32", lambda x, y, z: min(max(x, y), z)),
    "v_minmax_i32": valu("i32", "i32 i32 i32", lambda x, y, z: max(min(x, y), z)),
    "v_sad_u32": valu("u32", "u32 u32 u32", lambda x, y, z: abs(x - y) + z, saturates=True),
}
