"""WMMA and SWMMAC of RDNA 4 from its ISA manual: where elements lie, and what an element of the product is.

Matrices are lists of rows of bits. The order of additions, which the manual leaves open, is the one that
runtime/matrix_rdna4.c states: C first, then one fused multiply-add in f32 for each element of A, a 16-bit
result rounded once at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.models import mask, signed
from tests.device.emulator.translate.semantics.models_matrix import Form, Matrix, Registers
from tests.device.emulator.translate.semantics.models_rdna4 import from_eight
from tests.device.emulator.translate.semantics.softfloat import BF16, F16, F32, Format

SIZE = 16
BITS = {"f16": 16, "bf16": 16, "iu8": 8, "iu4": 4, "fp8": 8, "bf8": 8}
HALVES: dict[str, Format] = {"f16": F16, "bf16": BF16}


@dataclass(frozen=True)
class Kind:
    """A and B have elements of these names, `depth` of them along k; C and D of `result` bits."""

    mnemonic: str
    a: str
    b: str
    result: int
    depth: int

    @property
    def sparse(self) -> bool:
        return self.mnemonic.startswith("v_swmmac")

    @property
    def integers(self) -> bool:
        return self.a.startswith("iu")

    @property
    def kept(self) -> int:
        """Elements of a row of A along k."""
        return self.depth // 2 if self.sparse else self.depth


def _kinds() -> Iterator[Kind]:
    for name, depth in (("v_wmma", 16), ("v_swmmac", 32)):
        for result, element, bits in (
            ("f32", "f16", 32), ("f32", "bf16", 32), ("f16", "f16", 16), ("bf16", "bf16", 16),
            ("i32", "iu8", 32), ("i32", "iu4", 32),
        ):  # fmt: skip
            yield Kind(f"{name}_{result}_16x16x{depth}_{element}", element, element, bits, depth)
        for a in ("fp8", "bf8"):
            for b in ("fp8", "bf8"):
                yield Kind(f"{name}_f32_16x16x{depth}_{a}_{b}", a, b, 32, depth)
        yield Kind(f"{name}_i32_16x16x{2 * depth}_iu4", "iu4", "iu4", 32, 2 * depth)


KINDS = tuple(_kinds())


def forms(kind: Kind) -> Iterator[Form]:
    yield Form()
    if kind.integers:
        for signs in ((1, 0, 0), (0, 1, 0), (1, 1, 0)):
            yield Form(signs)
            yield Form(signs, clamp=True)
        if not kind.sparse:
            yield Form((1, 1, 0), constant="-16", constant_bits=mask(32) - 15)
        return
    if kind.a in HALVES:
        yield Form((1, 0, 0), (0, 1, 0))
        yield Form((0, 1, 0), (1, 0, 0))
    if not kind.sparse:
        yield Form((0, 0, 1))
        yield Form((0, 0, 1), (0, 0, 1))
        one = {32: 0x3F800000, 16: 0x3C00 if kind.a == "f16" else 0x3F80}[kind.result]
        yield Form(constant="1.0", constant_bits=one)


def side(vectors: Matrix, bits: int, lanes: int) -> Registers:
    """Rows of A, or columns of B: of the groups of 16 lanes, the first has the first elements along k."""
    each = len(vectors[0]) * SIZE // lanes
    per = 32 // bits
    count = max(each // per, 1)
    registers = [[0] * lanes for _ in range(count)]
    for lane in range(lanes):
        row, first = vectors[lane % SIZE], lane // SIZE * each
        for place in range(each):
            registers[place // per][lane] |= row[first + place] << bits * (place % per)
    return registers


def place(kind: Kind, m: int, n: int, lanes: int) -> tuple[int, int, int]:
    """Register, lane and lowest bit of an element of C and D."""
    rows = SIZE * SIZE // lanes
    lane, at = m // rows * SIZE + n, m % rows
    return (at, lane, 0) if kind.result == 32 else (at // 2, lane, 16 * (at % 2))


def indices(kind: Kind, chosen: Matrix, lanes: int, key: int) -> list[int]:
    """Of each lane, which of four each of its elements of A is: two bits an element, at the key's place."""
    each = kind.kept * SIZE // lanes
    return [
        sum(chosen[lane % SIZE][lane // SIZE * each + at] << 2 * at + 2 * each * key for at in range(each))
        & mask(32)
        for lane in range(lanes)
    ]


def single(name: str, bits: int, flip: int) -> int:
    if name in HALVES:
        form = HALVES[name]
        return F32.nan if sf.is_nan(form, bits) else sf.convert(form, F32, bits ^ flip << 15)
    return from_eight(name, bits)


def expected(kind: Kind, form: Form, a: Matrix, b: Matrix, c: Matrix, chosen: Matrix) -> Matrix:
    """The bits of every element of D. `a` has rows, `b` columns; `chosen` says of each element of a sparse
    row which of four it is."""
    element = _integer if kind.integers else _float
    return [
        [element(kind, form, a[m], b[n], _places(kind, chosen[m]), c[m][n]) for n in range(SIZE)]
        for m in range(SIZE)
    ]


def _places(kind: Kind, chosen: Sequence[int]) -> list[int]:
    """Along k of B, the partner of each element of a row of A."""
    if not kind.sparse:
        return list(range(kind.depth))
    return [at // 2 * 4 + one for at, one in enumerate(chosen)]


def _integer(
    kind: Kind, form: Form, row: Sequence[int], column: Sequence[int], places: Sequence[int], c: int
) -> int:
    total, bits = signed(c, 32), BITS[kind.a]
    for x, k in zip(row, places, strict=True):
        left = signed(x, bits) if form.neg_lo[0] else x
        total += left * (signed(column[k], bits) if form.neg_lo[1] else column[k])
    return (min(max(total, -(1 << 31)), (1 << 31) - 1) if form.clamp else total) & mask(32)


def _float(
    kind: Kind, form: Form, row: Sequence[int], column: Sequence[int], places: Sequence[int], c: int
) -> int:
    flips = [(form.neg_lo[which], form.neg_hi[which]) for which in (0, 1)]
    total = c if kind.result == 32 else sf.convert(HALVES[kind.a], F32, c)
    total = total & mask(31) if form.neg_hi[2] else total
    total ^= form.neg_lo[2] << 31
    for at, (x, k) in enumerate(zip(row, places, strict=True)):
        left = single(kind.a, x, flips[0][at % 2])
        total = sf.fma(F32, left, single(kind.b, column[k], flips[1][k % 2]), total)
    return sf.convert(F32, HALVES[kind.a], total) if kind.result == 16 else total
