"""What a caller may expect of a call: its stream is used, its results are there, its memory is left alone."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunGallery

_HEAD = (
    "import ctypes\n\nimport numpy as np\nfrom rocm.bindings import hip\n\n"
    "from kernels.gpu import affine_on, checked\n\n\n"
)
_ARGUMENTS = '"affine_kernel", x, shift, out, rows, cols'
_CALL = "wrapper(arrays.x, arrays.shift, arrays.out, dims.rows, dims.cols)"
_STREAM = [
    ("def call(self, wrapper, arrays, dims):", "def call(self, wrapper, arrays, dims, stream):"),
    (_CALL, _CALL.replace(")", ", stream=stream)")),
]


def on_stream(body: str, head: str = "") -> str:
    """A wrapper that takes a stream."""
    return f"{_HEAD}{head}def affine(x, shift, out, rows, cols, stream=None):\n{body}"


_HOST_OUT = [
    ("Dims, In, Out,", "Dims, HostOut, In,"),
    ('out = Out("rows cols", F32)', 'out = HostOut("rows cols", F32)'),
]
_RETURNED = [
    ("Dims, In, Out,", "Dims, In, Returned,"),
    ('out = Out("rows cols", F32)', 'out = Returned("rows cols", F32)'),
    (_CALL, f"return {_CALL}".replace("arrays.out, ", "")),
]
_PITCH = [
    ('x = In("rows cols", F32)', 'x = In("rows cols", F32, pitch=1)'),
    ('out = Out("rows cols", F32)', 'out = Out("rows cols", F32, pitch=4)'),
    (_CALL, _CALL.replace(")", ", arrays.x.leading or dims.cols, arrays.out.leading or dims.cols)")),
]


def on_host(copy: str, head: str = "", end: str = "", signature: str = "x, shift, out, rows, cols") -> str:
    """A wrapper that computes on the device and copies what comes out to the host's array `out`."""
    return (
        f"{_HEAD}{head}def affine({signature}):\n"
        "    size = 4 * rows * cols\n"
        "    made = checked(hip.hipMalloc(size))\n"
        '    affine_on("affine_kernel", x, shift, made, rows, cols)\n'
        f"{copy}{end}"
    )


_DOWN = "    checked(hip.{0}(out, made, size, hip.hipMemcpyKind.hipMemcpyDeviceToHost{1}))\n"
_NOW, _LATER = _DOWN.format("hipMemcpy", ""), _DOWN.format("hipMemcpyAsync", ", None")
_FREE = "    checked(hip.hipFree(made))\n"
_KEPT = "    _kept.append(made)\n"
_EMPTY = "    out = np.empty((rows, cols), np.float32)\n"
_BACK = "x, shift, rows, cols"


def pitched(body: str) -> str:
    """A kernel on rows that lie apart, and its wrapper."""
    return (
        f"{_HEAD}def affine(x, shift, out, rows, cols, ldx, ldo):\n"
        "    from kernels.gpu import launch, pointer\n\n"
        "    for row in range(rows):\n"
        "        there = int(x) + 4 * ldx * row, int(out) + 4 * ldo * row\n"
        f"{body}"
    )


_ROW = '        affine_on("affine_kernel", there[0], shift, there[1], 1, {})\n'

_SCALED = (
    "import ctypes\n\nfrom kernels.gpu import affine_on\n\n\ndef affine(x, shift, out, rows, cols, alpha):\n"
)
_ALPHA = [
    ("Dims, In, Out,", "Dims, In, Out, Scalar,"),
    (
        '    out = Out("rows cols", F32)\n',
        '    out = Out("rows cols", F32)\n    alpha = Scalar(F32, 1.0, 2.0)\n',
    ),
    (_CALL, _CALL.replace(")", ", arrays.alpha)")),
    ("def reference(self, x, shift):", "def reference(self, x, shift, alpha):"),
    ("return 2 * x + shift\n", "return 2 * x + (alpha - 1) * shift\n"),
]
_TABLE = (
    "    table = checked(hip.hipMalloc(4 * cols))\n"
    "    checked(hip.hipMemcpy(table, int(shift), 4 * cols, hip.hipMemcpyKind.hipMemcpyDeviceToDevice))\n"
    '    affine_on("affine_kernel", x, table, out, rows, cols)\n'
)
_PLAIN = "def affine(x, shift, out, rows, cols):\n"

_IGNORED = on_stream(f"    affine_on({_ARGUMENTS})\n")

CHEATS = [
    Cheat(
        "honest_with_a_stream",
        "verified",
        wrapper=on_stream(f"    affine_on({_ARGUMENTS}, stream=stream)\n"),
    ),
    Cheat(
        "honest_with_a_stream_that_is_passed",
        "verified",
        wrapper=on_stream(f"    affine_on({_ARGUMENTS}, stream=stream)\n"),
        contract=_STREAM,
    ),
    Cheat(
        "honest_with_another_sort_of_stream",
        "verified",
        wrapper=on_stream(
            "    if stream is not None and not hasattr(stream, 'write'):\n"
            "        raise TypeError('stream is a file')\n"
            f"    affine_on({_ARGUMENTS})\n"
        ),
    ),
    Cheat(
        "honest_on_a_stream_of_its_own_joined_by_events",
        "verified",
        wrapper=on_stream(
            "    if not _own:\n"
            "        _own.append(checked(hip.hipStreamCreateWithFlags(hip.hipStreamNonBlocking)))\n"
            "    ready, done = checked(hip.hipEventCreate()), checked(hip.hipEventCreate())\n"
            "    checked(hip.hipEventRecord(ready, stream))\n"
            "    checked(hip.hipStreamWaitEvent(_own[0], ready, 0))\n"
            f"    affine_on({_ARGUMENTS}, stream=_own[0])\n"
            "    checked(hip.hipEventRecord(done, _own[0]))\n"
            "    checked(hip.hipStreamWaitEvent(stream, done, 0))\n"
            "    checked(hip.hipEventDestroy(ready))\n    checked(hip.hipEventDestroy(done))\n",
            "_own = []\n\n\n",
        ),
    ),
    Cheat(
        "honest_on_a_stream_that_the_default_one_waits_for",
        "verified",
        wrapper=f"{_HEAD}_own = []\n\n\ndef affine(x, shift, out, rows, cols):\n"
        "    if not _own:\n        _own.append(checked(hip.hipStreamCreate()))\n"
        f"    affine_on({_ARGUMENTS}, stream=_own[0])\n",
    ),
    Cheat("stream_ignored", "failed", ("on a stream of the caller's",), wrapper=_IGNORED),
    Cheat("stream_ignored_though_passed", "failed", wrapper=_IGNORED, contract=_STREAM),
    Cheat(
        "inputs_of_the_stream_not_waited_for",
        "failed",
        wrapper=on_stream(f"    affine_on({_ARGUMENTS})\n    checked(hip.hipStreamSynchronize(None))\n"),
    ),
    Cheat("honest_host_output", "verified", wrapper=on_host(_NOW, end=_FREE), contract=_HOST_OUT),
    Cheat(
        "honest_result",
        "verified",
        wrapper=on_host(_EMPTY + _NOW, end=f"{_FREE}    return out\n", signature=_BACK),
        contract=_RETURNED,
    ),
    Cheat("honest_rows_apart", "verified", wrapper=pitched(_ROW.format("cols")), contract=_PITCH),
    Cheat(
        "host_output_not_waited_for",
        "failed",
        wrapper=on_host(_LATER, "_kept = []\n\n\n", _KEPT),
        contract=_HOST_OUT,
    ),
    Cheat(
        "result_not_waited_for",
        "failed",
        wrapper=on_host(_EMPTY + _LATER, "_kept = []\n\n\n", f"{_KEPT}    return out\n", signature=_BACK),
        contract=_RETURNED,
    ),
    Cheat(
        "host_output_left",
        "failed",
        ("elements of out are wrong",),
        wrapper=on_host("", end=_FREE),
        contract=_HOST_OUT,
    ),
    Cheat(
        "result_of_another_shape",
        "failed",
        ("returned out of the shape",),
        wrapper=on_host(_EMPTY + _NOW, end=f"{_FREE}    return out.ravel()\n", signature=_BACK),
        contract=_RETURNED,
    ),
    Cheat(
        "writes_between_rows",
        "failed",
        ("bytes between its rows",),
        wrapper=pitched(
            _ROW.format("cols") + "        if row + 1 < rows:\n"
            "            checked(hip.hipMemset(there[1] + 4 * cols, 0, 4 * (ldo - cols)))\n"
        ),
        contract=_PITCH,
    ),
    Cheat(
        "rows_taken_to_follow_one_another",
        "failed",
        wrapper=pitched(_ROW.format("cols")).replace("4 * ldx * row", "4 * cols * row"),
        contract=_PITCH,
    ),
    Cheat(
        "scalar_ignored",
        "failed",
        ("elements of out are wrong",),
        wrapper=_SCALED + f"    affine_on({_ARGUMENTS})\n",
        contract=_ALPHA,
    ),
    Cheat(
        "tables_leaked",
        "failed",
        ("keep what they allocate at kernels/tables_leaked.py:10",),
        wrapper=_HEAD + _PLAIN + _TABLE,
        check={"forbid_leaks": True},
    ),
]


@pytest.mark.long
@each(CHEATS)
def test_caller(cheat: Cheat, run_gallery: RunGallery) -> None:
    judged_as_said(cheat, CHEATS, run_gallery("callers", CHEATS))
