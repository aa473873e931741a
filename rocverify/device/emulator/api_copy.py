"""Copies between host and device, in every spelling that hip-python has for plain memory.

As in HIP, the pointers decide where the bytes go, whatever kind the caller declares. A copy is done
when the call returns, on any stream.
"""

# Names and parameters are HIP's interface, also those that mean nothing here.
# ruff: noqa: N802, N803
from __future__ import annotations

import ctypes
from typing import Any

from rocverify.device.emulator import api_host
from rocverify.device.emulator.api_memory import memory_errors
from rocverify.device.emulator.api_state import HipCallError, HipCalls, HipState, offered
from rocverify.device.emulator.api_stream import check_stream
from rocverify.device.emulator.api_values import Address, CopyKind, PointerArgument, Size, Stream

_HOST_TO_HOST = ("hipMemcpyHostToHost", "hipMemcpyDefault")


class CopyCalls(HipCalls):
    """hip-python's copy functions for linear and pitched memory."""

    @offered()
    def hipMemcpy(self, dst: Address, src: Address, sizeBytes: Size, kind: CopyKind) -> None:
        copy(self._state, dst, src, sizeBytes, kind.name)

    @offered()
    def hipMemcpyAsync(
        self, dst: Address, src: Address, sizeBytes: Size, kind: CopyKind, stream: Stream
    ) -> None:
        check_stream(self._state, stream)
        copy(self._state, dst, src, sizeBytes, kind.name)

    @offered()
    def hipMemcpyWithStream(
        self, dst: Address, src: Address, sizeBytes: Size, kind: CopyKind, stream: Stream
    ) -> None:
        check_stream(self._state, stream)
        copy(self._state, dst, src, sizeBytes, kind.name)

    @offered()
    def hipMemcpyHtoD(self, dst: Address, src: Address, sizeBytes: Size) -> None:
        copy(self._state, dst, src, sizeBytes, "hipMemcpyHostToDevice")

    @offered()
    def hipMemcpyHtoDAsync(self, dst: Address, src: Address, sizeBytes: Size, stream: Stream) -> None:
        check_stream(self._state, stream)
        copy(self._state, dst, src, sizeBytes, "hipMemcpyHostToDevice")

    @offered()
    def hipMemcpyDtoH(self, dst: Address, src: Address, sizeBytes: Size) -> None:
        copy(self._state, dst, src, sizeBytes, "hipMemcpyDeviceToHost")

    @offered()
    def hipMemcpyDtoHAsync(self, dst: Address, src: Address, sizeBytes: Size, stream: Stream) -> None:
        check_stream(self._state, stream)
        copy(self._state, dst, src, sizeBytes, "hipMemcpyDeviceToHost")

    @offered()
    def hipMemcpyDtoD(self, dst: Address, src: Address, sizeBytes: Size) -> None:
        copy(self._state, dst, src, sizeBytes, "hipMemcpyDeviceToDevice")

    @offered()
    def hipMemcpyDtoDAsync(self, dst: Address, src: Address, sizeBytes: Size, stream: Stream) -> None:
        check_stream(self._state, stream)
        copy(self._state, dst, src, sizeBytes, "hipMemcpyDeviceToDevice")

    @offered()
    def hipMemcpy2D(
        self,
        dst: Address,
        dpitch: Size,
        src: Address,
        spitch: Size,
        width: Size,
        height: Size,
        kind: CopyKind,
    ) -> None:
        copy_rows(self._state, (dst, dpitch), (src, spitch), (width, height), kind.name)

    @offered()
    def hipMemcpy2DAsync(
        self,
        dst: Address,
        dpitch: Size,
        src: Address,
        spitch: Size,
        width: Size,
        height: Size,
        kind: CopyKind,
        stream: Stream,
    ) -> None:
        check_stream(self._state, stream)
        copy_rows(self._state, (dst, dpitch), (src, spitch), (width, height), kind.name)


def copy(state: HipState, dst: PointerArgument, src: PointerArgument, size: int, kind: str) -> None:
    """Copies `size` bytes; nothing is touched unless both sides hold them."""
    if size == 0:
        return
    _check_sides(state, dst, src, kind)
    if not dst.writable:
        raise HipCallError("hipErrorInvalidValue", "the destination is an immutable Python object")
    if state.memory.owns(dst.address):
        if state.memory.owns(src.address):
            with memory_errors():
                state.memory.copy(dst.address, src.address, size)
            return
        _fill_from(_device_view(state, dst, size, writing=True), src, size)
        return
    source = _readable(state, src, size)
    known = _known_host_view(dst, size)
    if known is not None:
        known[:] = source
        return
    _host_errors(api_host.write_from, source, dst.address)


def copy_rows(
    state: HipState,
    dst: tuple[PointerArgument, int],
    src: tuple[PointerArgument, int],
    extent: tuple[int, int],
    kind: str,
) -> None:
    """Copies `height` rows of `width` bytes between two (pointer, pitch)."""
    width, height = extent
    if width == 0 or height == 0:
        return
    if width > dst[1] or width > src[1]:
        raise HipCallError(
            "hipErrorInvalidPitchValue", f"rows of {width} bytes at pitches of {dst[1]} and {src[1]}"
        )
    if dst[1] == src[1] == width:
        copy(state, dst[0], src[0], width * height, kind)
        return
    for row in range(height):
        copy(state, _advanced(*dst, row), _advanced(*src, row), width, kind)


def _advanced(pointer: PointerArgument, pitch: int, row: int) -> PointerArgument:
    offset = pitch * row
    extent = None if pointer.extent is None else max(pointer.extent - offset, 0)
    return PointerArgument(pointer.address + offset, extent, pointer.writable, pointer.source)


def _check_sides(state: HipState, dst: PointerArgument, src: PointerArgument, kind: str) -> None:
    if not dst.address or not src.address:
        side = "source" if dst.address else "destination"
        raise HipCallError("hipErrorInvalidValue", f"the {side} is a null pointer")
    both_host = not (state.memory.owns(dst.address) or state.memory.owns(src.address))
    if both_host and kind not in _HOST_TO_HOST:
        raise HipCallError("hipErrorInvalidValue", f"{kind} between two host addresses")


def _device_view(
    state: HipState, pointer: PointerArgument, size: int, *, writing: bool = False
) -> memoryview:
    with memory_errors():
        return state.memory.view(pointer.address, size, writing=writing)


def _known_host_view(pointer: PointerArgument, size: int) -> memoryview | None:
    """A view of a host object whose extent is known; None where there is only an address."""
    if pointer.extent is None:
        return None
    if pointer.extent < size:
        raise HipCallError(
            "hipErrorInvalidValue", f"a copy of {size} bytes, but the host buffer holds {pointer.extent}"
        )
    return memoryview((ctypes.c_uint8 * size).from_address(pointer.address)).cast("B")


def _fill_from(target: memoryview, src: PointerArgument, size: int) -> None:
    known = _known_host_view(src, size)
    if known is not None:
        target[:] = known
        return
    _host_errors(api_host.read_into, target, src.address)


def _readable(state: HipState, src: PointerArgument, size: int) -> memoryview:
    """A view of the source; a copy of it where there is only a host address."""
    if state.memory.owns(src.address):
        return _device_view(state, src, size)
    known = _known_host_view(src, size)
    if known is not None:
        return known
    buffer = memoryview(bytearray(size))
    _host_errors(api_host.read_into, buffer, src.address)
    return buffer


def _host_errors(function: Any, view: memoryview, address: int) -> None:
    try:
        function(view, address)
    except api_host.HostMemoryError as error:
        raise HipCallError("hipErrorInvalidValue", str(error)) from None
