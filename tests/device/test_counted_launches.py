"""Counters through the device: `open_device(..., counters=True)` and what launches leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rocverify.device.process.client import RemoteDevice
from rocverify.device.select import device_options, open_device
from rocverify.errors import DeviceUnavailableError
from rocverify.settings import Settings
from rocverify.toolchain.discover import Toolchain
from tests.devices import device_process, emulated


@pytest.fixture
def counting(toolchain: Toolchain, kept: Path) -> Iterator[RemoteDevice]:
    with emulated(toolchain, kept, counters=True) as device:
        yield device


def launch(device: RemoteDevice, image: bytes, kernel: bytes, blocks: int = 1) -> None:
    hip: Any = device.hip
    _, module = hip.hipModuleLoadData(image)
    _, function = hip.hipModuleGetFunction(module, kernel)
    (code,) = hip.hipModuleLaunchKernel(function, blocks, 1, 1, 64, 1, 1, 0, None, None, None)
    assert code == hip.hipError_t.hipSuccess


def test_every_launch_is_counted_with_its_kernel(counting: RemoteDevice, image: bytes) -> None:
    launch(counting, image, b"nothing")
    launch(counting, image, b"nothing", blocks=5)
    counting.hip.hipDeviceSynchronize()
    names, counters = zip(*counting.take_counters(), strict=True)
    assert names == ("nothing", "nothing")
    assert [one.instructions.end for one in counters] == [2, 10]
    launch(counting, image, b"nothing")
    counting.hip.hipDeviceSynchronize()
    assert len(counting.take_counters()) == 1


def test_a_device_counts_only_if_asked_to(emulator: RemoteDevice, image: bytes) -> None:
    launch(emulator, image, b"nothing")
    emulator.hip.hipDeviceSynchronize()
    assert emulator.take_counters() == []


def test_a_gpu_is_passed_over_when_counters_are_wanted(toolchain: Toolchain) -> None:
    options = replace(device_options(Settings(), toolchain), counters=True)
    with pytest.raises(DeviceUnavailableError, match="does not count"):
        device_process().open(replace(options, kind="amd"))
    device = open_device(replace(options, kind="auto"), device_process().open)
    try:
        assert device.kind == "emulator"
        assert [refusal.kind for refusal in device.info.rejected] == ["amd"]
    finally:
        device.close()
