"""The emulated GPU: loads code objects, translates kernels at their first launch, runs launches."""

from __future__ import annotations

import ctypes
import os
import struct
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.targets import SUPPORTED_TARGETS
from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.launch.heap import Heap
from rocverify.device.emulator.launch.host_side import HostSide
from rocverify.device.emulator.launch.hostcall import Printer, to_standard_streams
from rocverify.device.emulator.launch.instruments import Instrument, LaunchContext
from rocverify.device.emulator.launch.jit import Jit
from rocverify.device.emulator.launch.launch_record import check_launch, excerpt_limit, launch_record
from rocverify.device.emulator.launch.observed import Observed
from rocverify.device.emulator.launch.outcome import launch_fault
from rocverify.device.emulator.launch.runtime import Runtime
from rocverify.device.emulator.launch.schedule import Schedule
from rocverify.device.emulator.launch.stop_switch import StopSwitch
from rocverify.device.emulator.launch.worker_pool import WorkerPool
from rocverify.device.emulator.load.image import load_image
from rocverify.device.emulator.load.kernarg import Geometry, Triple, dispatch_packet, kernarg_segment
from rocverify.device.emulator.load.loaded import LoadedKernel, LoadedModule
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.emulator.translate.identity import translator_digest, wave_function
from rocverify.errors import DeviceError
from rocverify.store.content_cache import ContentCache
from rocverify.store.digests import digest_of
from rocverify.toolchain.codeobject import read_code_object
from rocverify.toolchain.lines import DebugTwin

if TYPE_CHECKING:
    from rocverify.device.emulator.counters import Counters
    from rocverify.device.emulator.sanitize.findings import Findings
    from rocverify.device.emulator.translate.lowering.program import Translation
    from rocverify.device.excerpt import Excerpt

__all__ = [
    "DEFAULT_INSTRUCTION_LIMIT",
    "SUPPORTED_TARGETS",
    "LaunchStats",
    "LoadedKernel",
    "LoadedModule",
    "Machine",
]

DEFAULT_INSTRUCTION_LIMIT = 1 << 36
"""Instructions of one wave after which a launch is stopped as endless."""

WAVES_PER_THREAD, CODE_PER_THREAD = 1024, 1 << 20
"""Waves, or bytes of code that they all execute if each goes once through its kernel, that are worth a
thread: some milliseconds."""

QUEUE_APERTURES = 0x40
"""Offset of group_segment_aperture_base_hi and its private twin in amd_queue_t."""

FIRST_CYCLE, CYCLES_BETWEEN_LAUNCHES = 2_500_000_000, 25_000
"""A second, and ten microseconds, of the clock that kernels see."""

KERNARG_BLOCK = 64
"""Bytes that the kernarg segment is rounded up to."""


@dataclass(frozen=True, slots=True)
class LaunchStats:
    """What one launch did. Counts are exact; times are wall seconds; `printed` is what the kernel printed, in
    order, as (`stdout` or `stderr`, text)."""

    wave_instructions: int
    waves: int
    workgroups: int
    barriers: int
    seconds: float
    translate_seconds: float
    observed: Observed = field(default_factory=lambda: MappingProxyType({}))
    printed: tuple[tuple[str, str], ...] = ()

    @property
    def counters(self) -> Counters | None:
        """What the instrument of that name counted; None on a machine without it."""
        counted: Counters | None = self.observed.get("counters")
        return counted

    @property
    def findings(self) -> Findings | None:
        """What the sanitizer found; None on a machine without it."""
        found: Findings | None = self.observed.get("sanitizer")
        return found

    def to_json(self) -> dict[str, Any]:
        """The exact counts and the times as plain JSON data."""
        return {
            "wave_instructions": self.wave_instructions,
            "waves": self.waves,
            "workgroups": self.workgroups,
            "barriers": self.barriers,
            "seconds": self.seconds,
            "translate_seconds": self.translate_seconds,
        }


class Machine:
    """One emulated GPU. `clang` compiles the runtime where the package does not carry it,
    and llvm-symbolizer, which lies beside `objdump`, tells lines of inlined calls.

    Launches are synchronous and serialised; workgroups of a launch run on `threads` host threads.
    `instruments` watch every launch; what they saw is in LaunchStats.observed, by their names.
    `debug_twin` is asked for line tables (see LoadedModule). `schedule` says in which order waves run.
    """

    def __init__(
        self,
        target: str,
        *,
        objdump: Path | None = None,
        clang: Path | None = None,
        memory: DeviceMemory | None = None,
        threads: int | None = None,
        cache_dir: Path | None = None,
        instruction_limit: int = DEFAULT_INSTRUCTION_LIMIT,
        instruments: Sequence[Instrument] = (),
        debug_twin: DebugTwin | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        if target not in SUPPORTED_TARGETS:
            raise DeviceError(
                f"the emulator does not run {target}", hint=f"it runs {', '.join(SUPPORTED_TARGETS)}"
            )
        self.target = target
        self.memory = DeviceMemory() if memory is None else memory
        self.threads = threads or os.cpu_count() or 1
        self.instruction_limit = instruction_limit
        self.instruments = tuple(instruments)
        self.schedule = Schedule() if schedule is None else schedule
        self.printer: Printer = to_standard_streams
        self._debug_twin = debug_twin
        self._objdump = objdump
        self._cache = ContentCache(cache_dir / "native" if cache_dir else None)
        self._runtime = Runtime.load(clang)
        self._jit = Jit(self._cache)
        self._compiled: dict[tuple[str, str], int] = {}
        self._lock = threading.RLock()
        self._switch: StopSwitch | None = None
        self._clock = FIRST_CYCLE
        self._heap = Heap(self.memory)
        self._workers = WorkerPool()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="emulator")
        self._packet = self.memory.malloc(64, "dispatch packet")
        self._queue = self.memory.malloc(256, "queue")
        apertures = struct.pack("<II", abi.SHARED_APERTURE_HI, abi.PRIVATE_APERTURE_HI)
        self.memory.write(self._queue + QUEUE_APERTURES, apertures)

    def load(
        self, code_object: bytes, label: str = "code object", debug_twin: DebugTwin | None = None
    ) -> LoadedModule:
        """Loads a code object of this machine's target; CodeObjectError or DeviceError if it is not.
        `debug_twin` is asked in place of the machine's."""
        metadata = read_code_object(code_object, label)
        if metadata.target != self.target:
            raise DeviceError(
                f"a code object for {metadata.target} on {self.target}",
                hint=f"compile for {self.target} (--target)",
            )
        image = load_image(code_object, self.memory, label)
        twin = debug_twin or self._debug_twin
        return LoadedModule(metadata, image, code_object, self._objdump, twin, self._cache)

    def unload(self, module: LoadedModule) -> None:
        """Gives the module's device memory back."""
        self.memory.free(module.image.base)

    def close(self) -> None:
        """Stops the worker threads."""
        self._pool.shutdown(wait=True)

    def stop(self, reason: str) -> None:
        """Ends the launch that another thread has under way, if any, with KernelFaultError."""
        switch = self._switch
        if switch is not None:
            switch.stop(reason)

    def launch(
        self,
        kernel: LoadedKernel,
        grid: Triple,
        block: Triple,
        shared_bytes: int,
        kernarg: bytes,
        *,
        timeout_s: float | None = None,
        cooperative: bool = False,
        excerpt: Excerpt | None = None,
    ) -> LaunchStats:
        """Runs a kernel to its end; `grid` in workgroups, `block` in workitems, `kernarg` the explicit
        arguments laid out as the metadata says, `timeout_s` what it may take once it is translated. The
        workgroups of a `cooperative` launch may wait for one another. `excerpt`: not all of it runs.

        Raises DeviceError for an impossible launch, UnsupportedInstructionError for what cannot be
        translated, KernelFaultError (with a FaultReport) when the kernel faults or is stopped.
        """
        geometry = Geometry(grid, block, shared_bytes, cooperative)
        check_launch(kernel, geometry)
        with self._lock:
            begun = time.perf_counter()
            compiled = self._translate(kernel)
            translated = time.perf_counter()
            with HostSide(self.memory, kernel, geometry, self.printer, self._heap) as host:
                workers, observed = self._run(kernel, geometry, compiled, kernarg, timeout_s, host, excerpt)
            return LaunchStats(
                sum(w.instructions for w in workers),
                sum(w.wave_count for w in workers),
                sum(w.groups for w in workers),
                sum(w.barriers for w in workers),
                time.perf_counter() - translated,
                translated - begun,
                observed,
                host.printed,
            )

    def _translate(self, kernel: LoadedKernel) -> int:
        """The address of the kernel's wave function."""
        key = (kernel.module.metadata.sha256, kernel.name)
        if key not in self._compiled:
            watched = "+".join(one.name + one.added_to(kernel) for one in self.instruments)
            name = wave_function(kernel.name, digest_of(key[0], watched))

            def make() -> Translation:
                # The translator is large, and needed for what is not in the cache alone.
                from rocverify.device.emulator.translate.builder.observers import Observers
                from rocverify.device.emulator.translate.lowering.program import translate

                observers = [instrument.observer(kernel) for instrument in self.instruments]
                observer = Observers(observers) if observers else None
                return translate(kernel.family, kernel.graph, kernel.descriptor, kernel.name, name, observer)

            self._compiled[key] = self._jit.compile(
                digest_of("kernel", translator_digest(), watched, *key), name, make
            )
        return self._compiled[key]

    def _run(
        self,
        kernel: LoadedKernel,
        geometry: Geometry,
        compiled: int,
        kernarg: bytes,
        timeout_s: float | None,
        host: HostSide,
        excerpt: Excerpt | None,
    ) -> tuple[list[abi.Worker], Observed]:
        chosen = None if excerpt is None else excerpt.chosen(geometry.group_count)
        limit = self.instruction_limit if excerpt is None else excerpt_limit(kernel, geometry, chosen)
        pointers = {"hidden_queue_ptr": self._queue, **host.pointers}
        segment = kernarg_segment(kernel.metadata, kernarg, geometry, pointers)
        # Compilers load arguments in wide pieces, past the last one but never past an aligned block.
        padded = -(-max(len(segment), 1) // KERNARG_BLOCK) * KERNARG_BLOCK
        address = self.memory.malloc(padded, f"kernarg of {kernel.name}")
        try:
            self.memory.write(address, segment)
            self.memory.write(
                self._packet, dispatch_packet(kernel.metadata, geometry, kernel.descriptor.address, address)
            )
            where = _pointers(self._packet, self._queue, address)
            launch, table = launch_record(kernel, geometry, compiled, self.memory, limit, where, chosen)
            launch.clock = self._clock
            launch.wave_bytes += sum(one.wave_bytes(kernel.lanes) for one in self.instruments)
            host.prepare(launch)
            workers = self._workers.workers(launch, _thread_count(self, kernel, launch))
            context = LaunchContext(kernel, geometry, self.memory, launch, workers)
            for instrument in self.instruments:
                instrument.begin(context)
            self.schedule.apply(launch)
            reason = self._run_workers(launch, workers, timeout_s, host)
            self._clock += max(worker.cycles for worker in workers) + CYCLES_BETWEEN_LAUNCHES
            observed = {instrument.name: instrument.finish(context) for instrument in self.instruments}
            del table
        finally:
            self.memory.free(address)
        fault = launch_fault(kernel, geometry, self.memory, workers, reason, host)
        if fault is not None:
            raise KernelFaultError(fault, observed, host.printed)
        return workers, observed

    def _run_workers(
        self, launch: abi.Launch, workers: list[abi.Worker], timeout_s: float | None, host: HostSide
    ) -> str | None:
        """Runs the workers to their end; why they were stopped, None if they were not."""
        pointers = [ctypes.addressof(worker) for worker in workers]
        with StopSwitch(launch, timeout_s) as self._switch:
            if len(workers) == 1:
                while self._runtime.run(pointers[0]) == abi.Outcome.HOST_CALL:
                    host.serve(launch, workers[0])
            else:
                list(self._pool.map(self._runtime.run, pointers))
        reason, self._switch = self._switch.reason, None
        return reason


def _pointers(packet: int, queue: int, kernarg: int) -> dict[str, int]:
    return {"dispatch_ptr": packet, "queue_ptr": queue, "kernarg_segment_ptr": kernarg, "dispatch_id": 1}


def _thread_count(machine: Machine, kernel: LoadedKernel, launch: abi.Launch) -> int:
    """One thread for a launch so small that waking others takes longer than running it. The same for
    the same launch, always: the order of workgroups can show in sums of floating-point atomics."""
    one = launch.cooperative or launch.hostcall
    if one or any(instrument.single_threaded for instrument in machine.instruments):
        return 1
    waves = launch.group_count * launch.waves_per_group
    symbol = kernel.module.image.symbols.get(kernel.name)
    enough = max(waves // WAVES_PER_THREAD, waves * (symbol.size if symbol else 0) // CODE_PER_THREAD)
    return int(max(1, min(machine.threads, launch.group_count, enough)))
