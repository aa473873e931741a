"""WMMA from the RDNA3 ISA manual: which element lies where, and what an element of the product is.

Matrices are lists of rows of bits. The order of additions, which the manual leaves open, is the one that
runtime/matrix.c states: C first, then one fused multiply-add in f32 for each k, a 16-bit result rounded
once at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.models import mask, signed
from tests.device.emulator.translate.semantics.softfloat import BF16, F16, F32, Format

SIZE = 16
Matrix = list[list[int]]
Registers = list[list[int]]
"""register[lane], dwords."""


@dataclass(frozen=True)
class Kind:
    """A and B have elements of `bits`, `format` where they are floats; C and D of `result` bits."""

    mnemonic: str
    bits: int
    result: int
    format: Format | None = None

    @property
    def input_registers(self) -> int:
        return SIZE * self.bits // 32


KINDS = (
    Kind("v_wmma_f32_16x16x16_f16", 16, 32, F16),
    Kind("v_wmma_f32_16x16x16_bf16", 16, 32, BF16),
    Kind("v_wmma_f16_16x16x16_f16", 16, 16, F16),
    Kind("v_wmma_bf16_16x16x16_bf16", 16, 16, BF16),
    Kind("v_wmma_i32_16x16x16_iu8", 8, 32),
    Kind("v_wmma_i32_16x16x16_iu4", 4, 32),
)


@dataclass(frozen=True)
class Form:
    """One spelling: modifiers, and C as a constant where it is no tuple of registers."""

    neg_lo: tuple[int, int, int] = (0, 0, 0)
    neg_hi: tuple[int, int, int] = (0, 0, 0)
    high: bool = False
    clamp: bool = False
    constant: str = ""
    constant_bits: int = 0

    def tail(self) -> str:
        text = " op_sel:[0,0,1]" if self.high else ""
        for name, flags in (("neg_lo", self.neg_lo), ("neg_hi", self.neg_hi)):
            text += f" {name}:[{','.join(map(str, flags))}]" if any(flags) else ""
        return text + " clamp" * self.clamp


def forms(kind: Kind) -> Iterator[Form]:
    yield Form()
    if kind.format is None:
        for signs in ((1, 0, 0), (0, 1, 0), (1, 1, 0)):
            yield Form(signs)
            yield Form(signs, clamp=True)
        yield Form((1, 1, 0), constant="-16", constant_bits=mask(32) - 15)
        yield Form(clamp=True, constant="64", constant_bits=64)
        return
    yield Form((1, 0, 0), (1, 0, 0))
    yield Form((1, 0, 1), (0, 1, 0))
    yield Form((0, 1, 1), (0, 0, 1))
    yield Form((0, 0, 0), (0, 0, 1))
    one = {32: 0x3F800000, 16: 0x3C00 if kind.format is F16 else 0x3F80}[kind.result]
    yield Form(constant="1.0", constant_bits=one)
    yield Form((0, 0, 1), constant="1.0", constant_bits=one)
    if kind.result == 16:
        yield Form(high=True)
        yield Form((0, 0, 1), (0, 0, 1), high=True)


def input_registers(kind: Kind, vectors: Matrix, lanes: int) -> Registers:
    """Rows of A, or columns of B: lane i has vector i % 16, its elements from the low bits on."""
    per = 32 // kind.bits
    return [
        [sum(vectors[lane % SIZE][per * r + i] << kind.bits * i for i in range(per)) for lane in range(lanes)]
        for r in range(kind.input_registers)
    ]


def place(m: int, n: int, lanes: int) -> tuple[int, int]:
    """Register and lane of an element of C and D: even rows below odd ones in wave32, four to a register
    in wave64."""
    rows = lanes // SIZE
    return m // rows, m % rows * SIZE + n


def expected(kind: Kind, form: Form, a: Matrix, b: Matrix, c: Matrix) -> Matrix:
    """The bits of every element of D. `a` has rows, `b` columns; both run along k."""
    if kind.format is None:
        return [[_integer(kind, form, a[m], b[n], c[m][n]) for n in range(SIZE)] for m in range(SIZE)]
    rows, columns = ([factors(kind, form, v, which) for v in of] for which, of in enumerate((a, b)))
    return [[_float(kind, form, rows[m], columns[n], c[m][n]) for n in range(SIZE)] for m in range(SIZE)]


def _integer(kind: Kind, form: Form, row: Sequence[int], column: Sequence[int], c: int) -> int:
    total = signed(c, 32)
    for x, y in zip(row, column, strict=True):
        left = signed(x, kind.bits) if form.neg_lo[0] else x
        total += left * (signed(y, kind.bits) if form.neg_lo[1] else y)
    return (min(max(total, -(1 << 31)), (1 << 31) - 1) if form.clamp else total) & mask(32)


def factors(kind: Kind, form: Form, values: Sequence[int], which: int) -> list[int]:
    """A row or column with its negations, as f32 bits: even k are low halves, odd ones high."""
    assert kind.format is not None
    flips = (form.neg_lo[which], form.neg_hi[which])
    return [
        sf.convert(kind.format, F32, value ^ flips[k % 2] << 15)
        if not sf.is_nan(kind.format, value)
        else F32.nan
        for k, value in enumerate(values)
    ]


def addend(kind: Kind, form: Form, c: int) -> int:
    """An element of C as f32 bits, absolute value first."""
    bits = c
    if kind.result == 16:
        assert kind.format is not None
        bits = sf.convert(kind.format, F32, c)
    bits = bits & mask(31) if form.neg_hi[2] else bits
    return bits ^ form.neg_lo[2] << 31


def _float(kind: Kind, form: Form, row: Sequence[int], column: Sequence[int], c: int) -> int:
    """`row` and `column` as `factors` gives them."""
    total = addend(kind, form, c)
    for x, y in zip(row, column, strict=True):
        total = sf.fma(F32, x, y, total)
    assert kind.format is not None
    return sf.convert(F32, kind.format, total) if kind.result == 16 else total


def exact(
    kind: Kind, form: Form, row: Sequence[int], column: Sequence[int], c: int
) -> tuple[Fraction, Fraction]:
    """The exact element, and the sum of the magnitudes that its error bound is relative to."""
    terms = [sf.to_fraction(F32, addend(kind, form, c))]
    for x, y in zip(factors(kind, form, row, 0), factors(kind, form, column, 1), strict=True):
        terms.append(sf.to_fraction(F32, x) * sf.to_fraction(F32, y))
    return sum(terms, Fraction(0)), sum(map(abs, terms), Fraction(0))
