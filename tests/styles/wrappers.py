"""Correct wrappers in as many styles as people write them, over a few small kernels.

`affine`: out[r, c] = 2 * x[r, c] + shift[c] in float32. Each style is a module with the function `affine`, unless it
says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

KERNELS = """\
#include <hip/hip_runtime.h>

extern "C" __global__ void affine_kernel(const float* x, const float* shift, float* out, unsigned rows,
                                         unsigned cols) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];
}

extern "C" __global__ void affine_flag_kernel(const float* x, const float* shift, float* out, unsigned rows,
                                              unsigned cols, int* done) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];
  if (i == 0) *done = 1;
}

extern "C" __global__ void affine_inplace_kernel(float* x, const float* shift, unsigned rows, unsigned cols) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < rows * cols) x[i] = 2.0f * x[i] + shift[i % cols];
}

extern "C" __global__ void twice_kernel(const float* x, float* half, unsigned count) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < count) half[i] = 2.0f * x[i];
}

extern "C" __global__ void plus_kernel(const float* half, const float* shift, float* out, unsigned rows,
                                       unsigned cols) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < rows * cols) out[i] = half[i] + shift[i % cols];
}

extern "C" __global__ void affine_pitched_kernel(const float* x, const float* shift, float* out, unsigned rows,
                                                 unsigned cols, unsigned pitch) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < rows * cols) out[i] = 2.0f * x[i / cols * pitch + i % cols] + shift[i % cols];
}
"""

SYMBOLS = (
    "affine_kernel",
    "affine_flag_kernel",
    "affine_inplace_kernel",
    "twice_kernel",
    "plus_kernel",
    "affine_pitched_kernel",
)

HIP = "import ctypes\n\nimport numpy as np\nfrom rocm.bindings import hip\n\nfrom kernels.gpu import affine_on, checked, launch, pointer\n\n\n"
SIZES = "    sizes = ctypes.c_uint32(rows), ctypes.c_uint32(cols)\n"


@dataclass(frozen=True)
class Style:
    """One style. `wrapper` is the reference; `symbols` are the kernels that it launches; `contract` are
    replacements in the honest contract; `uploads` what it may upload; `files` its modules; `opaque`:
    its launch cannot be followed in the sources."""

    name: str
    text: str
    wrapper: str = ""
    symbols: tuple[str, ...] = ("affine_kernel",)
    contract: tuple[tuple[str, str], ...] = ()
    uploads: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    second: bool = False
    opaque: bool = False

    @property
    def reference(self) -> str:
        return self.wrapper or f"kernels.{self.name}:affine"


def plain(body: str, head: str = "") -> str:
    """A module whose function `affine` has this body."""
    return f"{HIP}{head}def affine(x, shift, out, rows, cols):\n{body}"


_LAUNCH = '    affine_on("affine_kernel", x, shift, out, rows, cols)\n'
_INPLACE = (
    ('    out = Out("rows cols", F32)\n', ""),
    ('x = In("rows cols", F32)', 'x = InOut("rows cols", F32)'),
    (
        "wrapper(arrays.x, arrays.shift, arrays.out, dims.rows, dims.cols)",
        "wrapper(arrays.x, arrays.shift, dims.rows, dims.cols)",
    ),
)

STYLES = (
    Style("plain_function", plain(_LAUNCH)),
    Style(
        "callable_instance",
        f"{HIP}class Launcher:\n    def __init__(self, symbol):\n        self.symbol = symbol\n\n"
        "    def __call__(self, x, shift, out, rows, cols):\n"
        "        affine_on(self.symbol, x, shift, out, rows, cols)\n\n\naffine = Launcher('affine_kernel')\n",
    ),
    Style(
        "named_as_its_kernel",
        f"{HIP}def affine_kernel(x, shift, out, rows, cols):\n{_LAUNCH}",
        wrapper="kernels.named_as_its_kernel:affine_kernel",
    ),
    Style(
        "two_halves",
        plain(
            "    first = rows // 2\n"
            "    for begin, count in ((0, first), (first, rows - first)):\n"
            "        if count:\n"
            "            at = 4 * begin * cols\n"
            "            sizes = ctypes.c_uint32(count), ctypes.c_uint32(cols)\n"
            "            there = ctypes.c_void_p(int(x) + at), pointer(shift), ctypes.c_void_p(int(out) + at)\n"
            '            launch("affine_kernel", count * cols, *there, *sizes)\n'
        ),
    ),
    Style(
        "status_flag",
        plain(
            "    done = checked(hip.hipMalloc(4))\n    checked(hip.hipMemset(done, 0, 4))\n"
            + SIZES
            + '    launch("affine_flag_kernel", rows * cols, pointer(x), pointer(shift), pointer(out), *sizes, pointer(done))\n'
            "    host = np.zeros(1, np.int32)\n"
            "    checked(hip.hipMemcpy(host, done, 4, hip.hipMemcpyKind.hipMemcpyDeviceToHost))\n"
            "    checked(hip.hipFree(done))\n"
            "    if host[0] != 1:\n        raise RuntimeError('the kernel did not run')\n"
        ),
        symbols=("affine_flag_kernel",),
    ),
    Style(
        "copied_asynchronously_first",
        plain(
            "    size = 4 * rows * cols\n    mine = checked(hip.hipMallocAsync(size, None))\n"
            "    checked(hip.hipMemcpyAsync(mine, int(x), size, hip.hipMemcpyKind.hipMemcpyDeviceToDevice, None))\n"
            + SIZES
            + '    launch("affine_kernel", rows * cols, pointer(mine), pointer(shift), pointer(out), *sizes)\n'
            "    checked(hip.hipFreeAsync(mine, None))\n    checked(hip.hipDeviceSynchronize())\n"
        ),
    ),
    Style(
        "in_place",
        f"{HIP}def affine(x, shift, rows, cols):\n{SIZES}"
        '    launch("affine_inplace_kernel", rows * cols, pointer(x), pointer(shift), *sizes)\n',
        symbols=("affine_inplace_kernel",),
        contract=_INPLACE,
    ),
    Style(
        "in_place_canonical",
        f"{HIP}def affine(x, shift, rows, cols):\n{SIZES}"
        '    launch("affine_inplace_kernel", rows * cols, pointer(x), pointer(shift), *sizes)\n',
        symbols=("affine_inplace_kernel",),
        contract=(
            *_INPLACE,
            (
                "    def magnitude(",
                "    def canonical(self, x):\n        return np.sort(x, axis=0)\n\n    def magnitude(",
            ),
        ),
    ),
    Style(
        "under_src",
        "",
        wrapper="affinity.ops:affine",
        files={
            "src/affinity/__init__.py": "",
            "src/affinity/ops.py": "from kernels.gpu import affine_on\n\n\ndef affine(x, shift, out, rows, cols):\n"
            + _LAUNCH,
        },
    ),
    Style(
        "in_a_package",
        "",
        wrapper="kernels.packaged:affine",
        files={
            "kernels/packaged/__init__.py": "from kernels.packaged.launchers import affine\n\n__all__ = ['affine']\n",
            "kernels/packaged/launchers.py": "from ..gpu import affine_on\n\n\ndef affine(x, shift, out, rows, cols):\n"
            + _LAUNCH,
        },
    ),
    Style(
        "static_method",
        f"{HIP}class Ops:\n    @staticmethod\n    def affine(x, shift, out, rows, cols):\n"
        "        affine_on('affine_kernel', x, shift, out, rows, cols)\n\n\naffine = Ops.affine\n",
    ),
    Style(
        "bound_method",
        f"{HIP}class Ops:\n    symbol = 'affine_kernel'\n\n    def affine(self, x, shift, out, rows, cols):\n"
        "        affine_on(self.symbol, x, shift, out, rows, cols)\n\n\nOPS = Ops()\naffine = OPS.affine\n",
    ),
    Style(
        "partial",
        f"{HIP}from functools import partial\n\naffine = partial(affine_on, 'affine_kernel')\n",
    ),
    Style(
        "a_lambda",
        f"{HIP}affine = lambda x, shift, out, rows, cols: affine_on('affine_kernel', x, shift, out, rows, cols)\n",
    ),
    Style(
        "decorated",
        f"{HIP}import functools\n\n\ndef counted(function):\n    @functools.wraps(function)\n"
        "    def inner(*arguments):\n        inner.calls += 1\n        return function(*arguments)\n\n"
        f"    inner.calls = 0\n    return inner\n\n\n@counted\ndef affine(x, shift, out, rows, cols):\n{_LAUNCH}",
    ),
    Style(
        "own_stream",
        plain(
            "    stream = checked(hip.hipStreamCreate())\n"
            '    affine_on("affine_kernel", x, shift, out, rows, cols, stream=stream)\n'
            "    checked(hip.hipStreamSynchronize(stream))\n    checked(hip.hipStreamDestroy(stream))\n"
        ),
    ),
    Style(
        "two_streams_and_an_event",
        plain(
            "    first, second = checked(hip.hipStreamCreate()), checked(hip.hipStreamCreate())\n"
            "    done = checked(hip.hipEventCreate())\n    half = checked(hip.hipMalloc(4 * rows * cols))\n"
            '    launch("twice_kernel", rows * cols, pointer(x), pointer(half), ctypes.c_uint32(rows * cols), stream=first)\n'
            "    checked(hip.hipEventRecord(done, first))\n    checked(hip.hipStreamWaitEvent(second, done, 0))\n"
            + SIZES
            + '    launch("plus_kernel", rows * cols, pointer(half), pointer(shift), pointer(out), *sizes, stream=second)\n'
            "    checked(hip.hipStreamSynchronize(second))\n    checked(hip.hipFree(half))\n"
            "    checked(hip.hipEventDestroy(done))\n"
            "    for stream in (first, second):\n        checked(hip.hipStreamDestroy(stream))\n"
        ),
        symbols=("plus_kernel", "twice_kernel"),
    ),
    Style(
        "two_kernels_and_a_workspace",
        plain(
            "    half = checked(hip.hipMalloc(4 * rows * cols))\n    try:\n"
            '        launch("twice_kernel", rows * cols, pointer(x), pointer(half), ctypes.c_uint32(rows * cols))\n'
            "    "
            + SIZES
            + '        launch("plus_kernel", rows * cols, pointer(half), pointer(shift), pointer(out), *sizes)\n'
            "        checked(hip.hipDeviceSynchronize())\n    finally:\n        checked(hip.hipFree(half))\n"
        ),
        symbols=("plus_kernel", "twice_kernel"),
    ),
    Style(
        "captured_graph",
        plain(
            "    stream = checked(hip.hipStreamCreateWithFlags(1))\n"
            "    checked(hip.hipStreamBeginCapture(stream, hip.hipStreamCaptureMode.hipStreamCaptureModeRelaxed))\n"
            '    affine_on("affine_kernel", x, shift, out, rows, cols, stream=stream)\n'
            "    graph = checked(hip.hipStreamEndCapture(stream))\n"
            "    ready = checked(hip.hipGraphInstantiate(graph, 0))\n"
            "    checked(hip.hipGraphLaunch(ready, stream))\n    checked(hip.hipStreamSynchronize(stream))\n"
            "    checked(hip.hipGraphExecDestroy(ready))\n    checked(hip.hipGraphDestroy(graph))\n"
            "    checked(hip.hipStreamDestroy(stream))\n"
        ),
    ),
    Style(
        "uploads_a_table",
        plain(
            "    size = 4 * cols\n    table = checked(hip.hipMalloc(size))\n"
            "    checked(hip.hipMemcpy(table, shift, size, hip.hipMemcpyKind.hipMemcpyHostToDevice))\n"
            + SIZES
            + '    launch("affine_kernel", rows * cols, pointer(x), pointer(table), pointer(out), *sizes)\n'
            "    checked(hip.hipDeviceSynchronize())\n    checked(hip.hipFree(table))\n"
        ),
        contract=(
            ('shift = In("cols", F32)', 'shift = HostIn("cols", F32)'),
            ("F32, Dims, In,", "F32, Dims, HostIn, In,"),
        ),
        uploads=("shift",),
    ),
    Style(
        "through_pinned_memory",
        plain(
            "    size = 4 * cols\n    table, staged = checked(hip.hipMalloc(size)), checked(hip.hipHostMalloc(size, 0))\n"
            "    ctypes.memmove(int(staged), shift.ctypes.data, size)\n"
            "    stream = checked(hip.hipStreamCreate())\n"
            "    checked(hip.hipMemcpyAsync(table, staged, size, hip.hipMemcpyKind.hipMemcpyHostToDevice, stream))\n"
            + SIZES
            + '    launch("affine_kernel", rows * cols, pointer(x), pointer(table), pointer(out), *sizes, stream=stream)\n'
            "    checked(hip.hipStreamSynchronize(stream))\n    checked(hip.hipStreamDestroy(stream))\n"
            "    checked(hip.hipHostFree(staged))\n    checked(hip.hipFree(table))\n"
        ),
        contract=(
            ('shift = In("cols", F32)', 'shift = HostIn("cols", F32)'),
            ("F32, Dims, In,", "F32, Dims, HostIn, In,"),
        ),
        uploads=("shift",),
    ),
    Style(
        "strided_view",
        f"{HIP}def affine(x, shift, out, rows, cols, pitch):\n{SIZES}"
        '    launch("affine_pitched_kernel", rows * cols, pointer(x), pointer(shift), pointer(out), *sizes, '
        "ctypes.c_uint32(pitch))\n",
        symbols=("affine_pitched_kernel",),
        contract=(
            ('x = In("rows cols", F32)', 'x = In("rows cols*2", F32)'),
            ("arrays.out, dims.rows, dims.cols)", "arrays.out, dims.rows, dims.cols, 2 * dims.cols)"),
            ("        return 2 * x + shift\n", "        return 2 * x[:, : shift.size] + shift\n"),
            ("2 * abs(x) + abs(shift)", "2 * abs(x[:, : shift.size]) + abs(shift)"),
            ("2 * x - shift, ", "2 * x[:, : shift.size] - shift, "),
            ("2 * x + 2 * shift", "2 * x[:, : shift.size] + 2 * shift"),
        ),
    ),
    Style(
        "chunks_of_rows",
        plain(
            "    for begin in range(0, rows, 128):\n        count = min(128, rows - begin)\n"
            "        at = 4 * begin * cols\n"
            "        there = ctypes.c_void_p(int(x) + at), pointer(shift), ctypes.c_void_p(int(out) + at)\n"
            '        launch("affine_kernel", count * cols, *there, ctypes.c_uint32(count), ctypes.c_uint32(cols))\n'
        ),
    ),
    Style(
        "module_of_its_own",
        plain(
            "    affine_on(_names()['affine'], x, shift, out, rows, cols)\n",
            head="from functools import lru_cache\n\n\n@lru_cache\ndef _names():\n    return {'affine': 'affine_kernel'}\n\n\n",
        ),
    ),
    Style(
        "keyword_arguments",
        f"{HIP}def affine(*, data, bias, result, shape):\n    rows, cols = shape\n"
        '    affine_on("affine_kernel", data, bias, result, rows, cols)\n',
        contract=(
            (
                "wrapper(arrays.x, arrays.shift, arrays.out, dims.rows, dims.cols)",
                "wrapper(data=arrays.x, bias=arrays.shift, result=arrays.out, shape=(dims.rows, dims.cols))",
            ),
        ),
    ),
    Style(
        "named_at_run_time",
        plain(
            "    path = os.environ['AFFINE_HSACO']\n"
            "    module = checked(getattr(hip, 'hipModule' + 'Load')(path.encode()))\n"
            "    function = checked(hip.hipModuleGetFunction(module, b'affine_kernel'))\n"
            "    start = getattr(hip, ''.join(['hip', 'Module', 'Launch', 'Kernel']))\n"
            + SIZES
            + "    given = pointer(x), pointer(shift), pointer(out), *sizes\n"
            "    checked(start(function, -(-rows * cols // 64), 1, 1, 64, 1, 1, 0, None, None, given))\n"
            "    checked(hip.hipDeviceSynchronize())\n    checked(hip.hipModuleUnload(module))\n",
            head="import os\n\n\n",
        ),
        opaque=True,
    ),
    Style("several_contracts", plain(_LAUNCH), second=True),
    Style(
        "context_manager",
        plain(
            '    with on_stream() as stream:\n        affine_on("affine_kernel", x, shift, out, rows, cols, stream=stream)\n',
            head="from contextlib import contextmanager\n\n\n@contextmanager\ndef on_stream():\n"
            "    stream = checked(hip.hipStreamCreate())\n    try:\n        yield stream\n"
            "        checked(hip.hipStreamSynchronize(stream))\n    finally:\n"
            "        checked(hip.hipStreamDestroy(stream))\n\n\n",
        ),
    ),
)
