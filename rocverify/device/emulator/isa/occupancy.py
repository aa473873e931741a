"""How many workgroups fit on the emulated GPU at a time: what a cooperative launch may ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rocverify.toolchain.codeobject import KernelMetadata


@dataclass(frozen=True, slots=True)
class Limits:
    """The sizes of a compute unit and of a launch, as gfx11 has them (bytes, registers of 32 lanes)."""

    threads_per_block: int = 1024
    block: tuple[int, int, int] = (1024, 1024, 1024)
    grid: tuple[int, int, int] = (2**31 - 1, 65535, 65535)
    lds_bytes: int = 65536
    multiprocessors: int = 48
    simds: int = 2
    waves_per_simd: int = 16
    vgprs_per_simd: int = 1536
    vgpr_granule: int = 24
    wavefront_size: int = 32

    @property
    def threads_per_multiprocessor(self) -> int:
        return self.simds * self.waves_per_simd * self.wavefront_size


LIMITS = Limits()


def resident_workgroups(kernel: KernelMetadata, block: int, lds: int) -> int:
    """Workgroups of `block` workitems and `lds` bytes of dynamic LDS that one compute unit holds at a time,
    as registers, LDS and wave slots allow."""
    granule, registers = LIMITS.vgpr_granule, max(kernel.vgprs, 1)
    per_wave = -(-registers // granule) * granule * (kernel.wavefront_size // 32)
    waves = min(LIMITS.waves_per_simd, LIMITS.vgprs_per_simd // per_wave) * LIMITS.simds
    by_waves = waves // -(-block // kernel.wavefront_size)
    lds += kernel.lds_bytes
    return min(by_waves, LIMITS.lds_bytes // lds) if lds else by_waves
