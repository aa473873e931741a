"""A device process within the test's own: a server over an emulated device, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rocverify.device.process import protocol
from rocverify.device.process.devices import DeviceOptions, OpenedDevice, open_device
from rocverify.device.process.server import Server
from rocverify.toolchain.discover import Toolchain
from tests.device.process.raw_client import RawClient

NUMBERS = {name: number for number, name in enumerate(protocol.calls())}
MakeClient = Callable[..., RawClient]


@pytest.fixture
def device(toolchain: Toolchain, kept: Path) -> OpenedDevice:
    options = DeviceOptions(
        "emulator",
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        threads=2,
        cache_dir=kept,
    )
    return open_device(options)


@pytest.fixture
def server(device: OpenedDevice) -> Iterator[Server]:
    served = Server([device.context])
    yield served
    served.close()


@pytest.fixture
def connect(server: Server) -> Iterator[MakeClient]:
    """Makes clients, which are closed at the end."""
    with ExitStack() as stack:

        def make(**how: int) -> RawClient:
            client = RawClient(server.path, NUMBERS, **how)
            stack.callback(client.close)
            return client

        yield make
