"""The sanitizer as an instrument of a machine."""

from __future__ import annotations

import ctypes
from dataclasses import replace

from rocverify.device.emulator import abi
from rocverify.device.emulator.launch.instruments import LaunchContext
from rocverify.device.emulator.launch.runtime import Runtime
from rocverify.device.emulator.load.address_space import Mapping
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.sanitize import layout
from rocverify.device.emulator.sanitize.findings import Findings, Narrator
from rocverify.device.emulator.sanitize.memory import SanitizedMemory
from rocverify.device.emulator.translate.builder.observers import Observer
from rocverify.errors import DeviceError
from rocverify.store.digests import digest_of

MAX_TRACKED_GROUPS = 1 << 24
"""Workgroups among which order through atomics is followed."""

MAX_PAIRS = 1 << 28
"""Of a workgroup that runs and any other, of which is known whether the one has acquired from the other."""

SCALAR_SHADOW_BYTES = 576
"""The shadow of the scalar registers and SCC, and a pointer: a multiple of 64."""

_LAST_SEGMENT_OF_A_LAUNCH = layout.SEGMENTS_END // 2


class Sanitizer:
    """Finds undefined values that decide something, data races and misused barriers (see Finding).

    The machine's memory must be a SanitizedMemory. `strict` takes lanes of one wave to be unordered
    between barriers, as CUDA's model has it; barriers of the wave count where a kernel's source tells them.
    `portable` tells vector accesses off their alignment, too.
    """

    single_threaded = True

    def __init__(self, *, strict: bool = False, portable: bool = False) -> None:
        self.strict, self.portable = strict, portable
        self.name = "sanitizer"
        self._tables: dict[str, Mapping] = {}
        self._next_segment = 1
        self._record = layout.SanitizerRecord()
        self._arrays = (ctypes.c_uint64 * 0)()
        self._first = 1
        self.era = 0
        """Counts how often the record of memory was emptied."""
        self.since: int | None = None
        """The segment from which on the record is to keep who accessed what; None: that of the next
        launch."""

    def wave_bytes(self, lanes: int) -> int:
        """Bytes that a wave of so many lanes needs beside its registers."""
        return abi.OBSERVED_OFFSET_PER_LANE * lanes + SCALAR_SHADOW_BYTES

    def added_to(self, kernel: LoadedKernel) -> str:
        """Where lanes of a wave are in order although nothing of the code says so."""
        barriers = self._wave_barriers(kernel)
        return f":{digest_of(*map(str, sorted(barriers)))}" if barriers else ""

    def observer(self, kernel: LoadedKernel) -> Observer:
        """What adds the shadows to the code of a kernel."""
        # The translator is large, and needed for what is not in the cache alone.
        from rocverify.device.emulator.sanitize.shadow import ShadowObserver

        return ShadowObserver(kernel.graph, self._wave_barriers(kernel))

    def _wave_barriers(self, kernel: LoadedKernel) -> frozenset[int]:
        return kernel.module.wave_barriers if self.strict else frozenset()

    def _table(self, name: str, size: int) -> int:
        """The address of `size` zeroed bytes that are kept under a name."""
        held = self._tables.get(name)
        if held is None or held.size < size:
            held = self._tables[name] = Mapping(max(size, 1))
        else:
            held.discard(held.start, held.end)
        return held.start

    def begin(self, context: LaunchContext) -> None:
        """Prepares the record of a launch. Raises DeviceError without a SanitizedMemory."""
        memory, launch = context.memory, context.launch
        if not isinstance(memory, SanitizedMemory):
            raise DeviceError(
                "the sanitizer needs a SanitizedMemory", hint="open the device with sanitize=True"
            )
        if self._next_segment > _LAST_SEGMENT_OF_A_LAUNCH:
            self._begin_era(memory)
        self._first = self._next_segment
        groups = min(launch.group_count, MAX_TRACKED_GROUPS)
        if not launch.cooperative:
            launch.resident = max(min(launch.resident, MAX_PAIRS // groups), 1)
            launch.room = min(launch.room, launch.resident - 1)
        resident = launch.resident
        places = [one.offset for one in context.kernel.lds_arrays]
        self._arrays = (ctypes.c_uint64 * len(places))(*places)
        lds = -(-launch.lds_bytes // 64) * 64 * resident
        scratch = launch.scratch_bytes * launch.lanes * launch.waves_per_group * resident
        sizes = {
            "lds_defined": lds,
            "scratch_defined": scratch,
            "group_fence": 4 * groups,
            "group_seen": 4 * groups * resident,
            "records": ctypes.sizeof(layout.GroupRecord) * resident,
            "clocks": 4 * layout.GROUP_WAVES * layout.CLOCK_SLOTS,
            "syncs": ctypes.sizeof(layout.Sync) * layout.SYNC_SLOTS,
            "nodes": ctypes.sizeof(layout.SyncNode) * layout.SYNC_NODES,
            "findings": ctypes.sizeof(layout.RawFinding) * layout.FINDING_SLOTS,
            "log": layout.LOG_BYTES * resident,
            "segment_group": 4 * layout.SEGMENTS_END,
            "lds_granules": lds // 4 * layout.GRANULE_BYTES,
            "lds_readers": lds // 4 * layout.READERS_BYTES,
            "lds_origins": lds // 4 * ctypes.sizeof(layout.Origin),
        }
        self._record = layout.SanitizerRecord(
            defined_delta=memory.defined_delta,
            arena=memory.region.start,
            arena_bytes=memory.region.size,
            followed_bytes=memory.followed_bytes,
            granules=memory.granules,
            readers=memory.readers,
            lines=memory.lines,
            chunks=memory.chunks,
            groups=groups,
            first=self._next_segment,
            next=self._next_segment,
            strict=self.strict,
            clock_slots=layout.CLOCK_SLOTS,
            since=self._next_segment if self.since is None else self.since,
            lds_arrays=ctypes.addressof(self._arrays),
            lds_array_count=len(self._arrays),
            portable=self.portable,
            **{name: self._table(name, size) for name, size in sizes.items()},
        )
        for worker in context.workers:
            worker.sanitizer = ctypes.addressof(self._record)

    def _begin_era(self, memory: SanitizedMemory) -> None:
        """Segments are numbered from 1 again: nothing is known of accesses before."""
        memory.forget_accesses()
        self._tables.clear()
        self._next_segment = 1
        self.era += 1
        self.since = None

    def finish(self, context: LaunchContext) -> Findings:
        """What was found in a launch that has ended."""
        record, kernel = self._record, context.kernel
        self._next_segment = record.next
        raw = (layout.RawFinding * layout.FINDING_SLOTS).from_address(record.findings)
        narrator = Narrator(kernel, context.memory, context.geometry)  # type: ignore[arg-type]
        found = narrator.findings([one for one in raw if one.kind], record.dropped)
        return replace(found, segments=(self.era, self._first, record.next))

    def accesses(self, query: layout.AccessQuery, start: int, end: int) -> None:
        """Has a query go through [start, end) of recorded memory; `start` == `end` ends it."""
        Runtime.loaded().accesses(ctypes.addressof(self._record), ctypes.addressof(query), start, end)
