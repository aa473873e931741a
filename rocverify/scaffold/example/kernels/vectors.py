"""Host functions: each launches one kernel on device memory and waits for nothing."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

from rocm.bindings import hip

_BLOCK = 256


def add_scaled(a: float, x: Any, y: Any, n: int) -> None:
    """Launches saxpy: y += a * x, both device pointers to n float32."""
    arguments = (
        ctypes.c_float(a),
        ctypes.c_void_p(int(x)),
        ctypes.c_void_p(int(y)),
        ctypes.c_int32(n),
    )
    _launch("SAXPY_HSACO", "saxpy", -(-n // _BLOCK), arguments)


def _launch(variable: str, kernel: str, workgroups: int, arguments: tuple[Any, ...]) -> None:
    module = _module(os.environ[variable])
    function = _checked(hip.hipModuleGetFunction(module, kernel.encode()))
    _checked(hip.hipModuleLaunchKernel(function, workgroups, 1, 1, _BLOCK, 1, 1, 0, None, None, arguments))


@cache
def _module(path: str) -> Any:
    return _checked(hip.hipModuleLoadData(Path(path).read_bytes()))


def _checked(result: tuple[Any, ...]) -> Any:
    code, *values = result
    if code != hip.hipError_t.hipSuccess:
        raise RuntimeError(f"HIP says {code.name}")
    return values[0] if values else None
