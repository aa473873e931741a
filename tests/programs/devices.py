"""Device processes of tests' own, for programs that are started without `rocverify exec`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rocverify.device.process.client import DeviceProcess, RemoteDevice
from rocverify.device.process.devices import DeviceOptions
from rocverify.settings import Settings
from rocverify.toolchain.discover import Toolchain


@contextmanager
def emulated(cache_dir: Path, order: str = "eager") -> Iterator[RemoteDevice]:
    """An emulated device in a process of its own."""
    found = Toolchain.discover(Settings())
    process = DeviceProcess()
    try:
        yield process.open(
            DeviceOptions(
                "emulator",
                "gfx1100",
                order=order,
                cache_dir=cache_dir,
                objdump=found.objdump,
                clang=found.clang,
            )
        )
    finally:
        process.close()
