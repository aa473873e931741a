# ruff: noqa: N802, N815 - the names are HIP's
"""A device that exists in this process only: NumPy memory, and kernels written in Python.

It is no emulator. It lets tests see what host code does with HIP's functions, on any machine, and run
the oracle on kernels whose faults the test chooses. Its functions return hip-python's tuples.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
from rocm.bindings import hip as real_hip

from rocverify.device.base import DeviceInfo
from rocverify.device.excerpt import Excerpt
from rocverify.device.faults import FaultReport
from rocverify.device.process.attach import HipLibrary
from rocverify.device.process.placed import Buffer, Collected, Ordering, Placed
from rocverify.device.trace.events import Category, TraceEvent
from rocverify.device.traffic import Traffic
from rocverify.oracle.contract import ContractSpec
from rocverify.subject.host.imports import load_subject
from rocverify.subject.host.launching import launch_all

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
    """A device over FakeHip, as far as the oracle asks for one. A test sets `fault` to make a launch
    fault."""

    kind = "fake"
    name = "in-process test device"
    target = "gfx1100"
    info = DeviceInfo("fake", "in-process test device", "gfx1100", "gfx1100", "none")
    watches_memory = False

    def __init__(self, hip: FakeHip) -> None:
        self.hip = hip
        self.tracer: Any = None
        self.fault: FaultReport | None = None
        self._recordings = ExitStack()

    def place(
        self,
        _pid: int,
        buffers: Sequence[Buffer],
        *,
        ghost: bool = False,
        order: Ordering | None = None,
        stream: int = 0,
        replayed: Traffic | None = None,
        excerpt: Excerpt | None = None,
    ) -> Placed:
        del order, replayed, excerpt  # kernels in Python have one order, and run whole
        assert not stream
        self.outcome()
        addresses = {}
        for buffer in buffers:
            image = buffer.guard + bytes(buffer.content) + buffer.guard
            address = addresses[buffer.name] = next(self.hip._addresses)
            self.hip.buffers[address] = np.frombuffer(image, np.uint8).copy()
        recording = self._recordings.enter_context(self.tracer.record())
        if ghost:
            self._recordings.enter_context(self.tracer.ghost())
        return Placed(addresses, len(addresses), recording)

    def refill(self, placed: Placed, buffers: Sequence[Buffer]) -> None:
        for buffer in buffers:
            image = buffer.guard + bytes(buffer.content) + buffer.guard
            self.hip.buffers[placed.addresses[buffer.name]][:] = np.frombuffer(image, np.uint8)
        placed.mark.clear()

    def collect(self, placed: Placed, names: Collection[str], *, forget: bool = False) -> Collected:
        del forget
        self._recordings.close()
        there = self.hip.buffers
        lost = tuple(name for name, address in placed.addresses.items() if address not in there)
        images = {n: bytearray(there[placed.addresses[n]].tobytes()) for n in names if n not in lost}
        for address in placed.addresses.values():
            there.pop(address, None)
        return Collected(images, lost, placed.mark, *self.outcome())

    def outcome(self) -> tuple[None, FaultReport | None]:
        fault, self.fault = self.fault, None
        return None, fault

    def clear_fault(self) -> None:
        self.fault = None


_CATEGORIES = {
    "hipMalloc": Category.ALLOC,
    "hipFree": Category.FREE,
    "hipMemcpy": Category.OTHER,
    "hipModuleLoadData": Category.MODULE,
    "hipModuleUnload": Category.MODULE,
    "hipModuleGetFunction": Category.MODULE,
    "hipModuleLaunchKernel": Category.LAUNCH,
    "hipStreamSynchronize": Category.SYNC,
    "hipDeviceSynchronize": Category.SYNC,
}


class FakeTracer:
    """Records the calls of host code that imports hip-python while it is installed."""

    def __init__(self, device: FakeDevice) -> None:
        self.device = device
        device.tracer = self
        self.module = _Recorded(self)
        self.recordings: list[list[TraceEvent]] = []
        self.ghosts: list[Collection[str] | None] = []
        self.sequence = itertools.count(1)

    @contextmanager
    def install(self) -> Iterator[Any]:
        with (
            mock.patch.dict(sys.modules, {"rocm.bindings.hip": self.module}),
            mock.patch.object(sys.modules["rocm.bindings"], "hip", self.module),
        ):
            yield self.module

    @property
    def recording(self) -> bool:
        return bool(self.recordings)

    @contextmanager
    def record(self) -> Iterator[list[TraceEvent]]:
        events: list[TraceEvent] = []
        self.recordings.append(events)
        try:
            yield events
        finally:
            self.recordings = [kept for kept in self.recordings if kept is not events]

    @contextmanager
    def ghost(self, symbols: Collection[str] | None = None) -> Iterator[None]:
        self.ghosts.append(symbols)
        try:
            yield
        finally:
            self.ghosts.remove(symbols)

    def call(self, name: str, function: Any, arguments: tuple[Any, ...]) -> Any:
        category = _CATEGORIES.get(name, Category.QUERY)
        kernel = self.device.hip._handles.get(arguments[0]) if category is Category.LAUNCH else None
        if name == "hipModuleGetFunction":
            kernel = arguments[1].decode()
        ghost = category is Category.LAUNCH and any(g is None or kernel in g for g in self.ghosts)
        result = (SUCCESS,) if ghost else function(*arguments)
        event = TraceEvent(next(self.sequence), name, category, result[0].name, kernel=kernel, ghost=ghost)
        for recording in self.recordings:
            recording.append(event)
        return result


class _Recorded:
    """Looks like the module `rocm.bindings.hip`."""

    def __init__(self, tracer: FakeTracer) -> None:
        self._tracer = tracer

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._tracer.device.hip, name)
        if not name.startswith("hip") or isinstance(value, type) or not callable(value):
            return value
        return lambda *arguments: self._tracer.call(name, value, arguments)


class FakeSubject:
    """Calls wrappers in this process: Python objects given by name, on a device that it is a client of."""

    def __init__(self, session: FakeSession) -> None:
        self._session = session

    def prepare_call(self, _spec: ContractSpec, *, on_stream: bool = False) -> tuple[int, int]:
        assert not on_stream
        return os.getpid(), 0

    def expect_return(self, _spec: ContractSpec) -> None:
        """Calls in this process are not limited."""

    def call(
        self,
        spec: ContractSpec,
        arrays: Any,
        dims: Any,
        dtype: Any,
        *,
        visible: bool = False,
        on_stream: bool = False,
    ) -> dict[str, Any]:
        del visible
        assert not on_stream
        assert spec.wrapper is not None
        spec.call(self._session.objects[spec.wrapper], arrays, dims, dtype)
        HipLibrary.finish()
        return {name: value for name, value in arrays.items() if isinstance(value, np.ndarray)}

    def launches(self, spec: ContractSpec, arrays: Any, dims: Any, dtype: Any) -> Any:
        return spec.launches(arrays, dims, dtype)

    def launch(self, _where: str, image: bytes, launches: Any) -> None:
        launch_all(self._session.hip, image, launches)


class FakeSession:
    """A LaunchSession whose wrappers are Python objects given by name."""

    def __init__(self, device: Any, tracer: Any, root: Path, objects: dict[str, Any]) -> None:
        self.device, self.tracer, self.root, self.objects = device, tracer, root, objects
        self.subject = FakeSubject(self)

    @property
    def hip(self) -> Any:
        return self.tracer.module

    def load(self, reference: str) -> Any:
        """What `module:name` names below the root, in this process."""
        return load_subject(self.root, reference)
