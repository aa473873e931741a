"""Results that the host computed, and that a kernel only brings to the output."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunGallery
from tests.attacks.test_wrappers import _COMPUTED, _DOWN_SHIFT, _DOWN_X, _HIP, instead

_SAID = ("came through the host", "no kernel has computed them")
_HOSTED = _HIP.replace("import checked", "import affine_on, checked") + "\n"
_PUT = """\
    mine = checked(hip.hipMalloc(c.nbytes))
    checked(hip.hipMemcpy(mine, c, c.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice))
    affine_on("affine_kernel", mine, shift, out, rows, cols)
    checked(hip.hipDeviceSynchronize())
    checked(hip.hipFree(mine))
"""
_ASIDE = """\
    aside = checked(hip.hipMalloc(4 * rows * cols))
    checked(hip.hipMemcpy(aside, int(x), 4 * rows * cols, hip.hipMemcpyKind.hipMemcpyDeviceToDevice))
"""
_COPY = "if (i < rows * cols) out[i] = x[i];"
_READ = _DOWN_X + _DOWN_SHIFT + _COMPUTED

_COPY_UP = "    checked(hip.hipMemcpy(int(out), c, c.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice))\n"

_PINNED = """\
def pinned(size):
    at = int(checked(hip.hipHostMalloc(size, 0)))
    return at, np.frombuffer((ctypes.c_ubyte * size).from_address(at), np.float32)


"""
_THROUGH_PINNED = """\
    size = 4 * rows * cols
    at, seen = pinned(size)
    to, made = pinned(size)
    checked(hip.hipMemcpy(at, int(x), size, hip.hipMemcpyKind.hipMemcpyDeviceToHost))
    a = seen.copy()
"""
_WRITTEN_TO_PINNED = _THROUGH_PINNED.replace(
    "    checked(hip.hipMemcpy(at, int(x), size, hip.hipMemcpyKind.hipMemcpyDeviceToHost))\n",
    '    affine_on("affine_kernel", x, shift, at, rows, cols)\n    checked(hip.hipDeviceSynchronize())\n',
)
_FROM_PINNED = """\
    made[:] = c
    affine_on("affine_kernel", to, shift, out, rows, cols)
    checked(hip.hipDeviceSynchronize())
    checked(hip.hipHostFree(at))
    checked(hip.hipHostFree(to))
"""

_KEPT = "The results of {} stay on the device: no device-to-host copy"


def _of_x(result: str, wrong: str) -> list[tuple[str, str]]:
    """What makes the contract one of x alone."""
    return [
        ("return 2 * x + shift", f"return {result}"),
        ("return 2 * abs(x) + abs(shift)", f"return abs({result})"),
        (
            'return {"the shift taken away": 2 * x - shift, "the shift added twice": 2 * x + 2 * shift}',
            f'return {{"as it was": x, "the other way": {wrong}}}',
        ),
    ]


_SORTS = _of_x("np.sort(x, axis=1)", "np.sort(x, axis=1)[:, ::-1]")
_MIRRORS = _of_x("x[:, ::-1]", "x[::-1, ::-1]")


def _roundtrip(name: str) -> dict[str, str]:
    return {"check": "no_host_roundtrip", "entry": f"kernels.{name}:affine"}


CHEATS = [
    Cheat(
        "round_trip_in_pinned_memory",
        "failed",
        ("without a copy", "out differs"),
        kernel=_COPY,
        wrapper=instead(_WRITTEN_TO_PINNED + "    c = a\n" + _FROM_PINNED, _HOSTED + _PINNED),
        check=_roundtrip("round_trip_in_pinned_memory"),
        text=_KEPT,
    ),
    Cheat(
        "sorted_by_the_host",
        "failed",
        _SAID,
        kernel=_COPY,
        wrapper=instead(_DOWN_X + "    c = np.sort(a.reshape(rows, cols)).reshape(-1)\n" + _PUT, _HOSTED),
        contract=_SORTS,
    ),
    Cheat(
        "written_to_pinned_memory",
        "failed",
        _SAID,
        kernel=_COPY,
        wrapper=instead(_WRITTEN_TO_PINNED + _DOWN_SHIFT + _COMPUTED + _FROM_PINNED, _HOSTED + _PINNED),
    ),
    Cheat(
        "through_pinned_memory",
        "failed",
        _SAID,
        kernel=_COPY,
        wrapper=instead(_THROUGH_PINNED + _DOWN_SHIFT + _COMPUTED + _FROM_PINNED, _HOSTED + _PINNED),
    ),
    Cheat("copied_by_a_kernel", "failed", _SAID, kernel=_COPY, wrapper=instead(_READ + _PUT, _HOSTED)),
    Cheat(
        "decoded_by_a_kernel",
        "failed",
        _SAID,
        kernel="if (i < rows * cols) out[i] = __uint_as_float(__float_as_uint(x[i]) ^ 0x5a5a5a5au);",
        wrapper=instead(
            _READ + "    c = (c.view(np.uint32) ^ np.uint32(0x5A5A5A5A)).view(np.float32)\n" + _PUT, _HOSTED
        ),
    ),
    Cheat(
        "rounded_by_a_kernel",
        "failed",
        _SAID,
        kernel="if (i < rows * cols) out[i] = float(((const double*)x)[i]);",
        wrapper=instead(_READ + "    c = c.astype(np.float64)\n" + _PUT, _HOSTED),
    ),
    Cheat(
        "read_from_a_copy",
        "failed",
        _SAID,
        kernel=_COPY,
        wrapper=instead(_ASIDE + _READ.replace("int(x)", "aside") + _PUT, _HOSTED),
    ),
    Cheat(
        "all_but_the_last_step",
        "failed",
        _SAID,
        kernel="if (i < rows * cols) out[i] = x[i] + shift[i % cols];",
        wrapper=instead(_DOWN_X + "    with np.errstate(all='ignore'):\n        c = 2 * a\n" + _PUT, _HOSTED),
    ),
]

# What is right, though the host has a hand in it.
RIGHT = [
    Cheat(
        "turned_round_by_host_and_kernel",
        "verified",
        kernel="if (i < rows * cols) out[i] = x[(rows - 1 - i / cols) * cols + i % cols];",
        wrapper=instead(
            _DOWN_X + "    c = np.ascontiguousarray(a.reshape(rows, cols)[::-1, ::-1]).reshape(-1)\n" + _PUT,
            _HOSTED,
        ),
        contract=_MIRRORS,
    ),
    Cheat(
        "workspace_in_pinned_memory",
        "verified",
        kernel=_COPY,
        wrapper=instead(
            "    at, _ = pinned(4 * rows * cols)\n"
            '    affine_on("affine_kernel", x, shift, at, rows, cols)\n'
            '    affine_on("affine_kernel", at, shift, out, rows, cols)\n'
            "    checked(hip.hipDeviceSynchronize())\n"
            "    checked(hip.hipHostFree(at))\n",
            _HOSTED + _PINNED,
        ),
        check=_roundtrip("workspace_in_pinned_memory"),
        text=_KEPT,
    ),
    Cheat(
        "staged_through_pinned_memory",
        "verified",
        wrapper=instead(_THROUGH_PINNED + "    c = a\n" + _FROM_PINNED, _HOSTED + _PINNED),
    ),
    Cheat(
        "staged_through_the_host",
        "verified",
        wrapper=instead(_DOWN_X + _DOWN_SHIFT + "    c = a\n" + _PUT, _HOSTED),
    ),
    Cheat(
        "result_fetched_and_sent_back",
        "verified",
        wrapper=instead(
            _ASIDE
            + '    affine_on("affine_kernel", x, shift, aside, rows, cols)\n'
            + _DOWN_X.replace("int(x)", "aside")
            + "    c = a\n    checked(hip.hipFree(aside))\n"
            + _COPY_UP,
            _HOSTED,
        ),
    ),
    Cheat(
        "inputs_looked_at",
        "verified",
        wrapper=instead(
            _DOWN_X + _DOWN_SHIFT + "    np.isnan(a).any()\n"
            '    affine_on("affine_kernel", x, shift, out, rows, cols)\n',
            _HOSTED,
        ),
    ),
]


@pytest.mark.long
@each([*CHEATS, *RIGHT])
def test_hosted(cheat: Cheat, run_gallery: RunGallery) -> None:
    gallery = [*CHEATS, *RIGHT]
    judged_as_said(cheat, gallery, run_gallery("hosted", gallery))
