"""A kernel to call from Python: `softmax[(rows, 1, 1), (256, 1, 1)](x, y, n)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rocverify.device.by_hand.arrays import ArrayCopies
from rocverify.device.by_hand.launch import launch_interruptibly
from rocverify.device.by_hand.launch_arguments import described, kernarg_of
from rocverify.device.by_hand.parameter_types import types_of
from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.load.kernarg import Geometry, Triple
from rocverify.device.emulator.machine import LaunchStats, LoadedKernel, Machine
from rocverify.errors import UsageError

if TYPE_CHECKING:
    from rocverify.device.emulator.counters import Counters
    from rocverify.device.emulator.sanitize.findings import Finding, Findings


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a launch takes that names a grid only, and how many trailing pointers the caller leaves out: for
    kernels of compilers that decide these."""

    block: Triple
    shared_bytes: int
    hidden_pointers: int


@dataclass(frozen=True, slots=True)
class Launch:
    """What one launch did. `stats` is None where it faulted; `observed_findings` and `counters` are None on a
    device that does not look for them."""

    kernel: str
    geometry: Geometry
    stats: LaunchStats | None
    observed_findings: Findings | None = None

    @property
    def counters(self) -> Counters | None:
        """What was counted; None after a fault and without counters."""
        return None if self.stats is None else self.stats.counters

    def __repr__(self) -> str:
        grid, block = self.geometry.grid, self.geometry.block
        done = "faulted" if self.stats is None else f"{self.stats.wave_instructions} wave instructions"
        return f"<launch of {self.kernel}, grid {grid}, block {block}: {done}>"


class Kernel:
    """One kernel of a loaded file; made by `Module[...]`.

    `kernel[grid, block]` or `kernel[grid, block, dynamic_lds_bytes]` gives what is called with the
    arguments; `grid` counts workgroups, `block` work-items, each a number or up to three.
    """

    def __init__(
        self,
        machine: Machine,
        loaded: LoadedKernel,
        readable: str,
        watch: tuple[bool, bool],
        *,
        timeout_s: float | None,
        source: str = "",
        defaults: Defaults | None = None,
        note: Callable[[Launch], None] = lambda _: None,
    ) -> None:
        self._machine, self._loaded, self._note = machine, loaded, note
        self._counts, self._sanitizes = watch
        self._timeout_s, self._defaults = timeout_s, defaults
        self.metadata = loaded.metadata
        self.readable = readable
        self.launches: list[Launch] = []
        self._types = types_of(readable, self.metadata.explicit_args, source, loaded.name)

    @property
    def name(self) -> str:
        """The name as the code object has it."""
        return self._loaded.name

    def __getitem__(self, geometry: Any) -> Callable[..., Launch]:
        grid, block, shared = self._geometry(geometry)

        def call(*arguments: Any) -> Launch:
            return self.launch(grid, block, arguments, shared_bytes=shared)

        return call

    def launch(
        self,
        grid: int | Sequence[int],
        block: int | Sequence[int],
        arguments: Sequence[Any] = (),
        *,
        shared_bytes: int = 0,
        cooperative: bool = False,
    ) -> Launch:
        """Runs the kernel to its end; arrays are then as it left them.

        Raises UsageError for arguments that are not the kernel's, DeviceFaultError with its `report` where
        the kernel faults (arrays then stay as they were), DeviceError for an impossible launch and for a
        write into a read-only array, UnsupportedInstructionError for what the emulator lacks.
        """
        geometry = Geometry(
            _triple(grid, "the grid"), _triple(block, "the block"), _count(shared_bytes), cooperative
        )
        copies = ArrayCopies(self._machine.memory)
        try:
            kernarg = kernarg_of(
                self._shown,
                self.metadata.explicit_args,
                self._types,
                self._completed(arguments),
                copies,
                self._machine.memory,
            )
            done = self._run(geometry, kernarg)
            copies.collect()
        finally:
            copies.free()
        return done

    def _run(self, geometry: Geometry, kernarg: bytes) -> Launch:
        try:
            stats = launch_interruptibly(self._machine, self._loaded, geometry, kernarg, self._timeout_s)
        except KernelFaultError as error:
            self._add(Launch(self.name, geometry, None, error.observed.get("sanitizer")))
            raise
        return self._add(Launch(self.name, geometry, stats, stats.findings))

    def _add(self, launch: Launch) -> Launch:
        self.launches.append(launch)
        self._note(launch)
        return launch

    def _completed(self, arguments: Sequence[Any]) -> Sequence[Any]:
        takes = self.metadata.explicit_args
        missing = len(takes) - len(arguments)
        hidden = self._defaults.hidden_pointers if self._defaults else 0
        if 0 < missing <= hidden and all(arg.kind == "global_buffer" for arg in takes[-missing:]):
            return (*arguments, *[None] * missing)
        return arguments

    @property
    def findings(self) -> list[Finding]:
        """What the sanitizer found in all launches. UsageError if it was not asked for: nobody looked."""
        return findings_of(self.launches, sanitizes=self._sanitizes)

    @property
    def counters(self) -> Counters:
        """What the last launch counted (`launches` has every one's). UsageError if nothing was counted."""
        if not self._counts:
            raise UsageError("nothing was counted", where=self._shown, hint="load with counters=True")
        counted = self.launches[-1].counters if self.launches else None
        if counted is None:
            raise UsageError("has not been launched to its end", where=self._shown)
        return counted

    @property
    def _shown(self) -> str:
        return self.readable

    def _geometry(self, item: Any) -> tuple[Triple, Triple, int]:
        parts = item if isinstance(item, tuple) else (item,)
        if self._defaults is not None and all(isinstance(part, int) for part in parts) and len(parts) <= 3:
            return _triple(parts, "the grid"), self._defaults.block, self._defaults.shared_bytes
        if not 2 <= len(parts) <= 3:
            raise UsageError(
                "takes kernel[grid, block] or kernel[grid, block, dynamic_lds_bytes]", where=self._shown
            )
        shared = _count(parts[2]) if len(parts) == 3 else 0
        return _triple(parts[0], "the grid"), _triple(parts[1], "the block"), shared

    def __repr__(self) -> str:
        takes = ", ".join(
            described(i, arg, self._types[i]) for i, arg in enumerate(self.metadata.explicit_args)
        )
        return f"<kernel {self.readable}: {takes or 'no arguments'}>"


def findings_of(launches: Sequence[Launch], *, sanitizes: bool) -> list[Finding]:
    """The findings of several launches. UsageError where the sanitizer was not at work."""
    if not sanitizes:
        raise UsageError("nothing was looked for", hint="load with sanitize=True")
    return [one for launch in launches if launch.observed_findings for one in launch.observed_findings.found]


def _count(value: Any) -> int:
    number = _whole(value)
    if number is None or number < 0:
        raise UsageError(f"{value!r} is not a number of bytes of dynamic LDS")
    return number


def _triple(value: Any, what: str) -> Triple:
    parts = tuple(value) if isinstance(value, Sequence) else (value,)
    numbers = [number for part in parts if (number := _whole(part)) is not None]
    if not 1 <= len(parts) <= 3 or len(numbers) != len(parts):
        raise UsageError(f"{what} is a number or up to three, not {value!r}")
    numbers += [1, 1]
    return numbers[0], numbers[1], numbers[2]


def _whole(value: Any) -> int | None:
    """An integer of whatever library; None for anything else."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    return int(value.__index__())
