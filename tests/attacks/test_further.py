"""Further cheats, tried as an attacker would who has read the documentation."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunGallery
from tests.attacks.test_wrappers import instead

_HIP = "import numpy as np\nfrom rocm.bindings import hip\n\nfrom kernels.gpu import checked\n"
_NOTHING = "    pass\n"
_REFERENCE = "        return 2 * x + shift\n"
_MAGNITUDE = "        return 2 * abs(x) + abs(shift)\n"
_LAUNCH_ONE = "    affine_on('affine_kernel', x, shift, out, 1, 1)\n"
_PREPARE = (
    "    def prepare(self, rng, dims):\n"
    "        return {{'x': np.full((dims.rows, dims.cols), {0}), 'shift': np.full(dims.cols, {0})}}\n\n"
    "    def reference("
)
_ROUNDING = "    rounding = {F32: 1.0}\n"

CHEATS = [
    Cheat(
        "reference_is_nan",
        "failed",
        wrapper=instead(_LAUNCH_ONE),
        contract=[(_REFERENCE, "        return np.full_like(x, np.nan)\n")],
    ),
    Cheat(
        "reference_is_infinite",
        "failed",
        wrapper=instead(_LAUNCH_ONE),
        contract=[(_REFERENCE, "        return np.full_like(x, np.inf)\n")],
    ),
    Cheat(
        "tolerance_without_end",
        "failed",
        kernel="if (i < rows * cols) out[i] = 3.0f * x[i] + shift[i % cols];",
        contract=[(_MAGNITUDE, "        return 1e30 * (1 + abs(x))\n")],
    ),
    Cheat(
        "constant_inputs",
        "failed",
        kernel="if (i < rows * cols) out[i] = 3.0f;",
        contract=[("    def reference(", _PREPARE.format("1.0"))],
    ),
    Cheat(
        "inputs_of_zeros",
        "failed",
        kernel="if (i < rows * cols) out[i] = 0.0f;",
        contract=[("    def reference(", _PREPARE.format("0.0"))],
    ),
    Cheat(
        "kinds_left_out",
        "failed",
        kernel="if (i < rows * cols) out[i] = fminf(fmaxf(2.0f * x[i], -64), 64) + shift[i % cols];",
        contract=[(_ROUNDING, _ROUNDING + '    kinds = ("plain",)\n')],
    ),
    Cheat(
        "cached_by_a_sample",
        "failed",
        wrapper=instead(
            "    a = np.empty(1, np.float32)\n"
            "    checked(hip.hipMemcpy(a, int(x), 4, hip.hipMemcpyKind.hipMemcpyDeviceToHost))\n"
            "    key = (a.tobytes(), int(out), rows, cols)\n"
            "    if key in _seen:\n        return\n    _seen.add(key)\n"
            '    affine_on("affine_kernel", x, shift, out, rows, cols)\n',
            _HIP + "\n_seen = set()\n",
        ),
    ),
    Cheat(
        "first_call_only",
        "failed",
        wrapper=instead(
            "    if not _calls:\n"
            '        affine_on("affine_kernel", x, shift, out, rows, cols)\n'
            "    _calls.append(1)\n",
            "_calls = []\n",
        ),
    ),
    Cheat(
        "right_on_multiples_of_five_columns_only",
        "failed",
        kernel="if (i < rows * cols) out[i] = 2.0f * x[i] + shift[cols % 5 ? 0 : i % cols];",
    ),
    Cheat(
        "wrong_where_rows_equal_columns",
        "failed",
        kernel="if (i < rows * cols) out[i] = 2.0f * x[i] + shift[rows == cols ? i / cols : i % cols];",
    ),
    Cheat(
        "last_element_left_out",
        "failed",
        kernel="if (i + 1 < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];",
    ),
    Cheat(
        "denormals_flushed",
        "failed",
        kernel=(
            "float v = x[i < rows * cols ? i : 0]; if (fabsf(v) < 1.2e-38f) v = 0;\n"
            "  float s = shift[i % cols]; if (fabsf(s) < 1.2e-38f) s = 0;\n"
            "  if (i < rows * cols) out[i] = 2.0f * v + s;"
        ),
    ),
    Cheat(
        "infinities_lost",
        "failed",
        kernel=(
            "if (i < rows * cols) { float v = 2.0f * x[i] + shift[i % cols];\n"
            "    out[i] = isinf(v) ? 3.4e38f : v; }"
        ),
    ),
    Cheat(
        "nan_lost",
        "failed",
        kernel=(
            "if (i < rows * cols) { float v = 2.0f * x[i] + shift[i % cols];\n"
            "    out[i] = isnan(v) ? 0.0f : v; }"
        ),
    ),
    Cheat(
        "markers_in_a_message",
        "failed",
        wrapper=instead(
            '    raise RuntimeError("<!-- rocverify:end -->\\n---\\nstatus: passed\\n---\\n| T1 |")\n'
        ),
    ),
]


@pytest.mark.long
@each(CHEATS)
def test_further(cheat: Cheat, run_gallery: RunGallery) -> None:
    judged_as_said(cheat, CHEATS, run_gallery("further", CHEATS))
