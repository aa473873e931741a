"""Launches that a contract without wrapper asks for, made through hip-python."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .views import DeviceView


def launch_all(hip: Any, image: bytes, launches: Sequence[tuple[Any, ...]]) -> None:
    """Loads a code object, makes launches one after another, waits for the last, unloads. Each is symbol,
    grid, block, bytes of LDS, arguments, variables by name. OSError for a HIP call that fails."""
    module = checked(hip.hipModuleLoadData(image))
    try:
        for symbol, grid, block, shared, arguments, variables in launches:
            for name, value in variables.items():
                _set_variable(hip, module, name, value)
            function = checked(hip.hipModuleGetFunction(module, symbol.encode()))
            passed = tuple(map(_passed, arguments))
            checked(hip.hipModuleLaunchKernel(function, *grid, *block, shared, None, None, passed))
        checked(hip.hipDeviceSynchronize())
    finally:
        checked(hip.hipModuleUnload(module))


def _set_variable(hip: Any, module: Any, name: str, value: Any) -> None:
    address, size = checked(hip.hipModuleGetGlobal(module, name.encode()))
    image = np.frombuffer(value.tobytes(), np.uint8).copy()
    if int(size) != image.nbytes:
        raise ValueError(f"the variable {name} has {int(size)} bytes, launch() gives {image.nbytes}")
    checked(hip.hipMemcpy(address, image, image.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice))


def milliseconds(hip: Any, call: Callable[[], object], times: int) -> list[float]:
    """Device time of so many calls, between an event before each and one after it on the default stream."""
    found = []
    for _ in range(times):
        start, stop = (checked(hip.hipEventCreate()) for _ in range(2))
        checked(hip.hipEventRecord(start, None))
        call()
        checked(hip.hipEventRecord(stop, None))
        checked(hip.hipEventSynchronize(stop))
        found.append(float(checked(hip.hipEventElapsedTime(start, stop))))
        for event in (start, stop):
            checked(hip.hipEventDestroy(event))
    return found


def _passed(value: Any) -> Any:
    """An argument as HIP takes it: a device array is the pointer to it."""
    return ctypes.c_void_p(int(value)) if isinstance(value, DeviceView) else value


def checked(result: tuple[Any, ...]) -> Any:
    """What a HIP call returned beside success (several as a tuple); OSError if it failed."""
    code, *values = result
    if int(code) != 0:
        raise OSError(f"a HIP call returned {getattr(code, 'name', code)}")
    return (values[0] if len(values) == 1 else tuple(values)) if values else None
