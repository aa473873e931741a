"""The real HIP runtime (libamdhip64) by its C functions, called with plain numbers.

The library is opened by its path in a namespace of symbols of its own, so that another HIP library in the
process is not in its way.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rocverify.device.base import DeviceInfo, RejectedDevice
from rocverify.errors import DeviceError, DeviceUnavailableError

NAMES = ("libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so")
PROPERTIES = "hipGetDevicePropertiesR0600"
"""HIP runtimes before 6.0 lack it."""

_INSTALL_HINT = "install ROCm 6.0 or later and set ROCM_PATH, or use --device emulator"
_DRIVER_HINT = (
    "check that the amdgpu driver is loaded, that this user is in the groups render and video, and "
    "HIP_VISIBLE_DEVICES; or use --device emulator"
)
_PROPERTIES_BYTES = 4096
_INVALID_VALUE = 1
_ATTRIBUTES = {"multiprocessors": 63, "wavefront_size": 87}
"""hipDeviceAttributeMultiprocessorCount and WarpSize, in the numbering of ROCm 6 and later."""

_PTR, _SIZE, _INT, _UINT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_uint
_OUT = ctypes.POINTER(ctypes.c_void_p)
_SIGNATURES: dict[str, Sequence[Any]] = {
    "hipInit": (_UINT,),
    "hipGetDeviceCount": (ctypes.POINTER(_INT),),
    "hipSetDevice": (_INT,),
    "hipDeviceReset": (),
    PROPERTIES: (_PTR, _INT),
    "hipDeviceGetAttribute": (ctypes.POINTER(_INT), _INT, _INT),
    "hipRuntimeGetVersion": (ctypes.POINTER(_INT),),
    "hipMemGetInfo": (ctypes.POINTER(_SIZE), ctypes.POINTER(_SIZE)),
    "hipMalloc": (_OUT, _SIZE),
    "hipFree": (_PTR,),
    "hipHostRegister": (_PTR, _SIZE, _UINT),
    "hipHostUnregister": (_PTR,),
    "hipHostGetDevicePointer": (_OUT, _PTR, _UINT),
    "hipMemcpy": (_PTR, _PTR, _SIZE, _INT),
    "hipMemset": (_PTR, _INT, _SIZE),
    "hipMemsetD16": (_PTR, ctypes.c_ushort, _SIZE),
    "hipMemsetD32": (_PTR, _INT, _SIZE),
    "hipModuleLoadData": (_OUT, _PTR),
    "hipModuleUnload": (_PTR,),
    "hipModuleGetFunction": (_OUT, _PTR, ctypes.c_char_p),
    "hipModuleGetGlobal": (_OUT, ctypes.POINTER(_SIZE), _PTR, ctypes.c_char_p),
    "hipModuleLaunchKernel": (_PTR, *(_UINT,) * 7, _PTR, _PTR, _PTR),
    "hipModuleLaunchCooperativeKernel": (_PTR, *(_UINT,) * 7, _PTR, _PTR),
    "hipExtModuleLaunchKernel": (_PTR, *(_UINT,) * 6, _SIZE, _PTR, _PTR, _PTR, _PTR, _PTR, _UINT),
    "hipDeviceSynchronize": (),
    "hipGetLastError": (),
    "hipEventCreate": (_OUT,),
    "hipEventDestroy": (_PTR,),
    "hipEventRecord": (_PTR, _PTR),
    "hipEventElapsedTime": (ctypes.POINTER(ctypes.c_float), _PTR, _PTR),
}
_LMID_NEWLM = -1


class HipRuntimeError(DeviceError):
    """A call of the real runtime failed; `code` is its hipError_t."""

    def __init__(self, call: str, code: int, words: str) -> None:
        super().__init__(f"{call} returned {code} ({words})", where="HIP runtime")
        self.code = code


@dataclass(slots=True)
class _State:
    """Of one library, however often it is opened: how many allocations there are, the fault that has made the
    device useless, and how often it was reset."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    held: int = 0
    fault: HipRuntimeError | None = None
    resets: int = 0


_STATES: dict[int, _State] = {}


class AmdRuntime:
    """One opened HIP library and its first visible GPU; `info` is what a report names."""

    def __init__(self, library: ctypes.CDLL, rejected: tuple[RejectedDevice, ...] = ()) -> None:
        self._library = library
        self._state = _STATES.setdefault(library._handle, _State())
        for name, arguments in _SIGNATURES.items():
            if hasattr(library, name):
                function = getattr(library, name)
                function.argtypes, function.restype = list(arguments), ctypes.c_int
        library.hipGetErrorString.argtypes, library.hipGetErrorString.restype = (
            [ctypes.c_int],
            ctypes.c_char_p,
        )
        self.begin()
        self._require_device()
        self.info = self._describe(rejected)

    @classmethod
    def open(cls, path: Path | None = None, *, rejected: tuple[RejectedDevice, ...] = ()) -> AmdRuntime:
        """Opens the runtime at `path`, else the ROCm's that is installed; DeviceUnavailableError with the
        exact reason if there is none or no GPU."""
        tried = []
        for candidate in [str(path)] if path is not None else _candidates():
            try:
                return cls(ctypes.CDLL(candidate, mode=os.RTLD_LOCAL | os.RTLD_NOW), rejected)
            except OSError as error:
                tried.append(str(error))
        raise DeviceUnavailableError(
            f"the HIP runtime (libamdhip64) cannot be loaded: {tried[0]}", hint=_INSTALL_HINT
        )

    def call(self, name: str, *arguments: Any) -> None:
        """A call that must succeed; HipRuntimeError if it does not."""
        code = getattr(self._library, name)(*arguments)
        if code:
            raise HipRuntimeError(
                name, code, self._library.hipGetErrorString(code).decode("utf-8", "replace")
            )

    def address(self, name: str, *arguments: Any) -> int:
        """A call whose first parameter receives a pointer or handle: that."""
        result = ctypes.c_void_p()
        self.call(name, ctypes.byref(result), *arguments)
        return result.value or 0

    def number(self, name: str, *arguments: Any) -> int:
        """A call whose first parameter receives an int: that."""
        result = ctypes.c_int()
        self.call(name, ctypes.byref(result), *arguments)
        return result.value

    def give_back(self, name: str, *arguments: Any) -> None:
        """A call that frees something. After a fault it may tell of that once more, which is no news."""
        try:
            self.call(name, *arguments)
        except HipRuntimeError:
            if self._state.fault is None:
                raise

    @property
    def resets(self) -> int:
        """How often the device was reset: modules of before are gone."""
        return self._state.resets

    def broken(self, fault: HipRuntimeError) -> None:
        """A kernel has faulted: whatever is called may tell so from now on."""
        self._state.fault = fault

    def hold(self) -> None:
        """Somebody has memory on the device."""
        with self._state.lock:
            self._state.held += 1

    def let_go(self) -> None:
        """It is freed."""
        with self._state.lock:
            self._state.held -= 1

    def begin(self) -> None:
        """Something new is about to begin: a device that has faulted, and on which nobody has memory any
        more, is reset. Its modules are gone then."""
        with self._state.lock:
            if self._state.fault is None or self._state.held:
                return
            self.call("hipDeviceReset")
            self.call("hipSetDevice", 0)
            self._state.fault = None
            self._state.resets += 1

    def properties(self) -> bytes:
        """hipDeviceProp_t in the layout of ROCm 6."""
        buffer = ctypes.create_string_buffer(_PROPERTIES_BYTES)
        self.call(PROPERTIES, buffer, 0)
        return buffer.raw

    def attribute(self, number: int) -> int | None:
        """A device attribute; None where the runtime does not know the number."""
        try:
            return self.number("hipDeviceGetAttribute", number, 0)
        except HipRuntimeError as error:
            if error.code != _INVALID_VALUE:
                raise
            return None

    def memory_info(self) -> tuple[int, int]:
        """Free and total bytes."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("hipMemGetInfo", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def _require_device(self) -> None:
        try:
            self.call("hipInit", 0)
            count = self.number("hipGetDeviceCount")
        except HipRuntimeError as error:
            note = "" if Path("/dev/kfd").exists() else " (there is no /dev/kfd)"
            raise DeviceUnavailableError(f"{error.message}{note}", hint=_DRIVER_HINT) from error
        if count < 1:
            raise DeviceUnavailableError(f"the HIP runtime sees {count} GPUs", hint=_DRIVER_HINT)
        if not hasattr(self._library, PROPERTIES):
            raise DeviceUnavailableError(
                f"HIP runtime {self._version()} is too old, it lacks {PROPERTIES}", hint=_INSTALL_HINT
            )
        self.call("hipSetDevice", 0)

    def _version(self) -> str:
        number = self.number("hipRuntimeGetVersion")
        return f"{number // 10_000_000}.{number // 100_000 % 100}.{number % 100_000}"

    def _describe(self, rejected: tuple[RejectedDevice, ...]) -> DeviceInfo:
        from rocverify.device.hip.properties import name_and_arch

        name, arch = name_and_arch(self.properties())
        return DeviceInfo(
            kind="amd",
            name=name,
            target=arch.partition(":")[0],
            arch=arch,
            runtime=f"HIP {self._version()}",
            rejected=rejected,
            details={
                "multiprocessors": self.number("hipDeviceGetAttribute", _ATTRIBUTES["multiprocessors"], 0),
                "wavefront_size": self.number("hipDeviceGetAttribute", _ATTRIBUTES["wavefront_size"], 0),
                "global_memory_bytes": self.memory_info()[1],
            },
        )


def _candidates() -> list[str]:
    """The installed runtimes, newest interface first; the loader's own search comes last."""
    roots = [root for root in (os.environ.get("ROCM_PATH"), "/opt/rocm") if root]
    found = [str(path) for root in roots for name in NAMES if (path := Path(root, "lib", name)).exists()]
    return [*found, *NAMES]
