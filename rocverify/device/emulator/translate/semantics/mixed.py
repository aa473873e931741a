"""Mixed precision: v_fma_mix, whose sources are singles or halves. Names are the ISA manual's."""

from __future__ import annotations

from dataclasses import replace

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder import modes
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.floats import fma, to_half
from rocverify.device.emulator.translate.semantics.vector import clamp01, commit_bits, read

K = WaveBuilder


def _mixed(result: str) -> Handler:
    """v_fma_mix_f32, _mixlo_f16, _mixhi_f16: op_sel_hi says which sources are f16, op_sel which half."""

    def handle(k: K, inst: Instruction) -> None:
        halves, is_half = inst.flags("op_sel", 3, 0), inst.flags("op_sel_hi", 3, 0)
        a, b, c = (
            mixed_source(k, inst, index, bool(is_half[index]), bool(halves[index])) for index in range(3)
        )
        value = modes.flush_output(k, fma(k, a, b, c), 32)
        if "clamp" in inst.modifiers:
            value = clamp01(k, value)
        if result == "f32":
            commit_bits(k, inst.operands[0], k.b.bitcast(value, k.shapes.i32))
        else:
            half = k.b.bitcast(modes.flush_output(k, to_half(k, value), 16), k.shapes.i16)
            commit_bits(k, inst.operands[0], half, high=result == "high")

    return handle


def mixed_source(k: K, inst: Instruction, index: int, is_half: bool, high: bool) -> Value:
    """neg_hi stands for absolute and neg_lo for negate in the packed encoding of v_fma_mix."""
    operand = inst.operands[index + 1]
    negate = operand.negate or bool(inst.flags("neg_lo", 3, 0)[index])
    absolute = operand.absolute or bool(inst.flags("neg_hi", 3, 0)[index])
    operand = replace(operand, negate=negate, absolute=absolute)
    # The instruction has the rewritten operand too: DPP permutes its first source, whichever that is.
    inst = replace(inst, operands=(*inst.operands[: index + 1], operand, *inst.operands[index + 2 :]))
    if not is_half:
        return read(k, inst, operand, TYPES["f32"])
    return k.b.fpext(read(k, inst, operand, TYPES["f16"], high=high), k.shapes.f32)


HANDLERS: dict[str, Handler] = {
    "v_fma_mix_f32": _mixed("f32"),
    "v_fma_mixlo_f16": _mixed("low"),
    "v_fma_mixhi_f16": _mixed("high"),
}
