"""A real AMD GPU as a backend: its own HIP runtime, called from the device process.

The trace, the order of streams and the rules of HIP are those of `device/hip`, the same as over the
emulator; what is executed goes to the runtime one item at a time and is waited for.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Any

from rocverify.device.backends.amd_launch import timed_launch
from rocverify.device.backends.amd_memory import AmdMemory
from rocverify.device.backends.base import Geometry, LaunchOutcome
from rocverify.device.backends.in_part import Whole
from rocverify.device.backends.runtime import AmdRuntime
from rocverify.toolchain.codeobject import CodeObject, read_code_object

KIND = "amd"


class AmdModule:
    """A code object that the runtime has loaded; after a reset of the device it is loaded again when it is
    used."""

    def __init__(
        self, runtime: AmdRuntime, code_object: bytes, label: str, seen: Callable[[int, int, str], None]
    ) -> None:
        """`seen` is told address, size and name of the variables that are asked for."""
        self.metadata: CodeObject = read_code_object(code_object, label)
        self._runtime, self._code_object = runtime, code_object
        self._handle, self._resets = self._load(), runtime.resets
        self._seen = seen
        self.symbols: dict[int, int] = {}

    def _load(self) -> int:
        buffer = ctypes.create_string_buffer(self._code_object, len(self._code_object))
        return self._runtime.address("hipModuleLoadData", ctypes.addressof(buffer))

    @property
    def handle(self) -> int:
        """The runtime's own."""
        if self._resets != self._runtime.resets:
            self._handle, self._resets = self._load(), self._runtime.resets
        return self._handle

    def symbol(self, name: str) -> tuple[int, int]:
        """Address and size of a device variable."""
        address, size = ctypes.c_void_p(), ctypes.c_size_t()
        self._runtime.call(
            "hipModuleGetGlobal", ctypes.byref(address), ctypes.byref(size), self.handle, name.encode()
        )
        base = address.value or 0
        self.symbols[base] = size.value
        self._seen(base, size.value, name)
        return base, size.value

    def variables(self) -> list[tuple[int, int]]:
        """Address and size of the device variables that were asked for."""
        return list(self.symbols.items())

    def unload(self) -> None:
        """Ends it."""
        if self._resets == self._runtime.resets:
            self._runtime.give_back("hipModuleUnload", self._handle)


class AmdBackend(AmdMemory, Whole):
    """One client's share of a GPU."""

    kind = KIND

    def __init__(self, runtime: AmdRuntime) -> None:
        super().__init__(runtime)
        self.info = runtime.info
        self._modules: set[AmdModule] = set()
        self._closed = False

    def load(self, code_object: bytes, label: str) -> AmdModule:
        """Loads a code object of this device's target."""
        self._runtime.begin()
        module = AmdModule(self._runtime, code_object, label, self._keep_symbol)
        self._modules.add(module)
        return module

    def unload(self, module: Any) -> None:
        """Ends a module; its memory is given back."""
        self._modules.discard(module)
        for address in module.symbols:
            self._live.forget(address)
        module.unload()

    def launch(self, module: Any, kernel: str, geometry: Geometry, kernarg: bytes) -> LaunchOutcome:
        """Runs a kernel to its end. DeviceError for a launch that no device of the target could run."""
        self._runtime.begin()
        with self._lock:
            function = self._runtime.address("hipModuleGetFunction", module.handle, kernel.encode())
            start, stop = (self._runtime.address("hipEventCreate") for _ in range(2))
            try:
                return timed_launch(
                    self._runtime, module.metadata, kernel, function, geometry, kernarg, (start, stop)
                )
            finally:
                for event in (start, stop):
                    self._runtime.give_back("hipEventDestroy", event)

    def stop(self) -> None:
        """A GPU's kernels come to their own end."""

    def clock(self) -> float:
        """Seconds, steady: what events are stamped with."""
        return time.perf_counter()

    def close(self) -> None:
        """Gives memory, modules and events back. Closing twice is harmless."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for module in list(self._modules):
            self.unload(module)
        self._give_all_back()
