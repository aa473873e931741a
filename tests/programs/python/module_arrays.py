# options: modules
"""A module, NumPy arrays up and down, a global of the module, errors as values."""

from __future__ import annotations

import ctypes

import numpy as np
from rocm.bindings import hip
from support import MODULES, check, close, ok

UP, DOWN = hip.hipMemcpyKind.hipMemcpyHostToDevice, hip.hipMemcpyKind.hipMemcpyDeviceToHost
COUNT = 5000

x = np.arange(COUNT, dtype=np.float32) * 0.5
y = (np.arange(COUNT) % 9).astype(np.float32)
seen = np.zeros_like(y)
module = ok(hip.hipModuleLoad(str(MODULES / "kernels.co").encode()))
saxpy = ok(hip.hipModuleGetFunction(module, b"saxpy"))
on_x, on_y = ok(hip.hipMalloc(x.nbytes)), ok(hip.hipMalloc(y.nbytes))
ok(hip.hipMemcpy(on_x, x, x.nbytes, UP))
ok(hip.hipMemcpy(on_y, y, y.nbytes, UP))
arguments = (ctypes.c_float(2.5), on_x, on_y, ctypes.c_int(COUNT))
for _ in range(2):
    ok(hip.hipModuleLaunchKernel(saxpy, -(-COUNT // 256), 1, 1, 256, 1, 1, 0, None, None, arguments))
ok(hip.hipMemcpy(seen, on_y, seen.nbytes, DOWN))
check(np.array_equal(seen, 5.0 * x + y), "two launches of saxpy")

address, size = ok(hip.hipModuleGetGlobal(module, b"launches"))
launches = np.zeros(1, dtype=np.int32)
ok(hip.hipMemcpy(launches, address, 4, DOWN))
check(size == 4 and launches[0] == 2, "the module counts its launches")
(error, *_) = hip.hipModuleGetFunction(module, b"absent")
check(error == hip.hipError_t.hipErrorNotFound, "a kernel that is not there is not found")
hip.hipGetLastError()
ok(hip.hipFree(on_x))
ok(hip.hipFree(on_y))
ok(hip.hipModuleUnload(module))
close("module_arrays")
