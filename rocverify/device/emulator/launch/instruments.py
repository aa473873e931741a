"""What may watch launches: an instrument adds code when a kernel is translated, and a record of its own
beside the workers when it runs. The machine knows no instrument; whoever makes a machine gives it some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rocverify.device.emulator import abi
from rocverify.device.emulator.load.kernarg import Geometry
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.load.memory import DeviceMemory

if TYPE_CHECKING:
    from rocverify.device.emulator.translate.builder.observers import Observer


@dataclass(frozen=True)
class LaunchContext:
    """One launch under way, as instruments see it."""

    kernel: LoadedKernel
    geometry: Geometry
    memory: DeviceMemory
    launch: abi.Launch
    workers: list[abi.Worker]


class Instrument(Protocol):
    """Watches launches of a machine."""

    name: str
    """Under which a launch's result has what was seen; different names for different added code."""

    single_threaded: bool
    """Whether launches must run on one thread."""

    def wave_bytes(self, lanes: int) -> int:
        """Bytes that the instrument needs in every wave, a multiple of 64, behind the vector registers: from
        VGPR_OFFSET + lanes * OBSERVED_OFFSET_PER_LANE (abi.py) on. One instrument of a machine may."""

    def added_to(self, kernel: LoadedKernel) -> str:
        """What else than the instrument's name and the kernel's code decides the code that is added: empty
        where nothing does. Translations are kept by the code object's digest, the name and this."""

    def observer(self, kernel: LoadedKernel) -> Observer:
        """What adds code to a translation."""

    def begin(self, context: LaunchContext) -> None:
        """Before the workers start: points them at the instrument's record."""

    def finish(self, context: LaunchContext) -> Any:
        """After the workers have stopped, also for a launch that faulted: what was seen."""
