"""Numbers that code compares with: found in kernel sources and in wrappers, not in comments."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.checks.support.thresholds import thresholds_of
from rocverify.code.index import CodeIndex
from rocverify.settings import load_settings
from tests.fakes.declaring import declare

KERNEL = "__global__ void k(float* x, int n) {{ int i = threadIdx.x; {} x[i] = 1; }}\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("if (i < n && i < 4096u)", (4096,)),
        ("if (1024 <= n) return;", (1024,)),
        ("if (n >= 0x1000)", (4096,)),
        ("if (n > 1 << 13)", (8192,)),
        ("if (i < 32)", ()),
        ("if (n > 1.5f)", ()),
        ("/* if (n > 5000) */", ()),
        ("x[i] += 5000;", ()),
        ("if (n > 99999999999999999999)", ()),
    ],
)
def test_of_a_kernel(tmp_path: Path, line: str, expected: tuple[int, ...]) -> None:
    (tmp_path / "k.hip").write_text(KERNEL.format(line))
    assert (
        thresholds_of(
            CodeIndex(tmp_path, load_settings(tmp_path, {})),
            declare(wrapper=None, call=None, launch=lambda _: None),
        )
        == expected
    )


def test_of_constants_and_of_the_wrapper(tmp_path: Path) -> None:
    (tmp_path / "k.hip").write_text("#define LIMIT 3000\nconstexpr int TOP = 7000;\n" + KERNEL.format(""))
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels/w.py").write_text(
        "MOST = 9_000\n# OTHER = 9100\ndef f(n):\n    if n > 9_500:\n        return\n"
    )
    spec = declare(wrapper="kernels.w:f")
    assert thresholds_of(CodeIndex(tmp_path, load_settings(tmp_path, {})), spec) == (3000, 7000, 9000, 9500)


def test_what_cannot_be_read_has_none(tmp_path: Path) -> None:
    assert thresholds_of(CodeIndex(tmp_path, load_settings(tmp_path, {})), declare()) == ()
