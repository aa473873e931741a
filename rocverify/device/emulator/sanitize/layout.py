"""The sanitizer's structures (runtime/records.h) as seen from Python."""

from __future__ import annotations

import ctypes
from enum import IntEnum

GROUP_WAVES = 32
FLAGS = 32
MET = 8
FINDING_SLOTS = 4096
SYNC_SLOTS = 1 << 16
SYNC_NODES = 1 << 22
CLOCK_SLOTS = 1 << 16
SEGMENTS_END = 0xFFFFFF0
GRANULE_BYTES = 24
"""Of the record of who accessed four bytes of memory."""

READERS_BYTES = 8
"""Of the word beside it: who has read them since a barrier."""

LINE_BYTES = 64
"""Of global memory that are recorded as one while nothing accesses a part of them alone."""

CHUNK_BYTES = 1 << 16
"""Of global memory of which is known at once whether anything in them was accessed lately."""

LINE_RECORD_BYTES = GRANULE_BYTES + READERS_BYTES
LOG_BYTES = 4096 * (24 + 2 * 64)
"""Of a workgroup's log of its loads of LDS."""

_U32, _U64, _POINTER = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p
_WAVES = _U32 * GROUP_WAVES


class FindingKind(IntEnum):
    """What was found."""

    NONE = 0
    UNDEFINED = 1
    RACE = 2
    BARRIER_DIVERGED = 3
    BARRIER_MISSED = 4
    BARRIER_MIXED = 5
    OVERRUN = 6
    MISALIGNED = 7


class Decides(IntEnum):
    """What undefined bits decide."""

    ADDRESS = 1
    BRANCH = 2
    STORE = 3


class Overrun(IntEnum):
    """On which side of its array of LDS an access lies."""

    BEHIND = 1
    BEFORE = 2


class Hazard(IntEnum):
    """Which access came first: RAW is a read after a write."""

    RAW = 1
    WAR = 2
    WAW = 3


class Space(IntEnum):
    """The memory that an access was to."""

    GLOBAL = 0
    LDS = 1
    FLAT = 2
    SCRATCH = 3
    REGISTER = 4


class Scope(IntEnum):
    """Between what a race is."""

    WAVES = 0
    WORKGROUPS = 1
    LANES = 2


class RawFinding(ctypes.Structure):
    """A finding as the runtime writes it (records.h)."""

    _fields_ = (
        *((name, _U32) for name in ("kind", "detail", "space", "access")),
        *((name, _U64) for name in ("count", "address", "group", "other_group")),
        *((name, _U32) for name in ("size", "pc", "wave", "lane")),
        *((name, _U32) for name in ("other_pc", "other_wave", "other_lane", "other_access")),
        *((name, _U32) for name in ("atomic", "scope", "other_known", "padding")),
        ("origin_address", _U64),
        ("origin_pc", _U32),
        ("origin_space", _U32),
    )


class Sync(ctypes.Structure):
    """What is known of an address that waves synchronise through."""

    _fields_ = (("address", _U64), ("nodes", _U32), ("group", _U32), ("clock", _WAVES))


class SyncNode(ctypes.Structure):
    """A workgroup in the list of those that released at an address."""

    _fields_ = (("group", _U32), ("next", _U32))


class Flag(ctypes.Structure):
    """An address that a wave read past the caches, of which it acquires at its next fence."""

    _fields_ = (("address", _U64), *((name, _U32) for name in ("wave", "group", "nodes", "pending")))


class Met(ctypes.Structure):
    """An address that the workgroup has synchronised through."""

    _fields_ = (("address", _U64), ("nodes", _U32), ("listed", _U32))


class Origin(ctypes.Structure):
    """The load of bits that nobody had written: by which lane, from where."""

    _fields_ = (
        *((name, _U64) for name in ("group", "address")),
        *((name, _U32) for name in ("pc", "space", "wave", "lane")),
    )


class GroupRecord(ctypes.Structure):
    """What the workgroup under way knows of the accesses of others."""

    _fields_ = (
        ("group", _U64),
        ("base", _U32),
        ("fenced_any", _U32),
        *((name, _WAVES) for name in ("segment", "plain", "touched", "fenced", "fenced_far", "released")),
        ("released_any", _U32),
        ("slot", _U32),
        ("read_blocks", _U64),
        ("written_blocks", _U64),
        ("readings", _U32),
        ("padding", _U32),
        ("seen", _WAVES * GROUP_WAVES),
        ("seen_lds", _WAVES * GROUP_WAVES),
        ("barrier_pc", _WAVES),
        ("start_exec", _U64 * GROUP_WAVES),
        ("origins", Origin * GROUP_WAVES),
        ("flags", Flag * FLAGS),
        ("met", Met * MET),
        ("flag_count", _U32),
        ("met_next", _U32),
    )


class AccessRun(ctypes.Structure):
    """Bytes that one launch has accessed in one way from one instruction."""

    _fields_ = (
        ("start", _U64),
        ("end", _U64),
        *((name, _U32) for name in ("launch", "kind", "pc", "padding")),
    )


class AccessQuery(ctypes.Structure):
    """The launches whose accesses are asked for, and the runs of bytes that answer."""

    _fields_ = (
        ("first", _POINTER),
        ("next", _POINTER),
        *((name, _U64) for name in ("launches", "count", "room", "dropped")),
        ("open", _POINTER),
        ("runs", _POINTER),
        ("coarse", _U64),
        ("last", _U64),
    )


class SanitizerRecord(ctypes.Structure):
    """The sanitizer's record of one launch."""

    _fields_ = (
        ("defined_delta", _U64),
        ("arena", _U64),
        ("arena_bytes", _U64),
        ("followed_bytes", _U64),
        *(
            (name, _POINTER)
            for name in (
                "granules", "readers", "lines", "chunks", "lds_defined", "lds_granules", "lds_readers",
                "lds_origins", "scratch_defined", "segment_group", "group_fence", "group_seen", "records",
                "clocks", "syncs", "nodes", "findings", "log",
            )
        ),
        ("groups", _U64),
        ("dropped", _U64),
        *(
            (name, _U32)
            for name in (
                "first", "next", "strict", "clock_count", "node_count", "finding_count", "clock_slots",
                "since",
            )
        ),
        ("lds_arrays", _POINTER),
        ("lds_array_count", _U64),
        ("portable", _U64),
    )  # fmt: skip


LAYOUT = (
    ctypes.sizeof(RawFinding),
    ctypes.sizeof(SanitizerRecord),
    ctypes.sizeof(GroupRecord),
    ctypes.sizeof(Sync),
    GRANULE_BYTES,
    SanitizerRecord.first.offset,
    RawFinding.origin_address.offset,
    ctypes.sizeof(SyncNode),
    READERS_BYTES,
    GROUP_WAVES,
    FINDING_SLOTS,
    SYNC_SLOTS,
    SYNC_NODES,
    SEGMENTS_END,
    GroupRecord.seen.offset,
    GroupRecord.origins.offset,
    SanitizerRecord.findings.offset,
    SanitizerRecord.clock_slots.offset,
    RawFinding.other_pc.offset,
    Sync.clock.offset,
    max(FindingKind),
    max(Decides),
    max(Hazard),
    max(Space),
    LINE_BYTES,
    LINE_RECORD_BYTES,
    LOG_BYTES,
    ctypes.sizeof(AccessRun),
    ctypes.sizeof(AccessQuery),
    CHUNK_BYTES,
)
"""What rt_san_layout(0), rt_san_layout(1), ... must return."""
