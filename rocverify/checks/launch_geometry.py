"""Whether a launch's geometry is one that the kernel and the machine can run."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from rocverify.device.emulator.isa.occupancy import LIMITS
from rocverify.device.trace.events import TraceEvent
from rocverify.records import Finding
from rocverify.toolchain.codeobject import KernelMetadata

LDS_LIMIT = LIMITS.lds_bytes
"""Bytes of LDS that one workgroup can have on every AMD GPU since GCN."""
_MOST_WORK_ITEMS_X = 2**32


def geometry_findings(launch: TraceEvent, metadata: KernelMetadata) -> Iterator[Finding]:
    """What is impossible about grid (workgroups), block (work-items) and LDS of a launch."""
    for problem in _problems(launch, metadata):
        where = launch.host_function or "the launch"
        yield Finding(f"{where}: {problem}", launch.call_site, kernel=metadata.name)


def _problems(launch: TraceEvent, metadata: KernelMetadata) -> Iterator[str]:
    grid, block = launch.grid, launch.block
    if grid is None or block is None:
        yield "the geometry of the launch cannot be seen"
        return
    if min(*grid, *block) < 1:
        yield f"a grid of {grid} workgroups of {block} work-items is empty"
        return
    if prod(block) > metadata.max_workgroup_size:
        limit = metadata.max_workgroup_size
        yield f"a workgroup of {block} has {prod(block)} work-items, {metadata.name} takes at most {limit}"
    for axis, count, work_items, most in zip("xyz", grid, block, LIMITS.grid, strict=True):
        if count > most:
            yield f"{count} workgroups along {axis}, at most {most} are possible"
        elif axis == "x" and count * work_items > _MOST_WORK_ITEMS_X:
            yield f"{count * work_items} work-items along {axis}, at most {_MOST_WORK_ITEMS_X} are possible"
    shared = launch.shared_bytes or 0
    if shared + metadata.lds_bytes > LDS_LIMIT:
        yield (
            f"{shared} bytes of dynamic LDS and {metadata.lds_bytes} static ones are more than {LDS_LIMIT}"
        )
