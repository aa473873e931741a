"""Which copies wait for an answer, and which take their bytes along."""

from __future__ import annotations

import pytest

from rocverify.device.hip.calls import Answer
from tests.device.library.clients import run_python
from tests.device.library.fake_device import DEVICE_START, SHARED_START, fake_device

ANSWERS = {"hipHostMalloc": lambda *_: Answer(values=(SHARED_START,))}
COPIES = f"""
pinned = c_void_p()
hip.hipHostMalloc(byref(pinned), c_size_t(100000), 0)
device, pageable = pointer({DEVICE_START + 4096}), ctypes.create_string_buffer(100000)
def copy(to, origin, size, kind):
    assert hip.hipMemcpyAsync(to, origin, c_size_t(size), kind, None) == 0
copy(device, pinned, 100, 1)
copy(pinned, device, 100, 2)
copy(device, pageable, 100, 1)
copy(device, pageable, 50000, 1)
copy(pageable, device, 100, 2)
copy(device, device, 100, 3)
"""


def kinds(device):
    """Of each asynchronous copy: does its caller wait for an answer, does it take its bytes along."""
    return [(call.waits, call.inline) for call in device.only.named("hipMemcpyAsync")]


@pytest.mark.parametrize(
    ("eager", "expected"),
    [
        (True, [(False, False), (False, False), (False, True), (True, False), (True, False), (False, False)]),
        (False, [(False, False)] * 6),
    ],
)
def test_copies_on_streams(eager, expected):
    with fake_device(ANSWERS, eager=eager) as device:
        run = run_python(COPIES, device.path)
    assert run.stderr == ""
    assert kinds(device) == expected


@pytest.mark.parametrize(
    "copy",
    [
        "device, pageable, c_size_t(8), 2, None",
        "pageable, device, c_size_t(8), 1, None",
        "device, None, c_size_t(8), 1, None",
        "device, device, c_size_t(8), 7, None",
        "device, device, c_size_t(8), 3, pointer(0x777)",
        "device, device, c_size_t(0), 3, None",
    ],
)
def test_what_is_not_plainly_right_is_judged_by_the_device_process(copy):
    text = f"""
    device, pageable = pointer({DEVICE_START + 4096}), ctypes.create_string_buffer(100)
    print(hip.hipMemcpyAsync({copy}))
    """
    with fake_device({"hipMemcpyAsync": lambda *_: Answer(21)}, eager=False) as device:
        run = run_python(text, device.path)
    assert run.stdout == "21\n", run.stderr
    assert kinds(device) == [(True, False)]


def test_what_a_captured_copy_reads_is_read_when_its_graph_is_launched():
    text = f"""
    device, pageable = pointer({DEVICE_START + 4096}), ctypes.create_string_buffer(100)
    stream = c_void_p()
    hip.hipStreamCreate(byref(stream))
    for _ in range(2):
        hip.hipStreamBeginCapture(stream, 0)
        hip.hipMemcpyAsync(device, pageable, c_size_t(8), 1, stream)
        hip.hipStreamEndCapture(stream, byref(c_void_p()))
        hip.hipMemcpyAsync(device, pageable, c_size_t(8), 1, stream)
    """
    with fake_device({"hipStreamCreate": lambda *_: Answer(values=(0x500,))}) as device:
        run = run_python(text, device.path)
    assert run.stderr == ""
    assert kinds(device) == [(True, False), (False, True)] * 2
