"""Two kernels as people write them (pointers that move to a row, bytes that become floats) and `init`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.scaffold.conftest import Run

KERNELS = Path(__file__).parent / "newcomer"
COMPUTE = 'raise NotImplementedError("CHECK: what the kernel must compute, in NumPy")'
MISTAKES = 'raise NotImplementedError("CHECK: results of plausible mistakes, by name")'
TERMS = (
    'raise NotImplementedError("CHECK: '
    "the terms' absolute values, added up; without a sum, leave magnitude out\")"
)
NORM = "(x + residual, gain, shift, eps)"
BY_HAND = {
    "dequant": {
        COMPUTE: "return (q - zero[:, None]) * scale[:, None]",
        MISTAKES: 'return {"no zero point": q * scale[:, None]}',
    },
    "residual_norm": {
        "import ctypes\n": "import ctypes\n\nfrom rocverify.references import rows\n",
        COMPUTE: f"return rows.layer_norm{NORM}",
        TERMS: f"return rows.layer_norm_magnitude{NORM}",
        MISTAKES: f"return rows.wrong_layer_norm{NORM}",
    },
}
"""What the lines that raise become: all that is written by hand."""

WRONG = [
    ("dequant", "(float)*(src + c) - z", "(float)*(src + c)"),
    ("dequant", "*(scale + row)", "*scale"),
    ("dequant", "c < cols", "c < cols - 1"),
    ("residual_norm", "/ width + eps", "/ width"),
    ("residual_norm", "/ width + eps", "/ (width - 1) + eps"),
    ("residual_norm", "residual[i] - mean;", "residual[i];"),
    ("residual_norm", "x += (size_t)token * width;", ""),
    ("residual_norm", "        __syncthreads();\n    }\n", "    }\n"),
]


@pytest.mark.drawn(8)
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "right", "wrong"), WRONG)
def test_lines_by_hand_lead_to_a_deserved_green(
    project: Path, rocverify: Run, name: str, right: str, wrong: str
) -> None:
    shutil.copytree(KERNELS, project / "kernels")
    assert rocverify("init")[0] == 0
    code, said = rocverify("run", "plan", "01-01")
    assert code == 3, said
    assert "2/6 verified" in said
    for contract, lines in BY_HAND.items():
        path = project / f"kernels/contracts/{contract}.py"
        text = path.read_text(encoding="utf-8")
        for begun, written in lines.items():
            assert text.count(begun) == 1, begun
            text = text.replace(begun, written)
        assert "raise NotImplementedError" not in text
        path.write_text(text, encoding="utf-8")
    code, said = rocverify("run", "plan", "01-01")
    assert code == 0, said
    source = project / f"kernels/{name}.hip"
    text = source.read_text(encoding="utf-8")
    assert right in text
    source.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    code, said = rocverify("run", "plan", "01-01", "--no-write")
    assert code == 1, said
