"""Device memory: hipMalloc, hipFree, hipMemset and what can be asked about pointers."""

# Names and parameters are HIP's interface, also those that mean nothing here.
# ruff: noqa: N802, N803, ARG002
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rocverify.device.emulator.api_state import HipCallError, HipCalls, offered
from rocverify.device.emulator.api_stream import check_stream
from rocverify.device.emulator.api_values import (
    Address,
    Int,
    PointerArgument,
    Raw,
    Size,
    Stream,
    UChar,
    UInt,
    UShort,
    bare_pointer,
    device_array,
)
from rocverify.device.trace.proxy import real_hip
from rocverify.errors import DeviceError, OutOfDeviceMemoryError

PITCH_ALIGNMENT = 256


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turns the core's refusal of an address range into HIP's error code."""
    try:
        yield
    except DeviceError as error:
        raise HipCallError("hipErrorInvalidValue", error.message) from None


class MemoryCalls(HipCalls):
    """hip-python's functions that allocate, free and fill."""

    def _allocate(self, size: int, kind: str, label: str) -> int:
        """Address of new memory; 0 for a size of 0, as HIP has it."""
        if size == 0:
            return 0
        state = self._state
        try:
            address = state.memory.malloc(size, label)
        except OutOfDeviceMemoryError as error:
            raise HipCallError("hipErrorOutOfMemory", error.message) from None
        state.allocations[address] = kind
        return address

    def _release(self, pointer: PointerArgument, kinds: tuple[str, ...]) -> None:
        address, state = pointer.address, self._state
        if not address:
            return
        with state.lock:
            if state.allocations.get(address) not in kinds:
                known = state.memory.explain(address)
                raise HipCallError("hipErrorInvalidValue", f"free of {known}, which is not to be freed so")
            del state.allocations[address]
            state.memory.free(address)

    @offered(None)
    def hipMalloc(self, size: Size) -> Any:
        return device_array(self._allocate(size, "Device", "hipMalloc"), size)

    @offered(None)
    def hipExtMallocWithFlags(self, sizeBytes: Size, flags: UInt) -> Any:
        return bare_pointer(self._allocate(sizeBytes, "Device", "hipExtMallocWithFlags"))

    @offered(None)
    def hipMallocAsync(self, size: Size, stream: Stream) -> Any:
        check_stream(self._state, stream)
        return device_array(self._allocate(size, "Device", "hipMallocAsync"), size)

    @offered(None)
    def hipMallocManaged(self, size: Size, flags: UInt) -> Any:
        return device_array(self._allocate(size, "Managed", "hipMallocManaged"), size)

    @offered(None, 0)
    def hipMallocPitch(self, width: Size, height: Size) -> tuple[Any, int]:
        pitch = -(-width // PITCH_ALIGNMENT) * PITCH_ALIGNMENT
        return bare_pointer(self._allocate(pitch * height, "Device", "hipMallocPitch")), pitch

    @offered(None)
    def hipHostMalloc(self, size: Size, flags: UInt) -> Any:
        return bare_pointer(self._allocate(size, "Host", "hipHostMalloc"))

    @offered(None)
    def hipHostAlloc(self, size: Size, flags: UInt) -> Any:
        return bare_pointer(self._allocate(size, "Host", "hipHostAlloc"))

    @offered(faulted="report")
    def hipFree(self, ptr: Address) -> None:
        self._release(ptr, ("Device", "Managed"))

    @offered(faulted="report")
    def hipFreeAsync(self, dev_ptr: Address, stream: Stream) -> None:
        check_stream(self._state, stream)
        self._release(dev_ptr, ("Device", "Managed"))

    @offered(faulted="report")
    def hipHostFree(self, ptr: Address) -> None:
        self._release(ptr, ("Host",))

    @offered(faulted="report")
    def hipFreeHost(self, ptr: Address) -> None:
        self._release(ptr, ("Host",))

    def _fill(self, pointer: PointerArgument, value: int, width: int, count: int) -> None:
        """Sets `count` elements of `width` bytes to the low bytes of `value`."""
        if count == 0:
            return
        pattern = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
        with memory_errors():
            if len(set(pattern)) == 1:
                self._state.memory.fill(pointer.address, pattern[0], count * width)
            else:
                self._state.memory.write(pointer.address, pattern * count)

    @offered()
    def hipMemset(self, dst: Address, value: Int, sizeBytes: Size) -> None:
        self._fill(dst, value, 1, sizeBytes)

    @offered()
    def hipMemsetAsync(self, dst: Address, value: Int, sizeBytes: Size, stream: Stream) -> None:
        check_stream(self._state, stream)
        self._fill(dst, value, 1, sizeBytes)

    @offered()
    def hipMemsetD8(self, dest: Address, value: UChar, count: Size) -> None:
        self._fill(dest, value, 1, count)

    @offered()
    def hipMemsetD8Async(self, dest: Address, value: UChar, count: Size, stream: Stream) -> None:
        check_stream(self._state, stream)
        self._fill(dest, value, 1, count)

    @offered()
    def hipMemsetD16(self, dest: Address, value: UShort, count: Size) -> None:
        self._fill(dest, value, 2, count)

    @offered()
    def hipMemsetD16Async(self, dest: Address, value: UShort, count: Size, stream: Stream) -> None:
        check_stream(self._state, stream)
        self._fill(dest, value, 2, count)

    @offered()
    def hipMemsetD32(self, dest: Address, value: Int, count: Size) -> None:
        self._fill(dest, value, 4, count)

    @offered()
    def hipMemsetD32Async(self, dst: Address, value: Int, count: Size, stream: Stream) -> None:
        check_stream(self._state, stream)
        self._fill(dst, value, 4, count)

    @offered()
    def hipMemset2D(self, dst: Address, pitch: Size, value: Int, width: Size, height: Size) -> None:
        if width > pitch:
            raise HipCallError("hipErrorInvalidValue", f"rows of {width} bytes at a pitch of {pitch}")
        with memory_errors():
            for row in range(height if width else 0):
                self._state.memory.fill(dst.address + row * pitch, value & 0xFF, width)


class MemoryQueryCalls(HipCalls):
    """hip-python's functions that tell about memory."""

    @offered(0, 0, faulted="allow")
    def hipMemGetInfo(self) -> tuple[int, int]:
        memory = self._state.memory
        return memory.capacity - memory.used, memory.capacity

    @offered(None, 0)
    def hipMemGetAddressRange(self, dptr: Address) -> tuple[Any, int]:
        allocation = self._state.memory.find(dptr.address)
        if allocation is None:
            raise HipCallError("hipErrorNotFound", f"{dptr.address:#x} lies in no live allocation")
        return bare_pointer(allocation.base), allocation.size

    @offered(0)
    def hipMemPtrGetInfo(self, ptr: Address) -> int:
        allocation = self._state.memory.find(ptr.address)
        if allocation is None:
            raise HipCallError("hipErrorInvalidValue", f"{ptr.address:#x} lies in no live allocation")
        return allocation.size

    def hipPointerGetAttributes(self, ptr: Any) -> tuple[Any, Any]:
        """What kind of memory a pointer points to; host memory that HIP does not know is no error."""
        attributes = real_hip().hipPointerAttribute_t()
        return (*self._fill_attributes(ptr, attributes), attributes)

    @offered()
    def _fill_attributes(self, ptr: Address, attributes: Raw) -> None:
        if not ptr.address:
            raise HipCallError("hipErrorInvalidValue", "a null pointer has no attributes")
        kind = self._state.memory_type(ptr.address)
        types = real_hip().hipMemoryType
        attributes.type = types[f"hipMemoryType{kind or 'Unregistered'}"]
        if kind is not None:
            attributes.devicePointer = ptr.address
            attributes.isManaged = int(kind == "Managed")
        if kind != "Device":
            attributes.hostPointer = ptr.address

    @offered(None)
    def hipHostGetDevicePointer(self, hstPtr: Address, flags: UInt) -> Any:
        if self._state.memory_type(hstPtr.address) != "Host":
            raise HipCallError("hipErrorInvalidValue", f"{hstPtr.address:#x} is not memory of hipHostMalloc")
        return bare_pointer(hstPtr.address)
