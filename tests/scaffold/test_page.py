"""The page on must-haves says what is so: its phrases bind as they stand, its checks are all there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rocverify.binding import bind
from rocverify.checks.registry import CHECKS
from rocverify.plan import parse_plan
from rocverify.scaffold.project import PAGE, Project
from rocverify.scaffold.steps import Writer
from rocverify.settings import Settings

FILES = {
    "kernels/saxpy.hip": 'extern "C" __global__ void saxpy(float* y) { y[threadIdx.x] = 1; }\n',
    "kernels/contracts/sums.py": """
@contract(source="kernels/saxpy.hip", symbol="saxpy", wrapper="engine:step")
class Saxpy:
    y = InOut("n", F32)
    dims = Dims(n=boundary(1, 64))
""",
    "engine.py": "def launch(): ...\ndef step(): launch()\n",
    "Cargo.toml": '[package]\nname = "engine"\n',
}
SETTINGS = Settings(host_globs=("*.py",))


@pytest.fixture
def page(project: Path) -> str:
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    steps = {step.path: step.text for step in Project(project, Writer(project, dry=True)).steps()}
    return steps[PAGE]


def test_its_phrases_bind(project: Path, page: str) -> None:
    block = page.partition("where the kernel, function or file is there:\n\n")[2].partition("\n\n")[0]
    truths = [line.strip() for line in block.splitlines()]
    assert len(truths) >= 12
    path = project / ".planning/phases/01-a/01-01-PLAN.md"
    path.parent.mkdir(parents=True)
    listed = "".join(f"    - '{truth}'\n" for truth in truths)
    path.write_text(f"---\nphase: 01-a\nplan: 01\nmust_haves:\n  truths:\n{listed}---\n", encoding="utf-8")
    for bound in bind(parse_plan(path, project), SETTINGS):
        assert bound.checks, f"{bound.must_have.text}: {bound.reason}"


def test_its_table_has_every_check_and_parameter(page: str) -> None:
    rows = dict(re.findall(r"(?m)^\| `(\w+)` \| (.*) \|$", page))
    assert {name: re.findall(r"`(\w+)`", row) for name, row in rows.items()} == {
        name: list(kind.params.model_fields) for name, kind in CHECKS.items()
    }
