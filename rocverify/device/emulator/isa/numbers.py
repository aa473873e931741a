"""Numbers in the text of instructions, as LLVM writes them: immediates, literals, lists of names.

Each form is a function from the field's value to text, under the name that the families' tables use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

_FLOATS = ("0.5", "-0.5", "1.0", "-1.0", "2.0", "-2.0", "4.0", "-4.0")
_F32 = dict(
    zip(
        (0x3F000000, 0xBF000000, 0x3F800000, 0xBF800000, 0x40000000, 0xC0000000, 0x40800000, 0xC0800000),
        _FLOATS,
        strict=True,
    )
) | {0x3E22F983: "0.15915494"}
_F16 = dict(zip((0x3800, 0xB800, 0x3C00, 0xBC00, 0x4000, 0xC000, 0x4400, 0xC400), _FLOATS, strict=True)) | {
    0x3118: "0.15915494"
}
_BF16 = dict(zip((0x3F00, 0xBF00, 0x3F80, 0xBF80, 0x4000, 0xC000, 0x4080, 0xC080), _FLOATS, strict=True)) | {
    0x3E22: "0.15915494"
}
_F64 = dict(
    zip(
        (0x3FE00000, 0xBFE00000, 0x3FF00000, 0xBFF00000, 0x40000000, 0xC0000000, 0x40100000, 0xC0100000),
        _FLOATS,
        strict=True,
    )
)


def _small(value: int, bits: int) -> str | None:
    """Integers from -16 to 64 as decimal numbers."""
    if value <= 64:
        return str(value)
    signed = value - (1 << bits)
    return str(signed) if signed >= -16 else None


def _literal32(value: int) -> str:
    return _small(value, 32) or _F32.get(value) or hex(value)


def _literal16(value: int) -> str:
    value &= 0xFFFF
    return _small(value, 16) or _F16.get(value) or hex(value)


def _literal_bf16(value: int) -> str:
    value &= 0xFFFF
    return _small(value, 16) or _BF16.get(value) or hex(value)


def _wide_bf16(value: int) -> str:
    return _small(value & 0xFFFF, 16) or _BF16.get(value & 0xFFFF) or hex(value)


def _integer16(value: int) -> str:
    return _small(value, 32) or _F32.get(value) or hex(value & 0xFFFF)


def _packed16(value: int) -> str:
    return _small(value, 32) or _F16.get(value) or hex(value)


def _packed_bf16(value: int) -> str:
    return _small(value, 32) or _BF16.get(value) or hex(value)


def _high64(value: int) -> str:
    return "0" if value == 0 else _F64.get(value) or hex(value)


def _low64(value: int) -> str:
    return str(value) if value <= 64 else hex(value)


def _decimal_to(most: int) -> Callable[[int], str]:
    return lambda value: str(value) if value <= most else hex(value)


def _signed(bits: int, write: Callable[[int], str] = str) -> Callable[[int], str]:
    half = 1 << bits - 1
    return lambda value: write(value - 2 * half if value & half else value)


def _waitcnt(vm: tuple[int, int, int], exp: tuple[int, int], lgkm: tuple[int, int]) -> Callable[[int], str]:
    """s_waitcnt by the places (lowest bit, bits) of its counters; bits of vmcnt lie in two places."""

    def write(value: int) -> str:
        low, count, high = vm
        upper = value >> 14 & (1 << high) - 1
        counters = (
            ("vmcnt", value >> low & (1 << count) - 1 | upper << count, count + high),
            ("expcnt", value >> exp[0] & (1 << exp[1]) - 1, exp[1]),
            ("lgkmcnt", value >> lgkm[0] & (1 << lgkm[1]) - 1, lgkm[1]),
        )
        waiting = [one for one in counters if one[1] != (1 << one[2]) - 1]
        return " ".join(f"{name}({count})" for name, count, _ in waiting or counters)

    return write


_DEPENDENCIES = (
    ("hold_cnt", 7, 1), ("sa_sdst", 0, 1), ("va_vdst", 12, 4), ("va_sdst", 9, 3), ("va_ssrc", 8, 1),
    ("va_vcc", 1, 1), ("vm_vsrc", 2, 3),
)  # fmt: skip
_NO_COUNTERS = 0x60


def _dependencies(value: int) -> str:
    """s_waitcnt_depctr."""
    if value & _NO_COUNTERS:
        return hex(value)
    counters = [(name, value >> low & (1 << bits) - 1, (1 << bits) - 1) for name, low, bits in _DEPENDENCIES]
    waiting = [one for one in counters if one[1] != one[2]]
    return " ".join(f"depctr_{name}({count})" for name, count, _ in waiting or counters)


_INVALID_ID, _INVALID_SKIP = "/* invalid instid value */", "/* invalid instskip value */"
_PRODUCERS = (
    "", "VALU_DEP_1", "VALU_DEP_2", "VALU_DEP_3", "VALU_DEP_4", "TRANS32_DEP_1", "TRANS32_DEP_2",
    "TRANS32_DEP_3", "FMA_ACCUM_CYCLE_1", "SALU_CYCLE_1", "SALU_CYCLE_2", "SALU_CYCLE_3",
)  # fmt: skip
_SKIPS = ("", "NEXT", "SKIP_1", "SKIP_2", "SKIP_3", "SKIP_4")


def _delay(value: int) -> str:
    """s_delay_alu."""
    first, skip, second = value & 15, value >> 4 & 7, value >> 7 & 15
    parts = []
    for name, chosen, names, invalid in (
        ("instid0", first, _PRODUCERS, _INVALID_ID),
        ("instskip", skip, _SKIPS, _INVALID_SKIP),
        ("instid1", second, _PRODUCERS, _INVALID_ID),
    ):
        if chosen:
            parts.append(f"{name}({names[chosen] if chosen < len(names) else invalid})")
    return " | ".join(parts) or "0"


def hardware_register(names: Mapping[int, str]) -> Callable[[int], str]:
    """The form of s_getreg's register, first bit and number of bits; `names` of registers by number."""

    def write(value: int) -> str:
        register, first, count = value & 63, value >> 6 & 31, (value >> 11) + 1
        name = names.get(register, str(register))
        return f"hwreg({name})" if (first, count) == (0, 32) else f"hwreg({name}, {first}, {count})"

    return write


def message(names: Mapping[int, str]) -> Callable[[int], str]:
    """The form of s_sendmsg's message from RDNA 3 on; `names` by number."""

    def write(value: int) -> str:
        name = names.get(value & 0xFF)
        if name is not None:
            return f"sendmsg({name})"
        return f"sendmsg({value}, 0, 0)" if value <= 0xFF else str(value)

    return write


_MESSAGE = 0x37F
"""The bits of a message before RDNA 3: its number, operation and stream."""


def whole_message(names: Mapping[int, str]) -> Callable[[int], str]:
    """The form of s_sendmsg's message with its operation and stream, before RDNA 3; `names` of all three by
    the bits that say them."""

    def write(value: int) -> str:
        said = value & _MESSAGE
        if said in names:
            return f"sendmsg({names[said]})"
        return f"sendmsg({value & 15}, {value >> 4 & 7}, {value >> 8})" if said == value else str(value)

    return write


_INDEXED = ("SRC0", "SRC1", "SRC2", "DST")


def _index_modes(value: int) -> str:
    """Which operands s_set_gpr_idx_on and s_set_gpr_idx_mode index."""
    if value >> len(_INDEXED):
        return hex(value)
    return f"gpr_idx({','.join(name for bit, name in enumerate(_INDEXED) if value >> bit & 1)})"


def _lanes8(value: int) -> str:
    return f"[{','.join(str(value >> 3 * lane & 7) for lane in range(8))}]"


def _nonzero(value: int) -> str:
    return str(value) if value else ""


_QUAD, _ALL_LANES = 0x80, 31
_LETTERS = {(0, 0): "0", (1, 1): "1", (0, 1): "p", (1, 0): "i"}


def _swizzle(value: int) -> str:
    """The pattern of ds_swizzle_b32."""
    if value >> 8 == _QUAD:
        return f"swizzle(QUAD_PERM,{','.join(str(value >> 2 * lane & 3) for lane in range(4))})"
    if value >> 15:
        return str(value)
    kept, set_, flipped = value & 31, value >> 5 & 31, value >> 10 & 31
    if kept == _ALL_LANES and set_ == 0 and flipped.bit_count() == 1:
        return f"swizzle(SWAP,{flipped})"
    if kept == _ALL_LANES and set_ == 0 and flipped and flipped & flipped + 1 == 0:
        return f"swizzle(REVERSE,{flipped + 1})"
    group = _ALL_LANES - kept + 1
    if group > 1 and group & group - 1 == 0 and set_ < group and flipped == 0:
        return f"swizzle(BROADCAST,{group},{set_})"
    zeros, ones = set_ ^ flipped, (kept | set_) ^ flipped
    bits = ((zeros >> bit & 1, ones >> bit & 1) for bit in range(4, -1, -1))
    letters = "".join(_LETTERS[zero, one] for zero, one in bits)
    return f'swizzle(BITMASK_PERM,"{letters}")'


FORMS: Mapping[str, Callable[[int], str]] = {
    "decimal": str,
    "hex": hex,
    **{f"signed{bits}": _signed(bits) for bits in (12, 13, 16, 20, 21, 24)},
    **{f"hex_signed{bits}": _signed(bits, hex) for bits in (16, 20, 21, 24)},
    "decimal_to_64": _decimal_to(64),
    "nonzero": _nonzero,
    "lanes8": _lanes8,
    "index_modes": _index_modes,
    "waitcnt_gfx11": _waitcnt((10, 6, 0), (0, 3), (4, 6)),
    "waitcnt_gfx10": _waitcnt((0, 4, 2), (4, 3), (8, 6)),
    "waitcnt_gfx9": _waitcnt((0, 4, 2), (4, 3), (8, 4)),
    "dependencies": _dependencies,
    "delay": _delay,
    "swizzle": _swizzle,
    "literal32": _literal32,
    "literal16": _literal16,
    "literal_bf16": _literal_bf16,
    "wide_bf16": _wide_bf16,
    "integer16": _integer16,
    "packed16": _packed16,
    "packed_bf16": _packed_bf16,
    "high64": _high64,
    "low64": _low64,
}
"""Forms that are the same in every family."""

LITERAL_FORMS = (
    "hex", "literal32", "low64", "high64", "literal16", "integer16", "packed16", "literal_bf16",
    "packed_bf16", "wide_bf16",
)  # fmt: skip
"""Those of 32-bit literals."""

HALF_LITERALS = frozenset(("literal16", "integer16", "literal_bf16", "wide_bf16"))
"""Those of literals of which only the low half counts."""
