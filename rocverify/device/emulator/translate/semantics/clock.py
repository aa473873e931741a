"""Clocks, and where on the GPU a wave runs: plausible values, the same at every launch alike.

A wave's clock goes on by four cycles an instruction, by what it sleeps, and at a barrier to that of the last
wave that comes; launches follow one another. Workgroups lie on the compute units in turn. Nothing of this
tells how long a kernel takes on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import I8, I32, I64, PTR, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.launch_limits import MULTIPROCESSORS
from rocverify.errors import DeviceError

K = WaveBuilder

CYCLES_PER_TICK = 25
"""Cycles at 2.5 GHz of a tick of the constant clock, at 100 MHz."""

SHADER_ENGINES, ARRAYS = 6, 2
"""As on gfx1100, with four WGPs in each array of an engine."""


def cycles(k: K) -> Value:
    """The wave's clock in cycles, i64."""
    pointer = k.b.gep(k.worker, [k.i64(abi.Worker.launch.offset)], inbounds=True, source_etype=I8)
    launch = k.b.load(pointer, typ=PTR)
    start = k.b.gep(launch, [k.i64(abi.Launch.clock.offset)], inbounds=True, source_etype=I8)
    done = k.b.sub(k.load_field(abi.Wave.instructions.offset, I64), k.i64(k.ahead))
    own = k.b.add(k.b.mul(done, k.i64(abi.CYCLES_PER_INSTRUCTION)), k.load_field(abi.Wave.asleep.offset, I64))
    return k.b.add(k.b.load(start, typ=I64), own)


def _low(k: K) -> Value:
    return k.b.trunc(cycles(k), I32)


def _high(k: K) -> Value:
    return k.b.trunc(k.b.lshr(cycles(k), k.i64(32)), I32)


def _unit(k: K) -> Value:
    """The number of the WGP that the workgroup is on."""
    group = k.load_field(abi.Wave.group.offset, I64)
    return k.b.trunc(k.b.urem(group, k.i64(MULTIPROCESSORS)), I32)


def _fields(k: K, *fields: tuple[Value, int]) -> Value:
    """Values side by side, each from a bit on."""
    whole = k.i32(0)
    for value, first in fields:
        whole = k.b.or_(whole, k.b.shl(value, k.i32(first)))
    return whole


def _hw_id1(k: K) -> Value:
    """WAVE_ID, SIMD_ID, WGP_ID, SA_ID and SE_ID."""
    unit, index = _unit(k), k.load_field(abi.Wave.index.offset, I32)
    rest = k.b.udiv(unit, k.i32(SHADER_ENGINES))
    return _fields(
        k,
        (k.b.lshr(index, k.i32(2)), 0),
        (k.b.and_(index, k.i32(3)), 8),
        (k.b.udiv(rest, k.i32(ARRAYS)), 10),
        (k.b.urem(rest, k.i32(ARRAYS)), 16),
        (k.b.urem(unit, k.i32(SHADER_ENGINES)), 18),
    )


def _hw_id2(k: K) -> Value:
    """WG_ID: which of the workgroups of its WGP this is."""
    group = k.b.udiv(k.load_field(abi.Wave.group.offset, I64), k.i64(MULTIPROCESSORS))
    return _fields(k, (k.b.and_(k.b.trunc(group, I32), k.i32(31)), 16))


def _hw_id(k: K) -> Value:
    """As on older targets, which HIP's headers ask for (__smid): SIMD_ID, CU_ID and SE_ID."""
    unit, index = _unit(k), k.load_field(abi.Wave.index.offset, I32)
    return _fields(
        k,
        (k.b.and_(index, k.i32(3)), 4),
        (k.b.lshr(unit, k.i32(2)), 8),
        (k.b.and_(unit, k.i32(3)), 13),
    )


HARDWARE_REGISTERS: Mapping[str, Callable[[K], Value]] = {
    "cycles low": _low,
    "cycles high": _high,
    "place": _hw_id,
    "place of the wave": _hw_id1,
    "place of the workgroup": _hw_id2,
    "die": lambda k: k.i32(0),
}
"""What s_getreg_b32 reads, by what a family calls it."""


def _memtime(k: K, inst: Instruction) -> None:
    k.write_scalar(inst.operands[0], cycles(k))


def _realtime(k: K) -> Value:
    return k.b.udiv(cycles(k), k.i64(CYCLES_PER_TICK))


def _memrealtime(k: K, inst: Instruction) -> None:
    k.write_scalar(inst.operands[0], _realtime(k))


def _sendmsg_rtn(k: K, inst: Instruction) -> None:
    """s_sendmsg_rtn_b64 of the constant clock; what else can be asked is the driver's."""
    message = inst.operands[1].name
    if message != "sendmsg(MSG_RTN_GET_REALTIME)":
        raise DeviceError(f"{message} asks the driver for a value, which a model cannot know")
    k.write_scalar(inst.operands[0], _realtime(k))


HANDLERS: dict[str, Handler] = {
    "s_memtime": _memtime,
    "s_memrealtime": _memrealtime,
    "s_sendmsg_rtn_b64": _sendmsg_rtn,
}
