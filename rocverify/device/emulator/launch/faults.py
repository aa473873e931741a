"""From the runtime's fault to a report for people: which instruction, who, where, what lies there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.disassembly import Listing
from rocverify.device.emulator.launch.observed import Observed
from rocverify.device.emulator.load.kernarg import Geometry, Triple
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.faults import FaultReport
from rocverify.errors import DeviceFaultError

_ACCESS = {
    abi.Access.LOAD: "load",
    abi.Access.STORE: "store",
    abi.Access.ATOMIC: "atomic",
    abi.Access.EXECUTE: "execute",
}


class KernelFaultError(DeviceFaultError):
    """A launch that faulted; `report` has the facts, `observed` what instruments saw until then, `printed`
    what the kernel printed, as (stream, text)."""

    def __init__(
        self,
        report: FaultReport,
        observed: Observed | None = None,
        printed: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(f"{report.message}{report.rest}", where=_place(report), hint=report.hint)
        self.report = report
        self.observed: Observed = observed or {}
        self.printed = tuple(printed)


def _place(report: FaultReport) -> str:
    source = report.source_line or (f"pc {report.pc:#x}" if report.pc is not None else "")
    return f"{report.kernel} {source}".strip()


def fault_report(
    fault: abi.Fault,
    kernel: str,
    listing: Listing,
    memory: DeviceMemory,
    geometry: Geometry,
    lanes: int,
    lds_bytes: int,
    lines: Mapping[int, str],
) -> FaultReport:
    """The record of one fault. lines: the user's own source lines, by address."""
    kind, access = abi.FaultKind(fault.kind), abi.Access(fault.access)
    inst = listing.at(fault.pc) if fault.pc in listing else None
    has_address = access is not abi.Access.EXECUTE
    return FaultReport(
        kind=kind.name.lower(),
        kernel=kernel,
        message=_message(fault, kind, _ACCESS[access], memory, lds_bytes),
        pc=fault.pc,
        instruction=inst.text if inst else None,
        source_line=lines.get(fault.pc, inst.source if inst else None),
        workgroup=(fault.group[0], fault.group[1], fault.group[2]),
        workitem=_workitem(geometry.block, fault.wave * lanes + fault.lane),
        address=fault.address if has_address else None,
        size=fault.size if has_address else None,
        access=_ACCESS[access] if has_address else None,
        allocation=memory.explain(fault.address) if kind is abi.FaultKind.GLOBAL else None,
    )


def with_further(report: FaultReport, workers: Sequence[abi.Worker], lines: Mapping[int, str]) -> FaultReport:
    """The same with how many accesses faulted in all, and with the other instructions that they were of."""
    found = {one.pc: one for worker in workers for one in worker.more if one.kind}
    more = (
        f"also a {_ACCESS[abi.Access(one.access)]} at {lines.get(one.pc, f'pc {one.pc:#x}')}"
        for pc, one in sorted(found.items())
        if pc != report.pc
    )
    return replace(report, accesses=max(sum(w.faulting for w in workers), 1), more=tuple(more))


def _workitem(block: Triple, flat: int) -> Triple:
    return flat % block[0], flat // block[0] % block[1], flat // (block[0] * block[1])


def _message(fault: abi.Fault, kind: abi.FaultKind, access: str, memory: DeviceMemory, lds_bytes: int) -> str:
    match kind:
        case abi.FaultKind.GLOBAL:
            return (
                f"{access} of {fault.size} byte(s) outside every allocation: {_global_place(fault, memory)}"
            )
        case abi.FaultKind.LDS:
            offset = fault.address & 0xFFFFFFFF
            return (
                f"{access} of {fault.size} byte(s) at LDS offset {offset}, of {lds_bytes} that the launch has"
            )
        case abi.FaultKind.SCRATCH:
            return (
                f"{access} of {fault.size} byte(s) at scratch offset {fault.address & 0xFFFFFFFF}, outside it"
            )
        case abi.FaultKind.LIMIT:
            return f"a wave executed more than {fault.address} instructions"
        case abi.FaultKind.JUMP:
            return f"a jump to {fault.address:#x}, where no known code is"
        case abi.FaultKind.TRAP:
            return f"s_trap {fault.address}"
        case abi.FaultKind.UNALIGNED:
            return f"{access} of {fault.size} byte(s) at {fault.address:#x}, which is not aligned to its size"
        case abi.FaultKind.DEADLOCK:
            return "no wave can go on"
        case abi.FaultKind.GRID_SYNC:
            return "a grid barrier in a launch that is not cooperative"
        case _:
            return f"stopped: {kind.name.lower()}"


def _global_place(fault: abi.Fault, memory: DeviceMemory) -> str:
    """Names the first byte that is nobody's: the access may begin inside an allocation."""
    inside = memory.find(fault.address)
    outside = inside.end if inside is not None else fault.address
    text = memory.explain(outside)
    near = memory.neighbours(outside)
    if not near or memory.was_freed(outside) is not None:
        return text
    held = near[0].allocation
    index, count = (fault.address - held.base) // fault.size, held.size // fault.size
    text += f"; in elements of {fault.size} byte(s) that is index {index} of {count}"
    return "; ".join([text, *(f"also {other.words()}" for other in near[1:])])
