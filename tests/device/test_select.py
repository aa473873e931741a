"""Which device is opened, and what is said of those that were not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rocverify.device import select
from rocverify.device.select import OpenRequest, open_device
from rocverify.errors import DeviceUnavailableError, UsageError
from rocverify.settings import Settings


class Opened:
    def __init__(self, request: OpenRequest) -> None:
        self.request = request


def absent(reason: str) -> Any:
    def refuse(_: OpenRequest) -> Any:
        raise DeviceUnavailableError(reason, hint="buy one")

    return refuse


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    known: dict[str, Any] = {"amd": Opened, "emulator": Opened}
    monkeypatch.setattr(select, "DEVICES", known)
    return known


def opened(kind: str) -> Any:
    return open_device(kind, "gfx1100", settings=Settings(), toolchain=None, cache_dir=Path("c"))  # type: ignore[arg-type]


def test_auto_takes_the_gpu_if_there_is_one(devices: dict[str, Any]) -> None:
    devices["emulator"] = absent("not asked")
    assert opened("auto").request.rejected == ()


def test_auto_falls_back_and_says_why(devices: dict[str, Any]) -> None:
    devices["amd"] = absent("hipInit returned hipErrorNoDevice")
    (rejected,) = opened("auto").request.rejected
    assert (rejected.kind, rejected.reason) == ("amd", "hipInit returned hipErrorNoDevice")


def test_nothing_opens(devices: dict[str, Any]) -> None:
    devices["amd"], devices["emulator"] = absent("no GPU"), absent("not for gfx90a")
    with pytest.raises(DeviceUnavailableError, match=r"\(amd: no GPU; emulator: not for gfx90a\)"):
        opened("auto")


def test_a_named_kind_has_no_substitute(devices: dict[str, Any]) -> None:
    devices["amd"] = absent("no GPU")
    with pytest.raises(DeviceUnavailableError, match="no GPU"):
        opened("amd")


def test_unknown_kinds(devices: dict[str, Any]) -> None:
    assert devices
    with pytest.raises(UsageError, match="there is no device 'tpu'") as caught:
        opened("tpu")
    assert caught.value.hint == "use one of auto, amd, emulator"


@pytest.mark.skipif(Path("/dev/kfd").exists(), reason="this machine may have an AMD GPU")
def test_auto_on_this_machine(toolchain: Any, kept: Path) -> None:
    device = open_device("auto", "gfx1100", settings=Settings(), toolchain=toolchain, cache_dir=kept)
    try:
        assert device.kind == "emulator"
        assert [refusal.kind for refusal in device.info.rejected] == ["amd"]
        assert device.hip.hipGetDeviceCount()[1] == 1
    finally:
        device.close()
