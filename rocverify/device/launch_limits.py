"""What launches a device refuses: one place for HIP's launch, `rocverify emulate` and the checks.

Sources: HIP's hipModuleLaunchKernel and hipDeviceProp_t of the gfx targets (maxGridSize, maxThreadsDim,
maxThreadsPerBlock, sharedMemPerBlock); the dispatch packet counts work-items along an axis in 32 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from rocverify.device.emulator.isa.occupancy import resident_workgroups
from rocverify.device.emulator.isa.targets import processor

if TYPE_CHECKING:
    from rocverify.toolchain.code_metadata import KernelMetadata

Triple = tuple[int, int, int]

MOST_WORKITEMS = (1 << 32) - 1
"""Along one axis."""

MOST_GRID: Triple = (2**31 - 1, 65535, 65535)
"""Workgroups along x, y and z: 65,535 along two axes on the devices that refuse more."""

MOST_BLOCK: Triple = (1024, 1024, 1024)
"""Work-items of a workgroup along x, y and z."""

MOST_THREADS = 1024
"""Work-items of a workgroup."""

MULTIPROCESSORS = 48
"""Of the emulated device: a Radeon RX 7900 XTX has as many WGPs."""

_LDS_BYTES = 1 << 16
"""Of a workgroup, on a target that is not known here: the least of all that are."""


class Refusal(NamedTuple):
    """Why a launch is refused: the name of HIP's error, and what is wrong in words."""

    error: str
    reason: str


def lds_bytes(target: str) -> int:
    """Bytes of LDS that a workgroup can have on a target."""
    known = processor(target)
    return known.lds_bytes if known is not None else _LDS_BYTES


def refusal(
    kernel: KernelMetadata,
    target: str,
    grid: Triple,
    block: Triple,
    shared_bytes: int = 0,
    *,
    cooperative: bool = False,
    compute_units: int | None = None,
) -> Refusal | None:
    """Why a launch of `grid` workgroups of `block` work-items with so many bytes of dynamic LDS is refused;
    None if it is not. `compute_units` are the device's, for a cooperative launch."""
    units = compute_units or MULTIPROCESSORS
    return next(refusals(kernel, target, grid, block, shared_bytes, units if cooperative else None), None)


def refusals(
    kernel: KernelMetadata,
    target: str,
    grid: Triple,
    block: Triple,
    shared_bytes: int,
    units: int | None = None,
) -> Iterator[Refusal]:
    """All reasons, the first as HIP gives it. With `units` the launch is cooperative, on as many compute
    units."""
    if min(*grid, *block) < 1:
        yield Refusal("hipErrorInvalidConfiguration", f"grid {grid} of workgroups {block} is empty")
        return
    yield from _block_refusals(kernel, block)
    for axis, count, most, side in zip("xyz", grid, MOST_GRID, block, strict=True):
        problem = None
        if count > most:
            problem = f"{count} workgroups along {axis}, at most {most} are possible"
        elif count * side > MOST_WORKITEMS:
            problem = f"{count * side} work-items along {axis}, fewer than 2**32 are possible"
        if problem:
            yield Refusal("hipErrorInvalidConfiguration", problem)
    most_lds = lds_bytes(target)
    if shared_bytes < 0 or kernel.lds_bytes + shared_bytes > most_lds:
        yield Refusal(
            "hipErrorInvalidValue",
            f"{shared_bytes} bytes of dynamic LDS and {kernel.lds_bytes} static ones are more than "
            f"{most_lds}",
        )
        return
    if units is not None:
        yield from _residence_refusals(kernel, target, prod(grid), prod(block), shared_bytes, units)


def _block_refusals(kernel: KernelMetadata, block: Triple) -> Iterator[Refusal]:
    size = prod(block)
    if size > MOST_THREADS or any(b > most for b, most in zip(block, MOST_BLOCK, strict=True)):
        yield Refusal(
            "hipErrorInvalidConfiguration",
            f"a workgroup of {block} has {size} work-items, at most {MOST_THREADS} are possible",
        )
    elif size > kernel.max_workgroup_size:
        yield Refusal(
            "hipErrorLaunchFailure",
            f"a workgroup of {block} has {size} work-items, {kernel.name} takes at most "
            f"{kernel.max_workgroup_size}",
        )


def _residence_refusals(
    kernel: KernelMetadata, target: str, groups: int, size: int, shared_bytes: int, units: int
) -> Iterator[Refusal]:
    """The workgroups of a cooperative launch must all be resident. A GPU whose target is not known here
    judges that itself."""
    if processor(target) is None:
        return
    each = resident_workgroups(kernel, target, size, shared_bytes)
    if groups > each * units:
        yield Refusal(
            "hipErrorCooperativeLaunchTooLarge",
            f"{groups} workgroups of {kernel.name} in a cooperative launch: {units} compute units hold "
            f"{each} each",
        )
