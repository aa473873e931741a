"""Counters through the device: `open_device(..., counters=True)` and what launches leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rocverify.device.process.client import RemoteDevice
from rocverify.device.select import open_device
from rocverify.errors import DeviceUnavailableError
from rocverify.settings import Settings
from rocverify.toolchain.discover import Toolchain


@pytest.fixture
def counting(toolchain: Toolchain, kept: Path) -> Iterator[RemoteDevice]:
    device = open_device(
        "emulator",
        "gfx1100",
        settings=Settings(),
        toolchain=toolchain,
        cache_dir=kept,
        counters=True,
    )
    assert isinstance(device, RemoteDevice)
    yield device
    device.close()


def launch(device: RemoteDevice, image: bytes, kernel: bytes, blocks: int = 1) -> None:
    hip: Any = device.hip
    _, module = hip.hipModuleLoadData(image)
    _, function = hip.hipModuleGetFunction(module, kernel)
    (code,) = hip.hipModuleLaunchKernel(function, blocks, 1, 1, 64, 1, 1, 0, None, None, None)
    assert code == hip.hipError_t.hipSuccess


def test_every_launch_is_counted_with_its_kernel(counting: RemoteDevice, image: bytes) -> None:
    launch(counting, image, b"nothing")
    launch(counting, image, b"nothing", blocks=5)
    names, counters = zip(*counting.launch_counters, strict=True)
    assert names == ("nothing", "nothing")
    assert [one.instructions.end for one in counters] == [2, 10]
    assert counting.last_launch is not None
    assert counting.last_launch.counters == counters[1]
    counting.launch_counters.clear()
    launch(counting, image, b"nothing")
    assert len(counting.launch_counters) == 1


def test_a_device_counts_only_if_asked_to(emulator: RemoteDevice, image: bytes) -> None:
    launch(emulator, image, b"nothing")
    assert emulator.launch_counters == []
    assert emulator.last_launch is not None
    assert emulator.last_launch.counters is None


def test_a_gpu_is_passed_over_when_counters_are_wanted(toolchain: Toolchain) -> None:
    with pytest.raises(DeviceUnavailableError, match="does not count"):
        open_device("amd", "gfx1100", settings=Settings(), toolchain=toolchain, counters=True)
    device = open_device("auto", "gfx1100", settings=Settings(), toolchain=toolchain, counters=True)
    try:
        assert device.kind == "emulator"
        assert [refusal.kind for refusal in device.info.rejected] == ["amd"]
    finally:
        device.close()
