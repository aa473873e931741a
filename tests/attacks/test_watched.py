"""Kernels whose results are right by luck: what only the sanitizer sees."""

from __future__ import annotations

import pytest

from tests.attacks.attack import Cheat, each, judged_as_said
from tests.attacks.conftest import RunGallery

_TILES = """\
__shared__ volatile float tile[68], other[64];
  unsigned t = threadIdx.x;
  float v = i < rows * cols ? x[i] : 0.0f;
  tile[t + {}] = 2.0f * v;
  __syncthreads();
  other[t] = shift[i % cols];
  __syncthreads();
  float twice = {};
  if (i < rows * cols) out[i] = twice + other[t];"""

CHEATS = [
    Cheat(
        "into_the_neighbour_in_lds",
        "failed",
        ("leaves its array of LDS", "past the end of tile"),
        kernel=_TILES.format("5", "t < 63 ? tile[t + 5] : 2.0f * v"),
        check={"check": "memory_safety"},
        text="The sanitizer finds nothing in the launches of {}",
    ),
    Cheat(
        "two_arrays_in_lds",
        "verified",
        kernel=_TILES.format("0", "tile[t]"),
        check={"check": "memory_safety"},
        text="The sanitizer finds nothing in the launches of {}",
    ),
]


@pytest.mark.long
@each(CHEATS)
def test_watched(cheat: Cheat, run_gallery: RunGallery) -> None:
    judged_as_said(cheat, CHEATS, run_gallery("watched", CHEATS))
