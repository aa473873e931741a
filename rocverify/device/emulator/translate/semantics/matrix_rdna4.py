"""WMMA and SWMMAC of RDNA 4, whose lanes share A, B, C and D without copies. Names are the ISA manual's.

The arithmetic, with its layouts and its order of rounding, is the runtime's (runtime/matrix_rdna4.c). EXEC is
ignored; modifiers are those of RDNA 3 (matrix.py), which for FP8 and BF8 only C has.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, DataType
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.matrix import BF16
from rocverify.errors import DeviceError

K = WaveBuilder


class Element(IntEnum):
    """What A and B hold, as rt_wmma_rdna4 numbers it."""

    f16 = 0
    bf16 = 1
    iu8 = 2
    iu4 = 3
    fp8 = 4
    bf8 = 5


BITS = {Element.f16: 16, Element.bf16: 16, Element.iu8: 8, Element.iu4: 4, Element.fp8: 8, Element.bf8: 8}
RESULTS = {"f32": TYPES["f32"], "f16": TYPES["f16"], "bf16": BF16, "i32": TYPES["i32"]}
SIZE = 16
_B, _NARROW, _CONSTANT, _CLAMP, _SPARSE, _KEY, _NEG_LO, _NEG_HI, _DEPTH = 3, 6, 7, 8, 9, 10, 12, 16, 20


class Product(NamedTuple):
    """One instruction: elements of A and B, type of C and D, elements along k, whether A is sparse."""

    a: Element
    b: Element
    result: DataType
    depth: int
    sparse: bool

    @property
    def operations(self) -> int:
        """Of one wave: multiplications and additions."""
        return 2 * SIZE**2 * (self.depth // 2 if self.sparse else self.depth)

    def dwords(self, lanes: int) -> tuple[int, int, int]:
        """Registers of D, A and B."""
        depths = (self.depth // 2 if self.sparse else self.depth, self.depth)
        a, b = (
            SIZE * depth * BITS[one] // (32 * lanes)
            for depth, one in zip(depths, (self.a, self.b), strict=True)
        )
        return SIZE * SIZE * self.result.bits // (32 * lanes), max(a, 1), max(b, 1)


def _form(inst: Instruction, product: Product) -> int:
    """The `form` argument of rt_wmma_rdna4."""
    low, high = inst.flags("neg_lo", 3, 0), inst.flags("neg_hi", 3, 0)
    if product.a in (Element.iu8, Element.iu4) and (any(high) or low[2]):
        raise DeviceError(f"neg_hi, and neg_lo of C, mean nothing for integers: {inst.text}")
    if BITS[product.a] == 8 and product.result.is_float and any((*low[:2], *high[:2])):
        raise DeviceError(f"a modifier of A or B, which floats of 8 bits have not: {inst.text}")
    form = int(product.a) | int(product.b) << _B | product.depth << _DEPTH
    form |= (product.result.bits == 16) << _NARROW | ("clamp" in inst.modifiers) << _CLAMP
    form |= product.sparse << _SPARSE | int(inst.modifiers.get("index_key", "0")) << _KEY
    form |= sum(bit << _NEG_LO + place for place, bit in enumerate(low))
    return form | sum(bit << _NEG_HI + place for place, bit in enumerate(high))


def _constant(k: K, operand: Operand, product: Product) -> int:
    """The bits of an inline constant that stands for every element of C."""
    bits = k.constant_bits(operand, product.result)
    if product.result is BF16 and operand.kind is OperandKind.FLOAT:
        bits >>= 16
    return bits & (1 << product.result.bits) - 1


def _multiply(product: Product) -> Handler:
    """`mnemonic vdst, A, B, C`, where C is VGPRs or an inline constant; of the sparse ones, the indices."""

    def handle(k: K, inst: Instruction) -> None:
        target, a, b, c = inst.operands
        counts = product.dwords(k.lanes)
        form, constant = _form(inst, product), 0
        registers = target.index | a.index << 8 | b.index << 16
        for operand, count in zip((target, a, b), counts, strict=True):
            k.flush_vgprs(operand.index, count)
        if c.kind is OperandKind.VGPR:
            registers |= c.index << 24
            k.flush_vgprs(c.index, 1 if product.sparse else counts[0])
        else:
            form, constant = form | 1 << _CONSTANT, _constant(k, c, product)
        arguments = [k.worker, k.wave, *(k.i32(word) for word in (registers, form, constant))]
        k.call_void("rt_wmma_rdna4", arguments)
        k.forget_vgprs(target.index, counts[0])

    return handle


def _products() -> dict[str, Product]:
    found = {}
    same = [("f32", "f16"), ("f32", "bf16"), ("f16", "f16"), ("bf16", "bf16"), ("i32", "iu8"), ("i32", "iu4")]
    for sparse, name, depth in ((False, "wmma", 16), (True, "swmmac", 32)):
        for result, one in same:
            found[f"v_{name}_{result}_16x16x{depth}_{one}"] = (one, one, result, depth, sparse)
        for a in ("fp8", "bf8"):
            for b in ("fp8", "bf8"):
                found[f"v_{name}_f32_16x16x{depth}_{a}_{b}"] = (a, b, "f32", depth, sparse)
        found[f"v_{name}_i32_16x16x{2 * depth}_iu4"] = ("iu4", "iu4", "i32", 2 * depth, sparse)
    return {
        name: Product(Element[a], Element[b], RESULTS[result], depth, sparse)
        for name, (a, b, result, depth, sparse) in found.items()
    }


PRODUCTS = _products()
HANDLERS: dict[str, Handler] = {name: _multiply(product) for name, product in PRODUCTS.items()}
