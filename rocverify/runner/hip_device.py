"""The fixture `hip_device`: a device of its own for each test.

It is a `rocverify.Device` for kernels called on NumPy arrays, and has HIP's own interface beside that: for
hip-python in the test's process (`hip`), and for programs that the test starts (`environment`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rocverify.device.by_hand.device import DEFAULT_TIMEOUT_S, Device
from rocverify.errors import UsageError

if TYPE_CHECKING:
    from rocverify.device.process.client import DeviceProcess, RemoteDevice
    from rocverify.device.trace.events import TraceEvent

MARKER = "hip_device"


class HipDevice(Device):
    """What the fixture gives. `process` makes a device process when it is asked for."""

    def __init__(
        self,
        process: Callable[[], DeviceProcess],
        target: str | None = None,
        *,
        sanitize: bool = True,
        strict: bool = False,
        counters: bool = True,
        threads: int | None = None,
        timeout_s: float | None = DEFAULT_TIMEOUT_S,
    ) -> None:
        super().__init__(
            target, sanitize=sanitize, strict=strict, counters=counters, threads=threads, timeout_s=timeout_s
        )
        self._process = process
        self._remote: RemoteDevice | None = None
        self._seen: list[Any] = []
        self._counted: list[tuple[str, Any]] = []

    @classmethod
    def marked(cls, process: Callable[[], DeviceProcess], options: Mapping[str, Any]) -> HipDevice:
        """A device as the marker asks for it; UsageError for what it cannot ask."""
        try:
            return cls(process, **options)
        except TypeError as error:
            raise UsageError(
                f"@pytest.mark.{MARKER}: {error}", hint="pytest --markers shows what it takes"
            ) from None

    @property
    def hip(self) -> Any:
        """hip-python's module; its calls go to this device from now on, until another device is attached."""
        return self.remote.hip

    @property
    def events(self) -> Sequence[TraceEvent]:
        """Every HIP call of hip-python and of programs on this device, in order."""
        return self.remote.events(0)

    def environment(self) -> dict[str, str]:
        """The environment for a program that the test starts: its HIP calls come to this device."""
        return {**os.environ, **self.remote.environment()}

    @property
    def remote(self) -> RemoteDevice:
        """The device that HIP calls go to, in a process of its own."""
        if self._remote is None:
            self._remote = self._process().open(self._options())
        return self._remote

    def _options(self) -> Any:
        from rocverify.device.select import device_options

        workspace = self._workspace
        options = device_options(
            workspace.settings, workspace.installed, root=workspace.root, cache_dir=workspace.cache_dir
        )
        watch = self._watch
        return replace(
            options,
            kind="emulator",
            target=self.target or options.target,
            counters=watch.counters,
            sanitize=watch.sanitize,
            strict_lockstep=watch.strict,
            threads=self._threads or options.threads,
            launch_timeout_s=self._timeout_s,
        )

    @property
    def findings(self) -> list[Any]:
        """What was found in all launches, and in what hosts did. UsageError without the sanitizer."""
        found: list[Any] = list(super().findings)
        if self._remote is not None:
            self._seen += [*self._remote.take_findings(), *self._remote.take_host_findings()]
        return [*found, *self._seen]

    @property
    def counters(self) -> list[tuple[str, Any]]:
        """Kernel and counts of every launch. UsageError if nothing is counted."""
        counted = super().counters
        if self._remote is not None:
            self._counted += self._remote.take_counters()
        return [*counted, *self._counted]

    def close(self) -> None:
        """Ends the device; hip-python is not attached to it any more."""
        super().close()
        if self._remote is not None:
            self._remote.close()
            self._remote = None
