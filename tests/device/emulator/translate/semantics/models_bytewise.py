"""Sums of absolute differences and averages of bytes, packed accumulation, from the ISA manual."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics.cases import Case, lanewise
from tests.device.emulator.translate.semantics.models import Valu, mask, valu


def bytes_of(value: int, count: int = 4) -> bytes:
    return (value & mask(8 * count)).to_bytes(count, "little")


def sad(bits: int, shift: int, a: int, b: int, c: int) -> int:
    fields = range(0, 32, bits)
    return c + (sum(abs((a >> i & mask(bits)) - (b >> i & mask(bits))) for i in fields) << shift)


def msad(a: int, reference: int, c: int) -> int:
    """A byte of the reference that is 0 does not count."""
    pairs = zip(bytes_of(a), bytes_of(reference), strict=True)
    return c + sum(abs(x - y) for x, y in pairs if y)


def lerp(a: int, b: int, c: int) -> int:
    triples = zip(bytes_of(a), bytes_of(b), bytes_of(c), strict=True)
    return int.from_bytes(bytes(x + y + (z & 1) >> 1 for x, y, z in triples), "little")


VALU: dict[str, Valu] = {
    "v_sad_u8": valu("u32", "b32 b32 u32", lambda a, b, c: sad(8, 0, a, b, c), saturates=True),
    "v_sad_hi_u8": valu("u32", "b32 b32 u32", lambda a, b, c: sad(8, 16, a, b, c), saturates=True),
    "v_sad_u16": valu("u32", "b32 b32 u32", lambda a, b, c: sad(16, 0, a, b, c), saturates=True),
    "v_msad_u8": valu("u32", "b32 b32 u32", msad, saturates=True),
    "v_lerp_u8": valu("b32", "b32 b32 b32", lerp),
}


def windows(
    masked: bool, wide: int, reference: int, base: Sequence[int], bits: int, clamp: bool
) -> list[int]:
    """One sum for the reference at each of the first four bytes of `wide`."""
    sums = [
        msad(wide >> 8 * i, reference, c) if masked else sad(8, 0, wide >> 8 * i & mask(32), reference, c)
        for i, c in enumerate(base)
    ]
    return [min(total, mask(bits)) if clamp else total & mask(bits) for total in sums]


def cases() -> Iterator[Case]:
    for clamp in (False, True):
        for name, masked in (("v_qsad_pk_u16_u8", False), ("v_mqsad_pk_u16_u8", True)):

            def packed(r: Row, i: int, masked: bool = masked, clamp: bool = clamp) -> int:
                base = [r.c[i] >> 16 * n & mask(16) for n in range(4)]
                sums = windows(masked, r.a[i], r.b[i] & mask(32), base, 16, clamp)
                return sum(total << 16 * n for n, total in enumerate(sums))

            text = f"{name} {{d2}}, {{a2}}, {{b}}, {{c2}}{' clamp' * clamp}"
            yield Case(name, Probe(text, vector=2), lanewise(packed), "b64")
        for part in range(4):
            yield _wide(part, clamp)


def _wide(part: int, clamp: bool) -> Case:
    """v_mqsad_u32_u8 with {b2} and {c2} as the accumulators, one dword of its result a case."""

    def one(r: Row, i: int) -> int:
        base = [r.b[i] & mask(32), r.b[i] >> 32, r.c[i] & mask(32), r.c[i] >> 32]
        return windows(True, r.a[i], r.sa & mask(32), base, 32, clamp)[part]

    name = "v_mqsad_u32_u8"
    text = f"v_mqsad_u32_u8 v[20:23], {{a2}}, {{sa}}, v[4:7]{' clamp' * clamp};v_mov_b32 {{d}}, v{20 + part}"
    return Case(name, Probe(text, vector=1), lanewise(one))
