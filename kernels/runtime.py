"""The HIP calls of this package: code objects, launches, uploads. Every error code becomes a HipError.

The path of a kernel's code object stands in an environment variable (kernels.toml: `env`), which is
read at the first launch, so that importing this package needs neither a GPU nor a build.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rocm.bindings import hip

from kernels.errors import CodeObjectMissingError, HipError, PointerError


@dataclass(frozen=True)
class Geometry:
    """Workgroups in the grid and work-items in a workgroup, in x, y and z; bytes of dynamic LDS."""

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared_bytes: int = 0


@dataclass(frozen=True)
class _LoadedModule:
    """A module on one device. `image` stays referenced: the runtime may read it after loading."""

    handle: Any
    image: bytes


# Keyed by path, time of change, size and device ordinal: a rebuilt code object is loaded anew.
_modules: dict[tuple[str, int, int, int], _LoadedModule] = {}


def checked(call: str, result: tuple[Any, ...]) -> Any:
    """The value that a HIP call returned beside hipSuccess (None if it returns no value)."""
    code, *values = result
    if code != hip.hipError_t.hipSuccess:
        raise HipError(call, code)
    return values[0] if values else None


def launch(
    variable: str, symbol: str, geometry: Geometry, arguments: Sequence[Any], stream: Any = None
) -> None:
    """Launches `symbol` of the code object that the environment variable names; does not wait for it.

    arguments: the kernel's arguments as ctypes values, in the order and of the sizes it declares.
    """
    function = checked(
        "hipModuleGetFunction", hip.hipModuleGetFunction(_module(variable).handle, symbol.encode())
    )
    checked(
        "hipModuleLaunchKernel",
        hip.hipModuleLaunchKernel(
            function, *geometry.grid, *geometry.block, geometry.shared_bytes, stream, None, tuple(arguments)
        ),
    )


def _module(variable: str) -> _LoadedModule:
    path = _code_object(variable)
    stat = path.stat()
    device = checked("hipGetDevice", hip.hipGetDevice())
    key = (str(path), stat.st_mtime_ns, stat.st_size, device)
    if key not in _modules:
        image = path.read_bytes()
        _modules[key] = _LoadedModule(checked("hipModuleLoadData", hip.hipModuleLoadData(image)), image)
    return _modules[key]


def _code_object(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        raise CodeObjectMissingError(f"{variable} is unset: it names the code object built from kernels.toml")
    path = Path(value)
    if not path.is_file():
        raise CodeObjectMissingError(f"{variable} names {value}, which is no file")
    return path


def device_pointer(value: Any, name: str) -> ctypes.c_void_p:
    """A device pointer (an int, a hip-python pointer or array) as a kernel argument; never null."""
    try:
        address = int(value)
    except (TypeError, ValueError):
        raise PointerError(f"{name} is no device pointer: {value!r}") from None
    if address <= 0:
        raise PointerError(f"{name} is a null device pointer")
    return ctypes.c_void_p(address)


@contextmanager
def allocated(size: int) -> Iterator[Any]:
    """`size` bytes of device memory, uninitialised, freed at the end of the block.

    Leave the block only when what uses the memory is done.
    """
    pointer = checked("hipMalloc", hip.hipMalloc(size))
    try:
        yield pointer
    finally:
        checked("hipFree", hip.hipFree(pointer))


@contextmanager
def uploaded(array: NDArray[Any]) -> Iterator[Any]:
    """Device memory that holds a copy of `array` (C-contiguous), freed at the end of the block.

    Leave the block only when what reads the memory is done.
    """
    contiguous = np.ascontiguousarray(array)
    pointer = checked("hipMalloc", hip.hipMalloc(contiguous.nbytes))
    try:
        to_device = hip.hipMemcpyKind.hipMemcpyHostToDevice
        checked("hipMemcpy", hip.hipMemcpy(pointer, contiguous, contiguous.nbytes, to_device))
        yield pointer
    finally:
        checked("hipFree", hip.hipFree(pointer))


def download(pointer: Any, target: NDArray[Any]) -> None:
    """Copies device memory into `target` (C-contiguous), after everything in the default stream."""
    from_device = hip.hipMemcpyKind.hipMemcpyDeviceToHost
    checked("hipMemcpy", hip.hipMemcpy(target, pointer, target.nbytes, from_device))


def upload(source: NDArray[Any], pointer: Any) -> None:
    """Copies `source` (C-contiguous) into device memory."""
    to_device = hip.hipMemcpyKind.hipMemcpyHostToDevice
    checked("hipMemcpy", hip.hipMemcpy(pointer, source, source.nbytes, to_device))


def synchronize(stream: Any = None) -> None:
    """Waits until everything in the stream (None: the default stream) is done."""
    checked("hipStreamSynchronize", hip.hipStreamSynchronize(stream))
