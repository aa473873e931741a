"""Launches: what HIP checks before it starts a kernel, and the arguments as the kernel finds them."""

# Names and parameters are HIP's interface, also those that mean nothing here.
# ruff: noqa: N802, N803
from __future__ import annotations

import struct
from math import prod
from typing import TYPE_CHECKING, Any

from rocm.bindings._hip_helpers import HipModuleLaunchKernel_extra
from rocm.bindings.util.types import ListOfPointer

from rocverify.device.emulator import api_host
from rocverify.device.emulator.api_module import check_function, kernel_metadata
from rocverify.device.emulator.api_state import FunctionEntry, HipCallError, HipCalls, HipState, offered
from rocverify.device.emulator.api_stream import check_stream
from rocverify.device.emulator.api_values import Function, PointerArgument, Raw, Stream, UInt, as_pointer
from rocverify.device.emulator.isa.occupancy import LIMITS, resident_workgroups
from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.load.kernarg import Geometry
from rocverify.errors import DeviceFaultError

if TYPE_CHECKING:
    from rocverify.device.emulator.launch.observed import Observed
    from rocverify.toolchain.codeobject import KernelMetadata

_CONFIGURATION_BYTES = 40
_BUFFER_POINTER, _BUFFER_SIZE, _END = 1, 2, 3

_FAULT_CODES = {
    "limit": "hipErrorLaunchTimeOut",
    "stopped": "hipErrorLaunchTimeOut",
    "trap": "hipErrorLaunchFailure",
    "jump": "hipErrorLaunchFailure",
    "deadlock": "hipErrorLaunchTimeOut",
    "grid_sync": "hipErrorLaunchFailure",
}
"""The codes of the faults that are no illegal access."""


class LaunchCalls(HipCalls):
    """hip-python's launches and the device-wide wait."""

    @offered()
    def hipModuleLaunchKernel(
        self,
        f: Function,
        gridDimX: UInt,
        gridDimY: UInt,
        gridDimZ: UInt,
        blockDimX: UInt,
        blockDimY: UInt,
        blockDimZ: UInt,
        sharedMemBytes: UInt,
        stream: Stream,
        kernelParams: Raw,
        extra: Raw,
    ) -> None:
        check_stream(self._state, stream)
        geometry = Geometry((gridDimX, gridDimY, gridDimZ), (blockDimX, blockDimY, blockDimZ), sharedMemBytes)
        _launch(self._state, f, geometry, kernelParams, extra)

    @offered()
    def hipModuleLaunchCooperativeKernel(
        self,
        f: Function,
        gridDimX: UInt,
        gridDimY: UInt,
        gridDimZ: UInt,
        blockDimX: UInt,
        blockDimY: UInt,
        blockDimZ: UInt,
        sharedMemBytes: UInt,
        stream: Stream,
        kernelParams: Raw,
    ) -> None:
        check_stream(self._state, stream)
        geometry = Geometry(
            (gridDimX, gridDimY, gridDimZ), (blockDimX, blockDimY, blockDimZ), sharedMemBytes, True
        )
        _launch(self._state, f, geometry, kernelParams, None)

    @offered()
    def hipDeviceSynchronize(self) -> None:
        return None


def _launch(state: HipState, function: int, geometry: Geometry, parameters: Any, extra: Any) -> None:
    entry = check_function(state, function)
    kernel = kernel_metadata(state, entry)
    _check_geometry(kernel, geometry)
    if geometry.cooperative:
        _check_resident(kernel, geometry)
    _run(state, entry, geometry, _kernarg(state, kernel, parameters, extra))


def _check_resident(kernel: KernelMetadata, geometry: Geometry) -> None:
    """A cooperative launch must fit on the device as a whole."""
    each = resident_workgroups(kernel, geometry.block_size, geometry.shared_bytes)
    if geometry.group_count > each * LIMITS.multiprocessors:
        raise HipCallError(
            "hipErrorCooperativeLaunchTooLarge",
            f"{geometry.group_count} workgroups of {kernel.name}: {LIMITS.multiprocessors} compute units "
            f"hold {each} each",
        )


def _check_geometry(kernel: KernelMetadata, geometry: Geometry) -> None:
    grid, block, shared = geometry.grid, geometry.block, geometry.shared_bytes
    if 0 in grid or 0 in block:
        raise HipCallError("hipErrorInvalidConfiguration", f"grid {grid} of workgroups {block} is empty")
    size = prod(block)
    if size > LIMITS.threads_per_block:
        raise HipCallError(
            "hipErrorInvalidConfiguration",
            f"a workgroup of {block} has {size} work-items: at most {LIMITS.threads_per_block}",
        )
    if size > kernel.max_workgroup_size:
        raise HipCallError(
            "hipErrorLaunchFailure",
            f"a workgroup of {size} work-items: {kernel.name} was compiled for {kernel.max_workgroup_size}",
        )
    if any(g * b >= 1 << 32 for g, b in zip(grid, block, strict=True)):
        raise HipCallError(
            "hipErrorInvalidConfiguration",
            f"grid {grid} of workgroups {block} has 2**32 work-items on an axis",
        )
    if kernel.lds_bytes + shared > LIMITS.lds_bytes:
        raise HipCallError(
            "hipErrorInvalidValue",
            f"{kernel.lds_bytes} static and {shared} dynamic bytes of LDS: at most {LIMITS.lds_bytes} in all",
        )


def _run(state: HipState, entry: FunctionEntry, geometry: Geometry, kernarg: bytes) -> None:
    with state.lock:
        try:
            state.stats = state.machine.launch(
                entry.kernel,
                geometry.grid,
                geometry.block,
                geometry.shared_bytes,
                kernarg,
                timeout_s=state.launch_timeout_s,
                cooperative=geometry.cooperative,
            )
            if state.stats.counters is not None:
                state.launch_counters.append((entry.name, state.stats.counters))
            _keep_findings(state, state.stats.observed)
        except DeviceFaultError as error:
            kind = error.report.kind if error.report is not None else ""
            code = _FAULT_CODES.get(kind, "hipErrorIllegalAddress")
            state.fault = error.report
            if isinstance(error, KernelFaultError):
                _keep_findings(state, error.observed)
            state.sticky = HipCallError(code, error.message)
            raise state.sticky from error


def _keep_findings(state: HipState, observed: Observed) -> None:
    found = observed.get("sanitizer")
    if found is not None:
        state.findings.extend(found.found)


def _kernarg(state: HipState, kernel: KernelMetadata, parameters: Any, extra: Any) -> bytes:
    """The explicit arguments in the layout of the code object's metadata."""
    if parameters is not None and extra is not None:
        raise HipCallError("hipErrorInvalidValue", "kernelParams and extra exclude each other")
    wanted = max((arg.offset + arg.size for arg in kernel.explicit_args), default=0)
    if extra is not None:
        return _from_buffer(kernel, extra, wanted)
    if parameters is not None:
        return _from_parameters(state, kernel, parameters, wanted)
    if wanted:
        raise HipCallError("hipErrorInvalidValue", f"{_takes(kernel, wanted)}, the launch passes none")
    return b""


def _takes(kernel: KernelMetadata, size: int) -> str:
    return f"{kernel.name} takes {len(kernel.explicit_args)} arguments in {size} bytes"


def _from_buffer(kernel: KernelMetadata, extra: Any, wanted: int) -> bytes:
    """Reads the argument buffer that `extra` describes; hip-python packs a tuple into one itself."""
    holder = HipModuleLaunchKernel_extra.fromObj(extra)
    if not int(holder):
        raise HipCallError("hipErrorInvalidValue", "extra is a null pointer")
    try:
        configuration = struct.unpack("<5Q", api_host.read(int(holder), _CONFIGURATION_BYTES))
        if configuration[::2] != (_BUFFER_POINTER, _BUFFER_SIZE, _END):
            raise HipCallError("hipErrorInvalidValue", "extra is no HIP_LAUNCH_PARAM configuration")
        (size,) = struct.unpack("<Q", api_host.read(configuration[3], 8))
        if size < wanted:
            raise HipCallError(
                "hipErrorInvalidValue", f"{_takes(kernel, wanted)}, the launch passes {size} bytes"
            )
        return api_host.read(configuration[1], wanted)
    except api_host.HostMemoryError as error:
        raise HipCallError("hipErrorInvalidValue", f"the arguments in extra: {error}") from None


def _from_parameters(state: HipState, kernel: KernelMetadata, parameters: Any, wanted: int) -> bytes:
    """Gathers each argument from the address that `kernelParams` has for it."""
    pointers = _parameter_pointers(kernel, parameters)
    kernarg = bytearray(wanted)
    for index, (arg, pointer) in enumerate(zip(kernel.explicit_args, pointers, strict=False)):
        where = f"argument {index}{f' ({arg.name})' if arg.name else ''} of {kernel.name}"
        if state.memory.owns(pointer.address):
            raise HipCallError(
                "hipErrorInvalidValue",
                f"{where}: kernelParams takes the address of the value, this is a device address itself",
            )
        if pointer.extent is not None and pointer.extent < arg.size:
            raise HipCallError(
                "hipErrorInvalidValue", f"{where} takes {arg.size} bytes, the launch passes {pointer.extent}"
            )
        try:
            kernarg[arg.offset : arg.offset + arg.size] = api_host.read(pointer.address, arg.size)
        except api_host.HostMemoryError as error:
            raise HipCallError("hipErrorInvalidValue", f"{where}: {error}") from None
    return bytes(kernarg)


def _parameter_pointers(kernel: KernelMetadata, parameters: Any) -> list[PointerArgument]:
    count = len(kernel.explicit_args)
    if isinstance(parameters, list | tuple):
        ListOfPointer.fromObj(parameters)  # refuses what hip-python refuses
        pointers = [as_pointer(entry) for entry in parameters]
    else:
        pointers = _pointer_table(parameters, count)
    if len(pointers) < count:
        raise HipCallError(
            "hipErrorInvalidValue",
            f"{kernel.name} takes {count} arguments, the launch passes {len(pointers)}",
        )
    return pointers


def _pointer_table(parameters: Any, count: int) -> list[PointerArgument]:
    """The entries of a C array of pointers; fewer than `count` if it is known to be shorter."""
    holder = ListOfPointer.fromObj(parameters)
    extent = as_pointer(parameters).extent
    held = count if extent is None else min(count, extent // 8)
    try:
        addresses = struct.unpack(f"<{held}Q", api_host.read(int(holder), 8 * held))
    except api_host.HostMemoryError as error:
        raise HipCallError("hipErrorInvalidValue", f"kernelParams: {error}") from None
    return [PointerArgument(address, None, True, parameters) for address in addresses]
