"""One launch on a GPU: started by its runtime, timed between two events, waited for."""

from __future__ import annotations

import ctypes
import time

from rocverify.device.backends.base import Geometry, LaunchOutcome
from rocverify.device.backends.runtime import AmdRuntime, HipRuntimeError
from rocverify.device.faults import FaultReport
from rocverify.toolchain.codeobject import CodeObject

_BUFFER_POINTER, _BUFFER_SIZE, _END = 1, 2, 3
_FAULT_KINDS = {700: "global", 719: "trap", 702: "limit", 710: "trap"}
"""hipErrorIllegalAddress, LaunchFailure, LaunchTimeOut, Assert."""


def timed_launch(
    runtime: AmdRuntime,
    metadata: CodeObject,
    kernel: str,
    function: int,
    geometry: Geometry,
    kernarg: bytes,
    events: tuple[int, int],
) -> LaunchOutcome:
    """Runs a kernel to its end; `function` is the runtime's handle, `events` two of its events. A fault is
    in the outcome, and the runtime is told that its device is broken."""
    start, stop = events
    begun = time.perf_counter()
    runtime.call("hipEventRecord", start, None)
    _start(runtime, metadata, kernel, function, geometry, kernarg)
    try:
        runtime.call("hipEventRecord", stop, None)
        runtime.call("hipDeviceSynchronize")
    except HipRuntimeError as error:
        runtime.broken(error)
        return LaunchOutcome(begun, time.perf_counter(), fault=_fault(kernel, error))
    elapsed = ctypes.c_float()
    runtime.call("hipEventElapsedTime", ctypes.byref(elapsed), start, stop)
    return LaunchOutcome(begun, begun + elapsed.value / 1e3)


def _start(
    runtime: AmdRuntime, metadata: CodeObject, kernel: str, function: int, geometry: Geometry, kernarg: bytes
) -> None:
    buffer = ctypes.create_string_buffer(kernarg, max(len(kernarg), 1))
    if geometry.cooperative:
        arguments = metadata.kernels[kernel].explicit_args
        table = (ctypes.c_void_p * max(len(arguments), 1))(
            *(ctypes.addressof(buffer) + one.offset for one in arguments)
        )
        runtime.call(
            "hipModuleLaunchCooperativeKernel",
            function,
            *geometry.grid,
            *geometry.block,
            geometry.shared_bytes,
            None,
            ctypes.addressof(table),
        )
        return
    size = ctypes.c_size_t(len(kernarg))
    extra = (ctypes.c_void_p * 5)(
        _BUFFER_POINTER, ctypes.addressof(buffer), _BUFFER_SIZE, ctypes.addressof(size), _END
    )
    where = ctypes.addressof(extra)
    if geometry.workitems is not None:
        runtime.call(
            "hipExtModuleLaunchKernel",
            *(function, *geometry.workitems, *geometry.block, geometry.shared_bytes),
            *(None, None, where, None, None, 0),
        )
        return
    runtime.call(
        "hipModuleLaunchKernel",
        *(function, *geometry.grid, *geometry.block, geometry.shared_bytes, None, None, where),
    )


def _fault(kernel: str, error: HipRuntimeError) -> FaultReport:
    """What is known of a fault on a GPU: the runtime's code."""
    return FaultReport(_FAULT_KINDS.get(error.code, "trap"), kernel, error.message)
