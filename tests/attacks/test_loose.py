"""Contracts whose tolerances let less precision pass than the element type promises."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunGallery

_HALF = "if (i < rows * cols) out[i] = float((_Float16)(2.0f * x[i] + shift[i % cols]));"
_CUT = (
    "if (i < rows * cols) out[i] = __uint_as_float(\n"
    "    __float_as_uint(2.0f * x[i] + shift[i % cols]) & 0xffffe000u);"
)

CHEATS = [
    Cheat(
        "rounding_beyond_the_type",
        "failed",
        ("elements of out are wrong",),
        kernel=_HALF,
        contract=[("    rounding = {F32: 1.0}", '    rounding = {F32: 20000.0}\n    kinds = ("plain",)')],
    ),
    Cheat(
        "magnitude_inflated",
        "failed",
        ("elements of out are wrong",),
        kernel=_CUT,
        contract=[("return 2 * abs(x) + abs(shift)", "return 1000000 * (2 * abs(x) + abs(shift))")],
    ),
]


@pytest.mark.long
@each(CHEATS)
def test_loose(cheat: Cheat, run_gallery: RunGallery) -> None:
    judged_as_said(cheat, CHEATS, run_gallery("loose", CHEATS))
