"""How many waves of a kernel a SIMD can hold at once, from its registers, its LDS and its workgroup; how many
workgroups a multiprocessor holds, which is what a cooperative launch may ask for.

Source: LLVM, AMDGPUBaseInfo.cpp (waves of a SIMD, workgroups of a compute unit) and its "User Guide for
AMDGPU Backend" (WGP mode). The sizes are in targets.py.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rocverify.device.emulator.isa.targets import PROCESSORS, Target, processor
from rocverify.errors import ToolchainError

if TYPE_CHECKING:
    from rocverify.toolchain.code_metadata import KernelMetadata


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
        """The figures as JSON data."""
        return asdict(self)


def occupancy(kernel: KernelMetadata, target: str, *, workgroup: int, lds_bytes: int) -> Occupancy:
    """The occupancy of a kernel on a target.

    workgroup: work-items of one workgroup; lds_bytes: static and dynamic LDS of one workgroup. Raises
    ToolchainError for a target that is not known here.
    """
    known = processor(target)
    if known is None:
        raise ToolchainError(
            f"the occupancy on {target} is not known",
            where=kernel.name,
            hint=f"it is known for {', '.join(PROCESSORS)}; leave min_occupancy_waves out for others",
        )
    most, simds = known.family.waves_per_simd, _simds(kernel, known)
    waves = -(-workgroup // kernel.wavefront_size)
    by_vgprs = _waves_by_vgprs(kernel, known)
    by_lds = min(most, _groups_by_lds(kernel, known, lds_bytes) * waves / simds) if lds_bytes else most
    # Whole workgroups fit, or none: what is left of the SIMDs' slots stays empty.
    by_workgroups = min(most, _groups_by_slots(kernel, known, waves) * waves / simds)
    limits = {"VGPRs": float(by_vgprs), "LDS": float(by_lds), "workgroup size": float(by_workgroups)}
    least = min(limits, key=lambda name: limits[name])
    decides = "nothing" if limits[least] >= most else least
    wgp_mode = known.family.paired and _halves(kernel, known) == 1
    return Occupancy(limits[least], decides, by_vgprs, by_lds, by_workgroups, workgroup, lds_bytes, wgp_mode)


def full_workgroups(kernel: KernelMetadata, target: str) -> tuple[float | None, str | None]:
    """Waves of a SIMD and what limits them, in workgroups of the largest size without dynamic LDS. None on a
    target that is not known here."""
    if processor(target) is None:
        return None, None
    held = occupancy(kernel, target, workgroup=kernel.max_workgroup_size, lds_bytes=kernel.lds_bytes)
    return held.waves, held.limited_by


def resident_workgroups(kernel: KernelMetadata, target: str, block: int, dynamic_lds: int) -> int:
    """Workgroups of `block` work-items and `dynamic_lds` bytes of dynamic LDS that a multiprocessor holds at
    a time, as registers, LDS and wave slots allow. ToolchainError for a target that is not known here."""
    lds_bytes = kernel.lds_bytes + dynamic_lds
    held = occupancy(kernel, target, workgroup=block, lds_bytes=lds_bytes)
    known, waves = PROCESSORS[target.partition(":")[0]], -(-block // kernel.wavefront_size)
    bounds = [held.by_vgprs * _simds(kernel, known) // waves, _groups_by_slots(kernel, known, waves)]
    if lds_bytes:
        bounds.append(_groups_by_lds(kernel, known, lds_bytes))
    return min(bounds) * _halves(kernel, known)


def _halves(kernel: KernelMetadata, target: Target) -> int:
    """Into how many parts a multiprocessor falls, of which each has its own workgroups."""
    # Code objects before version 5 do not say; the compiler's default is WGP mode.
    return 2 if target.family.paired and kernel.workgroup_processor_mode == 0 else 1


def _simds(kernel: KernelMetadata, target: Target) -> int:
    """Over how many SIMDs the waves of a workgroup spread."""
    return target.family.simds // _halves(kernel, target)


def _groups_by_slots(kernel: KernelMetadata, target: Target, waves: int) -> int:
    """Workgroups of so many waves in one part, by its wave slots and its barriers."""
    slots = target.family.waves_per_simd * _simds(kernel, target)
    barriers = target.family.barriers // _halves(kernel, target)
    return min(slots // waves, barriers) if waves > 1 else slots


def _groups_by_lds(kernel: KernelMetadata, target: Target, lds_bytes: int) -> int:
    """Workgroups with so many bytes of LDS in one part."""
    if lds_bytes > target.lds_bytes:
        return 0
    each = target.lds_bytes * (2 if target.family.paired else 1) // _halves(kernel, target)
    return each // _rounded(lds_bytes, target.lds_granule)


def _waves_by_vgprs(kernel: KernelMetadata, target: Target) -> int:
    wider = kernel.wavefront_size // target.wave_sizes[0]
    total, granule = target.vgprs // wider, target.vgpr_granule // wider
    return min(target.family.waves_per_simd, total // _rounded(kernel.vgprs, granule))


def _rounded(value: int, granule: int) -> int:
    """The next multiple at or above, and at least one granule."""
    return max(1, -(-value // granule)) * granule
