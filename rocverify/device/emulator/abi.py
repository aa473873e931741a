"""The runtime's structures (runtime/runtime.h) as seen from Python and from translated code."""

from __future__ import annotations

import ctypes
from enum import IntEnum

SGPRS = 128
MAX_LANES = 64
GRID_BARRIERS = 64
SHARED_APERTURE_HI = 0x10000
PRIVATE_APERTURE_HI = 0x20000
CYCLES_PER_INSTRUCTION = 4


NO_GROUP = (1 << 64) - 1
"""In place of a workgroup's number, in the first wave of a slot that is free."""


class Status(IntEnum):
    """What a call of a translated wave function ended with."""

    READY = 0
    ENDED = 1
    BARRIER = 2
    FAULT = 3
    YIELDED = 4
    GRID = 5


class FaultKind(IntEnum):
    """What a wave did that ends its launch."""

    NONE = 0
    GLOBAL = 1
    LDS = 2
    SCRATCH = 3
    LIMIT = 4
    JUMP = 5
    TRAP = 6
    STOPPED = 7
    UNALIGNED = 8
    DEADLOCK = 9
    GRID_SYNC = 10


MORE_FAULTS = 3
"""Further instructions whose accesses faulted that a worker keeps."""


class Outcome(IntEnum):
    """What a call of the runtime's `run` ended with."""

    DONE = 0
    FAULT = 1
    HOST_CALL = 2


class Access(IntEnum):
    """What was done to memory, or that it was executed."""

    LOAD = 0
    STORE = 1
    ATOMIC = 2
    EXECUTE = 3


class Fault(ctypes.Structure):
    """The fault of a wave: what it was, and where."""

    _fields_ = (
        ("kind", ctypes.c_uint32),
        ("access", ctypes.c_uint32),
        ("address", ctypes.c_uint64),
        ("target", ctypes.c_uint64),
        ("size", ctypes.c_uint32),
        ("lane", ctypes.c_uint32),
        ("pc", ctypes.c_uint32),
        ("wave", ctypes.c_uint32),
        ("group", ctypes.c_uint32 * 3),
        ("padding", ctypes.c_uint32),
    )


class Wave(ctypes.Structure):
    """The header of a wave; its vector registers follow, `lanes` dwords each."""

    _fields_ = (
        ("sgpr", ctypes.c_uint32 * SGPRS),
        ("exec_lanes", ctypes.c_uint32 * MAX_LANES),
        ("scc", ctypes.c_uint32),
        ("resume", ctypes.c_uint32),
        ("status", ctypes.c_uint32),
        ("mode", ctypes.c_uint32),
        ("instructions", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("barriers", ctypes.c_uint64),
        ("scratch", ctypes.c_uint64),
        ("scratch_bytes", ctypes.c_uint64),
        ("lds", ctypes.c_uint64),
        ("lds_bytes", ctypes.c_uint64),
        ("group", ctypes.c_uint64),
        ("asleep", ctypes.c_uint64),
        ("reserved", ctypes.c_uint64 * 5),
        ("addresses", ctypes.c_uint64 * MAX_LANES),
        ("index", ctypes.c_uint32),
        ("pc", ctypes.c_uint32),
        ("same", ctypes.c_uint32),
        ("misses", ctypes.c_uint32),
        ("quantum", ctypes.c_uint32),
        ("resource", ctypes.c_uint32),
        ("reload", ctypes.c_uint32),
        ("slept", ctypes.c_uint32),
        ("looked", ctypes.c_uint64),
        ("print", ctypes.c_uint64),
        ("memory_print", ctypes.c_uint64),
    )


VGPR_OFFSET = -(-ctypes.sizeof(Wave) // 64) * 64
"""Byte offset of v0, lane 0, from the start of a wave."""


VGPRS = 512
"""Vector registers of a wave: 256 VGPRs, and as many AGPRs behind them where a family has them."""

OBSERVED_OFFSET_PER_LANE = 4 * VGPRS
"""An instrument's part of a wave begins VGPR_OFFSET + lanes times this from its start."""


class Launch(ctypes.Structure):
    """One launch, as all of its workers see it."""

    _fields_ = (
        ("ranges", ctypes.c_void_p),
        ("range_count", ctypes.c_uint64),
        ("run", ctypes.c_void_p),
        ("code_base", ctypes.c_uint64),
        ("group_count", ctypes.c_uint64),
        ("grid", ctypes.c_uint32 * 3),
        ("block", ctypes.c_uint32 * 3),
        ("lanes", ctypes.c_uint32),
        ("waves_per_group", ctypes.c_uint32),
        ("wave_bytes", ctypes.c_uint32),
        ("vgpr_count", ctypes.c_uint32),
        ("user_sgpr_count", ctypes.c_uint32),
        ("group_id_mask", ctypes.c_uint32),
        ("id_vgprs", ctypes.c_uint32),
        ("scratch_sgpr", ctypes.c_uint32),
        ("user_sgpr", ctypes.c_uint32 * 32),
        ("lds_bytes", ctypes.c_uint64),
        ("scratch_bytes", ctypes.c_uint64),
        ("instruction_limit", ctypes.c_uint64),
        ("mode", ctypes.c_uint32),
        ("poison", ctypes.c_uint32),
        ("resident", ctypes.c_uint32),
        ("cooperative", ctypes.c_uint32),
        ("hostcall", ctypes.c_uint64),
        ("clock", ctypes.c_uint64),
        *((name, ctypes.c_uint64) for name in ("order_seed", "window", "stride", "last_stride")),
        ("chosen", ctypes.c_void_p),
        ("apart", ctypes.c_uint64 * 8),
        ("next_group", ctypes.c_uint64),
        ("stop", ctypes.c_uint32),
        ("active", ctypes.c_uint32),
        ("stuck", ctypes.c_uint32),
        ("epoch", ctypes.c_uint32),
        ("room", ctypes.c_uint32),
        ("padding", ctypes.c_uint32),
        ("apart_too", ctypes.c_uint64 * 8),
    )


class Range(ctypes.Structure):
    """A live allocation: first byte and the byte after the last."""

    _fields_ = (("base", ctypes.c_uint64), ("end", ctypes.c_uint64))


class Worker(ctypes.Structure):
    """One host thread of a launch, and what it works with."""

    _fields_ = (
        ("launch", ctypes.c_void_p),
        ("waves", ctypes.c_void_p),
        ("lds", ctypes.c_void_p),
        ("scratch", ctypes.c_void_p),
        ("cached", Range),
        ("code_base", ctypes.c_uint64),
        ("lanes", ctypes.c_uint64),
        ("fault", Fault),
        ("instructions", ctypes.c_uint64),
        ("groups", ctypes.c_uint64),
        ("wave_count", ctypes.c_uint64),
        ("barriers", ctypes.c_uint64),
        ("cycles", ctypes.c_uint64),
        ("group", ctypes.c_uint32 * 3),
        ("padding", ctypes.c_uint32),
        ("counters", ctypes.c_void_p),
        ("sanitizer", ctypes.c_void_p),
        ("coverage", ctypes.c_void_p),
        ("patterns", ctypes.c_void_p),
        ("begun", ctypes.c_uint32),
        ("taken", ctypes.c_uint32),
        ("open", ctypes.c_uint32),
        ("poisoned", ctypes.c_uint32),
        ("stuck", ctypes.c_uint32),
        ("confirming", ctypes.c_uint32),
        ("epoch", ctypes.c_uint32),
        ("spare", ctypes.c_uint32),
        ("grid_left", ctypes.c_uint32 * GRID_BARRIERS),
        ("faulting", ctypes.c_uint64),
        ("spent", ctypes.c_uint64),
        ("more", Fault * MORE_FAULTS),
        ("apart", ctypes.c_uint64 * 8),
    )


LAYOUT = (
    VGPR_OFFSET,
    Wave.exec_lanes.offset,
    Wave.scc.offset,
    Wave.instructions.offset,
    Wave.addresses.offset,
    VGPR_OFFSET,
    ctypes.sizeof(Launch),
    Launch.user_sgpr.offset,
    ctypes.sizeof(Worker),
    Worker.fault.offset,
    ctypes.sizeof(Fault),
    Worker.code_base.offset,
    Worker.counters.offset,
    Worker.sanitizer.offset,
    Worker.grid_left.offset,
    Launch.stop.offset,
    Wave.pc.offset,
    Wave.group.offset,
    Launch.clock.offset,
    Launch.room.offset,
    CYCLES_PER_INSTRUCTION,
    Worker.coverage.offset,
    Launch.chosen.offset,
)
"""What rt_layout(0), rt_layout(1), ... must return."""
