"""Launches: what HIP checks before it queues a kernel, and what comes of it when it has run."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rocverify.device.backends.base import Geometry
from rocverify.device.hip.calls import SERVED, Call, Caller, low, serve
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.geometry import check_geometry
from rocverify.device.hip.items import Item, Kind
from rocverify.device.hip.module import function_of
from rocverify.device.hip.words import freed_at, worded
from rocverify.device.trace.events import Category
from rocverify.device.trace.kernargs import PackedArguments
from rocverify.errors import RocverifyError

if TYPE_CHECKING:
    from rocverify.device.backends.base import LaunchOutcome
    from rocverify.device.emulator.sanitize.findings import Finding
    from rocverify.device.hip.context import Context
    from rocverify.device.hip.state import Function

_FAULT_CODES = {
    "limit": "hipErrorLaunchTimeOut",
    "stopped": "hipErrorLaunchTimeOut",
    "trap": "hipErrorLaunchFailure",
    "jump": "hipErrorLaunchFailure",
    "deadlock": "hipErrorLaunchTimeOut",
    "grid_sync": "hipErrorLaunchFailure",
}
"""The codes of the faults that are no illegal access."""

_COOPERATIVE = frozenset({"hipModuleLaunchCooperativeKernel", "hipLaunchCooperativeKernel"})
GRID_IN_WORKITEMS = 1


def launch_arguments(args: tuple[int, ...], *, cooperative: bool = False) -> Geometry:
    """The shape in a launch's arguments: function, grid x y z, block x y z, dynamic LDS, stream, start event,
    stop event, flags. Where the grid is in work-items, a workgroup is never larger than it, as in ROCm."""
    x, y, z, bx, by, bz, shared = args[1:8]
    if max(args[1:8]) >> 32:
        x, y, z, bx, by, bz, shared = (low(value) for value in args[1:8])
    flags = args[11] if len(args) > 11 else 0
    if flags & GRID_IN_WORKITEMS and min(x, y, z, bx, by, bz):
        bx, by, bz = min(bx, x), min(by, y), min(bz, z)
        grid = -(-x // bx), -(-y // by), -(-z // bz)
        whole = (grid[0] * bx, grid[1] * by, grid[2] * bz) == (x, y, z)
        return Geometry(grid, (bx, by, bz), shared, cooperative, workitems=None if whole else (x, y, z))
    return Geometry((x, y, z), (bx, by, bz), shared, cooperative)


def check_launch(context: Context, function: Function, geometry: Geometry, kernarg: bytes) -> None:
    """HipError for a launch that cannot be."""
    try:
        check_geometry(function.metadata, geometry, context.backend.info)
    except HipError as error:
        raise HipError(error.code, f"{function.name}: {error.reason}", finding="launch_refused") from None
    if geometry.workitems is not None and context.backend.kind == "emulator":
        # As ROCm's runtime does for kernels that were compiled for whole workgroups, which HIP's are.
        raise HipError(
            "hipErrorInvalidValue",
            f"{function.name}: {geometry.workitems} work-items are not whole workgroups of {geometry.block}",
            finding="launch_refused",
        )
    wanted = function.kernarg_bytes
    if len(kernarg) < wanted:
        raise HipError(
            "hipErrorInvalidValue",
            f"{function.name} takes {len(function.metadata.explicit_args)} arguments in {wanted} bytes, the "
            f"launch passes {len(kernarg)} bytes",
            finding="launch_refused",
        )


def launch_item(
    context: Context, function: Function, geometry: Geometry, kernarg: bytes, *, site: int, seq: int
) -> Item:
    """A checked launch as queued work. Kernels that the harness skips do nothing."""
    module = context.modules[function.module]
    wanted = kernarg[: function.kernarg_bytes]
    ghost = context.control.is_ghost(function.name)

    def run(_caller: Caller | None) -> Any:
        if ghost:
            return None
        if context.host_traffic is not None:
            context.host_traffic.wrote(_values(context, function, geometry, wanted))
        if context.modules.get(function.module) is not module:  # a graph may outlive it
            function_of(context, function.handle)
        try:
            outcome = context.backend.launch(module.loaded, function.name, geometry, wanted)
        except RocverifyError as error:
            context.control.undecided = error
            raise HipError("hipErrorLaunchFailure", str(error), sticky=True) from error
        return _taken_in(context, function, outcome)

    return Item(run, function.name, site=site, seq=seq, kind=Kind.KERNEL)


def _values(context: Context, function: Function, geometry: Geometry, kernarg: bytes) -> bytes:
    """What a launch tells the kernel: its geometry, the arguments that are passed by value, and addresses at
    which nothing is."""
    shape = struct.pack("<7I", *geometry.grid, *geometry.block, geometry.shared_bytes)
    told = [shape, bytes(4)]
    for arg in function.metadata.explicit_args:
        value = kernarg[arg.offset : arg.offset + arg.size]
        at = int.from_bytes(value, "little")
        if arg.kind == "by_value" or (at and context.backend.find(at) is None):
            told.append(value)
    return b"".join(told)


def _taken_in(context: Context, function: Function, outcome: LaunchOutcome) -> Any:
    """Keeps what a launch has brought; its accesses. HipError if it faulted."""
    control = context.control
    control.findings.extend(_placed(context, finding) for finding in outcome.findings)
    if outcome.coverage is not None:
        control.cover(outcome.coverage)
    context.printed.add(_seen(context, outcome.printed))
    if outcome.fault is not None and context.closed:
        raise HipError("hipErrorDeinitialized", f"{function.name} was stopped: its program has ended")
    if outcome.fault is not None:
        report = worded(context, outcome.fault)
        freed = None if report.address is None else freed_at(context, report.address)
        if freed is not None:
            report = replace(report, message=f"{report.message}, freed by {freed.words(context)}")
        control.last_fault = report
        control.faults.append(report)
        code = _FAULT_CODES.get(report.kind, "hipErrorIllegalAddress")
        raise HipError(code, str(report), sticky=True)
    control.last_launch = outcome
    control.launched[context.modules[function.module].digest, function.name] += 1
    if outcome.counters is not None:
        control.counters.append((function.name, outcome.counters))
    return outcome.accesses


def _seen(context: Context, printed: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """What the host is to find of what a kernel has printed: it may read its own standard output."""
    if context.shared is not None:
        context.shared.most += sum(len(text) for _, text in printed)
    traffic = context.host_traffic
    if traffic is None:
        return printed
    return [(stream, traffic.read(text.encode()).decode(errors="replace")) for stream, text in printed]


def _placed(context: Context, finding: Finding) -> Finding:
    """A finding with the places in the program that it is about."""
    if finding.made_at is None and finding.address is not None and finding.space == "global":
        known = context.allocation_of(finding.address)
        if known is not None:
            finding = dataclasses.replace(finding, made_at=context.sites.place(known.site))
    return worded(context, finding)


def _described(context: Context, call: Call) -> dict[str, Any]:
    function = context.functions.get(call.args[0])
    geometry = launch_arguments(call.args)
    fields: dict[str, Any] = {
        "grid": geometry.grid,
        "block": geometry.block,
        "shared_bytes": geometry.shared_bytes,
    }
    if function is not None:
        module = context.modules.get(function.module)
        fields["kernel"] = function.name
        fields["args"] = PackedArguments(function.metadata, call.payload)
        fields["code_object"] = None if module is None else module.digest
    return fields


@serve(
    "hipModuleLaunchKernel",
    "hipLaunchKernel",
    "hipExtModuleLaunchKernel",
    "hipExtLaunchKernel",
    *sorted(_COOPERATIVE),
    category=Category.LAUNCH,
    describe=_described,
)
def launch(context: Context, call: Call, caller: Caller | None) -> None:
    """function, grid, block, dynamic LDS, stream, start event, stop event, flags; payload: the explicit
    arguments as they lie in the kernarg segment."""
    function = function_of(context, call.args[0])
    geometry = launch_arguments(call.args, cooperative=call.name in _COOPERATIVE)
    check_launch(context, function, geometry, call.payload)
    stream = call.args[8]
    start, stop = (call.args[9], call.args[10]) if len(call.args) > 10 else (0, 0)
    item = launch_item(context, function, geometry, call.payload, site=call.site, seq=context.entry(call).seq)
    item.entry, item.call = context.entry(call), call
    for event, work in ((start, None), (0, item), (stop, None)):
        if work is not None:
            context.streams.submit(stream, call.slot, work, caller)
        elif event:
            record = Call("hipEventRecord", (event, stream), slot=call.slot, site=call.site, waits=False)
            SERVED["hipEventRecord"].function(context, record, caller)
