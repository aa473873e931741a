# options: modules
"""Properties and attributes, a matrix with a pitch, dynamic LDS."""

from __future__ import annotations

import ctypes

import numpy as np
from rocm.bindings import hip
from support import MODULES, check, close, ok

UP, DOWN = hip.hipMemcpyKind.hipMemcpyHostToDevice, hip.hipMemcpyKind.hipMemcpyDeviceToHost
ROWS, WIDTH = 37, 61

properties = ok(hip.hipGetDeviceProperties(0))
warp = ok(hip.hipDeviceGetAttribute(hip.hipDeviceAttribute_t.hipDeviceAttributeWarpSize, 0))
check(properties.warpSize == warp, "properties and attributes agree on the size of a wave")
check(properties.gcnArchName.startswith("gfx"), "the target has a name")
check(ok(hip.hipGetDeviceCount()) >= 1, "there is a device")
free, total = ok(hip.hipMemGetInfo())
check(0 < free <= total == properties.totalGlobalMem, "memory is what the properties say")

rng = np.random.default_rng(5)
matrix = rng.integers(-8, 9, (ROWS, WIDTH)).astype(np.float32)
x = rng.integers(-8, 9, WIDTH).astype(np.float32)
on_matrix, pitch = ok(hip.hipMallocPitch(WIDTH * 4, ROWS))
ok(hip.hipMemcpy2D(on_matrix, pitch, matrix, WIDTH * 4, WIDTH * 4, ROWS, UP))
on_x, on_y, on_rows = (
    ok(hip.hipMalloc(x.nbytes)),
    ok(hip.hipMalloc(ROWS * 4)),
    ok(hip.hipMalloc(matrix.nbytes)),
)
ok(hip.hipMemcpy(on_x, x, x.nbytes, UP))
module = ok(hip.hipModuleLoadData((MODULES / "kernels.co").read_bytes()))
matvec = ok(hip.hipModuleGetFunction(module, b"matvec"))
extra = (on_matrix, ctypes.c_size_t(pitch), on_x, on_y, ctypes.c_int(ROWS), ctypes.c_int(WIDTH))
ok(hip.hipModuleLaunchKernel(matvec, 1, 1, 1, 64, 1, 1, 0, None, None, extra))
seen = np.zeros(ROWS, dtype=np.float32)
ok(hip.hipMemcpy(seen, on_y, seen.nbytes, DOWN))
check(np.array_equal(seen, matrix @ x), "matrix times vector")

row_sums = ok(hip.hipModuleGetFunction(module, b"row_sums"))
ok(hip.hipMemcpy(on_rows, matrix, matrix.nbytes, UP))
ok(hip.hipMemset(on_y, 0, ROWS * 4))
extra = (on_rows, on_y, ctypes.c_int(WIDTH))
ok(hip.hipModuleLaunchKernel(row_sums, ROWS, 1, 1, 32, 1, 1, 32 * 4, None, None, extra))
ok(hip.hipMemcpy(seen, on_y, seen.nbytes, DOWN))
check(np.array_equal(seen, matrix.sum(axis=1)), "sums of rows")
for pointer in (on_matrix, on_x, on_y, on_rows):
    ok(hip.hipFree(pointer))
ok(hip.hipModuleUnload(module))
close("properties_rows")
