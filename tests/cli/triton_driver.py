"""Run by test_exec_triton.py under `rocverify exec`: a kernel launched by Triton's own AMD driver."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import triton
import triton.language as tl
from triton.backends.amd.driver import HIPDriver, HIPLauncher, HIPUtils

HIP = ctypes.CDLL("libamdhip64.so")
TO_DEVICE, TO_HOST = 1, 2


class Driver(HIPDriver):  # type: ignore[misc]
    """As it is, but for what it asks PyTorch: the current device and its stream."""

    def __init__(self) -> None:
        self.utils = HIPUtils()
        self.launcher_cls = HIPLauncher
        self.get_current_device = lambda: 0
        self.set_current_device = lambda _device: None
        self.get_current_stream = lambda _device: 0
        self.get_device_capability = lambda _device=0: (11, 0)


class Tensor:
    """What Triton takes for a tensor: device memory with a dtype."""

    dtype = "float32"

    def __init__(self, host: Any) -> None:
        self.host, self.address = host, ctypes.c_void_p()
        assert HIP.hipMalloc(ctypes.byref(self.address), ctypes.c_size_t(host.nbytes)) == 0
        self._copy(self.address, ctypes.c_void_p(host.ctypes.data), TO_DEVICE)

    def _copy(self, to: ctypes.c_void_p, source: ctypes.c_void_p, kind: int) -> None:
        assert HIP.hipMemcpy(to, source, ctypes.c_size_t(self.host.nbytes), kind) == 0

    def data_ptr(self) -> int:
        return self.address.value or 0

    def numpy(self) -> Any:
        """What the device holds; it is given back afterwards."""
        found = np.empty_like(self.host)
        self._copy(ctypes.c_void_p(found.ctypes.data), self.address, TO_HOST)
        assert HIP.hipFree(self.address) == 0
        return found


@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at, at < n) + tl.load(y + at, at < n), at < n)


def main() -> None:
    triton.runtime.driver.set_active(Driver())
    assert triton.runtime.driver.active.get_current_target().arch == "gfx1100"
    x, y = np.arange(1000, dtype=np.float32), np.ones(1000, np.float32)
    tensors = Tensor(x), Tensor(y), Tensor(np.zeros(1000, np.float32))
    add[(4,)](*tensors, 1000, BLOCK=256)
    results = [tensor.numpy() for tensor in tensors]
    assert np.array_equal(results[2], x + y)
    print("PASS")


if __name__ == "__main__":
    main()
