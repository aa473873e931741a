"""`rocverify.load`: kernels as Python calls, on an emulated GPU of one's own.

softmax = rocverify.load("k.hip", sanitize=True)["row_softmax"]
softmax[(rows, 1, 1), (256, 1, 1)](x, y, n)
assert not softmax.findings
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from rocverify.device.by_hand.arrays import Array, DeviceArray, dtype_of, shape_of
from rocverify.device.by_hand.files import KernelFile, kernels_in, open_kernels
from rocverify.device.by_hand.kernel import Defaults, Kernel, Launch, findings_of
from rocverify.device.by_hand.machine import Watch, open_machine
from rocverify.device.by_hand.workspace import Workspace
from rocverify.device.emulator.load.loaded import LoadedModule
from rocverify.errors import UsageError
from rocverify.kernel_names import demangled

if TYPE_CHECKING:
    from rocverify.device.emulator.counters import Counters
    from rocverify.device.emulator.machine import Machine
    from rocverify.device.emulator.sanitize.findings import Finding

DEFAULT_TIMEOUT_S = 300.0

_TRITON_POINTERS = 2
"""Scratch and profiling memory: Triton's launcher appends them, and kernels that use neither take null."""


class Device:
    """An emulated GPU for launches from Python. What is loaded first settles its target, unless `target`
    does.

    `sanitize` looks for undefined values, races and misused barriers (`strict`: lanes do not run in
    lockstep either); `counters` counts exactly what launches do. `timeout_s` stops a launch.
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        sanitize: bool = False,
        strict: bool = False,
        counters: bool = False,
        threads: int | None = None,
        timeout_s: float | None = DEFAULT_TIMEOUT_S,
    ) -> None:
        self._target, self._threads, self._timeout_s = target, threads, timeout_s
        self._watch = Watch(counters=counters, sanitize=sanitize or strict, strict=strict)
        self._workspace = Workspace.here()
        self._machine: Machine | None = None
        self.launches: list[Launch] = []

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the device; what was loaded on it cannot be launched any more."""
        if self._machine is not None:
            self._machine.close()
            self._machine.memory.close()
            self._machine = None

    @property
    def target(self) -> str | None:
        """The processor that it is; None before anything was loaded."""
        return self._machine.target if self._machine is not None else self._target

    def load(self, file: Any, *, target: str | None = None, flags: Sequence[str] = ()) -> Module:
        """The kernels of a source, a code object, a bundle or a host program, by path or as bytes, or of
        what Triton compiled. `flags` are for the compiler of a source.

        Raises UsageError for a file that cannot be read, CompileError, CodeObjectError, WrongTargetError for
        one that holds nothing for this device, DeviceUnavailableError for a target that the emulator does not
        run.
        """
        found, defaults = self._opened(file, target or self.target, flags)
        machine = self._machine_for(found)
        loaded = [machine.load(image.data, found.where, found.debug_twin) for image in found.images]
        return Module(self, machine, found, loaded, defaults)

    def _opened(
        self, file: Any, target: str | None, flags: Sequence[str]
    ) -> tuple[KernelFile, Defaults | None]:
        preferred = self._workspace.settings.targets
        if isinstance(file, str | os.PathLike):
            return open_kernels(Path(file), self._workspace, target=target, flags=flags), None
        if isinstance(file, bytes | bytearray | memoryview):
            return kernels_in(bytes(file), "code object", preferred, target), None
        code = getattr(file, "asm", None)
        if isinstance(code, Mapping) and "cubin" in code:
            name = getattr(getattr(file, "metadata", file), "name", "")
            raise UsageError(
                f"the kernel {name} was compiled for an NVIDIA GPU",
                hint='compile it with target=GPUTarget("hip", "gfx1100", 32), or another AMD target',
            )
        if not isinstance(code, Mapping) or not isinstance(code.get("hsaco"), bytes):
            raise UsageError(
                f"a {type(file).__name__} holds no kernels",
                hint="pass a path, bytes, or what Triton compiled for an AMD GPU",
            )
        facts = getattr(file, "metadata", file)
        found = kernels_in(code["hsaco"], str(getattr(facts, "name", "kernel")), preferred, target)
        return found, _triton_defaults(facts, found)

    def _machine_for(self, found: KernelFile) -> Machine:
        if self._machine is None:
            self._machine = open_machine(
                found.target, self._workspace, self._watch, where=found.where, threads=self._threads
            )
        return self._machine

    def array(self, values: Any, dtype: DTypeLike | None = None) -> DeviceArray:
        """A device array with these values; it keeps them from launch to launch."""
        host: Array = np.ascontiguousarray(values, dtype)
        made = self.empty(np.shape(values), host.dtype)
        self.machine.memory.write(made.address, host.reshape(-1).view(np.uint8).data)
        return made

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> DeviceArray:
        """A device array that nothing was written to: with `sanitize` a kernel that reads it is found."""
        memory = self.machine.memory
        made = DeviceArray(memory, shape_of(shape), dtype_of(dtype))
        memory.undefine(made.address, made.nbytes)
        return made

    @property
    def machine(self) -> Machine:
        """The emulated GPU. Before anything is loaded it needs `target`, else the settings' first."""
        if self._machine is None:
            target = self._target or self._workspace.settings.targets[0]
            self._machine = open_machine(
                target, self._workspace, self._watch, where="the device", threads=self._threads
            )
        return self._machine

    @property
    def findings(self) -> list[Finding]:
        """What the sanitizer found in all launches. UsageError if it was not asked for: nobody looked."""
        return findings_of(self.launches, sanitizes=self._watch.sanitize)

    @property
    def counters(self) -> list[tuple[str, Counters]]:
        """Kernel and counts of every launch that ended. UsageError if nothing was counted."""
        if not self._watch.counters:
            raise UsageError("nothing was counted", hint="load with counters=True")
        return [(one.kernel, one.counters) for one in self.launches if one.counters is not None]

    def _kernel(
        self, machine: Machine, module: LoadedModule, name: str, source: str, defaults: Defaults | None
    ) -> Kernel:
        readable = demangled([name], self._workspace.demangler)[name]
        return Kernel(
            machine,
            module.kernel(name),
            readable,
            (self._watch.counters, self._watch.sanitize),
            timeout_s=self._timeout_s,
            source=source,
            defaults=defaults,
            note=self.launches.append,
        )


class Module(Mapping[str, Kernel]):
    """The kernels of a loaded file by name: mangled, demangled, or as short as it is unambiguous."""

    def __init__(
        self,
        device: Device,
        machine: Machine,
        file: KernelFile,
        loaded: Sequence[LoadedModule],
        defaults: Defaults | None,
    ) -> None:
        self.device = device
        self._machine, self._file, self._loaded, self._defaults = machine, file, loaded, defaults
        self._kernels: dict[str, Kernel] = {}

    def __getitem__(self, name: str) -> Kernel:
        """Raises UsageError, listing the candidates, where no kernel or more than one is called so."""
        image, found = self._file.find(name, self.device._workspace.demangler)
        if found not in self._kernels:
            module = self._loaded[self._file.images.index(image)]
            self._kernels[found] = self.device._kernel(
                self._machine, module, found, self._file.source, self._defaults
            )
        return self._kernels[found]

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.kernels)

    def __len__(self) -> int:
        return len(self._file.kernels)

    def __repr__(self) -> str:
        names = demangled(self._file.kernels, self.device._workspace.demangler)
        return f"<{self._file.where}, for {self._file.target}: {', '.join(names.values()) or 'no kernel'}>"


def _triton_defaults(facts: Any, found: KernelFile) -> Defaults:
    """What Triton's own launcher would pass: the block is its warps, the dynamic LDS its shared memory."""
    waves = int(getattr(facts, "num_warps", 1))
    lanes = next(iter(found.images[0].facts.kernels.values())).wavefront_size
    return Defaults((waves * lanes, 1, 1), int(getattr(facts, "shared", 0)), _TRITON_POINTERS)


def load(
    file: Any,
    *,
    target: str | None = None,
    flags: Sequence[str] = (),
    sanitize: bool = False,
    strict: bool = False,
    counters: bool = False,
    threads: int | None = None,
    timeout_s: float | None = DEFAULT_TIMEOUT_S,
) -> Module:
    """Loads kernels on an emulated GPU of their own; see Device and Device.load."""
    device = Device(
        target, sanitize=sanitize, strict=strict, counters=counters, threads=threads, timeout_s=timeout_s
    )
    return device.load(file, target=target, flags=flags)
