"""The emulated GPU: loads code objects, translates kernels at their first launch, runs launches."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from rocverify.device.emulator import abi
from rocverify.device.emulator.disassembly import Listing, disassemble
from rocverify.device.emulator.faulting import KernelFaultError, fault_report
from rocverify.device.emulator.image import Image, KernelDescriptor, check_descriptor, load_image
from rocverify.device.emulator.kernarg import Geometry, Triple, dispatch_packet, kernarg_segment
from rocverify.device.emulator.memory import DeviceMemory
from rocverify.device.emulator.native import ContentCache, Jit, Runtime, digest_of
from rocverify.device.emulator.stopping import StopSwitch, stopped_report
from rocverify.device.emulator.translate.program import translate, translator_digest, wave_function
from rocverify.device.faults import FaultReport
from rocverify.errors import DeviceError, UnsupportedInstructionError
from rocverify.toolchain.codeobject import CodeObject, KernelMetadata, read_code_object

MAX_LDS_BYTES = 65536
MAX_WORKGROUP_SIZE = 1024
MAX_SCRATCH_BYTES = 1 << 20
"""What a work-item can have: the field that says it counts up to 32 MiB a wave."""
DYNAMIC_STACK_BYTES = 16384
"""Scratch per lane for a kernel whose stack the compiler could not bound, as ROCm reserves it."""

POISON = 0x7FBADBAD
"""What registers and LDS hold before anything is written: a signalling NaN, and a huge integer."""

DEFAULT_INSTRUCTION_LIMIT = 1 << 36
"""Instructions of one wave after which a launch is stopped as endless."""

MIN_WAVES_PER_THREAD = 1024

QUEUE_APERTURES = 0x40
"""Offset of group_segment_aperture_base_hi and its private twin in amd_queue_t."""

REFUSED_USER_SGPRS = ("private_segment_buffer", "flat_scratch_init")
"""What no compiler asks for on the targets that run here."""

MAX_GROUPS = 1 << 63

KERNARG_BLOCK = 64
"""Bytes that the kernarg segment is rounded up to."""

SUPPORTED_TARGETS = ("gfx1100", "gfx1101", "gfx1102", "gfx1103", "gfx1150", "gfx1151")


@dataclass(frozen=True, slots=True)
class LaunchStats:
    """What one launch did. Counts are exact; times are wall seconds."""

    wave_instructions: int
    waves: int
    workgroups: int
    barriers: int
    seconds: float
    translate_seconds: float


@dataclass(frozen=True)
class LoadedModule:
    """A code object in device memory."""

    metadata: CodeObject
    image: Image
    content: bytes
    objdump: Path

    def kernel(self, name: str) -> LoadedKernel:
        """DeviceError naming the kernels there are if `name` is none; CodeObjectError if it is damaged."""
        if name not in self.metadata.kernels:
            raise DeviceError(
                f"the code object has no kernel {name}",
                hint=f"it has {', '.join(sorted(self.metadata.kernels)) or 'none'}",
            )
        metadata, descriptor = self.metadata.kernels[name], self.image.descriptor(name)
        check_descriptor(descriptor, metadata)
        return LoadedKernel(self, name, metadata, descriptor)

    def symbol(self, name: str) -> tuple[int, int]:
        """Device address and size in bytes of a global variable."""
        symbol = self.image.symbols.get(name)
        if symbol is None or symbol.kind != "object":
            raise DeviceError(f"the code object has no global variable {name}")
        return self.image.base + symbol.address, symbol.size

    @cached_property
    def listing(self) -> Listing:
        return disassemble(self.content, self.objdump, self.metadata.target)


@dataclass(frozen=True)
class LoadedKernel:
    """A kernel of a loaded module."""

    module: LoadedModule
    name: str
    metadata: KernelMetadata
    descriptor: KernelDescriptor


class Machine:
    """One emulated GPU. `clang` and `linker` compile the runtime, `objdump` disassembles.

    Launches are synchronous and serialised; workgroups of a launch run on `threads` host threads.
    """

    def __init__(
        self,
        target: str,
        *,
        objdump: Path,
        clang: Path,
        linker: Path,
        memory: DeviceMemory | None = None,
        threads: int | None = None,
        cache_dir: Path | None = None,
        instruction_limit: int = DEFAULT_INSTRUCTION_LIMIT,
    ) -> None:
        if target not in SUPPORTED_TARGETS:
            raise DeviceError(
                f"the emulator does not run {target}", hint=f"it runs {', '.join(SUPPORTED_TARGETS)}"
            )
        self.target = target
        self.memory = memory or DeviceMemory()
        self.threads = threads or os.cpu_count() or 1
        self.instruction_limit = instruction_limit
        self._objdump = objdump
        cache = ContentCache(cache_dir / "native" if cache_dir else None)
        self._runtime = Runtime.load(clang, linker, cache)
        self._jit = Jit(cache)
        self._compiled: dict[tuple[str, str], int] = {}
        self._lock = threading.RLock()
        self._switch: StopSwitch | None = None
        self._buffers: list[_WorkerBuffers] = []
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="emulator")
        self._packet = self.memory.malloc(64, "dispatch packet")
        self._queue = self.memory.malloc(256, "queue")
        apertures = struct.pack("<II", abi.SHARED_APERTURE_HI, abi.PRIVATE_APERTURE_HI)
        self.memory.write(self._queue + QUEUE_APERTURES, apertures)

    def load(self, code_object: bytes, label: str = "code object") -> LoadedModule:
        """Loads a code object of this machine's target; CodeObjectError or DeviceError if it is not."""
        metadata = read_code_object(code_object, label)
        if metadata.target != self.target:
            raise DeviceError(
                f"a code object for {metadata.target} on {self.target}",
                hint=f"compile for {self.target} (--target)",
            )
        return LoadedModule(metadata, load_image(code_object, self.memory, label), code_object, self._objdump)

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
    ) -> LaunchStats:
        """Runs a kernel to its end; `grid` in workgroups, `block` in workitems, `kernarg` the explicit
        arguments laid out as the metadata says, `timeout_s` what it may take once it is translated.

        Raises DeviceError for an impossible launch, UnsupportedInstructionError for what cannot be
        translated, KernelFaultError (with a FaultReport) when the kernel faults or is stopped.
        """
        geometry = Geometry(grid, block, shared_bytes)
        self._check(kernel, geometry)
        with self._lock:
            begun = time.perf_counter()
            compiled = self._translate(kernel)
            translated = time.perf_counter()
            workers = self._run(kernel, geometry, compiled, kernarg, timeout_s)
            return LaunchStats(
                sum(w.instructions for w in workers),
                sum(w.wave_count for w in workers),
                sum(w.groups for w in workers),
                sum(w.barriers for w in workers),
                time.perf_counter() - translated,
                translated - begun,
            )

    def _check(self, kernel: LoadedKernel, geometry: Geometry) -> None:
        lds = kernel.metadata.lds_bytes + geometry.shared_bytes
        most = min(kernel.metadata.max_workgroup_size, MAX_WORKGROUP_SIZE)
        problem = None
        if min(*geometry.grid, *geometry.block) < 1:
            problem = f"a launch of {geometry.grid} workgroups of {geometry.block} workitems"
        elif geometry.block_size > most:
            problem = f"{geometry.block_size} workitems a workgroup where the kernel allows {most}"
        elif not geometry.shared_bytes >= 0 or lds > MAX_LDS_BYTES:
            problem = f"{lds} bytes of LDS where a workgroup has {MAX_LDS_BYTES}"
        elif kernel.metadata.scratch_bytes > MAX_SCRATCH_BYTES:
            problem = f"{kernel.metadata.scratch_bytes} bytes of scratch for a work-item"
        elif any(g * b >= 1 << 32 for g, b in zip(geometry.grid, geometry.block, strict=True)):
            problem = "2**32 workitems or more along one axis"
        elif geometry.group_count >= MAX_GROUPS:
            problem = f"{geometry.group_count} workgroups"
        if problem:
            raise DeviceError(problem, where=kernel.name, hint="correct the launch geometry")

    def _translate(self, kernel: LoadedKernel) -> int:
        """The address of the kernel's wave function."""
        module = kernel.module
        key = (module.metadata.sha256, kernel.name)
        if key not in self._compiled:
            name = wave_function(kernel.name, module.metadata.sha256)

            def make() -> tuple[str, int]:
                made = translate(module.listing, module.image, kernel.descriptor, kernel.name, name)
                return made.ir, made.instruction_count

            self._compiled[key] = self._jit.compile(
                digest_of("kernel", translator_digest(), *key), name, make
            )
        return self._compiled[key]

    def _run(
        self,
        kernel: LoadedKernel,
        geometry: Geometry,
        compiled: int,
        kernarg: bytes,
        timeout_s: float | None,
    ) -> list[abi.Worker]:
        segment = kernarg_segment(kernel.metadata, kernarg, geometry)
        # Compilers load arguments in wide pieces, past the last one but never past an aligned block.
        padded = -(-max(len(segment), 1) // KERNARG_BLOCK) * KERNARG_BLOCK
        address = self.memory.malloc(padded, f"kernarg of {kernel.name}")
        try:
            self.memory.write(address, segment)
            self.memory.write(
                self._packet, dispatch_packet(kernel.metadata, geometry, kernel.descriptor.address, address)
            )
            launch, table = self._launch(kernel, geometry, compiled, address)
            workers = self._workers(launch, self._thread_count(launch))
            pointers = [ctypes.addressof(worker) for worker in workers]
            with StopSwitch(launch, timeout_s) as self._switch:
                if len(workers) == 1:
                    self._runtime.run(pointers[0])
                else:
                    list(self._pool.map(self._runtime.run, pointers))
            reason, self._switch = self._switch.reason, None
            del table
        finally:
            self.memory.free(address)
        self._raise_fault(kernel, geometry, workers, reason)
        return workers

    def _thread_count(self, launch: abi.Launch) -> int:
        """One thread for a launch so small that waking others takes longer than running it."""
        enough = launch.group_count * launch.waves_per_group // MIN_WAVES_PER_THREAD
        return int(max(1, min(self.threads, launch.group_count, enough)))

    def _workers(self, launch: abi.Launch, count: int) -> list[abi.Worker]:
        """One worker a host thread, with buffers of its own."""
        while len(self._buffers) < count:
            self._buffers.append(_WorkerBuffers(_Buffer(), _Buffer(), _Buffer()))
        waves = launch.wave_bytes * launch.waves_per_group
        scratch = launch.scratch_bytes * launch.lanes * launch.waves_per_group
        return [
            abi.Worker(
                launch=ctypes.addressof(launch),
                waves=buffers.waves.address(waves),
                lds=buffers.lds.address(launch.lds_bytes),
                scratch=buffers.scratch.address(scratch),
            )
            for buffers in self._buffers[:count]
        ]

    def _raise_fault(
        self, kernel: LoadedKernel, geometry: Geometry, workers: list[abi.Worker], stopped: str | None
    ) -> None:
        """The fault of a launch, if it had one; `stopped` is why it was asked to stop."""
        asked = abi.FaultKind.STOPPED
        faults = sorted((w.fault for w in workers if w.fault.kind), key=lambda f: f.kind == asked)
        report = self._report(faults[0], kernel, geometry) if faults else None
        if report is not None and faults[0].kind != asked:
            raise KernelFaultError(report)
        if stopped is not None and sum(w.groups for w in workers) < geometry.group_count:
            raise KernelFaultError(stopped_report(report, kernel.name, stopped))

    def _report(self, fault: abi.Fault, kernel: LoadedKernel, geometry: Geometry) -> FaultReport:
        listing, lanes, lds = kernel.module.listing, self._lanes(kernel), self._lds(kernel, geometry)
        return fault_report(fault, kernel.name, listing, self.memory, geometry, lanes, lds)

    @staticmethod
    def _lanes(kernel: LoadedKernel) -> int:
        return 32 if kernel.descriptor.wave32 else 64

    @staticmethod
    def _lds(kernel: LoadedKernel, geometry: Geometry) -> int:
        return kernel.metadata.lds_bytes + geometry.shared_bytes

    def _launch(
        self, kernel: LoadedKernel, geometry: Geometry, compiled: int, kernarg: int
    ) -> tuple[abi.Launch, object]:
        descriptor, lanes = kernel.descriptor, self._lanes(kernel)
        table = self.memory.table()
        scratch = kernel.metadata.scratch_bytes
        if descriptor.uses_dynamic_stack or kernel.metadata.uses_dynamic_stack:
            scratch = max(scratch, DYNAMIC_STACK_BYTES)
        launch = abi.Launch(
            ranges=ctypes.addressof(table),
            range_count=len(self.memory),
            run=compiled,
            code_base=kernel.module.image.base,
            group_count=geometry.group_count,
            grid=geometry.grid,
            block=geometry.block,
            lanes=lanes,
            waves_per_group=-(-geometry.block_size // lanes),
            wave_bytes=abi.VGPR_OFFSET + 256 * lanes * 4,
            vgpr_count=min(max(kernel.metadata.vgprs, 1), 256),
            user_sgpr_count=descriptor.user_sgpr_count,
            group_id_mask=descriptor.group_id_mask,
            lds_bytes=-(-self._lds(kernel, geometry) // 4) * 4,
            scratch_bytes=-(-scratch // 16) * 16,
            instruction_limit=self.instruction_limit,
            mode=descriptor.float_mode | descriptor.dx10_clamp << 8 | descriptor.ieee_mode << 9,
            poison=POISON,
        )
        for index, value in enumerate(self._user_sgprs(kernel, kernarg)):
            launch.user_sgpr[index] = value
        return launch, table

    def _user_sgprs(self, kernel: LoadedKernel, kernarg: int) -> list[int]:
        pointers = {
            "dispatch_ptr": self._packet,
            "queue_ptr": self._queue,
            "kernarg_segment_ptr": kernarg,
            "dispatch_id": 1,
        }
        values: list[int] = []
        for name, count in kernel.descriptor.user_sgprs():
            value = pointers.get(name, kernel.metadata.scratch_bytes if count == 1 else 0)
            if name in REFUSED_USER_SGPRS:
                raise UnsupportedInstructionError(
                    f"the kernel wants {name}", where=kernel.name, hint="run on a GPU (--device amd)"
                )
            values += [value >> 32 * i & 0xFFFFFFFF for i in range(count)]
        if len(values) > 32:
            raise DeviceError(f"{len(values)} user SGPRs", where=kernel.name)
        return values


class _Buffer:
    """Host memory of at least the size last asked for, kept between launches."""

    def __init__(self) -> None:
        self._size = 0
        self._held: ctypes.Array[ctypes.c_char] | None = None

    def address(self, size: int) -> int:
        """Page-aligned address of `size` bytes or more."""
        if self._held is None or size > self._size:
            self._size = max(size, 1)
            self._held = (ctypes.c_char * self._size).from_buffer(mmap.mmap(-1, self._size))
        return ctypes.addressof(self._held)


class _WorkerBuffers(NamedTuple):
    """What one host thread needs: its waves, LDS and scratch."""

    waves: _Buffer
    lds: _Buffer
    scratch: _Buffer
