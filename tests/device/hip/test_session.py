"""What library and device process say past HIP, the device's own calls, and the table of calls."""

from __future__ import annotations

import pytest

from rocverify.device.hip.calls import SERVED, Call, lookup
from rocverify.device.hip.control import DeviceControl
from rocverify.device.process.protocol import calls


def test_every_call_of_the_protocol_is_served():
    assert [name for name in calls() if lookup(name) is None] == []
    assert sorted(set(SERVED) - set(calls())) == []


def test_functions_that_nobody_serves_are_counted_and_traced(client):
    client.ok("rv_not_served", payload=b"hipIpcGetMemHandle")
    assert client.context.control.not_served == {"hipIpcGetMemHandle": 1}
    event = client.events[-1]
    assert (event.function, event.result) == ("hipIpcGetMemHandle", "hipErrorNotSupported")
    assert client.answer("hipNoSuchThing").code == 801


def test_a_host_access_is_explained(client):
    made = client.site(1, "P\t/project/main.py\t4\tmain")
    touched = client.site(2, "P\t/project/main.py\t8\tmain")
    address = client.ok("hipMalloc", 32, site=made)
    words = bytes(client.answer("rv_host_access", address + 4, 0, site=touched).payload).decode()
    assert words.startswith("the host read device memory")
    assert "hipMalloc at /project/main.py:4" in words
    assert "hipMemcpy" in words
    (finding,) = client.context.control.host_findings
    assert (finding.kind, finding.site, finding.other) == (
        "host_access",
        "/project/main.py:8",
        "/project/main.py:4",
    )


def test_errors_count_as_unseen_until_they_are_looked_at(client):
    client.answer("hipFree", 0x1234)
    assert [name for name, _, _ in client.context.unseen] == ["hipFree"]
    client.ok("rv_error_seen")
    assert client.context.unseen == []


def test_the_device_tells_about_itself(client):
    assert client.ok("hipGetDeviceCount") == 1
    assert bytes(client.answer("hipDeviceGetName", 256, 0).payload) == b"AMD Radeon RX 7900 XTX"
    assert len(client.answer("hipDeviceGetUuid", 0).payload) == 16
    assert client.ok("hipDeviceTotalMem", 0) == client.answer("hipMemGetInfo").values[1]
    assert len(client.answer("hipGetDevicePropertiesR0000", 0).payload) == 792
    assert len(client.answer("hipGetDevicePropertiesR0600", 0).payload) == 1472
    assert client.ok("hipDeviceGetAttribute", 87, 0) == 32
    client.fails("hipErrorInvalidDevice", "hipDeviceTotalMem", 1)
    client.fails("hipErrorInvalidValue", "hipInit", 1)
    client.ok("hipDeviceSetLimit", 2, 1 << 24)
    assert client.ok("hipDeviceGetLimit", 2) == 1 << 24
    client.fails("hipErrorUnsupportedLimit", "hipDeviceGetLimit", 77)


def test_calls_that_may_wait_are_served_on_their_thread(client):
    would = client.context.would_wait
    assert would(Call("hipMemcpy", (1, 2, 3, 4)))
    assert would(Call("hipDeviceSynchronize"))
    assert not would(Call("hipMalloc", (8,)))
    assert not would(Call("hipMemcpyAsync", (1, 2, 3, 4, 0), waits=False))


@pytest.mark.parametrize("keep", [True, False])
def test_what_ran_is_counted_even_if_no_event_is_kept(make_client, keep):
    client = make_client(DeviceControl(keep_trace=keep))
    client.upload(bytes(100))
    client.answer("hipFree", 3)
    summary = client.context.control.trace.summary
    assert (summary.copies["h2d"], summary.copied_bytes["h2d"], summary.failed) == (1, 100, 1)
    assert bool(client.events) == keep
    client.context.close()


def test_two_clients_know_nothing_of_one_another(make_client):
    control = DeviceControl()
    one, other = make_client(control), make_client(control)
    address = one.upload(b"mine")
    assert other.answer("hipFree", address).code == 1
    one.context.close()
    assert control.all_contexts() == [other.context]
    other.ok("hipMalloc", 4)
    other.context.close()
