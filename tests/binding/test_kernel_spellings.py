"""Truths and contracts may spell a C++ kernel differently: mangled, with its namespace, or short."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from rocverify.binding import bind
from rocverify.binding.project import Subject
from rocverify.plan import parse_plan
from rocverify.settings import Settings

SOURCE = """\
namespace rows {
__global__ void scale_rows(float* x, int n) { x[threadIdx.x] = n; }
__global__ void fill_rows(float* x) { x[threadIdx.x] = 1; }
}
"""
CONTRACTS = """\
@contract(source="src/rows.hip", symbol="SYMBOL")
class Scale:
    x = InOut("n", F32)
@contract(source="src/rows.hip", symbol="_ZN4rows9fill_rowsEPf")
class Fill:
    x = InOut("n", F32)
"""
PLAN = ".planning/phases/01-a/01-01-PLAN.md"
MANGLED = "_ZN4rows10scale_rowsEPfi"
SPELLINGS = ("scale_rows", "rows::scale_rows", MANGLED)
MANIFEST = f'[[kernel]]\nsource = "src/rows.hip"\nsymbols = ["{MANGLED}"]\nenv = "ROWS"\n'


@pytest.mark.parametrize("manifest", ["", MANIFEST])
@pytest.mark.parametrize(("written", "symbol"), list(product(SPELLINGS[:2], SPELLINGS)))
def test_a_truth_finds_the_contract_of_its_kernel(
    tmp_path: Path, written: str, symbol: str, manifest: str
) -> None:
    texts = {
        "src/rows.hip": SOURCE,
        "contracts/rows.py": CONTRACTS.replace("SYMBOL", symbol),
        PLAN: "---\nphase: 01-a\nplan: 01\nmust_haves:\n  truths:\n"
        f"    - '`{written}` matches a CPU reference in float32'\n---\n",
    }
    for name, text in texts.items() | ({("kernels.toml", manifest)} if manifest else set()):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    settings = Settings(contract_globs=("contracts/*.py",), manifest="kernels.toml")
    subject = Subject(tmp_path, settings)
    (bound,) = bind(parse_plan(tmp_path / PLAN, tmp_path), settings, subject=subject)
    assert [(check.kind, check.params["contract"]) for check in bound.checks] == [
        ("correctness", "contracts.rows:Scale")
    ]
    assert all(kernel.symbols.count(name) <= 1 for kernel in subject.kernels for name in kernel.symbols)


def test_element_types_are_not_unknown_names(tmp_path: Path) -> None:
    place = tmp_path / PLAN
    place.parent.mkdir(parents=True)
    place.write_text(
        "---\nphase: 01-a\nplan: 01\nmust_haves:\n  truths:\n"
        "    - '`scale_rows` matches a CPU reference in float32'\n---\n",
        encoding="utf-8",
    )
    (bound,) = bind(parse_plan(place, tmp_path), Settings())
    assert "does not say which contract" in (bound.reason or "")
    assert "float32" not in (bound.reason or "")
