"""Host memory and records of the threads that run workgroups."""

from __future__ import annotations

import ctypes
import mmap

from rocverify.device.emulator import abi
from rocverify.device.emulator.load.address_space import MAP_NORESERVE

LDS_STRIDE = 64
"""Bytes that the LDS of a workgroup is rounded up to (driver.c)."""


class Buffer:
    """Host memory of at least the size last asked for, kept between launches."""

    def __init__(self) -> None:
        self._size = 0
        self._held: ctypes.Array[ctypes.c_char] | None = None

    def address(self, size: int) -> int:
        """Page-aligned address of `size` bytes or more."""
        if self._held is None or size > self._size:
            self._size = max(size, 1)
            flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | MAP_NORESERVE
            self._held = (ctypes.c_char * self._size).from_buffer(mmap.mmap(-1, self._size, flags=flags))
        return ctypes.addressof(self._held)


class WorkerBuffers:
    """What one host thread needs: its waves, LDS and scratch."""

    def __init__(self) -> None:
        self.waves, self.lds, self.scratch = Buffer(), Buffer(), Buffer()


class WorkerPool:
    """Workers for launches; their memory is kept from launch to launch."""

    def __init__(self) -> None:
        self._buffers: list[WorkerBuffers] = []

    def workers(self, launch: abi.Launch, count: int) -> list[abi.Worker]:
        """One worker a host thread, with buffers of its own."""
        while len(self._buffers) < count:
            self._buffers.append(WorkerBuffers())
        launch.active = count
        launch.room = max(launch.resident - count, 0)
        waves = launch.waves_per_group * launch.resident
        lds = -(-launch.lds_bytes // LDS_STRIDE) * LDS_STRIDE * launch.resident
        return [
            abi.Worker(
                launch=ctypes.addressof(launch),
                waves=buffers.waves.address(launch.wave_bytes * waves),
                lds=buffers.lds.address(lds),
                scratch=buffers.scratch.address(launch.scratch_bytes * launch.lanes * waves),
            )
            for buffers in self._buffers[:count]
        ]
