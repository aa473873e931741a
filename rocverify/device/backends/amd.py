"""A real AMD GPU as a backend: its own HIP runtime, called from the device process.

The trace, the order of streams and the rules of HIP are those of `device/hip`, the same as over the
emulator; what is executed goes to the runtime one item at a time and is waited for.
"""

from __future__ import annotations

import bisect
import ctypes
import mmap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rocverify.device.backends import arenas
from rocverify.device.backends.amd_launch import timed_launch
from rocverify.device.backends.base import Geometry, LaunchOutcome, Range, Region
from rocverify.device.backends.runtime import AmdRuntime, HipRuntimeError
from rocverify.device.emulator.load.memory import DeviceMemory, Span
from rocverify.errors import DeviceError, OutOfDeviceMemoryError
from rocverify.toolchain.codeobject import CodeObject, read_code_object

KIND = "amd"
SHARED_BYTES = 1 << 36
_ANY_DIRECTION = 4
"""hipMemcpyDefault."""
_MAPPED = 2
_OUT_OF_MEMORY = 2
_SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Allocation:
    """A live range of device or shared memory."""

    base: int
    size: int
    label: str
    kind: str

    @property
    def end(self) -> int:
        return self.base + self.size


class AmdModule:
    """A code object that the runtime has loaded; after a reset of the device it is loaded again when it is
    used."""

    def __init__(
        self, runtime: AmdRuntime, code_object: bytes, label: str, seen: Callable[[int, int, str], None]
    ) -> None:
        """`seen` is told address, size and name of the variables that are asked for."""
        self.metadata: CodeObject = read_code_object(code_object, label)
        self._runtime, self._code_object = runtime, code_object
        self._handle, self._resets = self._load(), runtime.resets
        self._seen = seen
        self.symbols: set[int] = set()

    def _load(self) -> int:
        buffer = ctypes.create_string_buffer(self._code_object, len(self._code_object))
        return self._runtime.address("hipModuleLoadData", ctypes.addressof(buffer))

    @property
    def handle(self) -> int:
        """The runtime's own."""
        if self._resets != self._runtime.resets:
            self._handle, self._resets = self._load(), self._runtime.resets
        return self._handle

    def symbol(self, name: str) -> tuple[int, int]:
        """Address and size of a device variable."""
        address, size = ctypes.c_void_p(), ctypes.c_size_t()
        self._runtime.call(
            "hipModuleGetGlobal", ctypes.byref(address), ctypes.byref(size), self.handle, name.encode()
        )
        base = address.value or 0
        self.symbols.add(base)
        self._seen(base, size.value, name)
        return base, size.value

    def unload(self) -> None:
        """Ends it."""
        if self._resets == self._runtime.resets:
            self._runtime.give_back("hipModuleUnload", self._handle)


class AmdBackend:
    """One client's share of a GPU."""

    kind = KIND

    def __init__(self, runtime: AmdRuntime) -> None:
        self._runtime = runtime
        self.info = runtime.info
        self._arena, self._shared = _shared_memory()
        self._live: dict[int, Allocation] = {}
        self._bases: list[int] = []
        self._modules: set[AmdModule] = set()
        self._lock = threading.RLock()
        self._closed = False

    # ---- memory

    @property
    def device_region(self) -> Region:
        return Region(0, 0)

    @property
    def shared_region(self) -> Region:
        return Region(self._shared.shared_region.start, self._shared.shared_region.size)

    @property
    def shared_file(self) -> int:
        return self._shared.shared_file

    def memory_info(self) -> tuple[int, int]:
        return self._runtime.memory_info()

    def properties_r0600(self) -> bytes | None:
        return self._runtime.properties()

    def attribute(self, number: int) -> int | None:
        return self._runtime.attribute(number)

    def malloc(self, size: int, label: str) -> int:
        self._runtime.begin()
        try:
            address = self._runtime.address("hipMalloc", size)
        except HipRuntimeError as error:
            if error.code == _OUT_OF_MEMORY:
                raise OutOfDeviceMemoryError(f"{size} bytes: {error.message}", hint=error.hint) from error
            raise
        self._runtime.hold()
        return self._keep(address, size, label, "device")

    def malloc_shared(self, size: int, label: str) -> int:
        address = self._shared.malloc(size, label, shared=True)
        try:
            self._register(address, size)
        except DeviceError:
            self._shared.free(address)
            raise
        self._runtime.hold()
        return self._keep(address, size, label, "shared")

    def reserve_shared(self, size: int) -> int:
        return self._shared.reserve_shared(size)

    def adopt(self, address: int, size: int, offset: int, label: str) -> None:
        self._shared.adopt(address, size, label, self._shared.shared_file, offset)
        try:
            self._register(address, size)
        except DeviceError:
            self._shared.free(address)
            raise
        self._runtime.hold()
        self._keep(address, size, label, "adopted")

    def _register(self, address: int, size: int) -> None:
        self._runtime.begin()
        self._runtime.call("hipHostRegister", address, size, _MAPPED)
        seen = self._runtime.address("hipHostGetDevicePointer", address, 0)
        if seen != address:
            self._runtime.give_back("hipHostUnregister", address)
            raise DeviceError(
                f"the GPU sees host memory at another address ({seen:#x} for {address:#x})",
                hint="pinned and managed memory need a GPU with unified addresses; use --device emulator",
            )

    def _keep(self, base: int, size: int, label: str, kind: str) -> int:
        with self._lock:
            if base not in self._live:
                bisect.insort(self._bases, base)
            self._live[base] = Allocation(base, size, label, kind)
        return base

    def _forget(self, base: int) -> None:
        with self._lock:
            if self._live.pop(base, None) is not None:
                del self._bases[bisect.bisect_left(self._bases, base)]

    def _keep_symbol(self, address: int, size: int, name: str) -> None:
        """A module's variable: memory that copies may reach and nobody frees."""
        self._keep(address, size, f"variable {name}", _SYMBOL)

    def free(self, address: int) -> None:
        with self._lock:
            allocation = self._live.get(address)
            if allocation is None or allocation.kind == _SYMBOL:
                raise DeviceError(
                    f"free of {self.explain(address)}", hint="free what hipMalloc returned, once"
                )
            self._forget(address)
        try:
            of_device = allocation.kind == "device"
            self._runtime.give_back("hipFree" if of_device else "hipHostUnregister", address)
        finally:
            if not of_device:
                self._shared.free(address)
            self._runtime.let_go()

    def find(self, address: int) -> Range | None:
        with self._lock:
            index = bisect.bisect_right(self._bases, address) - 1
            allocation = self._live[self._bases[index]] if index >= 0 else None
        return allocation if allocation is not None and address < allocation.end else None

    def owns(self, address: int) -> bool:
        return self.find(address) is not None or self._shared.owns(address)

    def explain(self, address: int) -> str:
        found = self.find(address)
        if found is None:
            return f"{address:#x}, which belongs to no live allocation"
        what = found.label or "an allocation"
        return f"{address:#x}, byte {address - found.base} of {what} ({found.size} bytes)"

    def _check(self, address: int, size: int) -> None:
        found = self.find(address)
        if found is None or address + size > found.base + found.size:
            raise DeviceError(
                f"{size} bytes at {address:#x} leave the allocation: {self.explain(address)}",
                hint="check pointer, offset and size of the copy",
            )

    def read(self, address: int, size: int) -> bytes:
        if size == 0:
            return b""
        self._check(address, size)
        buffer = ctypes.create_string_buffer(size)
        self._runtime.call("hipMemcpy", ctypes.addressof(buffer), address, size, _ANY_DIRECTION)
        return buffer.raw

    def write(self, address: int, data: bytes | memoryview) -> None:
        view = memoryview(data).cast("B")
        if not view.nbytes:
            return
        self._check(address, view.nbytes)
        buffer = (ctypes.c_char * view.nbytes).from_buffer_copy(view)
        self._runtime.call("hipMemcpy", address, ctypes.addressof(buffer), view.nbytes, _ANY_DIRECTION)

    def view(self, address: int, size: int, *, writing: bool) -> memoryview | None:  # noqa: ARG002
        return None

    def fill(self, address: int, pattern: bytes, count: int) -> None:
        if not count:
            return
        self._check(address, count * len(pattern))
        name = {1: "hipMemset", 2: "hipMemsetD16", 4: "hipMemsetD32"}[len(pattern)]
        value = int.from_bytes(pattern, "little")
        if name == "hipMemset":
            self._runtime.call(name, address, value, count)
        else:
            self._runtime.call(
                name, address, ctypes.c_int(value).value if len(pattern) == 4 else value, count
            )
        self._runtime.call("hipDeviceSynchronize")

    def copy(self, target: int, source: int, size: int) -> None:
        if size:
            self._check(target, size)
            self._check(source, size)
            self._runtime.call("hipMemcpy", target, source, size, _ANY_DIRECTION)
            self._runtime.call("hipDeviceSynchronize")

    def undefine(self, address: int, size: int) -> None:
        """Nothing: a GPU keeps no account of what was written."""

    # ---- code

    def load(self, code_object: bytes, label: str) -> AmdModule:
        self._runtime.begin()
        module = AmdModule(self._runtime, code_object, label, self._keep_symbol)
        self._modules.add(module)
        return module

    def unload(self, module: Any) -> None:
        self._modules.discard(module)
        for address in module.symbols:
            self._forget(address)
        module.unload()

    def launch(self, module: Any, kernel: str, geometry: Geometry, kernarg: bytes) -> LaunchOutcome:
        self._runtime.begin()
        with self._lock:
            function = self._runtime.address("hipModuleGetFunction", module.handle, kernel.encode())
            start, stop = (self._runtime.address("hipEventCreate") for _ in range(2))
            try:
                return timed_launch(
                    self._runtime, module.metadata, kernel, function, geometry, kernarg, (start, stop)
                )
            finally:
                for event in (start, stop):
                    self._runtime.give_back("hipEventDestroy", event)

    def stop(self) -> None:
        """A GPU's kernels come to their own end."""

    def clock(self) -> float:
        return time.perf_counter()

    def close(self) -> None:
        """Gives memory, modules and events back. Closing twice is harmless."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for module in list(self._modules):
            self.unload(module)
        for address in list(self._live):
            self.free(address)
        self._shared.close()
        arenas.give_back(self._arena)


def _shared_memory() -> tuple[int, DeviceMemory]:
    """Memory that clients see too, in the first stride where nothing lies yet: the runtime has mapped what it
    likes. DeviceError if there is none."""
    in_use = []
    try:
        while True:
            arena = arenas.take()
            start = arenas.start(arena)
            shared = Span(start + mmap.PAGESIZE, SHARED_BYTES)
            try:
                return arena, DeviceMemory(mmap.PAGESIZE, at=start, shared=shared)
            except DeviceError:
                in_use.append(arena)
    finally:
        for arena in in_use:
            arenas.give_back(arena)
