"""Whether a launch's geometry is one that the kernel and the machine can run."""

from __future__ import annotations

from collections.abc import Iterator

from rocverify.device.launch_limits import refusals
from rocverify.device.trace.events import TraceEvent
from rocverify.records import Finding
from rocverify.toolchain.code_metadata import KernelMetadata


def geometry_findings(launch: TraceEvent, metadata: KernelMetadata, target: str) -> Iterator[Finding]:
    """What is impossible about grid (workgroups), block (work-items) and LDS of a launch."""
    for problem in _problems(launch, metadata, target):
        where = launch.host_function or "the launch"
        yield Finding(f"{where}: {problem}", launch.call_site, kernel=metadata.name)


def _problems(launch: TraceEvent, metadata: KernelMetadata, target: str) -> Iterator[str]:
    grid, block = launch.grid, launch.block
    if grid is None or block is None:
        yield "the geometry of the launch cannot be seen"
        return
    for refused in refusals(metadata, target, grid, block, launch.shared_bytes or 0):
        yield refused.reason
