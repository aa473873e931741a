"""MFMA and SMFMAC of CDNA: products of matrices whose lanes share A, B, C and D. Names are those of CDNA 3.

The arithmetic, with its layouts and its order of rounding, is the runtime's (runtime/matrix_cdna.c). EXEC is
ignored. CBSZ and ABID share a block of A among several; BLGP lets lanes of B stand for others, and negates
the sources of doubles.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import OperandKind
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.errors import DeviceError

K = WaveBuilder
LANES = 64


class Element(IntEnum):
    """What A and B hold, as rt_mfma numbers it. fp8 and bf8 are without a negative zero (FNUZ)."""

    f32 = 0
    f16 = 1
    bf16 = 2
    i8 = 3
    xf32 = 4
    fp8 = 5
    bf8 = 6
    f64 = 7


BITS = {
    Element.f32: 32, Element.f16: 16, Element.bf16: 16, Element.i8: 8, Element.xf32: 32, Element.fp8: 8,
    Element.bf8: 8, Element.f64: 64,
}  # fmt: skip
_SPARSE, _CONSTANT, _FLUSHES = 40, 41, 42
_KIND_A, _KIND_B, _BLOCKS, _DEPTH = 24, 32, 16, 8
_ABID, _BLGP, _NEGATE, _SET = 8, 16, 24, 32


class Product(NamedTuple):
    """One instruction: rows of A and D, which are the columns of B and D too; elements along k; blocks;
    elements of A and B; whether A is sparse."""

    rows: int
    depth: int
    blocks: int
    a: Element
    b: Element
    sparse: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether sums are exact, wrapping round."""
        return self.a is Element.i8

    @property
    def operations(self) -> int:
        """Of one wave: multiplications and additions."""
        depth = self.depth // 2 if self.sparse else self.depth
        return 2 * self.rows**2 * depth * self.blocks

    def dwords(self) -> tuple[int, int, int]:
        """Registers of D, A and B."""
        wide = 2 if self.a is Element.f64 else 1
        of_a = self.depth // 2 if self.sparse else self.depth
        a, b = (
            self.blocks * self.rows * depth * BITS[one] // (32 * LANES)
            for depth, one in ((of_a, self.a), (self.depth, self.b))
        )
        return self.rows**2 * self.blocks * wide // LANES, a, b

    def form(self, *, constant: bool, flushes: bool) -> int:
        """The `form` argument of rt_mfma."""
        form = self.rows | self.depth << _DEPTH | self.blocks << _BLOCKS
        form |= int(self.a) << _KIND_A | int(self.b) << _KIND_B
        return form | self.sparse << _SPARSE | constant << _CONSTANT | flushes << _FLUSHES


def modifiers_of(inst: Instruction, product: Product) -> int:
    """The `modifiers` argument of rt_mfma."""
    cbsz, abid, blgp = (int(inst.modifiers.get(name, "0"), 0) for name in ("cbsz", "abid", "blgp"))
    if product.sparse:
        sets = 32 // (product.dwords()[1] * 32 // BITS[product.a] * 2)
        return (abid % sets if cbsz == 0 else 0) << _SET
    if 1 << cbsz > product.blocks:
        raise DeviceError("CBSZ shares more blocks of A than there are")
    negate = sum(bit << place for place, bit in enumerate(inst.flags("neg", 3, 0)))
    return cbsz | abid % (1 << cbsz) << _ABID | blgp << _BLGP | negate << _NEGATE


def registers_of(inst: Instruction) -> int:
    """The `registers` argument of rt_mfma."""
    return sum(
        operand.index << 16 * place
        for place, operand in enumerate(inst.operands)
        if operand.kind is OperandKind.VGPR
    )


def _multiply(product: Product) -> Handler:
    """`mnemonic vdst, A, B, C`: C is registers or an inline constant, of the sparse ones the indices."""

    def handle(k: K, inst: Instruction) -> None:
        target, a, b, c = inst.operands
        counts = product.dwords()
        for operand, count in zip((target, a, b), counts, strict=True):
            k.flush_vgprs(operand.index, count)
        constant = 0
        if c.kind is OperandKind.VGPR:
            k.flush_vgprs(c.index, 1 if product.sparse else counts[0])
        else:
            name = "f64" if product.a is Element.f64 else "i32" if product.a is Element.i8 else "f32"
            constant = k.constant_bits(c, TYPES[name]) & 0xFFFFFFFFFFFFFFFF
        flushes = product.a in (Element.f16, Element.bf16) and not k.dialect.family.matrix_denormals
        form = product.form(constant=c.kind is not OperandKind.VGPR, flushes=flushes)
        words = (registers_of(inst), form, modifiers_of(inst, product), constant)
        k.call_void("rt_mfma", [k.wave, *(k.i64(word) for word in words)])
        k.forget_vgprs(target.index, counts[0])

    return handle


_TILES = {
    Element.f32: ((32, 1, 2), (16, 1, 4), (4, 1, 16), (32, 2, 1), (16, 4, 1)),
    Element.f16: ((32, 4, 2), (16, 4, 4), (4, 4, 16), (32, 8, 1), (16, 16, 1)),
    Element.bf16: ((32, 4, 2), (16, 4, 4), (4, 4, 16), (32, 8, 1), (16, 16, 1)),
    Element.i8: ((32, 4, 2), (16, 4, 4), (4, 4, 16), (32, 16, 1), (16, 32, 1)),
    Element.xf32: ((32, 4, 1), (16, 8, 1)),
    Element.f64: ((16, 4, 1), (4, 4, 4)),
}
"""Rows, elements along k, and blocks."""
_RESULTS = {Element.i8: "i32", Element.f64: "f64"}
_EIGHTS = (Element.fp8, Element.bf8)
_SPARSE_TILES = {
    Element.f16: ((16, 32), (32, 16)),
    Element.bf16: ((16, 32), (32, 16)),
    Element.i8: ((16, 64), (32, 32)),
}


def _dense() -> Iterator[tuple[str, Product]]:
    for one, tiles in _TILES.items():
        for rows, depth, blocks in tiles:
            several = f"_{blocks}b" if blocks > 1 else ""
            name = f"v_mfma_{_RESULTS.get(one, 'f32')}_{rows}x{rows}x{depth}{several}_{one.name}"
            yield name, Product(rows, depth, blocks, one, one)
    for a in _EIGHTS:
        for b in _EIGHTS:
            for rows, depth in ((32, 16), (16, 32)):
                name = f"v_mfma_f32_{rows}x{rows}x{depth}_{a.name}_{b.name}"
                yield name, Product(rows, depth, 1, a, b)


def _of_cdna2() -> Iterator[tuple[str, Product]]:
    """What CDNA 3 has no more: half as many elements of bf16 along k, and of i8."""
    for rows, depth, blocks in ((32, 2, 2), (16, 2, 4), (4, 2, 16), (32, 4, 1), (16, 8, 1)):
        yield (
            f"v_mfma_f32_{rows}x{rows}x{depth}bf16",
            Product(rows, depth, blocks, Element.bf16, Element.bf16),
        )
    for rows, depth in ((32, 8), (16, 16)):
        yield f"v_mfma_i32_{rows}x{rows}x{depth}i8", Product(rows, depth, 1, Element.i8, Element.i8)


def _sparse() -> Iterator[tuple[str, Product]]:
    for one, tiles in _SPARSE_TILES.items():
        for rows, depth in tiles:
            name = f"v_smfmac_{_RESULTS.get(one, 'f32')}_{rows}x{rows}x{depth}_{one.name}"
            yield name, Product(rows, depth, 1, one, one, sparse=True)
    for a in _EIGHTS:
        for b in _EIGHTS:
            for rows, depth in ((16, 64), (32, 32)):
                name = f"v_smfmac_f32_{rows}x{rows}x{depth}_{a.name}_{b.name}"
                yield name, Product(rows, depth, 1, a, b, sparse=True)


PRODUCTS = {**dict(_dense()), **dict(_of_cdna2()), **dict(_sparse())}
HANDLERS: dict[str, Handler] = {name: _multiply(product) for name, product in PRODUCTS.items()}
