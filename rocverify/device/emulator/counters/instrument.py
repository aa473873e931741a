"""The instrument that counts: code added to translations, and the arrays that it writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.counters.layout import Slots, Table, slots_of
from rocverify.device.emulator.counters.record import Counters
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import EXEC
from rocverify.device.emulator.launch.instruments import LaunchContext
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.translate.builder.observers import Access, Observer
from rocverify.device.emulator.translate.builder.types import I8, I64, PTR, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.errors import DeviceError

CACHE_LINE = 64
PATTERNS, PATTERN_BYTES = 256, 32 + 4 * abi.MAX_LANES
"""As runtime/counters.h has them."""
_ACCESS = {"load": abi.Access.LOAD, "store": abi.Access.STORE, "atomic": abi.Access.ATOMIC}


class CounterInstrument:
    """Counts what the launches of one machine do. What it saw is a Counters, also for a launch that
    faulted: then whole basic blocks are counted up to the fault."""

    name = "counters"
    single_threaded = False

    def __init__(self) -> None:
        self._tables: dict[tuple[str, str], Table] = {}
        self._rows: npt.NDArray[np.uint64] = np.zeros((0, 0), np.uint64)
        self._patterns: npt.NDArray[np.uint8] = np.zeros((0, 0), np.uint8)

    def wave_bytes(self, _: int) -> int:
        """Nothing in a wave."""
        return 0

    def added_to(self, _: LoadedKernel) -> str:
        """Nothing."""
        return ""

    def observer(self, kernel: LoadedKernel) -> Observer:
        """What adds the counting to the code of a kernel."""
        return _Counting(slots_of(kernel.graph))

    def begin(self, context: LaunchContext) -> None:
        """One array for each host thread, a cache line apart."""
        count = self._table(context.kernel).slots.count
        padded = -(-8 * count // CACHE_LINE) * CACHE_LINE // 8 + CACHE_LINE // 8
        self._rows = np.zeros((len(context.workers), padded), np.uint64)
        self._patterns = np.zeros((len(context.workers), PATTERNS * PATTERN_BYTES), np.uint8)
        for worker, row, patterns in zip(context.workers, self._rows, self._patterns, strict=True):
            worker.counters, worker.patterns = row.ctypes.data, patterns.ctypes.data

    def finish(self, context: LaunchContext) -> Counters:
        """The counts of a launch that has ended."""
        table = self._table(context.kernel)
        counts = self._rows.sum(axis=0)[: table.slots.count].astype(np.int64)
        for worker in context.workers:
            worker.counters = worker.patterns = None
        return Counters.of(table, counts)

    def _table(self, kernel: LoadedKernel) -> Table:
        key = (kernel.module.metadata.sha256, kernel.name)
        if key not in self._tables:
            self._tables[key] = Table(key, kernel.graph, kernel.lanes, kernel.module.user_lines)
        return self._tables[key]


class _Counting(Observer):
    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._counts: Value = None
        self._opened: set[int] = set()
        self._exec: Value = None
        self._writer: int | None = None

    def start(self, k: WaveBuilder) -> None:
        pointer = k.b.gep(k.worker, [k.i64(abi.Worker.counters.offset)], inbounds=True, source_etype=I8)
        self._counts = k.b.load(pointer, typ=PTR)

    def block(self, k: WaveBuilder, block: Sequence[Instruction]) -> None:
        self._add(k, self._slots.blocks[block[0].address], k.i64(1))

    def before(self, k: WaveBuilder, inst: Instruction) -> None:
        region = self._slots.opens.get(inst.address)
        if region is not None and region not in self._opened:
            self._opened.add(region)
            self._add(k, region, k.intrinsic("ctpop", I64, [_exec_bits(k)]))
        self._writer = inst.address if inst.address in self._slots.diverged else None
        if self._writer is not None:
            self._exec = _exec_bits(k)

    def after(self, k: WaveBuilder, inst: Instruction) -> None:
        slot = self._slots.diverged.get(inst.address)
        if slot is None:
            return
        old, new = self._exec, _exec_bits(k)
        fewer = k.b.and_(k.b.icmp_unsigned("!=", new, old), k.b.icmp_unsigned("==", k.b.and_(new, old), new))
        some = k.b.icmp_unsigned("!=", new, k.i64(0))
        self._add(k, slot, k.b.zext(k.b.and_(fewer, some), I64))

    def sgpr_written(self, k: WaveBuilder, index: int) -> None:
        if index in (EXEC, EXEC + 1)[: k.lanes // 32] and self._writer is None:
            raise DeviceError("writes EXEC where the counters do not expect it: a bug in rocverify")

    def branched(self, k: WaveBuilder, inst: Instruction, condition: Value) -> None:
        self._add(k, self._slots.taken[inst.address], k.b.zext(condition, I64))

    def accessed(self, k: WaveBuilder, inst: Instruction, access: Access) -> None:
        record = self._place(k, self._slots.records[inst.address])
        k.call(
            f"rt_count_{access.space}",
            ir.VoidType(),
            [k.worker, record, k.wave, _exec_bits(k), k.i32(access.size), k.i32(_ACCESS[access.kind])],
        )

    def _place(self, k: WaveBuilder, slot: int) -> Value:
        return k.b.gep(self._counts, [k.i64(8 * slot)], inbounds=True, source_etype=I8)

    def _add(self, k: WaveBuilder, slot: int, amount: Value) -> None:
        place = self._place(k, slot)
        k.b.store(k.b.add(k.b.load(place, typ=I64, align=8), amount), place, align=8)


def _exec_bits(k: WaveBuilder) -> Value:
    """EXEC as i64; other observers are not to take it for the kernel's reading it."""
    return k.wide_mask(k.quiet_sgpr(EXEC), k.quiet_sgpr(EXEC + 1) if k.lanes == 64 else None)
