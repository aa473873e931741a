# options: modules
"""Streams, events and their times, and a captured graph that is launched several times."""

from __future__ import annotations

import ctypes

import numpy as np
from rocm.bindings import hip
from support import MODULES, check, close, ok

UP, DOWN = hip.hipMemcpyKind.hipMemcpyHostToDevice, hip.hipMemcpyKind.hipMemcpyDeviceToHost
COUNT = 1024

module = ok(hip.hipModuleLoad(str(MODULES / "bundle.hipfb").encode()))
saxpy = ok(hip.hipModuleGetFunction(module, b"saxpy"))
stream = ok(hip.hipStreamCreateWithFlags(1))
start, stop = ok(hip.hipEventCreate()), ok(hip.hipEventCreate())
x = np.arange(COUNT, dtype=np.float32)
y = np.zeros(COUNT, dtype=np.float32)
on_x, on_y = ok(hip.hipMalloc(x.nbytes)), ok(hip.hipMalloc(y.nbytes))
ok(hip.hipMemcpyAsync(on_x, x, x.nbytes, UP, stream))
ok(hip.hipMemcpyAsync(on_y, y, y.nbytes, UP, stream))


def launch(factor: float) -> None:
    extra = (ctypes.c_float(factor), on_x, on_y, ctypes.c_int(COUNT))
    ok(hip.hipModuleLaunchKernel(saxpy, COUNT // 128, 1, 1, 128, 1, 1, 0, stream, None, extra))


ok(hip.hipEventRecord(start, stream))
launch(3.0)
ok(hip.hipEventRecord(stop, stream))
ok(hip.hipEventSynchronize(stop))
check(0.0 < ok(hip.hipEventElapsedTime(start, stop)) < 600_000.0, "a time that is plausible")

ok(hip.hipStreamBeginCapture(stream, hip.hipStreamCaptureMode.hipStreamCaptureModeGlobal))
launch(1.0)
launch(10.0)
graph = ok(hip.hipStreamEndCapture(stream))
executable = ok(hip.hipGraphInstantiateWithFlags(graph, 0))
for _ in range(4):
    ok(hip.hipGraphLaunch(executable, stream))
ok(hip.hipMemcpyAsync(y, on_y, y.nbytes, DOWN, stream))
ok(hip.hipStreamSynchronize(stream))
check(np.array_equal(y, 47.0 * x), "one launch, and four of a graph of two")
ok(hip.hipGraphExecDestroy(executable))
ok(hip.hipGraphDestroy(graph))
for event in (start, stop):
    ok(hip.hipEventDestroy(event))
for pointer in (on_x, on_y):
    ok(hip.hipFree(pointer))
ok(hip.hipStreamDestroy(stream))
ok(hip.hipModuleUnload(module))
close("streams_graph")
