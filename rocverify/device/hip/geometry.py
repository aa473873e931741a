"""What a device of a target can launch, asked by HIP's rules in HIP's codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.errors import HipError
from rocverify.device.launch_limits import (
    MOST_BLOCK,
    MOST_GRID,
    MOST_THREADS,
    MOST_WORKITEMS,
    MULTIPROCESSORS,
    lds_bytes,
    refusal,
)

if TYPE_CHECKING:
    from rocverify.device.backends.base import Geometry
    from rocverify.device.base import DeviceInfo
    from rocverify.toolchain.code_metadata import KernelMetadata


def max_block(kernel: KernelMetadata, _target: str) -> int:
    """Work-items of the largest workgroup of a kernel."""
    return min(kernel.max_workgroup_size, MOST_THREADS)


def max_dynamic_lds(kernel: KernelMetadata, target: str) -> int:
    """Bytes of dynamic LDS that a kernel's static LDS leaves."""
    return max(lds_bytes(target) - kernel.lds_bytes, 0)


def largest_grid(kernel: KernelMetadata, target: str) -> tuple[int, int, int]:
    """Workgroups on each axis that are possible with any possible workgroup."""
    sizes = [
        min(most, MOST_WORKITEMS // min(side, max_block(kernel, target)))
        for most, side in zip(MOST_GRID, MOST_BLOCK, strict=True)
    ]
    return sizes[0], sizes[1], sizes[2]


def workgroup_slots(info: DeviceInfo) -> int:
    """Compute units of the device."""
    return int(info.details.get("multiprocessors", MULTIPROCESSORS))


def check_geometry(kernel: KernelMetadata, geometry: Geometry, info: DeviceInfo) -> None:
    """HipError for a launch that the device could not run."""
    refused = refusal(
        kernel,
        info.target,
        geometry.grid,
        geometry.block,
        geometry.shared_bytes,
        cooperative=geometry.cooperative,
        compute_units=workgroup_slots(info),
    )
    if refused is not None:
        raise HipError(refused.error, refused.reason)
