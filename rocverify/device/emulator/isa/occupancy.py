"""How many waves of a kernel a SIMD can hold at once, from its registers, its LDS and its workgroup; how many
workgroups the emulated GPU holds, which is what a cooperative launch may ask for.

Sources: LLVM, AMDGPUBaseInfo.cpp (register file, allocation granularity, waves of a SIMD, workgroups of a
compute unit) and its "User Guide for AMDGPU Backend" (WGP mode); AMD, "RDNA3 Instruction Set Architecture"
(64 KiB of LDS for a workgroup, 128 KiB in a WGP); Mesa, ac_gpu_info.c (LDS is given out in 1024 bytes from
gfx10.3 on). A WGP is a pair of compute units: four SIMDs, in CU mode a workgroup stays within one half.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rocverify.errors import ToolchainError

if TYPE_CHECKING:
    from rocverify.toolchain.code_metadata import KernelMetadata

WAVES_PER_SIMD = 16
SIMDS_PER_WGP = 4
LDS_PER_WGP = 128 * 1024
_LDS_GRANULE = 1024
_WORKGROUPS_PER_WGP = 32

# VGPRs of a SIMD for a lane of a wave32, and how many are given out at a time; a wave64 has half of both.
_LARGE, _SMALL = (1536, 24), (1024, 16)
_REGISTER_FILES = {
    **dict.fromkeys(("gfx1100", "gfx1101", "gfx1151", "gfx1200", "gfx1201"), _LARGE),
    **dict.fromkeys(("gfx1102", "gfx1103", "gfx1150", "gfx1152", "gfx1153"), _SMALL),
    **dict.fromkeys((f"gfx103{n}" for n in range(7)), _SMALL),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The sizes of a compute unit and of a launch, as gfx11 has them (bytes, registers of 32 lanes)."""

    threads_per_block: int = 1024
    block: tuple[int, int, int] = (1024, 1024, 1024)
    grid: tuple[int, int, int] = (2**31 - 1, 65535, 65535)
    lds_bytes: int = 65536
    multiprocessors: int = 48
    simds: int = 2
    waves_per_simd: int = WAVES_PER_SIMD
    vgprs_per_simd: int = _LARGE[0]
    vgpr_granule: int = _LARGE[1]
    wavefront_size: int = 32

    @property
    def threads_per_multiprocessor(self) -> int:
        return self.simds * self.waves_per_simd * self.wavefront_size


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Waves of a SIMD. `waves` is the least of what registers, LDS and the workgroup's size allow; it is
    no whole number where the waves of a WGP do not spread evenly over its SIMDs. `limited_by` names what
    decides."""

    waves: float
    limited_by: str
    by_vgprs: int
    by_lds: float
    by_workgroups: float
    workgroup: int
    lds_bytes: int
    wgp_mode: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def occupancy(kernel: KernelMetadata, target: str, *, workgroup: int, lds_bytes: int) -> Occupancy:
    """The occupancy of a kernel on a target.

    workgroup: work-items of one workgroup; lds_bytes: static and dynamic LDS of one workgroup. Raises
    ToolchainError for a target whose register file is not known here.
    """
    if target not in _REGISTER_FILES:
        raise ToolchainError(
            f"the occupancy on {target} is not known",
            where=kernel.name,
            hint=f"it is known for {', '.join(_REGISTER_FILES)}; leave min_occupancy_waves out for others",
        )
    # Code objects before version 5 do not say; the compiler's default is WGP mode.
    wgp_mode = kernel.workgroup_processor_mode in (None, 1)
    halves = 1 if wgp_mode else 2
    simds, lds, slots = (n // halves for n in (SIMDS_PER_WGP, LDS_PER_WGP, _WORKGROUPS_PER_WGP))
    waves = -(-workgroup // kernel.wavefront_size)
    by_vgprs = _waves_by_vgprs(kernel, target)
    by_lds = min(
        WAVES_PER_SIMD, lds // _rounded(lds_bytes, _LDS_GRANULE) * waves / simds if lds_bytes else 16
    )
    # Whole workgroups fit, or none: what is left of the SIMDs' slots stays empty.
    fitting = min(slots if waves > 1 else WAVES_PER_SIMD * simds, WAVES_PER_SIMD * simds // waves)
    by_workgroups = min(WAVES_PER_SIMD, fitting * waves / simds)
    limits = {"VGPRs": float(by_vgprs), "LDS": float(by_lds), "workgroup size": float(by_workgroups)}
    least = min(limits, key=lambda name: limits[name])
    decides = "nothing" if limits[least] >= WAVES_PER_SIMD else least
    return Occupancy(limits[least], decides, by_vgprs, by_lds, by_workgroups, workgroup, lds_bytes, wgp_mode)


def _waves_by_vgprs(kernel: KernelMetadata, target: str) -> int:
    total, granule = (n * 32 // kernel.wavefront_size for n in _REGISTER_FILES[target])
    return min(WAVES_PER_SIMD, total // _rounded(kernel.vgprs, granule))


def _rounded(value: int, granule: int) -> int:
    """The next multiple at or above, and at least one granule."""
    return max(1, -(-value // granule)) * granule


def resident_workgroups(kernel: KernelMetadata, block: int, lds: int) -> int:
    """Workgroups of `block` workitems and `lds` bytes of dynamic LDS that one compute unit holds at a time,
    as registers, LDS and wave slots allow."""
    granule, registers = LIMITS.vgpr_granule, max(kernel.vgprs, 1)
    per_wave = -(-registers // granule) * granule * (kernel.wavefront_size // 32)
    waves = min(LIMITS.waves_per_simd, LIMITS.vgprs_per_simd // per_wave) * LIMITS.simds
    by_waves = waves // -(-block // kernel.wavefront_size)
    lds += kernel.lds_bytes
    return min(by_waves, LIMITS.lds_bytes // lds) if lds else by_waves
