"""Ways by which what the host has made comes into a result; and what a host may send that it has not made."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunGallery
from tests.attacks.test_hosted import _COPY, _HOSTED, _PUT, _READ, _SAID
from tests.attacks.test_wrappers import _DOWN_SHIFT, _DOWN_X, instead

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


@pytest.mark.long
@each([*CHEATS, *RIGHT])
def test_made_by_host(cheat: Cheat, run_gallery: RunGallery) -> None:
    gallery = [*CHEATS, *RIGHT]
    judged_as_said(cheat, gallery, run_gallery("made_by_host", gallery))
