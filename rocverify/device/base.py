"""The facts that a report names of a device, and of those that were not taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GPU_DRIVER = Path("/dev/kfd")
"""AMD's kernel driver: without it there is no AMD GPU, and loading ROCm to ask would take long."""


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
