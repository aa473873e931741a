"""Whether a launch ended by a fault, and all that is to be said of it."""

from __future__ import annotations

from rocverify.device.emulator import abi
from rocverify.device.emulator.launch.faults import fault_report, with_further
from rocverify.device.emulator.launch.host_side import HostSide
from rocverify.device.emulator.launch.launch_record import lds_of
from rocverify.device.emulator.launch.stop_switch import stopped_report
from rocverify.device.emulator.launch.wave_positions import with_waves
from rocverify.device.emulator.load.kernarg import Geometry
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.faults import FaultReport


def launch_fault(
    kernel: LoadedKernel,
    geometry: Geometry,
    memory: DeviceMemory,
    workers: list[abi.Worker],
    stopped: str | None,
    host: HostSide,
) -> FaultReport | None:
    """The fault of a launch, None if it had none; `stopped` is why it was asked to stop."""
    asked = abi.FaultKind.STOPPED
    faulted = sorted((w for w in workers if w.fault.kind), key=lambda w: w.fault.kind == asked)
    report = _report(faulted[0].fault, workers, kernel, geometry, memory) if faulted else None
    if stopped is not None and (report is None or report.kind == asked.name.lower()):
        if sum(w.groups for w in workers) == geometry.group_count:
            return None
        report = stopped_report(report, kernel.name, stopped)
    if report is None or not faulted:
        return report
    rest = [worker for worker in workers if worker is not faulted[0]]
    return host.with_assertion(with_waves(report, [faulted[0], *rest], kernel.module, memory))


def _report(
    fault: abi.Fault,
    workers: list[abi.Worker],
    kernel: LoadedKernel,
    geometry: Geometry,
    memory: DeviceMemory,
) -> FaultReport:
    listing, lds = kernel.module.listing, lds_of(kernel, geometry)
    places = {fault.pc, *(one.pc for worker in workers for one in worker.more if one.kind)}
    lines = kernel.module.user_lines(places)
    found = fault_report(fault, kernel.name, listing, memory, geometry, kernel.lanes, lds, lines)
    return with_further(found, workers, lines)
