"""An opened device and the project's code as its client: what the judge drives a kernel with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rocverify.device.process.client import RemoteDevice
    from rocverify.device.process.tracer import Tracer
    from rocverify.subject.session import Subject


@dataclass(frozen=True, slots=True)
class LaunchSession:
    """An opened device, and the project's code, which is a client of it in a process of its own. `variables`
    tell it where code objects are; None where there is none."""

    root: Path
    device: RemoteDevice
    tracer: Tracer
    subject: Subject
    variables: Mapping[str, str | None]

    @property
    def hip(self) -> Any:
        """hip-python's functions on the device, for calls of the judge's own."""
        return self.device.hip
