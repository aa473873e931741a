"""What every device is: hip-python's functions under one roof, and the facts a report names.

A device is opened by `rocverify.device.select.open_device`. Its `hip` is a namespace that offers
hip-python's functions, enums and classes under their own names: the module itself on a real GPU, the
emulator's facade otherwise. Host code is written once, against hip-python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from rocverify.device.faults import FaultReport


@dataclass(frozen=True, slots=True)
class RejectedDevice:
    """A kind of device that was looked at before this one, and why it was not taken."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a report says of the device that ran. `arch` is the full name with its features
    (`gfx90a:sramecc+:xnack-`), `target` the part that a compiler takes (`gfx90a`)."""

    kind: str
    name: str
    target: str
    arch: str
    runtime: str
    rejected: tuple[RejectedDevice, ...] = ()
    details: Mapping[str, int | str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "kind": self.kind,
            "name": self.name,
            "target": self.target,
            "arch": self.arch,
            "runtime": self.runtime,
            "rejected": [{"kind": r.kind, "reason": r.reason} for r in self.rejected],
            "details": dict(self.details),
        }


@runtime_checkable
class Device(Protocol):
    """An opened device. All methods may be called from any thread."""

    @property
    def kind(self) -> str:
        """`amd` or `emulator`."""

    @property
    def name(self) -> str:
        """The product's name, for people."""

    @property
    def target(self) -> str:
        """The gfx target whose code objects it loads."""

    @property
    def info(self) -> DeviceInfo:
        """The facts that a report names."""

    @property
    def hip(self) -> Any:
        """The namespace of hip-python's functions, enums and classes."""

    def is_device_address(self, address: int) -> bool | None:
        """Whether the address lies in a live device allocation; None where the device cannot say."""

    def kernel_name(self, function: int) -> str | None:
        """The symbol of a loaded kernel by its function handle, None if the handle is not known."""

    def last_fault(self) -> FaultReport | None:
        """The fault that the last launch ended with, None if there was none or it was cleared."""

    def last_reason(self) -> str | None:
        """Why the calling thread's last failing call failed, in a sentence; None where only the code
        is known."""

    def clear_fault(self) -> None:
        """Makes the device usable again after a fault, where that is possible."""

    def close(self) -> None:
        """Gives up what the device holds. Closing twice is harmless."""
