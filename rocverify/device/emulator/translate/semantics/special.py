"""Instructions about the wave itself, and those that this model has nothing to do for.

Caches are not modelled: memory operations complete at once and in order, so waits, cache
controls and scheduling hints have no effect on what a kernel computes. Each is listed by name, the waits
where a family says how it orders memory.
"""

from __future__ import annotations

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder import modes
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import I32, TYPES
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.clock import HARDWARE_REGISTERS
from rocverify.errors import DeviceError

K = WaveBuilder

NOTHING_TO_DO = (
    "s_nop", "s_delay_alu", "s_clause", "s_setprio", "s_set_inst_prefetch_distance",
    "s_icache_inv", "s_wait_idle", "s_wait_event", "s_code_end", "buffer_gl0_inv", "buffer_gl1_inv", "ds_nop",
    "s_dcache_inv", "s_gl1_inv", "v_nop", "s_version", "s_ttracedata", "s_ttracedata_imm", "s_incperflevel",
    "s_decperflevel", "s_wakeup", "s_singleuse_vdst", "v_pipeflush",
)  # fmt: skip

FLAT_SCRATCH = ("HW_REG_FLAT_SCR_LO", "HW_REG_FLAT_SCR_HI")

HARMLESS_MESSAGES = ("MSG_DEALLOC_VGPRS", "MSG_INTERRUPT")
"""The host looks for calls whenever waves pause (hostcall.py): it needs no interrupt."""


def nothing(k: K, inst: Instruction) -> None:
    """No effect on registers or memory."""


def _sendmsg(k: K, inst: Instruction) -> None:
    if not any(name in inst.text for name in HARMLESS_MESSAGES):
        raise DeviceError("a message to the host is not supported (device printf, assert, interrupts)")


def _getpc(k: K, inst: Instruction) -> None:
    k.write_scalar(inst.operands[0], k.b.add(k.code_base(), k.i64(inst.next_address)))


def _getreg(k: K, inst: Instruction) -> None:
    """s_getreg_b32 of MODE, the apertures and what clock.py has; others have no meaning here."""
    name, offset, size = modes.hardware_register(inst.operands[1].name)
    if name == "HW_REG_MODE":
        value = k.load_field(abi.Wave.mode.offset, I32)
    elif name == "HW_REG_SH_MEM_BASES":
        value = k.i32(abi.SHARED_APERTURE_HI | abi.PRIVATE_APERTURE_HI >> 16)
    elif name in k.dialect.family.hardware_registers:
        value = HARDWARE_REGISTERS[k.dialect.family.hardware_registers[name]](k)
    else:
        raise DeviceError(f"hardware register {name} is not supported")
    k.write_scalar(inst.operands[0], k.b.and_(k.b.lshr(value, k.i32(offset)), k.i32((1 << size) - 1)))


def _set_mode(k: K, inst: Instruction) -> None:
    """s_round_mode, s_denorm_mode and s_setreg of MODE: the wave's copy, and what is known from here on."""
    written = modes.write_of(inst)
    if written is None and _is_place_of_scratch(k, inst):
        return
    if written is None:
        raise DeviceError(f"a write of hardware register {inst.operands[0].name} is not supported")
    offset, size, value = written
    above = value is None or value >> max(modes.FIELD_BITS - offset, 0)
    if above and offset + size > modes.FIELD_BITS:
        raise DeviceError("a write of MODE above bit 9 (exceptions, debugging) is not supported")
    mask = ((1 << size) - 1) << offset
    bits = k.i32(value) if value is not None else k.read_scalar(inst.operands[1], TYPES["b32"])
    kept = k.b.and_(k.load_field(abi.Wave.mode.offset, I32), k.i32(~mask))
    new = k.b.or_(kept, k.b.and_(k.b.shl(bits, k.i32(offset)), k.i32(mask)))
    k.store_field(abi.Wave.mode.offset, new)
    k.mode = modes.after(k.mode, inst)


def _is_place_of_scratch(k: K, inst: Instruction) -> bool:
    """Whether s_setreg says where the wave's scratch lies, as families want it to be told whose waves are
    given scratch as a buffer. Flat addresses of scratch are offsets in it here."""
    name, _, _ = modes.hardware_register(inst.operands[0].name)
    return k.dialect.family.initial.scratch_descriptor and name in FLAT_SCRATCH


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(NOTHING_TO_DO, nothing),
    "s_sendmsg": _sendmsg,
    "s_getpc_b64": _getpc,
    "s_getreg_b32": _getreg,
    **dict.fromkeys(sorted(modes.WRITERS), _set_mode),
}
