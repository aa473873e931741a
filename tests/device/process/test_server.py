"""Clients come and go: nothing of them stays, and none disturbs another."""

from __future__ import annotations

import struct
import threading
import time
from pathlib import Path

import pytest

from rocverify.device.process.devices import OpenedDevice
from rocverify.device.process.server import Server
from tests.device.process.conftest import MakeClient
from tests.device.process.raw_client import HEADER, INLINE, RING, RawClient

H2D, D2H = 1, 2


def until(condition: object, seconds: float = 20.0) -> None:
    """Waits for what another thread does."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def test_a_call_is_answered(connect: MakeClient) -> None:
    reply = connect().call("hipGetDeviceCount")
    assert (reply.code, reply.values) == (0, (1,))


def test_addresses_are_told_at_the_start(connect: MakeClient, device: OpenedDevice) -> None:
    client = connect()
    (context,) = device.control.all_contexts()
    region = context.backend.device_region
    assert (client.welcome["device_start"], client.welcome["device_bytes"]) == (region.start, region.size)
    reply = client.call("hipMalloc", 100)
    assert region.start <= reply.values[0] < region.start + region.size


def test_memory_comes_back_as_it_went(connect: MakeClient) -> None:
    client = connect()
    data = bytes(range(256)) * 64 * 1024 * 3  # several halves of the staging memory
    client.host.ranges = {0x10000: bytearray(data), 0x90000000: bytearray(len(data))}
    memory = client.call("hipMalloc", len(data)).values[0]
    assert client.call("hipMemcpy", memory, 0x10000, len(data), H2D).code == 0
    reply = client.call("hipMemcpy", 0x90000000, memory, len(data), D2H)
    assert reply.code == 0
    assert bytes(client.host.ranges[0x90000000]) == data


def test_a_short_copy_travels_with_its_call(connect: MakeClient) -> None:
    client = connect()
    memory = client.call("hipMalloc", 64).values[0]
    assert client.call("hipMemcpy", memory, 0x1000, 8, H2D, payload=b"12345678", flags=INLINE).code == 0
    client.host.ranges = {0x5000: bytearray(8)}
    reply = client.call("hipMemcpy", 0x5000, memory, 8, D2H)
    assert (reply.payload or bytes(client.host.ranges[0x5000])) == b"12345678"


def test_host_memory_that_is_not_there_is_an_error(connect: MakeClient) -> None:
    client = connect()
    memory = client.call("hipMalloc", 1 << 20).values[0]
    assert client.call("hipMemcpy", memory, 0xDEAD000, 1 << 20, H2D).code == 1


def test_a_client_that_goes_frees_what_it_had(
    connect: MakeClient, device: OpenedDevice, server: Server
) -> None:
    stays, goes = connect(), connect()
    address = stays.call("hipMalloc", 4096).values[0]
    for _ in range(10):
        goes.call("hipMalloc", 4096)
    goes.process.close()
    until(lambda: len(server.sessions) == 1)
    until(lambda: len(device.control.all_contexts()) == 1)
    assert stays.call("hipFree", address).code == 0


def test_one_client_cannot_free_what_is_another_s(connect: MakeClient) -> None:
    one, other = connect(), connect()
    address = one.call("hipMalloc", 4096).values[0]
    assert other.call("hipFree", address).code != 0
    assert one.call("hipFree", address).code == 0


def test_another_version_of_the_protocol_is_refused_with_words(server: Server, connect: MakeClient) -> None:
    client = connect(version=99)
    assert client.welcome["error"] != 0
    assert "version 99" in client.welcome["words"]
    assert server.mismatches == [client.welcome["words"]]


def test_a_device_that_is_not_there(connect: MakeClient) -> None:
    client = connect(device=5)
    assert client.welcome["error"] == 100
    assert "no device 5" in client.welcome["words"]


def test_a_connection_that_says_nothing_sensible_is_dropped(server: Server, connect: MakeClient) -> None:
    client = connect()
    raw, _, _ = RawClient._connect(server.path, 0, 0, 0, 1, None)
    raw.close()
    assert client.call("hipGetDeviceCount").code == 0


@pytest.mark.parametrize(
    "record",
    [
        struct.pack("<IHHIIII", 0, 20, 1, 0, 0, 0, 0),
        struct.pack("<IHHIIII", 24, 20, 1, 0, 0, 1 << 20, 0),
        struct.pack("<IHHIIII", 24, 20, 1, 0, 0, 0, 1 << 30),
        struct.pack("<IHHIIII", 1 << 31, 20, 1, 0, 0, 0, 0),
        struct.pack("<IHHIIII", 28, 20, 1, 0, 0, 0, 0),
        struct.pack("<IHHIIII", 24, 20, 1, 77, 0, 0, 0),
    ],
    ids=["no size", "arguments", "payload", "size", "not a multiple of 8", "unknown thread"],
)
def test_a_client_that_overwrites_its_ring_ends_alone(
    server: Server, connect: MakeClient, device: OpenedDevice, record: bytes
) -> None:
    good, bad = connect(), connect()
    at = bad.head % RING
    bad.ring[HEADER + at : HEADER + at + len(record)] = record
    bad._publish(24)
    until(lambda: len(server.sessions) == 1)
    assert good.call("hipGetDeviceCount").code == 0
    (found,) = device.control.host_findings
    assert found.kind == "overwritten_requests"
    assert "raw client" in found.message


@pytest.mark.parametrize(("start", "end"), [(0, 8), (132, 136)], ids=["head", "stopped"])
def test_a_client_that_overwrites_the_head_of_its_ring_is_told_of(
    server: Server, connect: MakeClient, device: OpenedDevice, start: int, end: int
) -> None:
    client = connect()
    client.ring[start:end] = b"\x0e" * (end - start)
    client.process.close()
    until(lambda: not server.sessions)
    assert [one.kind for one in device.control.host_findings] == ["overwritten_requests"]


def test_a_client_that_ends_without_a_word_is_not_blamed(
    server: Server, connect: MakeClient, device: OpenedDevice
) -> None:
    connect().process.close()
    until(lambda: not server.sessions)
    assert device.control.host_findings == []


def test_a_number_of_no_call_is_an_error_of_that_call_alone(connect: MakeClient) -> None:
    client = connect()
    client.numbers = {**client.numbers, "nonsense": 60_000}
    assert client.call("nonsense", 1, 2, 3).code == 1
    assert client.call("hipGetDeviceCount").code == 0


def test_many_queued_calls_wrap_around_the_ring(connect: MakeClient) -> None:
    client = connect()
    memory = client.call("hipMalloc", 1 << 16).values[0]
    for number in range(200):
        while client.head - struct.unpack_from("<Q", client.ring, 64)[0] > RING - (1 << 17):
            time.sleep(0.001)
        payload = bytes([number % 256]) * 30_001
        client.post("hipMemcpyAsync", memory, 0x1000, len(payload), H2D, 0, payload=payload, flags=INLINE)
    client.host.ranges = {0x1000: bytearray(30_001)}
    reply = client.call("hipMemcpy", 0x1000, memory, 30_001, D2H)
    assert (reply.payload or bytes(client.host.ranges[0x1000])) == bytes([199]) * 30_001


def test_clients_at_once(connect: MakeClient, device: OpenedDevice) -> None:
    clients = [connect() for _ in range(20)]
    wrong: list[str] = []

    def work(number: int, client: RawClient) -> None:
        for turn in range(20):
            memory = client.call("hipMalloc", 256).values[0]
            pattern = bytes([number, turn]) * 128
            client.call("hipMemcpy", memory, 0x1000, 256, H2D, payload=pattern, flags=INLINE)
            client.host.ranges = {0x1000: bytearray(256)}
            reply = client.call("hipMemcpy", 0x1000, memory, 256, D2H)
            if (reply.payload or bytes(client.host.ranges[0x1000])) != pattern:
                wrong.append(f"client {number}, turn {turn}")
            client.call("hipFree", memory)

    threads = [threading.Thread(target=work, args=item) for item in enumerate(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(len(context.allocations) for context in device.control.all_contexts()) == 0


def test_the_socket_goes_with_the_server(device: OpenedDevice) -> None:
    served = Server([device.context])
    path = Path(served.path)
    assert path.exists()
    served.close()
    assert not path.exists()
    assert not path.parent.exists()


def test_a_kept_client_finds_its_memory_again(server: Server, connect: MakeClient) -> None:
    server.keep_contexts_of.add(4242)
    first = connect(pid=4242)
    address = first.call("hipMalloc", 64).values[0]
    first.process.close()
    until(lambda: not server.sessions)
    again = connect(pid=4242)
    assert again.call("hipFree", address).code == 0
