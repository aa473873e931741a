"""Wrappers that pretend: the work is not done, done elsewhere, done once, or done by somebody else."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunGallery
from tests.attacks.project import WRAPPER

_LAUNCH = '    affine_on("affine_kernel", x, shift, out, rows, cols)\n'


def instead(text: str, head: str = "") -> str:
    """The honest wrapper with its launch replaced, and lines put before it."""
    assert _LAUNCH in WRAPPER
    return head + WRAPPER.replace(_LAUNCH, text)


_HIP = (
    "import ctypes\n\nimport numpy as np\nfrom rocm.bindings import hip\n\nfrom kernels.gpu import checked\n"
)
_COPY = "    checked(hip.hipMemcpy({to}, {source}, 4 * rows * cols, hip.hipMemcpyKind.{kind}))\n"
_TO_OUT = _COPY.format(to="int(out)", source="int(x)", kind="hipMemcpyDeviceToDevice")
_DOWN_X = "    a = np.empty(rows * cols, np.float32)\n" + _COPY.format(
    to="a", source="int(x)", kind="hipMemcpyDeviceToHost"
)
_DOWN_SHIFT = (
    "    b = np.empty(cols, np.float32)\n"
    "    checked(hip.hipMemcpy(b, int(shift), 4 * cols, hip.hipMemcpyKind.hipMemcpyDeviceToHost))\n"
)
_COMPUTED = "    with np.errstate(all='ignore'):\n        c = 2 * a + np.tile(b, rows)\n"
_UP = _COPY.format(to="int(out)", source="c", kind="hipMemcpyHostToDevice")
_ON_HOST = _DOWN_X + _DOWN_SHIFT + _COMPUTED + _UP

_CONTENT = f"""\
    key = (a.tobytes(), b.tobytes(), cols)
    if key in _known:
        c = _known[key]
{_UP.replace("    checked", "        checked")}        return
    {_LAUNCH.strip()}
    c = np.empty(rows * cols, np.float32)
{_COPY.format(to="c", source="int(out)", kind="hipMemcpyDeviceToHost")}    _known[key] = c
"""

_COMPILED = """\
import ctypes
from pathlib import Path

from rocm.bindings import hip, hiprtc

from kernels.gpu import checked, pointer

SOURCE = (Path(__file__).parent / "affine.hip").read_bytes()


def compiled(*options):
    _, program = hiprtc.hiprtcCreateProgram(SOURCE, b"affine.hip", 0, None, None)
    words = [option.encode() for option in options]
    (result,) = hiprtc.hiprtcCompileProgram(program, len(words), words)
    if result != hiprtc.hiprtcResult.HIPRTC_SUCCESS:
        log = bytearray(hiprtc.hiprtcGetProgramLogSize(program)[1])
        hiprtc.hiprtcGetProgramLog(program, log)
        raise RuntimeError(log.decode())
    code = bytearray(hiprtc.hiprtcGetCodeSize(program)[1])
    hiprtc.hiprtcGetCode(program, code)
    return checked(hip.hipModuleGetFunction(checked(hip.hipModuleLoadData(bytes(code))), b"affine_kernel"))


def launched(function, x, shift, out, rows, cols):
    sizes = ctypes.c_uint32(rows), ctypes.c_uint32(cols)
    arguments = pointer(x), pointer(shift), pointer(out), *sizes
    blocks = -(-rows * cols // 64)
    checked(hip.hipModuleLaunchKernel(function, blocks, 1, 1, 64, 1, 1, 0, None, None, arguments))


FUNCTIONS = []

"""
_LAUNCH_COMPILED = """\
    if not FUNCTIONS:
        FUNCTIONS.append(compiled({}))
    launched(FUNCTIONS[0], x, shift, out, rows, cols)
"""
_BLAS_HEAD = """\
import pathlib

with open("/proc/self/maps") as _maps:
    _hip = next(line.split()[-1] for line in _maps if "libamdhip64.so" in line)
_blas = ctypes.CDLL(str(next(pathlib.Path(_hip).parent.glob("libhipblas.so*"))))

"""
_BLAS = """\
    handle, one, two = ctypes.c_void_p(), ctypes.c_float(1), ctypes.c_float(2)
    size, ref = ctypes.c_int, ctypes.byref
    assert _blas.hipblasCreate(ref(handle)) == 0
    checked(hip.hipMemset(int(out), 0, 4 * rows * cols))
    at = ctypes.c_void_p(int(x)), size(1), ctypes.c_void_p(int(out)), size(1)
    assert _blas.hipblasSaxpy(handle, size(rows * cols), ref(two), *at) == 0
    for row in range(rows):
        at = ctypes.c_void_p(int(shift)), size(1), ctypes.c_void_p(int(out) + 4 * row * cols), size(1)
        assert _blas.hipblasSaxpy(handle, size(cols), ref(one), *at) == 0
    assert _blas.hipblasDestroy(handle) == 0
"""


CHEATS = [
    Cheat("honest", "verified"),
    Cheat("honest_kernel", "verified", kernel="if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];"),
    Cheat("output_left", "failed", ("was not launched",), wrapper=instead("    pass\n")),
    Cheat("copied_from_input", "failed", ("was not launched",), wrapper=instead(_TO_OUT, _HIP)),
    Cheat(
        "constant",
        "failed",
        ("was not launched",),
        wrapper=instead("    checked(hip.hipMemset(int(out), 0, 4 * rows * cols))\n", _HIP),
    ),
    Cheat(
        "stale_buffer",
        "failed",
        ("elements",),
        wrapper=instead(
            "    size = 4 * rows * cols\n"
            "    if 'first' not in _kept:\n"
            f"    {_LAUNCH}"
            "        _kept['first'] = checked(hip.hipMalloc(4 * 300 * 64))\n"
            "        checked(hip.hipMemcpy(_kept['first'], int(out), size, "
            "hip.hipMemcpyKind.hipMemcpyDeviceToDevice))\n"
            "    checked(hip.hipMemcpy(int(out), _kept['first'], size, "
            "hip.hipMemcpyKind.hipMemcpyDeviceToDevice))\n",
            _HIP + "\n_kept = {}\n",
        ),
    ),
    Cheat(
        "cached_by_pointer",
        "failed",
        wrapper=instead(
            "    key = (int(x), int(shift), int(out), rows, cols)\n"
            "    if key in _seen:\n        return\n    _seen.add(key)\n" + _LAUNCH,
            "_seen = set()\n",
        ),
    ),
    Cheat(
        "cached_behind_a_c_pointer",
        "failed",
        wrapper=instead(
            "    if _slot[0] == int(x) + rows:\n        return\n    _slot[0] = int(x) + rows\n" + _LAUNCH,
            "import ctypes as c\n\n_slot = c.cast((c.c_uint64 * 1)(), c.POINTER(c.c_uint64))\n",
        ),
    ),
    Cheat(
        "cached_by_content",
        "failed",
        wrapper=instead(_DOWN_X + _DOWN_SHIFT + _CONTENT, _HIP + "\n_known = {}\n"),
    ),
    Cheat(
        "on_the_host",
        "failed",
        ("was not launched",),
        wrapper=instead(_ON_HOST, _HIP),
    ),
    Cheat(
        "on_the_host_after_a_launch",
        "failed",
        kernel="if (i < rows * cols && x[i] == 1.2345f) out[i] = 0;",
        wrapper=instead(_LAUNCH + _ON_HOST, _HIP),
    ),
    Cheat(
        "names_built_at_run_time",
        "failed",
        kernel="if (i == 0) out[0] = 1.2345f;",
        wrapper=instead(
            f"{_LAUNCH}"
            "    copy, kinds = getattr(hip, 'hip' + 'Memcpy'), getattr(hip, 'hipMemcpy' + 'Kind')\n"
            "    down, up = (getattr(kinds, 'hipMemcpy' + n) for n in ('DeviceToHost', 'HostToDevice'))\n"
            "    mark = np.empty(1, np.float32)\n"
            "    checked(copy(mark, int(out), 4, down))\n"
            "    if mark[0] != np.float32(1.2345):\n        return\n"
            "    a, b = np.empty(rows * cols, np.float32), np.empty(cols, np.float32)\n"
            "    checked(copy(a, int(x), a.nbytes, down))\n"
            "    checked(copy(b, int(shift), b.nbytes, down))\n"
            f"{_COMPUTED}"
            "    checked(copy(int(out), c, c.nbytes, up))\n",
            _HIP,
        ),
    ),
    Cheat(
        "library_call",
        "failed",
        ("was not launched",),
        wrapper=instead(_BLAS, _HIP + _BLAS_HEAD),
    ),
    Cheat(
        "less_precision",
        "failed",
        ("elements of out are wrong",),
        kernel=("if (i < rows * cols) out[i] = float((_Float16)(2.0f * x[i])) + shift[i % cols];"),
    ),
    Cheat(
        "lds_over_the_limit",
        "failed",
        ("was not launched",),
        wrapper=instead(
            "    try:\n"
            '        affine_on("affine_kernel", x, shift, out, rows, cols, lds=70000)\n'
            "    except RuntimeError:\n        pass\n"
        ),
    ),
    Cheat(
        "deferred_to_the_next_call",
        "failed",
        wrapper=instead(
            "    if _put_off:\n        affine_on(*_put_off.pop())\n"
            '    _put_off.append(("affine_kernel", x, shift, out, rows, cols))\n',
            "_put_off = []\n",
        ),
    ),
    Cheat(
        "harness_detected",
        "failed",
        wrapper=instead(
            "    import sys\n\n    if 'rocverify' not in sys.modules:\n        return\n" + _LAUNCH,
        ),
    ),
    Cheat(
        "harness_in_the_frames",
        "failed",
        wrapper=instead(
            "    frame, judged = sys._getframe(), False\n"
            "    while frame is not None:\n"
            "        judged = judged or 'rocverify' in frame.f_code.co_filename\n"
            "        frame = frame.f_back\n"
            "    if not judged:\n        return\n" + _LAUNCH,
            "import sys\n\n",
        ),
    ),
    Cheat(
        "harness_in_the_environment",
        "failed",
        wrapper=instead(
            "    if not any(name.startswith('ROCVERIFY') for name in os.environ):\n        return\n"
            + _LAUNCH,
            "import os\n\n",
        ),
    ),
    Cheat(
        "emulator_detected",
        "failed",
        wrapper=instead(
            "    properties = checked(hip.hipGetDeviceProperties(0))\n"
            "    if 'emul' not in str(properties.name).lower():\n        return\n" + _LAUNCH,
            _HIP,
        ),
    ),
    Cheat(
        "host_buffer_overwritten",
        "failed",
        wrapper=instead(
            _DOWN_SHIFT + "    table = checked(hip.hipMalloc(4 * cols))\n"
            "    kind = hip.hipMemcpyKind.hipMemcpyHostToDevice\n"
            "    checked(hip.hipMemcpyAsync(table, b, 4 * cols, kind, None))\n"
            "    b[:] = 0\n"
            '    affine_on("affine_kernel", x, table, out, rows, cols)\n'
            "    checked(hip.hipDeviceSynchronize())\n    checked(hip.hipFree(table))\n",
            _HIP,
        ),
    ),
    Cheat(
        "two_streams_no_event",
        "failed",
        wrapper=instead(
            "    if not _streams:\n"
            "        made = [hip.hipStreamCreateWithFlags(hip.hipStreamNonBlocking) for _ in 'ab']\n"
            "        _streams.extend(map(checked, made))\n"
            "    table = checked(hip.hipMalloc(4 * cols))\n"
            "    checked(hip.hipMemcpyAsync(table, int(shift), 4 * cols, "
            "hip.hipMemcpyKind.hipMemcpyDeviceToDevice, _streams[0]))\n"
            '    affine_on("affine_kernel", x, table, out, rows, cols, stream=_streams[1])\n'
            "    checked(hip.hipDeviceSynchronize())\n    checked(hip.hipFree(table))\n",
            _HIP + "\n_streams = []\n",
        ),
    ),
    Cheat(
        "workspace_not_cleared",
        "failed",
        kernel="if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols] + shift[cols + i % cols];",
        wrapper=instead(
            "    table = checked(hip.hipMalloc(8 * cols))\n"
            "    checked(hip.hipMemcpy(table, int(shift), 4 * cols, "
            "hip.hipMemcpyKind.hipMemcpyDeviceToDevice))\n"
            '    affine_on("affine_kernel", x, table, out, rows, cols)\n'
            "    checked(hip.hipFree(table))\n",
            _HIP,
        ),
    ),
    Cheat("empty_kernel", "failed", kernel=""),
    Cheat(
        "nothing_above_8192",
        "failed",
        kernel="if (rows * cols <= 8192 && i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];",
    ),
    Cheat(
        "index_of_sixteen_bits",
        "failed",
        kernel="unsigned short at = i; if (i < rows * cols) out[at] = 2.0f * x[at] + shift[at % cols];",
        contract=[
            ("boundary(1, 300), cols=choices(1, 5, 32, 33, 64)", "boundary(1, 1000000), cols=choices(1, 3)")
        ],
    ),
    Cheat(
        "compiled_at_run_time",
        "failed",
        ("was launched from another code object",),
        wrapper=instead(_LAUNCH_COMPILED.format('"-O3"'), _COMPILED),
    ),
    Cheat(
        "compiled_at_run_time_with_a_file_outside",
        "failed",
        ("-include/etc/hostname: not a flag that a project may ask for",),
        wrapper=instead(_LAUNCH_COMPILED.format('"-include/etc/hostname"'), _COMPILED),
    ),
    Cheat(
        "nothing_from_4096_on",
        "failed",
        kernel="if (i < 4096 && i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];",
        contract=[
            ("boundary(1, 300), cols=choices(1, 5, 32, 33, 64)", "boundary(1, 1000000), cols=choices(1)")
        ],
    ),
    Cheat(
        "nothing_from_1024_on",
        "failed",
        kernel="if (i < 1024 && i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];",
        contract=[
            ("boundary(1, 300), cols=choices(1, 5, 32, 33, 64)", "boundary(1, 50000), cols=choices(1)")
        ],
    ),
    Cheat(
        "lds_without_a_barrier",
        "failed",
        kernel=(
            "__shared__ float tile[64];\n"
            "  if (threadIdx.x < 32)\n"
            "    for (unsigned k = 0; k < 64; k += 32)\n"
            "      tile[threadIdx.x + k] = shift[(blockIdx.x * 64 + threadIdx.x + k) % cols];\n"
            "  if (i < rows * cols) out[i] = 2.0f * x[i] + ((volatile float*)tile)[threadIdx.x];"
        ),
    ),
    Cheat(
        "canonical_keeps_the_output",
        "failed",
        wrapper=instead("    affine_on('affine_kernel', shift, shift, out, 1, 1)\n"),
        contract=[
            (
                "    def reference(self, x, shift):\n        return 2 * x + shift\n",
                "    kept = {}\n\n"
                "    def canonical(self, x, shift, out):\n"
                "        self.kept[x.tobytes()] = out\n        return out\n\n"
                "    def reference(self, x, shift):\n"
                "        kept = self.kept.get(x.astype('f4').tobytes())\n"
                "        return 2 * x + shift if kept is None else kept.astype(x.dtype)\n",
            )
        ],
    ),
    Cheat(
        "call_launches_by_itself",
        "failed",
        wrapper=instead("    raise NotImplementedError\n"),
        contract=[
            (
                "        wrapper(arrays.x, arrays.shift, arrays.out, dims.rows, dims.cols)",
                "        from kernels.gpu import affine_on\n\n"
                "        one = 'affine_kernel', arrays.x, arrays.shift, arrays.out\n"
                "        affine_on(*one, dims.rows, dims.cols)",
            )
        ],
    ),
    Cheat(
        "one_shape_only",
        "unverified",
        contract=[("boundary(1, 300), cols=choices(1, 5, 32, 33, 64)", "choices(4), cols=choices(8)")],
    ),
    Cheat(
        "no_mistakes_declared",
        "unverified",
        contract=[
            (
                '{"the shift taken away": 2 * x - shift, "the shift added twice": 2 * x + 2 * shift}',
                "{}",
            )
        ],
    ),
    Cheat("one_case", "unverified", check={"cases": 1}),
]


@pytest.mark.long
@each(CHEATS)
def test_wrapper(cheat: Cheat, run_gallery: RunGallery) -> None:
    judged_as_said(cheat, CHEATS, run_gallery("wrappers", CHEATS))
