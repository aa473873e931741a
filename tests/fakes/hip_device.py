# ruff: noqa: N802, N815 - the names are HIP's
"""A device that exists in this process only: NumPy memory, and kernels written in Python.

It is no emulator. It lets tests see what host code does with HIP's functions, on any machine, and run
the oracle on kernels whose faults the test chooses. Its functions return hip-python's tuples.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from rocm.bindings import hip as real_hip

from rocverify.device.base import DeviceInfo
from rocverify.device.faults import FaultReport

SUCCESS = real_hip.hipError_t.hipSuccess
Kernel = Callable[..., None]


class FakeHip:
    """HIP's functions over a dictionary of buffers. `calls` lists every call by name; `failing` maps a
    function's name to the error code that it returns instead of working."""

    hipError_t = real_hip.hipError_t
    hipMemcpyKind = real_hip.hipMemcpyKind

    def __init__(self, kernels: dict[str, Kernel] | None = None) -> None:
        self.kernels = kernels or {}
        self.calls: list[str] = []
        self.failing: dict[str, Any] = {}
        self.launches: list[SimpleNamespace] = []
        self.buffers: dict[int, np.ndarray] = {}
        self.loaded: list[bytes] = []
        self.device = 0
        self._handles: dict[int, str] = {}
        self._addresses = itertools.count(0x10000, 0x1000000)

    def _enter(self, name: str) -> Any:
        self.calls.append(name)
        return self.failing.get(name)

    def hipMalloc(self, size: int) -> tuple[Any, Any]:
        if error := self._enter("hipMalloc"):
            return error, None
        address = next(self._addresses)
        self.buffers[address] = np.full(size, 0xCD, np.uint8)
        return SUCCESS, address

    def hipFree(self, pointer: int) -> tuple[Any]:
        if error := self._enter("hipFree"):
            return (error,)
        del self.buffers[int(pointer)]
        return (SUCCESS,)

    def hipMemcpy(self, target: Any, source: Any, size: int, kind: Any) -> tuple[Any]:
        if error := self._enter("hipMemcpy"):
            return (error,)
        if kind == self.hipMemcpyKind.hipMemcpyHostToDevice:
            self.view(target, size)[:] = np.ascontiguousarray(source).view(np.uint8).ravel()[:size]
        else:
            target.view(np.uint8).reshape(-1)[:] = self.view(source, size)
        return (SUCCESS,)

    def hipGetDevice(self) -> tuple[Any, int]:
        self._enter("hipGetDevice")
        return SUCCESS, self.device

    def hipModuleLoadData(self, image: bytes) -> tuple[Any, Any]:
        if error := self._enter("hipModuleLoadData"):
            return error, None
        self.loaded.append(bytes(image))
        return SUCCESS, len(self.loaded)

    def hipModuleUnload(self, _module: int) -> tuple[Any]:
        self._enter("hipModuleUnload")
        return (SUCCESS,)

    def hipModuleGetFunction(self, _module: int, name: bytes) -> tuple[Any, Any]:
        if error := self._enter("hipModuleGetFunction"):
            return error, None
        symbol = name.decode()
        if symbol not in self.kernels:
            return self.hipError_t.hipErrorNotFound, None
        handle = 0x7000 + len(self._handles)
        self._handles[handle] = symbol
        return SUCCESS, handle

    def hipModuleLaunchKernel(self, function: int, *rest: Any) -> tuple[Any]:
        if error := self._enter("hipModuleLaunchKernel"):
            return (error,)
        *sizes, shared, stream, _, arguments = rest
        symbol = self._handles[function]
        launch = SimpleNamespace(
            symbol=symbol,
            grid=tuple(sizes[:3]),
            block=tuple(sizes[3:6]),
            shared=shared,
            stream=stream,
            arguments=arguments,
        )
        self.launches.append(launch)
        values = [a.value if isinstance(a, ctypes._SimpleCData) else a for a in arguments]
        self.kernels[symbol](self, *values)
        return (SUCCESS,)

    def hipStreamSynchronize(self, _stream: Any) -> tuple[Any]:
        error = self._enter("hipStreamSynchronize")
        return (error or SUCCESS,)

    def hipDeviceSynchronize(self) -> tuple[Any]:
        self._enter("hipDeviceSynchronize")
        return (SUCCESS,)

    def view(self, address: int, size: int) -> np.ndarray:
        """`size` bytes of device memory; an AssertionError for bytes that no allocation holds."""
        for base, buffer in self.buffers.items():
            if base <= int(address) and int(address) + size <= base + buffer.size:
                return buffer[int(address) - base : int(address) - base + size]
        raise AssertionError(f"{size} bytes at {int(address):#x} are not allocated")

    def array(self, address: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """A writable array in device memory."""
        count = int(np.prod(shape))
        return self.view(address, count * np.dtype(dtype).itemsize).view(dtype).reshape(shape)


class FakeDevice:
    """A `rocverify.device.base.Device` over FakeHip. A test sets `fault` to make a launch fault."""

    kind = "fake"
    name = "in-process test device"
    target = "gfx1100"
    info = DeviceInfo("fake", "in-process test device", "gfx1100", "gfx1100", "none")

    def __init__(self, hip: FakeHip) -> None:
        self.hip = hip
        self.fault: FaultReport | None = None

    def is_device_address(self, address: int) -> bool | None:
        return any(base <= address < base + b.size for base, b in self.hip.buffers.items())

    def kernel_name(self, function: int) -> str | None:
        return self.hip._handles.get(function)

    def last_fault(self) -> FaultReport | None:
        return self.fault

    def last_reason(self) -> str | None:
        return None

    def clear_fault(self) -> None:
        self.fault = None

    def close(self) -> None:
        pass


class FakeSession:
    """A LaunchSession whose wrappers are Python objects given by name."""

    def __init__(self, device: FakeDevice, tracer: Any, root: Path, objects: dict[str, Any]) -> None:
        self.device, self.tracer, self.root, self.objects = device, tracer, root, objects

    @property
    def hip(self) -> Any:
        return self.tracer.module

    def load(self, reference: str) -> Any:
        return self.objects[reference]
