"""Ways by which what the host has made comes into a result; and what a host may send that it has not made."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunFiles, RunGallery
from tests.attacks.project import KERNEL, contract_text, manifest_text
from tests.attacks.test_hosted import (
    _COPY,
    _FROM_PINNED,
    _HOSTED,
    _PINNED,
    _PUT,
    _READ,
    _SAID,
    _WRITTEN_TO_PINNED,
)
from tests.attacks.test_wrappers import _COMPUTED, _DOWN_SHIFT, _DOWN_X, instead

_AFFINE = "if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];"
_SMALL = [("boundary(1, 300)", "boundary(1, 9)"), ("choices(1, 5, 32, 33, 64)", "choices(1, 5, 33)")]
_ARGUMENT = """\
    for i, bits in enumerate(c.view(np.uint32).tolist()):
        values = pointer(int(out) + 4 * i), ctypes.c_uint32(bits), ctypes.c_uint32(0)
        launch("affine_kernel", 1, pointer(x), pointer(shift), *values, env="CHEATS_HSACO")
    checked(hip.hipDeviceSynchronize())
"""
_FILLS = """\
    mine = checked(hip.hipMalloc(c.nbytes))
    for i, bits in enumerate(c.view(np.int32).tolist()):
        checked(hip.hipMemsetD32(int(mine) + 4 * i, bits, 1))
    affine_on("affine_kernel", mine, shift, out, rows, cols)
    checked(hip.hipDeviceSynchronize())
    checked(hip.hipFree(mine))
"""
_PRINTED = """\
    read, write = os.pipe()
    kept = os.dup(1)
    sys.stdout.flush()
    os.dup2(write, 1)
    affine_on("affine_kernel", x, shift, 0, rows, cols)
    checked(hip.hipDeviceSynchronize())
    ctypes.CDLL(None).fflush(None)
    os.dup2(kept, 1)
    os.close(write)
    os.close(kept)
    with open(read) as text:
        pairs = [line.split() for line in text]
    a = np.zeros(rows * cols, np.uint32)
    for place, bits in pairs:
        a[int(place)] = int(bits, 16)
    a = a.view(np.float32)
"""
_LARGE = """\
    if not _kept:
        _kept.append(np.zeros(17 << 20, np.float32))
    _kept[0][: c.size] = c
    c = _kept[0]
"""

# The contract with its arrays on the host.
_GIVEN = [
    ("import F32, Dims, In, Out,", "import F32, Dims, HostIn, In, Out,"),
    ('x = In("rows cols", F32)', 'x = HostIn("rows cols", F32)'),
    (
        "    def call(self",
        "    def prepare(self, rng, dims, dtype):\n"
        "        return {'x': rng.standard_normal((dims.rows, dims.cols)).astype(np.float32)}\n\n"
        "    def call(self",
    ),
]
_HANDED = [
    ("import F32, Dims, In, Out,", "import F32, Dims, HostOut, In, Out,"),
    ('out = Out("rows cols", F32)', 'out = HostOut("rows cols", F32)'),
]
_BOTH = [
    ("import F32, Dims, In, Out,", "import F32, Dims, HostIn, HostOut, In, Out,"),
    *_GIVEN[1:],
    *_HANDED[1:],
]
_UP_X = "    a = np.ascontiguousarray(x).reshape(-1)\n"
_TO_HOST = """\
    mine = checked(hip.hipMalloc(4 * rows * cols))
    affine_on("affine_kernel", {0}, shift, mine, rows, cols)
    c = np.empty((rows, cols), np.float32)
    checked(hip.hipMemcpy(c, mine, c.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost))
    checked(hip.hipFree(mine))
"""

# The contract with `shift` the places that are to be looked up in x.
_GATHERS = [
    ("import F32, Dims, In, Out,", "import F32, U32, Dims, In, Out,"),
    ('shift = In("cols", F32)', 'shift = In("rows cols", U32)'),
    (
        "    def call(self",
        "    def prepare(self, rng, dims):\n"
        "        size = dims.rows * dims.cols\n"
        "        return {'shift': rng.integers(0, size, (dims.rows, dims.cols), np.uint32)}\n\n"
        "    def call(self",
    ),
    ("return 2 * x + shift", "return x.reshape(-1)[shift]"),
    ("return 2 * abs(x) + abs(shift)", "return abs(x).reshape(-1)[shift]"),
    (
        '{"the shift taken away": 2 * x - shift, "the shift added twice": 2 * x + 2 * shift}',
        '{"as it was": x, "the other sign": -x.reshape(-1)[shift]}',
    ),
]
_DOWN_PLACES = _DOWN_X.replace("int(x)", "int(shift)").replace("np.float32", "np.uint32")

CHEATS = [
    Cheat(
        "through_arguments",
        "failed",
        _SAID,
        kernel="if (i == 0) out[0] = __uint_as_float(rows);",
        contract=_SMALL,
        wrapper=instead(_READ + _ARGUMENT, _HOSTED.replace("affine_on, ", "launch, pointer, ")),
    ),
    Cheat(
        "through_fills",
        "failed",
        _SAID,
        kernel=_COPY,
        contract=_SMALL,
        wrapper=instead(_READ + _FILLS, _HOSTED),
    ),
    Cheat(
        "in_an_upload_that_is_not_noted",
        "unverified",
        ("more copied in one call than are noted",),
        kernel=_COPY,
        wrapper=instead(_READ + _LARGE + _PUT, _HOSTED + "_kept = []\n"),
    ),
    Cheat(
        "reported_by_a_fault",
        "failed",
        ("came through the host", "the call fails"),
        kernel="if (i < rows * cols) {\n"
        "    if (__float_as_uint(x[i]) != __float_as_uint(shift[i])) *(volatile int*)8 = 1;\n"
        "    out[i] = shift[rows * cols + i]; }",
        wrapper=instead(
            _READ
            + "    c = np.concatenate([a, c]).astype(np.float32)\n"
            + _PUT.replace("mine, shift, out", "x, mine, out"),
            _HOSTED,
        ),
    ),
    Cheat(
        "through_managed_memory",
        "failed",
        _SAID,
        kernel=_COPY,
        wrapper=instead(
            (_WRITTEN_TO_PINNED + _DOWN_SHIFT + _COMPUTED + _FROM_PINNED).replace("hipHostFree", "hipFree"),
            _HOSTED + _PINNED.replace("hipHostMalloc(size, 0)", "hipMallocManaged(size, 1)"),
        ),
    ),
    Cheat(
        "printed_for_the_host",
        "failed",
        _SAID,
        kernel="if (i >= rows * cols) return;\n"
        'if (out) out[i] = x[i]; else printf("%u %08x\\n", i, __float_as_uint(x[i]));',
        contract=_SMALL,
        wrapper=instead(_PRINTED + _DOWN_SHIFT + _COMPUTED + _PUT, "import os\nimport sys\n\n" + _HOSTED),
    ),
    Cheat(
        "of_an_array_of_the_hosts",
        "failed",
        _SAID,
        kernel=_COPY,
        contract=_GIVEN,
        wrapper=instead(
            _UP_X + _DOWN_SHIFT + "    c = (2 * a + np.tile(b, rows)).astype(np.float32)\n" + _PUT, _HOSTED
        ),
    ),
    Cheat(
        "handed_back_by_the_host",
        "failed",
        _SAID,
        kernel=_COPY,
        contract=_HANDED,
        wrapper=instead(
            _TO_HOST.format("x")
            + _DOWN_SHIFT
            + "    with np.errstate(all='ignore'):\n        out[:] = 2 * c + b\n",
            _HOSTED,
        ),
    ),
    Cheat(
        "times_what_the_kernel_says",
        "failed",
        _SAID,
        kernel="if (i == 0) out[0] = 1.0f;",
        contract=_BOTH,
        wrapper=instead(
            "    mine = checked(hip.hipMalloc(4))\n"
            '    affine_on("affine_kernel", mine, shift, mine, rows, cols)\n'
            "    one = np.zeros(1, np.float32)\n"
            "    checked(hip.hipMemcpy(one, mine, 4, hip.hipMemcpyKind.hipMemcpyDeviceToHost))\n"
            "    checked(hip.hipFree(mine))\n" + _DOWN_SHIFT + "    out[:] = (2 * x + b) * one\n",
            _HOSTED,
        ),
    ),
]

RIGHT = [
    Cheat(
        "spread_over_the_rows",
        "verified",
        kernel="const float* b = x + rows * cols;\nif (i < rows * cols) out[i] = 2.0f * x[i] + b[i];",
        wrapper=instead(
            _DOWN_X + _DOWN_SHIFT + "    c = np.concatenate([a, np.tile(b, rows)])\n" + _PUT, _HOSTED
        ),
    ),
    Cheat(
        "padded_and_transposed",
        "verified",
        kernel="unsigned r = i / cols, c = i % cols;\n"
        "if (i < rows * cols) out[i] = 2.0f * x[(c + 3) * (rows + 5) + r] + shift[c];",
        wrapper=instead(
            _DOWN_X
            + "    c = np.ascontiguousarray(np.pad(a.reshape(rows, cols), ((0, 5), (3, 1))).T).reshape(-1)\n"
            + _PUT,
            _HOSTED,
        ),
    ),
    Cheat(
        "widened_and_interleaved",
        "verified",
        kernel="const double* p = (const double*)x;\n"
        "if (i < rows * cols) out[i] = 2.0f * float(p[2 * i]) + float(p[2 * i + 1]);",
        wrapper=instead(
            _DOWN_X
            + _DOWN_SHIFT
            + "    c = np.column_stack([a, np.tile(b, rows)]).astype(np.float64).reshape(-1)\n"
            + _PUT,
            _HOSTED,
        ),
    ),
    Cheat(
        "a_table_of_places",
        "verified",
        kernel="const unsigned* at = (const unsigned*)x;\nconst float* v = x + rows * cols;\n"
        "if (i < rows * cols) out[i] = 2.0f * v[at[i]] + shift[i % cols];",
        wrapper=instead(
            _DOWN_X
            + "    order = np.random.default_rng(rows).permutation(rows * cols).astype(np.uint32)\n"
            + "    v = np.empty_like(a)\n    v[order] = a\n"
            + "    c = np.concatenate([order.view(np.float32), v])\n"
            + _PUT,
            _HOSTED,
        ),
    ),
    Cheat(
        "rows_in_the_order_of_their_sums",
        "verified",
        kernel="const unsigned* at = (const unsigned*)shift;\nconst float* b = shift + rows;\n"
        "if (i < rows * cols) {\n"
        "    unsigned k = at[i / cols] * cols + i % cols;\n    out[k] = 2.0f * x[k] + b[i % cols]; }",
        wrapper=instead(
            _DOWN_X
            + _DOWN_SHIFT
            + "    with np.errstate(all='ignore'):\n"
            + "        order = np.argsort(a.reshape(rows, cols).sum(axis=1)).astype(np.uint32)\n"
            + "    c = np.concatenate([order.view(np.float32), b])\n"
            + _PUT.replace("mine, shift, out", "x, mine, out"),
            _HOSTED,
        ),
    ),
    Cheat(
        "offsets_of_places",
        "verified",
        kernel="const unsigned* at = (const unsigned*)shift;\n"
        "if (i < rows * cols) out[i] = *(const float*)((const char*)x + at[i]);",
        contract=_GATHERS,
        wrapper=instead(
            _DOWN_PLACES
            + "    c = (4 * a).astype(np.uint32)\n"
            + _PUT.replace("mine, shift, out", "x, mine, out"),
            _HOSTED,
        ),
    ),
    Cheat(
        "a_seed_of_the_hosts",
        "verified",
        kernel=_AFFINE,
        wrapper=instead(
            _DOWN_X
            + "    c = np.concatenate([a, np.frombuffer(os.urandom(16), np.float32)])\n"
            + _PUT.replace("4 * rows * cols", "c.nbytes"),
            "import os\n" + _HOSTED,
        ),
    ),
    Cheat(
        "an_array_of_the_hosts",
        "verified",
        kernel=_AFFINE,
        contract=_GIVEN,
        wrapper=instead(_UP_X + "    c = a\n" + _PUT, _HOSTED),
    ),
    Cheat(
        "handed_back_as_it_was_read",
        "verified",
        kernel="if (i < rows * cols) out[(i % cols) * rows + i / cols] = 2.0f * x[i] + shift[i % cols];",
        contract=_HANDED,
        wrapper=instead(_TO_HOST.format("x") + "    out[:] = c.reshape(cols, rows).T\n", _HOSTED),
    ),
]


_PATCHED = (
    _HOSTED.replace("affine_on, checked", "affine_on, checked, launch, pointer")
    + """
import os


def patched(c):
    with open(os.environ["AFFINE_HSACO"], "rb") as file:
        code = bytearray(file.read())
    at = code.index(bytes.fromhex("ed5eed5ebe5abe5a"))
    code[at : at + c.nbytes] = c.tobytes()
    function = checked(
        hip.hipModuleGetFunction(checked(hip.hipModuleLoadData(bytes(code))), b"fill_kernel")
    )
    mine = checked(hip.hipMalloc(c.nbytes))
    arguments = pointer(mine), ctypes.c_uint32(c.size)
    checked(hip.hipModuleLaunchKernel(function, -(-c.size // 64), 1, 1, 64, 1, 1, 0, None, None, arguments))
    return mine


"""
)
_OF_CODE = instead(
    _READ + "    mine = patched(c)\n"
    '    affine_on("affine_kernel", mine, shift, out, rows, cols)\n'
    "    checked(hip.hipDeviceSynchronize())\n    checked(hip.hipFree(mine))\n",
    _PATCHED,
)
_TABLE = """
__device__ unsigned table[400] = {0x5eed5eedu, 0x5abe5abeu};

extern "C" __global__ void fill_kernel(unsigned* to, unsigned count) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < count) to[i] = table[i];
}
"""


@pytest.mark.long
def test_a_code_object_that_the_host_has_written_its_results_into(run_files: RunFiles) -> None:
    kernel = KERNEL.replace("out[i] = 2.0f * x[i] + shift[i % cols]", "out[i] = x[i]")
    contract = contract_text()
    for old, new in _SMALL:
        contract = contract.replace(old, new)
    files = {
        "kernels/affine.hip": kernel + _TABLE,
        "kernels/affine.py": _OF_CODE,
        "kernels/contracts/affine.py": contract,
        "kernels/kernels.toml": manifest_text({"affine": ["affine_kernel", "fill_kernel"]}),
    }
    ran = run_files("made_by_host_in_code", files)
    assert ran.verdict() == "failed"
    for words in _SAID:
        assert words in ran.said()


@pytest.mark.long
@each([*CHEATS, *RIGHT])
def test_made_by_host(cheat: Cheat, run_gallery: RunGallery) -> None:
    gallery = [*CHEATS, *RIGHT]
    judged_as_said(cheat, gallery, run_gallery("made_by_host", gallery))
