"""Whether a launch's geometry is one that the kernel and the machine can run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rocverify.code.shared_memory import SharedAccess, names_in
from rocverify.device.launch_limits import refusals
from rocverify.device.trace.events import TraceEvent
from rocverify.records import Finding
from rocverify.toolchain.code_metadata import KernelMetadata


def geometry_findings(launch: TraceEvent, metadata: KernelMetadata, target: str) -> Iterator[Finding]:
    """What is impossible about grid (workgroups), block (work-items) and LDS of a launch."""
    for problem in _problems(launch, metadata, target):
        where = launch.host_function or "the launch"
        yield Finding(f"{where}: {problem}", launch.call_site, kernel=metadata.name)


def lds_findings(
    launch: TraceEvent, metadata: KernelMetadata, source: str, accesses: Iterable[SharedAccess]
) -> Iterator[Finding]:
    """The first element of dynamic LDS that the kernel indexes with what this launch hands over and that lies
    behind the bytes that it gives. `accesses` are those of the kernel in `source`."""
    most = _values(launch, metadata)
    given = launch.shared_bytes or 0
    for access in accesses:
        if not names_in(access.extent) <= most.keys() or (needed := access.bytes_needed(most)) <= given:
            continue
        names = ", ".join(f"{name} is {most[name]:,.0f}" for name in sorted(names_in(access.extent)))
        message = (
            f"{launch.host_function or 'the launch'} gives {metadata.name} {given:,} bytes of dynamic LDS; "
            f"the kernel indexes {access.shown} at {source}:{access.line}, which takes {needed:,.0f}"
        )
        yield Finding(f"{message}{f' ({names})' if names else ''}", launch.call_site, kernel=metadata.name)
        return


def _values(launch: TraceEvent, metadata: KernelMetadata) -> dict[str, float]:
    """The numbers that a launch hands over by the names of the parameters, and the largest index of a
    thread."""
    handed = zip(metadata.explicit_args, launch.args or (), strict=False)
    found = {arg.name or "": float(given.value) for arg, given in handed if isinstance(given.value, int)}
    return found | ({"threadIdx.x": launch.block[0] - 1.0} if launch.block else {})


def _problems(launch: TraceEvent, metadata: KernelMetadata, target: str) -> Iterator[str]:
    grid, block = launch.grid, launch.block
    if grid is None or block is None:
        yield "the geometry of the launch cannot be seen"
        return
    for refused in refusals(metadata, target, grid, block, launch.shared_bytes or 0):
        yield refused.reason
