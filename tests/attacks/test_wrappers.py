"""Wrappers that pretend: the work is not done, done elsewhere, or done once."""

from __future__ import annotations

from tests.attacks.attack import Cheat, each
from tests.attacks.conftest import RunGallery
from tests.attacks.project import WRAPPER

_LAUNCH = '    affine_on("affine_kernel", x, shift, out, rows, cols)\n'


def _instead(text: str, head: str = "") -> str:
    """The honest wrapper with its launch replaced, and lines put before it."""
    assert _LAUNCH in WRAPPER
    return head + WRAPPER.replace(_LAUNCH, text)


CHEATS = [
    Cheat("honest", "verified"),
    Cheat("honest_kernel", "verified", kernel="if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols];"),
    Cheat("output_left", "failed", ("was not launched",), wrapper=_instead("    pass\n")),
]


@each(CHEATS)
def test_wrapper(cheat: Cheat, run_gallery: RunGallery) -> None:
    ran = run_gallery("wrappers", CHEATS)
    tail = f"T{CHEATS.index(cheat) + 1}"
    said = ran.said(tail)
    assert ran.verdict(tail) == cheat.verdict, said
    for words in cheat.says:
        assert words in said
