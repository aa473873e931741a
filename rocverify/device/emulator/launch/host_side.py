"""What the host provides to one launch beside its arguments: the buffers that hidden arguments point to."""

from __future__ import annotations

import ctypes
import dataclasses
import struct
from types import TracebackType

from rocverify.device.emulator import abi
from rocverify.device.emulator.launch.heap import Heap
from rocverify.device.emulator.launch.hostcall import HostCalls, Printer, calls_host
from rocverify.device.emulator.load.kernarg import Geometry
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.faults import FaultReport

_UNSUPPORTED = {
    "hidden_printf_buffer": "unsupported: buffered printf; compile with -mprintf-kind=hostcall",
    "hidden_default_queue": "unsupported: the queue of device-side enqueue",
}
"""What kernels may have an argument for, used or not: only a kernel that does use it faults."""

_REACH = 1 << 16
"""Bytes from such an address on that a kernel's first access lies in."""


HEAP = "hidden_heap_v1"


class HostSide:
    """Around one launch: `pointers` by hidden argument, and who serves the waves' calls, if they can call.

    Source of the layouts: the device libraries' cg.cl (struct mg_info) and hostcall_impl.cl.
    """

    def __init__(
        self,
        memory: DeviceMemory,
        kernel: LoadedKernel,
        geometry: Geometry,
        printer: Printer,
        heap: Heap,
    ) -> None:
        self._memory, self._owned = memory, list[int]()
        self.pointers: dict[str, int] = {}
        self.calls: HostCalls | None = None
        if geometry.cooperative:
            self.pointers["hidden_multigrid_sync_arg"] = self._grid_record(geometry)
        taken = {arg.kind for arg in kernel.metadata.args}
        for kind, what in _UNSUPPORTED.items():
            if kind in taken:
                self.pointers[kind] = self._nothing(what)
        if HEAP in taken:
            self.pointers[HEAP] = heap.address(kernel.module.image)
        if calls_host(kernel):
            self.calls = HostCalls(memory, kernel.name, printer)
            self._owned.append(self.calls.address)
            self.pointers["hidden_hostcall_buffer"] = self.calls.address

    def _nothing(self, what: str) -> int:
        """An address at which nothing is, with a name for the report when a kernel uses it."""
        address = self._memory.malloc(_REACH, what)
        self._memory.free(address)
        return address

    def _grid_record(self, geometry: Geometry) -> int:
        """Of a grid on one device. `sgs` begins as zeros: no workgroup has come to a barrier."""
        workitems = geometry.group_count * geometry.block_size
        record = struct.pack("<QIIQQIIII", 0, 0, 0, 0, workitems, 0, 0, geometry.group_count, 0)
        address = self._memory.malloc(len(record), "grid of the cooperative launch")
        self._owned.append(address)
        self._memory.write(address, record)
        return address

    @property
    def printed(self) -> tuple[tuple[str, str], ...]:
        """What the kernel has printed, in order, as (stream, text)."""
        return () if self.calls is None else tuple(self.calls.printed)

    def prepare(self, launch: abi.Launch) -> None:
        """Tells the runtime where the waves' calls appear."""
        if self.calls is not None:
            launch.hostcall = self.calls.address

    def serve(self, launch: abi.Launch, worker: abi.Worker) -> None:
        """Answers the waves' calls; the one worker of the launch has paused for that."""
        assert self.calls is not None
        self.calls.serve()
        if self.calls.memory_changed:
            self._table = self._memory.table()
            launch.ranges, launch.range_count = ctypes.addressof(self._table), len(self._memory)
            worker.cached = abi.Range()
            self.calls.memory_changed = False

    def with_assertion(self, report: FaultReport) -> FaultReport:
        """For the trap that ends __assert_fail: the report says which assertion failed, and where."""
        failed = self.calls.assertion() if self.calls is not None and report.kind == "trap" else None
        if failed is None:
            return report
        return dataclasses.replace(report, message=failed[0], source_line=failed[1])

    def __enter__(self) -> HostSide:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for address in self._owned:
            self._memory.free(address)
