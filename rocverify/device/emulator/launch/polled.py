"""What a wave polls that stopped within a loop: the memory that the loop reads, and what is there."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.disassembly import Instruction, Listing
from rocverify.device.emulator.isa.operands import EXEC, OperandKind
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.emulator.translate.lowering.flow import BRANCHES
from rocverify.errors import DeviceError

REACH = 256
"""Instructions within which the end of the loop is looked for."""

_VECTOR_READS = ("global_load", "flat_load", "global_atomic", "flat_atomic")
_SCALAR_READS = ("s_load_b32", "s_load_b64")
_LDS_READS = ("ds_load", "ds_cmpstore", "ds_storexchg", "ds_add", "ds_or", "ds_max", "ds_min")


def polled(wave: abi.Wave, listing: Listing, memory: DeviceMemory) -> str:
    """The memory that the wave's loop reads last before the place where it stopped, in words, with what it
    holds now; empty where that cannot be told."""
    loop = _loop(listing, wave.pc)
    before = [inst for inst in loop if inst.address <= wave.pc]
    after = [inst for inst in loop if inst.address > wave.pc]
    for inst in [*reversed(before), *reversed(after)]:
        if inst.mnemonic.startswith(_VECTOR_READS):
            return _global(wave.addresses[_lane(wave)], memory)
        if inst.mnemonic.startswith(_LDS_READS):
            return _lds(wave, wave.addresses[_lane(wave)] & 0xFFFFFFFF)
        if inst.mnemonic in _SCALAR_READS:
            return _scalar(wave, inst, memory)
    return ""


def _loop(listing: Listing, pc: int) -> list[Instruction]:
    """The innermost loop around a place: up to the first branch back past it."""
    for inst in _following(listing, pc):
        if inst.mnemonic in BRANCHES and inst.branch_target <= pc:
            return [one for one in _following(listing, inst.branch_target) if one.address <= inst.address]
    return []


def _following(listing: Listing, address: int) -> Iterator[Instruction]:
    for _ in range(REACH):
        if address not in listing:
            return
        try:
            inst = listing.at(address)
        except DeviceError:
            return
        yield inst
        address = inst.next_address


def _lane(wave: abi.Wave) -> int:
    """The first active lane; the first of all where the loop has switched all off."""
    active = wave.sgpr[EXEC] | wave.sgpr[EXEC + 1] << 32
    return (active & -active).bit_length() - 1 if active else 0


def _global(address: int, memory: DeviceMemory) -> str:
    found = memory.find(address)
    if found is None or address + 4 > found.end:
        return ""
    value = int.from_bytes(memory.read(address, 4), "little")
    return f"{memory.explain(address)}, which holds {value}"


def _lds(wave: abi.Wave, offset: int) -> str:
    if offset + 4 > wave.lds_bytes:
        return ""
    value = ctypes.c_uint32.from_address(wave.lds + offset).value
    return f"LDS offset {offset}, which holds {value}"


def _scalar(wave: abi.Wave, inst: Instruction, memory: DeviceMemory) -> str:
    """s_load with an immediate offset whose base it does not overwrite."""
    target, base, offset = inst.operands
    overwritten = {target.index + i for i in range(target.count)} & {base.index, base.index + 1}
    if overwritten or offset.kind is OperandKind.SGPR:
        return ""
    distance = inst.offset + (0 if offset.kind is OperandKind.NULL else offset.integer)
    return _global((wave.sgpr[base.index] | wave.sgpr[base.index + 1] << 32) + distance, memory)
