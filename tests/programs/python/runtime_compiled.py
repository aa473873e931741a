# options: modules
"""A kernel compiled at run time; multiprocessing by spawn: each process has a context of its own."""

from __future__ import annotations

import ctypes
import multiprocessing

import numpy as np
from rocm.bindings import hip, hiprtc
from support import check, close, ok

SOURCE = b"""
extern "C" __global__ void affine(double *values, int count, double factor) {
    int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at < count) values[at] = values[at] * factor + OFFSET;
}
"""
UP, DOWN = hip.hipMemcpyKind.hipMemcpyHostToDevice, hip.hipMemcpyKind.hipMemcpyDeviceToHost


def compiled(source: bytes, *options: bytes) -> tuple[bool, bytes]:
    """Whether it compiles; the code object, or what the compiler said."""
    program = rtc(hiprtc.hiprtcCreateProgram(source, b"affine.hip", 0, None, None))
    (result,) = hiprtc.hiprtcCompileProgram(program, len(options), list(options))
    if result != hiprtc.hiprtcResult.HIPRTC_SUCCESS:
        log = bytearray(rtc(hiprtc.hiprtcGetProgramLogSize(program)))
        rtc(hiprtc.hiprtcGetProgramLog(program, log))
        rtc(hiprtc.hiprtcDestroyProgram(program.createRef()))
        return False, bytes(log)
    code = bytearray(rtc(hiprtc.hiprtcGetCodeSize(program)))
    rtc(hiprtc.hiprtcGetCode(program, code))
    rtc(hiprtc.hiprtcDestroyProgram(program.createRef()))
    return True, bytes(code)


def rtc(result: tuple[object, ...]) -> object:
    error, *values = result
    if error != hiprtc.hiprtcResult.HIPRTC_SUCCESS:
        raise SystemExit(f"{error!r}")
    return values[0] if values else None


def run(code: bytes, factor: float) -> bool:
    values = np.arange(777, dtype=np.float64)
    seen = np.zeros_like(values)
    module = ok(hip.hipModuleLoadData(code))
    affine = ok(hip.hipModuleGetFunction(module, b"affine"))
    on_device = ok(hip.hipMalloc(values.nbytes))
    ok(hip.hipMemcpy(on_device, values, values.nbytes, UP))
    extra = (on_device, ctypes.c_int(700), ctypes.c_double(factor))
    ok(hip.hipModuleLaunchKernel(affine, 11, 1, 1, 64, 1, 1, 0, None, None, extra))
    ok(hip.hipMemcpy(seen, on_device, seen.nbytes, DOWN))
    ok(hip.hipFree(on_device))
    ok(hip.hipModuleUnload(module))
    expected = np.where(np.arange(777) < 700, values * factor + 0.5, values)
    return bool(np.array_equal(seen, expected))


if __name__ == "__main__":
    good, code = compiled(SOURCE, b"-DOFFSET=0.5")
    check(good, "the source compiles")
    check(run(code, 3.0), "the kernel runs")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        check(
            all(pool.starmap(run, [(code, factor) for factor in (1.0, 2.0, 4.0, 8.0)])),
            "in other processes too",
        )
    good, log = compiled(SOURCE)
    check(not good and b"OFFSET" in log, "the log names what is missing")
    close("runtime_compiled")
