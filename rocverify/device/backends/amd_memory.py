"""The memory of a real AMD GPU: what a client has allocated there, by the GPU's own HIP runtime."""

from __future__ import annotations

import bisect
import ctypes
import mmap
import threading
from dataclasses import dataclass

from rocverify.device.backends import arenas
from rocverify.device.backends.base import Range, Region
from rocverify.device.backends.runtime import AmdRuntime, HipRuntimeError
from rocverify.device.emulator.load.memory import DeviceMemory, Span
from rocverify.errors import DeviceError, OutOfDeviceMemoryError

SHARED_BYTES = 1 << 36
SYMBOL = "symbol"
_ANY_DIRECTION = 4
"""hipMemcpyDefault."""
_MAPPED = 2
_OUT_OF_MEMORY = 2


@dataclass(frozen=True, slots=True)
class Allocation:
    """A live range of device or shared memory."""

    base: int
    size: int
    label: str
    kind: str

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.base + self.size


class LiveRanges:
    """What is allocated, by address. Thread-safe."""

    def __init__(self) -> None:
        self._live: dict[int, Allocation] = {}
        self._bases: list[int] = []
        self._lock = threading.RLock()

    def keep(self, base: int, size: int, label: str, kind: str) -> int:
        """A new range; its base."""
        with self._lock:
            if base not in self._live:
                bisect.insort(self._bases, base)
            self._live[base] = Allocation(base, size, label, kind)
        return base

    def forget(self, base: int) -> None:
        """One is gone, if it was there."""
        with self._lock:
            if self._live.pop(base, None) is not None:
                del self._bases[bisect.bisect_left(self._bases, base)]

    def get(self, base: int) -> Allocation | None:
        """The range that begins there."""
        with self._lock:
            return self._live.get(base)

    def bases(self) -> list[int]:
        """Where all begin."""
        with self._lock:
            return list(self._bases)

    def find(self, address: int) -> Allocation | None:
        """The range that holds an address."""
        with self._lock:
            index = bisect.bisect_right(self._bases, address) - 1
            allocation = self._live[self._bases[index]] if index >= 0 else None
        return allocation if allocation is not None and address < allocation.end else None

    def explain(self, address: int) -> str:
        """What is known of an address, for messages."""
        found = self.find(address)
        if found is None:
            return f"{address:#x}, which belongs to no live allocation"
        what = found.label or "an allocation"
        return f"{address:#x}, byte {address - found.base} of {what} ({found.size} bytes)"

    def check(self, address: int, size: int) -> None:
        """DeviceError unless these bytes lie in one range."""
        found = self.find(address)
        if found is None or address + size > found.base + found.size:
            raise DeviceError(
                f"{size} bytes at {address:#x} leave the allocation: {self.explain(address)}",
                hint="check pointer, offset and size of the copy",
            )


class AmdMemory:
    """The half of a backend that is about memory."""

    def __init__(self, runtime: AmdRuntime) -> None:
        self._runtime = runtime
        self._arena, self._shared = _shared_memory()
        self._live = LiveRanges()
        self._lock = threading.RLock()

    @property
    def device_region(self) -> Region:
        """Of size 0: where the runtime's device memory lies is not known."""
        return Region(0, 0)

    @property
    def shared_region(self) -> Region:
        """Where pinned and managed memory lies; offset 0 of `shared_file` is its start."""
        return Region(self._shared.shared_region.start, self._shared.shared_region.size)

    @property
    def shared_file(self) -> int:
        """The file descriptor of the shared memory; the backend keeps and closes it."""
        return self._shared.shared_file

    def memory_info(self) -> tuple[int, int]:
        """Free and total bytes of device memory."""
        return self._runtime.memory_info()

    def properties_r0600(self) -> bytes | None:
        """hipDeviceProp_tR0600 as the installed runtime tells it."""
        return self._runtime.properties()

    def attribute(self, number: int) -> int | None:
        """A device attribute as the installed runtime tells it; None where it knows none."""
        return self._runtime.attribute(number)

    def malloc(self, size: int, label: str) -> int:
        """Device memory; OutOfDeviceMemoryError if there is not enough."""
        self._runtime.begin()
        try:
            address = self._runtime.address("hipMalloc", size)
        except HipRuntimeError as error:
            if error.code == _OUT_OF_MEMORY:
                raise OutOfDeviceMemoryError(f"{size} bytes: {error.message}", hint=error.hint) from error
            raise
        self._runtime.hold()
        return self._live.keep(address, size, label, "device")

    def malloc_shared(self, size: int, label: str) -> int:
        """Memory at the same address in the client, below `shared_region`, whole pages."""
        address = self._shared.malloc(size, label, shared=True)
        self._register(address, size)
        return self._live.keep(address, size, label, "shared")

    def reserve_shared(self, size: int) -> int:
        """An offset in the shared file, for pages that the client is about to put there."""
        return self._shared.reserve_shared(size)

    def adopt(self, address: int, size: int, offset: int, label: str) -> None:
        """Maps what lies at an offset of the shared file at the client's own address: hipHostRegister."""
        self._shared.adopt(address, size, label, self._shared.shared_file, offset)
        self._register(address, size)
        self._live.keep(address, size, label, "adopted")

    def _register(self, address: int, size: int) -> None:
        """The GPU sees a shared range too; where it cannot, the range is given back."""
        try:
            self._runtime.begin()
            self._runtime.call("hipHostRegister", address, size, _MAPPED)
        except DeviceError:
            self._shared.free(address)
            raise
        self._runtime.hold()
        seen = self._runtime.address("hipHostGetDevicePointer", address, 0)
        if seen != address:
            self._runtime.give_back("hipHostUnregister", address)
            raise DeviceError(
                f"the GPU sees host memory at another address ({seen:#x} for {address:#x})",
                hint="pinned and managed memory need a GPU with unified addresses; use --device emulator",
            )

    def _keep_symbol(self, address: int, size: int, name: str) -> None:
        """A module's variable: memory that copies may reach and nobody frees."""
        self._live.keep(address, size, f"variable {name}", SYMBOL)

    def free(self, address: int) -> None:
        """Ends an allocation of any of these kinds; `address` is its base."""
        with self._lock:
            allocation = self._live.get(address)
            if allocation is None or allocation.kind == SYMBOL:
                raise DeviceError(
                    f"free of {self.explain(address)}", hint="free what hipMalloc returned, once"
                )
            self._live.forget(address)
        try:
            of_device = allocation.kind == "device"
            self._runtime.give_back("hipFree" if of_device else "hipHostUnregister", address)
        finally:
            if not of_device:
                self._shared.free(address)
            self._runtime.let_go()

    def find(self, address: int) -> Range | None:
        """The live allocation that holds the byte."""
        return self._live.find(address)

    def explain(self, address: int) -> str:
        """What is known of an address, for messages."""
        return self._live.explain(address)

    def owns(self, address: int) -> bool:
        """Whether the address is device or shared memory, be it live, freed or never allocated."""
        return self.find(address) is not None or self._shared.owns(address)

    def read(self, address: int, size: int) -> bytes:
        """A copy of device memory."""
        if size == 0:
            return b""
        self._live.check(address, size)
        buffer = ctypes.create_string_buffer(size)
        self._runtime.call("hipMemcpy", ctypes.addressof(buffer), address, size, _ANY_DIRECTION)
        return buffer.raw

    def write(self, address: int, data: bytes | memoryview) -> None:
        """Copies bytes in."""
        view = memoryview(data).cast("B")
        if not view.nbytes:
            return
        self._live.check(address, view.nbytes)
        buffer = (ctypes.c_char * view.nbytes).from_buffer_copy(view)
        self._runtime.call("hipMemcpy", address, ctypes.addressof(buffer), view.nbytes, _ANY_DIRECTION)

    def view(self, address: int, size: int, *, writing: bool) -> memoryview | None:  # noqa: ARG002
        """None: memory of a GPU is not seen from here."""
        return None

    def fill(self, address: int, pattern: bytes, count: int) -> None:
        """`count` repetitions of a pattern of 1, 2 or 4 bytes."""
        if not count:
            return
        self._live.check(address, count * len(pattern))
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
        """Copies within device and shared memory."""
        if size:
            self._live.check(target, size)
            self._live.check(source, size)
            self._runtime.call("hipMemcpy", target, source, size, _ANY_DIRECTION)
            self._runtime.call("hipDeviceSynchronize")

    def undefine(self, address: int, size: int) -> None:
        """Nothing: a GPU keeps no account of what was written."""

    def _give_all_back(self) -> None:
        for address in self._live.bases():
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
