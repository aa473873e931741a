"""What RDNA 2 has and RDNA 3 has no more: dot products of signed fields, ds_cmpst, f64 atomics in memory."""

from __future__ import annotations

from dataclasses import replace

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics import scalar_bits
from rocverify.device.emulator.translate.semantics.buffer import buffer_atomic
from rocverify.device.emulator.translate.semantics.dots import limited_sum, signed_fields
from rocverify.device.emulator.translate.semantics.memory import ATOMICS, lds_atomic, vector_atomic
from rocverify.device.emulator.translate.semantics.scalar import sop1, without_scc
from rocverify.device.emulator.translate.semantics.special import nothing
from rocverify.device.emulator.translate.semantics.vector import commit_bits, read

K = WaveBuilder


def _dot_of_halves(signed: bool) -> Handler:
    """v_dot2_i32_i16 and v_dot2_u32_u16: op_sel names the halves of the first product, op_sel_hi those of the
    second; with clamp the exact sum is limited to its type."""
    half = TYPES["i16" if signed else "u16"]

    def handle(k: K, inst: Instruction) -> None:
        target, first, second, added = inst.operands
        extend = k.b.sext if signed else k.b.zext
        total = extend(read(k, inst, added, TYPES["b32"]), k.shapes.i64)
        for name, default in (("op_sel", 0), ("op_sel_hi", 1)):
            halves = inst.flags(name, 3, default)
            a, b = (
                extend(read(k, inst, operand, half, high=bool(high)), k.shapes.i64)
                for operand, high in zip((first, second), halves, strict=False)
            )
            total = k.b.add(total, k.b.mul(a, b))
        if "clamp" in inst.modifiers:
            commit_bits(k, target, limited_sum(k, total, signed))
        else:
            commit_bits(k, target, k.b.trunc(total, k.shapes.i32))

    return handle


def accumulating(handler: Handler) -> Handler:
    """The destination is the third source as well."""

    def handle(k: K, inst: Instruction) -> None:
        handler(k, replace(inst, operands=(*inst.operands, inst.operands[0])))

    return handle


def _first_zero(k: K, value: Value) -> Value:
    """s_ff0: the number of the lowest bit that is 0, -1 where none is."""
    return scalar_bits.find("cttz")(k, k.invert(value))


def _atomics() -> dict[str, Handler]:
    handlers: dict[str, Handler] = {}
    for bits in (32, 64):
        for kind, operation in (("b", ATOMICS["cmpswap"]), ("f", ATOMICS["cmpswap_f"])):
            for returns in (False, True):
                name = f"ds_cmpst_{'rtn_' if returns else ''}{kind}{bits}"
                handlers[name] = lds_atomic(operation, bits, returns, compared_first=True)
    for name in ("cmpswap", "min", "max"):
        operation = ATOMICS[f"{name}_f"]
        for space in ("global", "flat"):
            handlers[f"{space}_atomic_{name}_f64"] = vector_atomic(space, operation, 64)
        handlers[f"buffer_atomic_{name}_f64"] = buffer_atomic(operation, 64)
    return handlers


HANDLERS: dict[str, Handler] = {
    **_atomics(),
    "s_ff0_i32_b32": sop1("b32", without_scc(_first_zero)),
    "s_ff0_i32_b64": sop1("b64", without_scc(_first_zero)),
    "v_dot2_i32_i16": _dot_of_halves(signed=True),
    "v_dot2_u32_u16": _dot_of_halves(signed=False),
    "v_dot4_i32_i8": signed_fields(8),
    "v_dot8_i32_i4": signed_fields(4),
    "v_dot4c_i32_i8": accumulating(signed_fields(8)),
    "v_clrexcp": nothing,
}
