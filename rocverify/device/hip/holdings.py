"""What one client holds on its device: allocations, arrays, pools, modules, functions."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from rocverify.device.hip.addresses import side_of
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.state import Allocation, ArrayState, Function, Module, Pool
from rocverify.device.hip.words import Freed

if TYPE_CHECKING:
    from rocverify.device.backends.base import Backend
    from rocverify.device.hip.control import DeviceControl


class Holdings:
    """Tables by address or handle. Handles are numbers that are never used twice in the device process.

    `registered` are the bytes of host memory that programs have registered, by address; whole pages of it are
    allocations. `freed` are allocations that are gone, by address; `unloaded` what is said of handles of
    modules and kernels that are gone, and the call site that ended them. `lock` is held while several tables
    change.
    """

    _handles = itertools.count(0x5A00_0000_1000, 0x10)

    def __init__(self, backend: Backend, control: DeviceControl) -> None:
        self.backend = backend
        self.control = control
        self.lock = threading.RLock()
        self.allocations: dict[int, Allocation] = {}
        self.freed: dict[int, Freed] = {}
        self.registered: dict[int, int] = {}
        self.arrays: dict[int, ArrayState] = {}
        self.pools: dict[int, Pool] = {}
        self.default_pool = self.current_pool = 0
        self.modules: dict[int, Module] = {}
        self.functions: dict[int, Function] = {}
        self.unloaded: dict[int, tuple[str, int]] = {}
        self.device_limits: dict[int, int] = {}

    def new_handle(self) -> int:
        """A number that stands for nothing else, in any client."""
        return next(self._handles)

    def check_device(self, ordinal: int) -> None:
        """HipError for the number of a device that is not there."""
        if not 0 <= ordinal < self.control.devices:
            raise HipError(
                "hipErrorInvalidDevice",
                f"there is no device {ordinal}: there are {self.control.devices}, counted from 0",
            )

    def on_device(self, address: int) -> bool:
        """Whether an address is device or managed memory, be it live, freed or never allocated."""
        return side_of(self, address).on_device

    def allocation_of(self, address: int) -> Allocation | None:
        """What HIP calls allocated that holds an address; None for modules' memory, too."""
        found = self.backend.find(address)
        return None if found is None else self.allocations.get(found.base)

    def give_back(self) -> None:
        """Ends all of it but the program's own modules. Nothing may be queued any more."""
        with self.lock:
            for address in list(self.allocations):
                self.backend.free(address)
            for handle, module in list(self.modules.items()):
                if not module.of_program:
                    self.backend.unload(module.loaded)
                    del self.modules[handle]
            self.functions = {h: f for h, f in self.functions.items() if f.module in self.modules}
            self.allocations.clear()
            self.arrays.clear()
            self.pools.clear()
            self.default_pool = self.current_pool = 0
