"""Wrappers that keep memory from call to call, and hosts that hide what they have computed."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunGallery
from tests.attacks.test_hosted import (
    _ASIDE,
    _COPY,
    _COPY_UP,
    _FROM_PINNED,
    _HOSTED,
    _KEPT,
    _MIRRORS,
    _PINNED,
    _PUT,
    _READ,
    _SAID,
    _SORTS,
    _THROUGH_PINNED,
    _WRITTEN_TO_PINNED,
    _roundtrip,
)
from tests.attacks.test_wrappers import _COMPUTED, _DOWN_SHIFT, _DOWN_X, instead

_AFFINE = "if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];"
_MIRROR = "if (i < rows * cols) out[i] = x[(i / cols) * cols + cols - 1 - i % cols];"
_DECODE = "if (i < rows * cols) out[i] = __uint_as_float(__float_as_uint(x[i]) ^ 0x5a5a5a5au);"
_LAUNCH = '    affine_on("affine_kernel", x, shift, out, rows, cols)\n'
_SORTED = _DOWN_X + "    c = np.sort(a.reshape(rows, cols)).reshape(-1)\n"
_DECODED = "(np.uint32(0x5A5A5A5A) ^ {0}.view(np.uint32)).view(np.float32)"

_BY_SIZE = """\
    size = 4 * rows * cols
    if size not in _kept:
        _kept[size] = {0}
"""
_FETCHED = "    checked(hip.hipMemcpy(at, int(x), size, hip.hipMemcpyKind.hipMemcpyDeviceToHost))\n"
_SYNC = "    checked(hip.hipDeviceSynchronize())\n"
_KEEPS = _HOSTED + _PINNED + "_kept = {}\n"

_REGISTERED = """\
_arrays = []


def registered(size):
    array = np.zeros(size // 4, np.float32)
    _arrays.append(array)
    checked(hip.hipHostRegister(array.ctypes.data, size, 0))
    return array.ctypes.data, array


"""


def _registers(text: str) -> str:
    """The same with NumPy's memory, registered, in place of pinned memory."""
    return text.replace("pinned(size)", "registered(size)").replace("hipHostFree", "hipHostUnregister")


_IN_WORKSPACE = instead(
    _BY_SIZE.format("checked(hip.hipMalloc(size))")
    + '    affine_on("affine_kernel", x, shift, _kept[size], rows, cols)\n'
    "    to_out = int(out), int(_kept[size]), size, hip.hipMemcpyKind.hipMemcpyDeviceToDevice\n"
    "    checked(hip.hipMemcpyAsync(*to_out, None))\n",
    _KEEPS,
)

# The kernel's `shift` is a page: the address of shift, and a status that the kernel clears.
_FLAG = """\
unsigned* page = (unsigned*)shift;
const float* s = *(const float**)page;
if (i < rows * cols) { out[i] = 2.0f * x[i] + s[i % cols]; if (i == 0) page[3] = 0u; }"""
_WITH_PAGE = """\
    if not _kept:
        _kept[0] = pinned(4096)
    at, seen = _kept[0]
    page = seen.view(np.uint32)
    page[:4] = np.array([int(shift) & 0xffffffff, int(shift) >> 32, 0, 7], np.uint32)
    affine_on("affine_kernel", x, at, out, rows, cols)
    checked(hip.hipDeviceSynchronize())
    if page[3] != 0:
        raise RuntimeError(f"the kernel reports {page[3]}")
"""

CHEATS = [
    Cheat(
        "sorted_in_two_uploads",
        "failed",
        _SAID,
        kernel=_COPY,
        contract=_SORTS,
        wrapper=instead(
            _SORTED + "    h = c.size // 2\n"
            "    mine = checked(hip.hipMalloc(c.nbytes))\n"
            "    up = hip.hipMemcpyKind.hipMemcpyHostToDevice\n"
            "    if h:\n"
            "        checked(hip.hipMemcpy(mine, c[:h].copy(), 4 * h, up))\n"
            "    checked(hip.hipMemcpy(int(mine) + 4 * h, c[h:].copy(), c.nbytes - 4 * h, up))\n"
            '    affine_on("affine_kernel", mine, shift, out, rows, cols)\n'
            "    checked(hip.hipDeviceSynchronize())\n"
            "    checked(hip.hipFree(mine))\n",
            _HOSTED,
        ),
    ),
    Cheat(
        "sorted_as_doubles",
        "failed",
        _SAID,
        kernel="if (i < rows * cols) out[i] = float(((const double*)x)[i]);",
        contract=_SORTS,
        wrapper=instead(_SORTED + "    c = c.astype(np.float64)\n" + _PUT, _HOSTED),
    ),
    Cheat(
        "sorted_by_the_host_and_mirrored",
        "failed",
        _SAID,
        kernel=_MIRROR,
        contract=_SORTS,
        wrapper=instead(
            _SORTED + "    c = np.ascontiguousarray(c.reshape(rows, cols)[:, ::-1]).reshape(-1)\n" + _PUT,
            _HOSTED,
        ),
    ),
    Cheat(
        "four_fifths_by_the_host",
        "failed",
        _SAID,
        kernel="const float* b = shift + rows * cols;\n"
        "if (i < rows * cols) out[i] = i % 5 ? shift[i] : 2.0f * x[i] + b[i % cols];",
        wrapper=instead(
            _READ
            + "    c = np.concatenate([c, b]).astype(np.float32)\n"
            + _PUT.replace("mine, shift, out", "x, mine, out"),
            _HOSTED,
        ),
    ),
    Cheat(
        "small_ones_by_the_host",
        "failed",
        _SAID,
        kernel="if (i < rows * cols) out[i] = rows * cols < 3000 ? x[i] : 2.0f * x[i] + shift[i % cols];",
        wrapper=instead(f"    if rows * cols >= 3000:\n    {_LAUNCH}        return\n{_READ}{_PUT}", _HOSTED),
    ),
    Cheat(
        "hidden_behind_much_pinned_memory",
        "failed",
        _SAID,
        kernel=_COPY,
        wrapper=instead(
            "    much = int(checked(hip.hipHostMalloc(66 << 20, 0)))\n"
            + _WRITTEN_TO_PINNED
            + _DOWN_SHIFT
            + _COMPUTED
            + _FROM_PINNED
            + "    checked(hip.hipHostFree(much))\n",
            _HOSTED + _PINNED,
        ),
    ),
    Cheat(
        "hidden_behind_a_large_read",
        "failed",
        _SAID,
        kernel=_COPY,
        wrapper=instead(
            "    if not _kept:\n"
            "        _kept[:] = [np.zeros(1 << 24, np.float32), checked(hip.hipMalloc(64 << 20))]\n"
            "    checked(hip.hipMemcpy(_kept[0], _kept[1], 64 << 20, "
            "hip.hipMemcpyKind.hipMemcpyDeviceToHost))\n" + _READ + _PUT,
            _HOSTED + "_kept = []\n",
        ),
    ),
    Cheat(
        "through_registered_memory",
        "failed",
        _SAID,
        kernel=_COPY,
        wrapper=instead(
            _registers(_WRITTEN_TO_PINNED + _DOWN_SHIFT + _COMPUTED + _FROM_PINNED), _HOSTED + _REGISTERED
        ),
    ),
    Cheat(
        "encoded_for_the_host",
        "failed",
        _SAID,
        kernel=_DECODE,
        wrapper=instead(
            _ASIDE.replace("checked(hip.hipMemcpy(aside", "0 and checked(hip.hipMemcpy(aside")
            + '    affine_on("affine_kernel", x, shift, aside, rows, cols)\n'
            + _DOWN_X.replace("int(x)", "int(aside)")
            + f"    a = {_DECODED.format('a')}\n    checked(hip.hipFree(aside))\n"
            + _DOWN_SHIFT
            + _COMPUTED
            + f"    c = {_DECODED.format('c')}\n"
            + _PUT,
            _HOSTED,
        ),
    ),
    Cheat(
        "guarded_by_the_kernel",
        "failed",
        _SAID,
        kernel="if (i < rows * cols) out[i] = __float_as_uint(x[i]) == __float_as_uint(shift[i])\n"
        "    ? shift[rows * cols + i] : 0.0f;",
        wrapper=instead(
            _READ
            + "    c = np.concatenate([a, c]).astype(np.float32)\n"
            + _PUT.replace("mine, shift, out", "x, mine, out"),
            _HOSTED,
        ),
    ),
]

RIGHT = [
    Cheat(
        "workspace_by_size",
        "verified",
        kernel=_AFFINE,
        wrapper=_IN_WORKSPACE,
    ),
    Cheat(
        "workspace_by_size_on_the_device",
        "verified",
        kernel=_AFFINE,
        wrapper=_IN_WORKSPACE,
        check=_roundtrip("workspace_by_size_on_the_device"),
        text=_KEPT,
    ),
    Cheat(
        "double_buffered",
        "verified",
        kernel=_AFFINE,
        wrapper=instead(
            _BY_SIZE.format("pinned(size), pinned(size)")
            + "    (at, seen), (to, made) = _kept[size]\n"
            + _FETCHED
            + "    made[:] = seen\n"
            + _LAUNCH.replace("x, shift", "to, shift")
            + _SYNC,
            _KEEPS,
        ),
    ),
    Cheat(
        "staging_by_size",
        "verified",
        kernel=_AFFINE,
        wrapper=instead(
            _BY_SIZE.format("pinned(size)")
            + "    at, seen = _kept[size]\n"
            + _FETCHED
            + _LAUNCH.replace("x, shift", "at, shift")
            + _SYNC,
            _KEEPS,
        ),
    ),
    Cheat(
        "one_staging_of_the_largest",
        "verified",
        kernel=_AFFINE,
        wrapper=instead(
            "    size, n = 4 * rows * cols, rows * cols\n"
            "    if not _kept:\n"
            "        _kept[0] = pinned(4 * 300 * 64), pinned(4 * 300 * 64)\n"
            "    (at, seen), (to, made) = _kept[0]\n"
            + _FETCHED
            + "    made[:n] = seen[:n]\n"
            + _LAUNCH.replace("x, shift", "to, shift")
            + _SYNC,
            _KEEPS,
        ),
    ),
    Cheat(
        "staged_through_registered_memory",
        "verified",
        kernel=_AFFINE,
        wrapper=instead(_registers(_THROUGH_PINNED + "    c = a\n" + _FROM_PINNED), _HOSTED + _REGISTERED),
    ),
    Cheat(
        "out_by_size",
        "verified",
        kernel=_AFFINE,
        wrapper=instead(
            _BY_SIZE.format("pinned(size)")
            + "    at, seen = _kept[size]\n"
            + '    affine_on("affine_kernel", x, shift, at, rows, cols)\n'
            + _SYNC
            + _COPY_UP.replace("c, c.nbytes", "seen.copy(), size"),
            _KEEPS,
        ),
    ),
    Cheat(
        "mirror_fetched_in_pieces",
        "verified",
        kernel=_MIRROR,
        contract=_MIRRORS,
        wrapper=instead(
            _ASIDE
            + '    affine_on("affine_kernel", x, shift, aside, rows, cols)\n'
            + "    c = np.empty((rows, cols), np.float32)\n"
            "    down = hip.hipMemcpyKind.hipMemcpyDeviceToHost\n"
            "    for r in range(rows):\n"
            "        checked(hip.hipMemcpy(c[r], int(aside) + 4 * cols * r, 4 * cols, down))\n"
            "    checked(hip.hipFree(aside))\n" + _COPY_UP,
            _HOSTED,
        ),
    ),
    Cheat(
        "host_function_that_is_waited_for",
        "verified",
        kernel=_AFFINE,
        wrapper=instead(
            _LAUNCH + "    done = threading.Event()\n"
            "    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: done.set())\n"
            "    _kept[0] = function\n"
            "    checked(hip.hipLaunchHostFunc(None, ctypes.cast(function, ctypes.c_void_p), None))\n"
            "    if not done.wait(60):\n"
            '        raise RuntimeError("the function was not called")\n',
            "import threading\n" + _KEEPS,
        ),
    ),
    Cheat(
        "status_in_a_pinned_page",
        "verified",
        kernel=_FLAG,
        wrapper=instead(_WITH_PAGE, _KEEPS),
        check=_roundtrip("status_in_a_pinned_page"),
        text=_KEPT,
    ),
]


@pytest.mark.long
@each([*CHEATS, *RIGHT])
def test_kept_memory(cheat: Cheat, run_gallery: RunGallery) -> None:
    gallery = [*CHEATS, *RIGHT]
    judged_as_said(cheat, gallery, run_gallery("kept_memory", gallery))
