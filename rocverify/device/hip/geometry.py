"""What a device of a target can launch, asked by HIP's rules in HIP's codes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from rocverify.device.emulator.isa.occupancy import LIMITS, resident_workgroups
from rocverify.device.hip.errors import HipError

if TYPE_CHECKING:
    from rocverify.device.backends.base import Geometry
    from rocverify.device.base import DeviceInfo
    from rocverify.toolchain.codeobject import KernelMetadata

MOST_WORKITEMS = (1 << 32) - 1
"""On one axis."""


def max_block(kernel: KernelMetadata, _target: str) -> int:
    """Work-items of the largest workgroup of a kernel."""
    return min(kernel.max_workgroup_size, LIMITS.threads_per_block)


def max_dynamic_lds(kernel: KernelMetadata, _target: str) -> int:
    """Bytes of dynamic LDS that a kernel's static LDS leaves."""
    return max(LIMITS.lds_bytes - kernel.lds_bytes, 0)


def largest_grid(kernel: KernelMetadata, target: str) -> tuple[int, int, int]:
    """Workgroups on each axis that are possible with any possible workgroup."""
    sizes = [
        min(most, MOST_WORKITEMS // min(side, max_block(kernel, target)))
        for most, side in zip(LIMITS.grid, LIMITS.block, strict=True)
    ]
    return sizes[0], sizes[1], sizes[2]


def workgroup_slots(info: DeviceInfo) -> int:
    """Compute units of the device."""
    return int(info.details.get("multiprocessors", LIMITS.multiprocessors))


def resident(kernel: KernelMetadata, block: int, dynamic_lds: int) -> int:
    """Workgroups that one compute unit holds at a time."""
    return resident_workgroups(kernel, block, dynamic_lds)


def check_geometry(kernel: KernelMetadata, geometry: Geometry, info: DeviceInfo) -> None:
    """HipError for a launch that the device could not run."""
    grid, block, shared = geometry.grid, geometry.block, geometry.shared_bytes
    if 0 in grid or 0 in block:
        raise HipError("hipErrorInvalidConfiguration", f"grid {grid} of workgroups {block} is empty")
    size = prod(block)
    if size > LIMITS.threads_per_block or any(b > most for b, most in zip(block, LIMITS.block, strict=True)):
        raise HipError(
            "hipErrorInvalidConfiguration",
            f"a workgroup of {block} has {size} work-items: at most {LIMITS.threads_per_block}",
        )
    if size > kernel.max_workgroup_size:
        raise HipError(
            "hipErrorLaunchFailure",
            f"a workgroup of {size} work-items: {kernel.name} was compiled for {kernel.max_workgroup_size}",
        )
    for axis, count, most, side in zip("xyz", grid, LIMITS.grid, block, strict=True):
        if count > most or count * side > MOST_WORKITEMS:
            raise HipError(
                "hipErrorInvalidConfiguration",
                f"grid {grid} of workgroups {block}: {count} workgroups on axis {axis}, at most {most} "
                f"of them and fewer than 2**32 work-items",
            )
    if kernel.lds_bytes + shared > LIMITS.lds_bytes:
        raise HipError(
            "hipErrorInvalidValue",
            f"{kernel.lds_bytes} static and {shared} dynamic bytes of LDS: at most {LIMITS.lds_bytes} in all",
        )
    if geometry.cooperative:
        _check_resident(kernel, geometry, info)


def _check_resident(kernel: KernelMetadata, geometry: Geometry, info: DeviceInfo) -> None:
    """A cooperative launch must fit on the device as a whole."""
    each = resident(kernel, prod(geometry.block), geometry.shared_bytes)
    count, units = prod(geometry.grid), workgroup_slots(info)
    if count > each * units:
        raise HipError(
            "hipErrorCooperativeLaunchTooLarge",
            f"{count} workgroups of {kernel.name}: {units} compute units hold {each} each",
        )
