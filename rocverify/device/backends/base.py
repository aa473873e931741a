"""What a backend is: one client's device, as operations on plain numbers.

`device/hip/` holds HIP's rules and calls these; it knows no emulator and no GPU. Addresses are device
addresses; sizes are bytes. What cannot be done raises DeviceError or a subclass, never another exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rocverify.device.backends.in_part import Parts, Tile
    from rocverify.device.base import DeviceInfo
    from rocverify.device.emulator.counters import Counters
    from rocverify.device.emulator.coverage.record import LaunchCoverage
    from rocverify.device.emulator.sanitize.findings import Finding
    from rocverify.device.excerpt import Excerpt
    from rocverify.device.faults import FaultReport
    from rocverify.toolchain.codeobject import CodeObject


@dataclass(frozen=True, slots=True)
class Region:
    """A range of addresses that a backend owns; nothing lies there in a client but what is shared."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Geometry:
    """A launch's shape: `grid` in workgroups, `block` in work-items, dynamic LDS in bytes. `workitems` is the
    grid in work-items where the block does not divide it, else None."""

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared_bytes: int
    cooperative: bool = False
    workitems: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class LaunchOutcome:
    """What one launch did. `begun` and `ended` are seconds on the backend's clock. With `fault` the launch
    ended there. `accesses` is what the sanitizer has to say of the memory that the launch touched."""

    begun: float
    ended: float
    fault: FaultReport | None = None
    findings: Sequence[Finding] = ()
    counters: Counters | None = None
    coverage: LaunchCoverage | None = None
    printed: Sequence[tuple[str, str]] = ()
    accesses: Any = None
    details: dict[str, Any] = field(default_factory=dict)


class BackendModule(Protocol):
    """A loaded code object."""

    @property
    def metadata(self) -> CodeObject:
        """What the code object says of itself and its kernels."""

    def symbol(self, name: str) -> tuple[int, int]:
        """Address and size of a device variable; DeviceError if there is none."""

    def variables(self) -> list[tuple[int, int]]:
        """Address and size of the device variables, as far as they are known."""


class Range(Protocol):
    """A live allocation."""

    @property
    def base(self) -> int:
        """Its first address."""

    @property
    def size(self) -> int:
        """Its length in bytes."""

    @property
    def label(self) -> str:
        """What messages call it."""


class Backend(Protocol):
    """One client's memory, modules and launches. All methods may be called from any thread."""

    @property
    def kind(self) -> str:
        """`emulator` or `amd`."""

    @property
    def info(self) -> DeviceInfo:
        """The facts that a report names."""

    @property
    def device_region(self) -> Region:
        """Where device memory lies; size 0 where that is not known."""

    @property
    def shared_region(self) -> Region:
        """Where pinned and managed memory lies; offset 0 of `shared_file` is its start."""

    @property
    def shared_file(self) -> int:
        """The file descriptor of the shared memory; the backend keeps and closes it."""

    def memory_info(self) -> tuple[int, int]:
        """Free and total bytes of device memory."""

    def properties_r0600(self) -> bytes | None:
        """hipDeviceProp_tR0600 as a runtime of its own tells it; None where there is none."""

    def attribute(self, number: int) -> int | None:
        """A device attribute as a runtime of its own tells it; None where there is none or it knows none."""

    def malloc(self, size: int, label: str) -> int:
        """Device memory; OutOfDeviceMemoryError if there is not enough."""

    def malloc_shared(self, size: int, label: str) -> int:
        """Memory at the same address in the client, below `shared_region`, whole pages."""

    def reserve_shared(self, size: int) -> int:
        """An offset in the shared file, for pages that the client is about to put there."""

    def adopt(self, address: int, size: int, offset: int, label: str) -> None:
        """Maps what lies at an offset of the shared file at the client's own address: hipHostRegister."""

    def free(self, address: int) -> None:
        """Ends an allocation of any of these kinds; `address` is its base."""

    def find(self, address: int) -> Range | None:
        """The live allocation that holds the byte."""

    def owns(self, address: int) -> bool:
        """Whether the address is device or shared memory, be it live, freed or never allocated."""

    def explain(self, address: int) -> str:
        """What is known of an address, for messages."""

    def read(self, address: int, size: int) -> bytes:
        """A copy of device memory."""

    def write(self, address: int, data: bytes | memoryview) -> None:
        """Copies bytes in."""

    def view(self, address: int, size: int, *, writing: bool) -> memoryview | None:
        """Device memory itself where it can be seen (for copies in one step); None where it cannot."""

    def fill(self, address: int, pattern: bytes, count: int) -> None:
        """`count` repetitions of a pattern of 1, 2 or 4 bytes."""

    def copy(self, target: int, source: int, size: int) -> None:
        """Copies within device and shared memory."""

    def repeat(self, size: int, label: str, tile: Tile) -> int:
        """Device memory that holds a tile, whole pages, over and over and costs what is written of it.
        DeviceError where there is no such thing."""

    def written(self, address: int, size: int) -> list[tuple[int, bytes]]:
        """What was written of such memory, in runs of pages: offset and bytes."""

    def execute_in_part(self, excerpt: Excerpt | None) -> Parts:
        """From now on launches are executed in part (None: whole). Gives the launches that were so since the
        last call."""

    def undefine(self, address: int, size: int) -> None:
        """What these bytes hold is no kernel's to read before it has written them."""

    def load(self, code_object: bytes, label: str) -> BackendModule:
        """Loads a code object of this device's target."""

    def unload(self, module: Any) -> None:
        """Ends a module; its memory is given back."""

    def launch(self, module: Any, kernel: str, geometry: Geometry, kernarg: bytes) -> LaunchOutcome:
        """Runs a kernel to its end. DeviceError for a launch that no device of the target could run."""

    def stop(self) -> None:
        """Ends the launch that is under way, if any, with a fault, where that can be done."""

    def clock(self) -> float:
        """Seconds, steady: what events are stamped with."""

    def close(self) -> None:
        """Gives everything back."""
