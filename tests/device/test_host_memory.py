"""Host memory by address: right addresses work, wrong ones are errors."""

from __future__ import annotations

import ctypes
import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.device.emulator import api_host


@given(st.binary(max_size=300))
def test_read_and_write(data: bytes) -> None:
    buffer = ctypes.create_string_buffer(len(data) + 1)
    api_host.write_from(memoryview(bytearray(data)), ctypes.addressof(buffer))
    assert buffer.raw[: len(data)] == data
    assert api_host.read(ctypes.addressof(buffer), len(data)) == data


@given(st.integers(0, 0xFFFF) | st.integers(2**63, 2**64 - 1))
def test_unmapped_addresses(address: int) -> None:
    with pytest.raises(api_host.HostMemoryError):
        api_host.read(address, 16)
    with pytest.raises(api_host.HostMemoryError):
        api_host.write_from(memoryview(bytearray(16)), address)


def test_a_range_that_ends_in_unmapped_memory() -> None:
    page = mmap.PAGESIZE
    area = mmap.mmap(-1, 2 * page)
    pin = ctypes.c_char.from_buffer(area)
    start = ctypes.addressof(pin)
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    assert protect(start + page, page, 0) == 0
    assert api_host.read(start, page) == bytes(page)
    with pytest.raises(api_host.HostMemoryError, match="cannot be read"):
        api_host.read(start + page - 8, 16)
    assert protect(start + page, page, 1) == 0, "readable, not writable"
    with pytest.raises(api_host.HostMemoryError, match="cannot be written"):
        api_host.write_from(memoryview(bytearray(16)), start + page)


def test_transfers_longer_than_one_system_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_host, "_LONGEST", 7)
    data = bytes(range(100))
    source = ctypes.create_string_buffer(data, 100)
    assert api_host.read(ctypes.addressof(source), 100) == data


def test_a_sandbox_without_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        @staticmethod
        def process_vm_readv(*_: object) -> int:
            ctypes.set_errno(1)
            return -1

        process_vm_writev = process_vm_readv

    monkeypatch.setattr(api_host, "_libc", Refusing)
    source = ctypes.create_string_buffer(b"abcdef", 6)
    assert api_host.read(ctypes.addressof(source), 6) == b"abcdef"
    api_host.write_from(memoryview(bytearray(b"xyz")), ctypes.addressof(source))
    assert source.raw == b"xyzdef"
