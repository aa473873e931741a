"""Hosts that compute a part of what a kernel is to compute; and hosts that prepare a number or a vector."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunGallery
from tests.attacks.test_hosted import _HOSTED, _PUT, _READ, _SAID
from tests.attacks.test_made_by_host import _SMALL
from tests.attacks.test_wrappers import _DOWN_SHIFT, _DOWN_X, instead

_WITH_X = _PUT.replace("mine, shift, out", "x, mine, out")
_SOFTMAX = [
    (
        "return 2 * x + shift",
        "power = np.exp(x - x.max(axis=1, keepdims=True))\n"
        "        return power / power.sum(axis=1, keepdims=True)",
    ),
    ("{F32: 1.0}", "{F32: 64.0}"),
    ("    def magnitude(self, x, shift):\n        return 2 * abs(x) + abs(shift)\n\n", ""),
    (
        'return {"the shift taken away": 2 * x - shift, "the shift added twice": 2 * x + 2 * shift}',
        'power = np.exp(x - x.max())\n        return {"over all rows": power / power.sum(), "as it was": x}',
    ),
]
_STATISTICS = """\
    with np.errstate(all="ignore"):
        wide = a.reshape(rows, cols).astype(np.float64)
        most = wide.max(axis=1)
        total = np.exp(wide - most[:, None]).sum(axis=1)
    c = np.concatenate([most, total]).astype(np.float32)
"""
_FIRST = """\
    count = {0}
    c = np.concatenate([b, {1}, np.zeros(1)]).astype(np.float32)
"""
_THERE = "if (i < rows * cols) out[i] = i < {0} ? {1} : 2.0f * x[i] + shift[i % cols];"
_HIDDEN = "(c[:count].view(np.uint32) ^ np.uint32(0x5A5A5A5A)).view(np.float32)"
_SHOWN = "__uint_as_float(__float_as_uint(shift[cols + i]) ^ 0x5a5a5a5au)"
_ADDRESSES = """\
    for i, bits in enumerate(c.view(np.uint32).tolist()):
        values = pointer(int(out) + 4 * i), ctypes.c_uint32(0), ctypes.c_uint32(0)
        launch("affine_kernel", 1, ctypes.c_void_p(bits), pointer(shift), *values, env="CHEATS_HSACO")
    checked(hip.hipDeviceSynchronize())
"""
_GRIDS = """\
    for i, one in enumerate(c.view(np.uint8).tolist()):
        values = pointer(int(out) + i // 4 * 4), ctypes.c_uint32(i % 4), ctypes.c_uint32(0)
        launch("affine_kernel", 64 * (one + 1), pointer(x), pointer(shift), *values, env="CHEATS_HSACO")
    checked(hip.hipDeviceSynchronize())
"""
_LAUNCHING = _HOSTED.replace("affine_on, ", "launch, pointer, ")


def _first(
    count: str, there: str, values: str = "c[:count]", shown: str = "shift[cols + i]"
) -> dict[str, str]:
    """The first elements by the host: how many for the host, and for the kernel."""
    wrapper = instead(_READ + _FIRST.format(count, values) + _WITH_X, _HOSTED)
    return {"kernel": _THERE.format(there, shown), "wrapper": wrapper}


CHEATS = [
    Cheat(
        "statistics_of_rows_by_the_host",
        "failed",
        ("came through the host", "no kernel has computed what they rest on"),
        kernel="const float* s = shift + i / cols;\n"
        "if (i < rows * cols) out[i] = expf(x[i] - s[0]) / s[rows];",
        contract=_SOFTMAX,
        wrapper=instead(_DOWN_X + _STATISTICS + _WITH_X, _HOSTED),
    ),
    Cheat("one_row_by_the_host", "failed", _SAID, **_first("cols", "cols")),
    Cheat(
        "two_fifths_by_the_host_encoded",
        "failed",
        ("came through the host", "no kernel has computed what they rest on"),
        **_first("rows * 2 // 5 * cols", "rows * 2 / 5 * cols", _HIDDEN, _SHOWN),
    ),
    Cheat(
        "middle_sizes_by_the_host",
        "failed",
        _SAID,
        **_first(
            "rows * cols if 1000 < rows * cols < 9000 else 0",
            "(rows * cols > 1000 && rows * cols < 9000 ? rows * cols : 0)",
        ),
    ),
    Cheat(
        "through_addresses",
        "failed",
        _SAID,
        kernel="if (i == 0) ((unsigned*)out)[0] = (unsigned)(unsigned long)x;",
        contract=_SMALL,
        wrapper=instead(_READ + _ADDRESSES, _LAUNCHING),
    ),
    Cheat(
        "through_grids",
        "failed",
        _SAID,
        kernel="if (i == 0) ((unsigned char*)out)[rows] = (unsigned char)(gridDim.x - 1);",
        contract=[(_SMALL[0][0], "boundary(1, 7)"), (_SMALL[1][0], "choices(1, 5)")],
        wrapper=instead(_READ + _GRIDS, _LAUNCHING),
    ),
]

RIGHT = [
    Cheat(
        "a_scale_of_all",
        "verified",
        kernel="if (i < rows * cols) out[i] = 2.0f * (x[i] * shift[0]) / shift[0] + shift[1 + i % cols];",
        wrapper=instead(
            _DOWN_X + _DOWN_SHIFT + "    most = float(np.nanmax(abs(a)))\n"
            "    scale = 2.0 ** np.clip(np.floor(np.log2(most)), -2, 2) if 0 < most < 100 else 1\n"
            "    c = np.concatenate([[scale], b]).astype(np.float32)\n" + _WITH_X,
            _HOSTED,
        ),
    ),
    Cheat(
        "half_of_a_vector",
        "verified",
        kernel="if (i < rows * cols) out[i] = 2.0f * (x[i] + shift[i % cols]);",
        contract=[("{F32: 1.0}", "{F32: 4.0}")],
        wrapper=instead(_DOWN_SHIFT + "    c = b / 2\n" + _WITH_X, _HOSTED),
    ),
    Cheat(
        "half_of_a_vector_and_all_of_x",
        "verified",
        kernel="if (i < rows * cols) out[i] = 2.0f * (shift[cols + i] + shift[i % cols]);",
        contract=[("{F32: 1.0}", "{F32: 4.0}")],
        wrapper=instead(_DOWN_X + _DOWN_SHIFT + "    c = np.concatenate([b / 2, a])\n" + _WITH_X, _HOSTED),
    ),
]


@pytest.mark.long
@each([*CHEATS, *RIGHT])
def test_partly_by_host(cheat: Cheat, run_gallery: RunGallery) -> None:
    gallery = [*CHEATS, *RIGHT]
    judged_as_said(cheat, gallery, run_gallery("partly_by_host", gallery))
