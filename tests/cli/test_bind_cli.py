"""`rocverify bind`: what it lists, what it adds when told, and that it adds nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rocverify.cli.main import main

KERNEL = 'extern "C" __global__ void NAME_kernel(float* y) { y[0] = 1; }\n'
PLAN = ".planning/phases/01-a/01-01-PLAN.md"
TEXT = """---
phase: 01-a
plan: 01
must_haves:
  truths:
    - Constant brightness is 32   # the lamp
    - The kernel is compiled
    - The code is clean
---
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("one", "two"):
        (tmp_path / "kernels").mkdir(exist_ok=True)
        (tmp_path / f"kernels/{name}.hip").write_text(KERNEL.replace("NAME", name), encoding="utf-8")
    (tmp_path / "kernels/host.py").write_text("brightness = 32\n", encoding="utf-8")
    (tmp_path / PLAN).parent.mkdir(parents=True)
    (tmp_path / PLAN).write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    code = main(["bind", "--json", *words])
    return code, json.loads(capsys.readouterr().out)


def test_the_list(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bind"]) == 1
    said = capsys.readouterr().out
    assert "01-01/T1  (.planning/phases/01-a/01-01-PLAN.md:6)  Constant brightness is 32" in said
    assert "    1  01-01/T1/constant_value: brightness is in the code of kernels/host.py\n" in said
    assert "         - proves: T1\n           check: constant_value\n" in said
    assert "01-01/T3" in said
    assert said.endswith("4 proposals, of which 1 leave nothing to judge (--yes)\n3 without a check\n")
    assert (root / PLAN).read_text(encoding="utf-8") == TEXT


def test_yes_adds_what_leaves_nothing_to_judge_and_a_second_time_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bind", "--yes", "--dry-run"]) == 1
    assert "1 entry would be added" in capsys.readouterr().out
    assert (root / PLAN).read_text(encoding="utf-8") == TEXT
    assert main(["bind", "01", "--yes"]) == 1
    assert f"{PLAN}: 1 entry added" in capsys.readouterr().out
    after = (root / PLAN).read_text(encoding="utf-8")
    entry = (
        "rocverify:\n  - proves: T1\n    check: constant_value\n    name: brightness\n    value: 32\n"
        "    paths: [kernels/host.py]\n---\n"
    )
    assert after == TEXT.removesuffix("---\n") + entry
    assert main(["bind", "01", "--yes"]) == 1
    assert (root / PLAN).read_text(encoding="utf-8") == after


def test_choices_by_number_and_id(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = listed(capsys, "--choose", "1", "--choose", "01-01/T2/kernel_compiled.2")
    assert code == 1
    added = [p["id"] for one in found for p in one["proposals"] if p["added"]]
    assert added == ["01-01/T1/constant_value", "01-01/T2/kernel_compiled.2"]
    code, found = listed(capsys)
    assert (code, [one["must_have"] for one in found]) == (1, ["01-01/T3"])
    assert found[0]["proposals"] == []
    assert "source: kernels/two.hip" in (root / PLAN).read_text(encoding="utf-8")


def test_a_wrong_choice_adds_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bind", "--choose", "1", "--choose", "01-01/T2/kernel_compile"]) == 2
    said = capsys.readouterr().err
    assert "there is no proposal 01-01/T2/kernel_compile" in said
    assert "nearest: 01-01/T2/kernel_compiled" in said
    assert (root / PLAN).read_text(encoding="utf-8") == TEXT


def test_it_asks_on_a_terminal_alone(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(text: str, **_: Any) -> str:
        asked.append(text)
        return "1, 2"

    monkeypatch.setattr("click.prompt", answer)
    assert main(["bind"]) == 1
    assert asked == []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(["bind"]) == 1
    assert len(asked) == 1
    assert "2 entries added" in capsys.readouterr().out
    assert "source: kernels/one.hip" in (root / PLAN).read_text(encoding="utf-8")


def test_everything_has_a_check(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / PLAN).write_text(TEXT.replace("    - The code is clean\n", ""), encoding="utf-8")
    assert main(["bind", "--choose", "1", "--choose", "4"]) == 0
    assert "0 without a check" in capsys.readouterr().out
    assert listed(capsys) == (0, [])


def test_a_plan_that_cannot_be_read(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / PLAN.replace("01-PLAN", "02-PLAN")).write_text("---\na: [\n---\n", encoding="utf-8")
    assert main(["bind", "--yes"]) == 2
    assert "01-02-PLAN.md:3" in capsys.readouterr().err
    assert "constant_value" in (root / PLAN).read_text(encoding="utf-8")
