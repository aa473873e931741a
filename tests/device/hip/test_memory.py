"""Allocations, frees, pools, arrays and what is said of pointers, as HIP's rules have them."""

from __future__ import annotations

import pytest


def test_an_empty_allocation_is_null_and_null_may_be_freed(client):
    assert client.ok("hipMalloc", 0) == 0
    client.ok("hipFree", 0)
    client.ok("hipHostFree", 0)


def test_memory_is_counted_while_it_lives(client):
    free, total = client.answer("hipMemGetInfo").values
    address = client.ok("hipMalloc", 1 << 20)
    assert client.answer("hipMemGetInfo").values == (free - (1 << 20), total)
    client.ok("hipFree", address)
    assert client.answer("hipMemGetInfo").values == (free, total)


def test_too_much_memory_is_refused(client):
    reason = client.fails("hipErrorOutOfMemory", "hipMalloc", 1 << 45)
    assert "do not fit" in reason


def test_a_double_free_names_both_frees_and_the_allocation(client):
    made, first, second = (
        client.site(n, f"P\t/project/main.py\t{10 * n}\tmain", "P\t/project/main.py\t99\t<module>")
        for n in (1, 2, 3)
    )
    address = client.ok("hipMalloc", 64, site=made)
    client.ok("hipFree", address, site=first)
    reason = client.fails("hipErrorInvalidValue", "hipFree", address, site=second)
    assert f"hipFree of {address:#x}, byte 0 of the freed allocation" in reason
    assert "(hipMalloc at /project/main.py:10)" in reason
    assert "freed by hipFree at /project/main.py:20" in reason
    (finding,) = client.context.control.host_findings
    assert (finding.kind, finding.site, finding.other) == (
        "double_free",
        "/project/main.py:30",
        "/project/main.py:20",
    )


@pytest.mark.parametrize(
    ("make", "free", "words"),
    [
        ("hipHostMalloc", "hipFree", "pinned host memory of hipHostMalloc"),
        ("hipMalloc", "hipHostFree", "device memory of hipMalloc"),
    ],
)
def test_memory_is_freed_by_the_function_for_it(client, make, free, words):
    address = client.ok(make, 64, 0)
    assert words in client.fails("hipErrorInvalidValue", free, address)
    assert client.context.control.host_findings[0].kind == "wrong_free"


def test_the_middle_of_an_allocation_and_host_memory_are_not_freed(client):
    address = client.ok("hipMalloc", 64)
    assert "byte 16 of allocation" in client.fails("hipErrorInvalidValue", "hipFree", address + 16)
    assert "host memory" in client.fails("hipErrorInvalidValue", "hipFree", client.host.put(bytes(8)))
    client.ok("hipFree", address)


def test_pointers_tell_what_they_are(client):
    device = client.ok("hipMalloc", 100)
    managed = client.ok("hipMallocManaged", 100, 1)
    pinned = client.ok("hipHostMalloc", 100, 2)
    plain = client.host.put(bytes(8))
    assert client.answer("hipPointerGetAttributes", device + 4).values == (
        1,
        0,
        device + 4,
        0,
        0,
        0,
        device,
        100,
    )
    kind, _, at, host, is_managed, flags, base, _ = client.answer("hipPointerGetAttributes", managed).values
    assert (kind, at, host, is_managed, flags, base) == (3, managed, managed, 1, 1, managed)
    assert client.answer("hipPointerGetAttributes", pinned).values[:6] == (0, 0, pinned, pinned, 0, 2)
    assert client.answer("hipPointerGetAttributes", plain).values[0] == 2
    assert client.answer("hipMemGetAddressRange", device + 99).values == (device, 100)
    client.fails("hipErrorNotFound", "hipMemGetAddressRange", plain)
    assert client.ok("hipHostGetDevicePointer", pinned, 0) == pinned
    assert client.ok("hipHostGetFlags", pinned) == 2
    client.fails("hipErrorInvalidValue", "hipHostGetFlags", device)


def test_managed_memory_takes_advice(client):
    managed, device = client.ok("hipMallocManaged", 4096, 1), client.ok("hipMalloc", 64)
    client.ok("hipMemAdvise", managed, 4096, 1, 0)
    assert client.ok("hipMemRangeGetAttribute", 4, 1, managed, 4096) == 1
    client.ok("hipMemPrefetchAsync", managed, 4096, -1, 0)
    assert client.ok("hipMemRangeGetAttribute", 4, 4, managed, 4096) == -1
    assert "managed memory" in client.fails("hipErrorInvalidValue", "hipMemAdvise", device, 64, 1, 0)


def test_allocations_of_a_stream_come_from_a_pool(client):
    pool = client.ok("hipDeviceGetDefaultMemPool", 0)
    assert client.ok("hipDeviceGetMemPool", 0) == pool
    address = client.ok("hipMallocAsync", 256, 0, 0)
    assert client.ok("hipMemPoolGetAttribute", pool, 7) == 256
    client.ok("hipFreeAsync", address, 0)
    assert client.ok("hipMemPoolGetAttribute", pool, 7) == 0
    assert client.ok("hipMemPoolGetAttribute", pool, 8) == 256
    client.fails("hipErrorInvalidValue", "hipFreeAsync", address, 0)
    own = client.ok("hipMemPoolCreate")
    client.ok("hipMemPoolSetAttribute", own, 4, 1 << 30)
    assert client.ok("hipMemPoolGetAttribute", own, 4) == 1 << 30
    client.ok("hipDeviceSetMemPool", 0, own)
    client.ok("hipMemPoolDestroy", own)
    assert client.ok("hipDeviceGetMemPool", 0) == pool
    client.fails("hipErrorInvalidValue", "hipMemPoolDestroy", pool)


def test_pitched_memory_has_aligned_rows(client):
    address, pitch = client.answer("hipMallocPitch", 100, 7).values
    assert pitch == 256
    assert client.answer("hipMemGetAddressRange", address).values == (address, 7 * 256)


def test_arrays_are_rows_in_device_memory(client):
    array = client.ok("hipMallocArray", 4, 10, 3, 0, 0)
    element, width, height, depth, pitch, address = client.answer("hipArrayGetInfo", array).values
    assert (element, width, height, depth, pitch) == (4, 10, 3, 0, 256)
    rows = bytes(range(80))
    client.ok("hipMemcpy2DToArray", array, 0, 1, client.host.put(rows), 40, 40, 2, 1)
    assert client.download(address + 256, 40) == rows[:40]
    assert client.download(address + 512, 40) == rows[40:]
    back = client.host.put(bytes(8))
    client.ok("hipMemcpyFromArray", back, array, 4, 2, 8, 2)
    assert client.host.read_host(back, 8) == rows[44:52]
    reason = client.fails("hipErrorInvalidValue", "hipMemcpy2DToArray", array, 0, 2, back, 4, 4, 2, 1)
    assert "leave the array" in reason
    client.ok("hipFreeArray", array)
    client.fails("hipErrorInvalidHandle", "hipFreeArray", array)


def test_registered_memory_has_the_client_s_own_address(client):
    size = 8192
    address = 0x7E00_0000_0000
    client.fails("hipErrorInvalidValue", "hipHostRegister", address + 1, size, 0)
    offset = client.ok("hipHostRegister", address, size, 0)
    client.ok("rv_host_registered", address, size, offset, 0)
    assert client.answer("hipPointerGetAttributes", address).values[:4] == (0, 0, address, address)
    client.fails("hipErrorHostMemoryAlreadyRegistered", "hipHostRegister", address, size, 0)
    device = client.upload(b"abcd")
    client.ok("hipMemcpy", address + 4, device, 4, 2)
    assert client.download(address + 4, 4) == b"abcd"
    assert client.ok("hipHostUnregister", address) == size
    client.fails("hipErrorHostMemoryNotRegistered", "hipHostUnregister", address)


def test_a_reset_gives_everything_back(client):
    before = client.answer("hipMemGetInfo").values
    client.ok("hipMalloc", 1000)
    client.ok("hipHostMalloc", 1000, 0)
    module = client.module()
    client.ok("hipDeviceReset")
    assert client.answer("hipMemGetInfo").values == before
    client.fails("hipErrorInvalidHandle", "hipModuleUnload", module)
