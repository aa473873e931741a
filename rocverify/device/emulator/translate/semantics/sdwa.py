"""Sub-dword addressing of GCN 3 to RDNA 2: a byte or a word of each source, and of the destination.

Source: "RDNA 2 Instruction Set Architecture", section "SDWA". What is selected of a source is zero-extended
to the operand's type, or sign-extended where the source says so; float modifiers come after it.
"""

from __future__ import annotations

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder.registers import ALL_BITS, Placement, Unused
from rocverify.device.emulator.translate.builder.types import TYPES, DataType, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder

ENCODING = "sdwa"
WHOLE = "DWORD"
_PARTS = {
    **{f"BYTE_{number}": (8 * number, 8) for number in range(4)},
    **{f"WORD_{number}": (16 * number, 16) for number in range(2)},
    WHOLE: (0, 32),
}
"""First bit and width of what a selector names."""


def placement(inst: Instruction) -> Placement | None:
    """Where the result goes; None for all of its register, and for lane masks."""
    select = inst.modifiers.get("dst_sel", WHOLE)
    if inst.encoding != ENCODING or select == WHOLE:
        return None
    return Placement(*_PARTS[select], Unused(inst.modifiers.get("dst_unused", Unused.ZERO.value)))


def selected(k: WaveBuilder, inst: Instruction, operand: Operand, second: bool, type_: DataType) -> Value:
    """What is selected of a source, in i32 or i16 lanes as the operand's type is wide."""
    first, width = _PARTS[inst.modifiers.get(f"src{int(second)}_sel", WHOLE)]
    if operand.kind is OperandKind.VGPR:
        mask = ALL_BITS if width == 32 else ((1 << width) - 1) << first
        value = k.vgpr(operand.index, mask, active=True)
    elif operand.kind is OperandKind.SGPR:
        value = k.splat(k.sgpr(operand.index))
    else:
        value = k.const(k.shapes.i32, k.constant_bits(operand, type_))
    if width < 32:
        value = k.b.shl(value, k.const(value.type, 32 - width - first))
        value = (k.b.ashr if operand.extend else k.b.lshr)(value, k.const(value.type, 32 - width))
    return value if type_.bits == TYPES["b32"].bits else k.b.trunc(value, k.shapes.i16)
