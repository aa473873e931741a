"""Emulated devices for tests: each worker of pytest has one device process, each test a device of its own
in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property, partial
from pathlib import Path

import pytest

from rocverify.checks.context import CheckContext, debug_twin_of
from rocverify.device.hip.executor import Order
from rocverify.device.process.client import DeviceProcess, RemoteDevice
from rocverify.device.process.devices import DeviceOptions
from rocverify.toolchain.discover import Toolchain

TARGET = "gfx1100"


@cache
def device_process() -> DeviceProcess:
    """The device process of this worker; it ends with it."""
    return DeviceProcess()


class LentProcess:
    """The device process of this worker, as a CheckContext has one: `close` ends what it has opened."""

    def __init__(self, context: CheckContext) -> None:
        self._debug_twin = partial(debug_twin_of, context)
        self._opened: list[RemoteDevice] = []

    def open(self, options: DeviceOptions) -> RemoteDevice:
        process = device_process()
        process.debug_twin = self._debug_twin
        self._opened.append(process.open(options))
        return self._opened[-1]

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()


def lend_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has contexts share the worker's device process: a start of Python less for each. For tests that try no
    attack on it."""
    lent = cached_property(LentProcess)
    lent.__set_name__(CheckContext, "process")
    monkeypatch.setattr(CheckContext, "process", lent)


@contextmanager
def emulated(
    toolchain: Toolchain,
    cache_dir: Path,
    *,
    target: str = TARGET,
    root: Path | None = None,
    threads: int = 2,
    counters: bool = False,
    coverage: bool = False,
    order: Order = "eager",
    drawn: bool = False,
    seed: int = 0,
    sanitize: bool = False,
    launch_timeout_s: float | None = None,
) -> Iterator[RemoteDevice]:
    """A device whose translations are kept in `cache_dir`."""
    device = device_process().open(
        DeviceOptions(
            "emulator",
            target,
            root=root,
            threads=threads,
            counters=counters,
            coverage=coverage,
            order=order,
            drawn=drawn,
            seed=seed,
            sanitize=sanitize,
            launch_timeout_s=launch_timeout_s,
            cache_dir=cache_dir,
            objdump=toolchain.objdump,
            clang=toolchain.clang,
        )
    )
    yield device
    device.close()
