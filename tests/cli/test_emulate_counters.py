"""`rocverify emulate --counters`, `--by-line` and `--fidelity`: text and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rocverify.cli.main import main

pytestmark = pytest.mark.usefixtures("outside")

Capture = pytest.CaptureFixture[str]
ADD = (
    "vector_add", "--grid", "4", "--block", "256", "--arg", "f32[1024]:out", "--arg", "f32[1024]:range",
    "--arg", "f32[1024]:1.5", "--arg", "u32:1000",
)  # fmt: skip


def said(capsys: Capture, handmade: Path, *words: str) -> str:
    assert main(["emulate", str(handmade), *words]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def document(capsys: Capture, handmade: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(capsys, handmade, *words, "--json"))
    return found


def add_line() -> int:
    lines = (Path(__file__).parent / "handmade.hip").read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.endswith("mark: add"))


def test_json(capsys: Capture, handmade: Path) -> None:
    found = document(capsys, handmade, *ADD, "--counters")
    counters = found["counters"]
    assert counters["flops"] == {"f8": 0, "f16": 0, "bf16": 0, "f32": 1000, "f64": 0, "int8": 0, "int4": 0}
    assert (counters["global_load_bytes"], counters["global_store_bytes"]) == (8000, 4000)
    assert counters["derived"]["wave_instructions"] == found["stats"]["wave_instructions"]
    assert "counters_by_line" not in found


def test_json_by_line(capsys: Capture, handmade: Path) -> None:
    """It implies --counters, and the lines add up."""
    found = document(capsys, handmade, *ADD, "--by-line")
    lines = {one["line"].rpartition("/")[2]: one["counters"] for one in found["counters_by_line"]}
    assert lines[f"handmade.hip:{add_line()}"]["flops"]["f32"] == 1000
    total = sum(one["derived"]["wave_instructions"] for one in lines.values())
    assert total == found["stats"]["wave_instructions"]


def test_without_the_option_there_are_none(capsys: Capture, handmade: Path) -> None:
    assert "counters" not in document(capsys, handmade, *ADD)
    assert "counters" not in said(capsys, handmade, *ADD)


def test_text(capsys: Capture, handmade: Path) -> None:
    text = said(capsys, handmade, *ADD, "--counters")
    assert "arithmetic    f32 1000; 0.0833 for each global byte" in text
    assert "12000 bytes in 96 accesses (loads 8000, stores 4000, atomics 0), 96 segments of 128 bytes" in text
    assert "1 divergent, 0 barriers" in text


def test_text_of_lds_and_barriers(capsys: Capture, handmade: Path) -> None:
    """A tree of eight steps in a workgroup of eight waves; neighbours in different banks."""
    words = ("--grid", "1", "--block", "256", "--arg", "f32[1]:out", "--arg", "f32[256]:range")
    text = said(capsys, handmade, "reduce", *words, "--counters")
    assert "0.0 % due to conflicts" in text
    found = document(capsys, handmade, "reduce", *words, "--counters")
    assert found["counters"]["lds_conflict_passes"] == 0
    assert found["counters"]["derived"]["barriers"] == found["stats"]["barriers"]
    assert found["counters"]["flops"]["f32"] == 255


def test_table_of_lines(capsys: Capture, handmade: Path) -> None:
    text = said(capsys, handmade, *ADD, "--by-line")
    (row,) = [line for line in text.splitlines() if line.endswith(f"handmade.hip:{add_line()}")]
    cells = row.split()
    assert {"1000", "12000", "96"} <= set(cells)


def test_a_fault_leaves_none(capsys: Capture, handmade: Path) -> None:
    words = ("past_end", "--grid", "1", "--block", "32", "--arg", "i32[8]:out", "--arg", "i32:0")
    assert main(["emulate", str(handmade), *words, "--by-line", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["counters"] is None
    assert found["counters_by_line"] is None


EXP = """\
extern "C" __attribute__((global)) void exponentials(float* out, const float* in) {
  unsigned lane = __builtin_amdgcn_workitem_id_x();
  out[lane] = __builtin_amdgcn_exp2f(in[lane]);
}
"""
EXPONENTIALS = ("exponentials", "--grid", "1", "--block", "32", "--arg", "f32[32]:out", "--arg", "f32[32]:1")


def test_models_are_listed(capsys: Capture, tmp_path: Path) -> None:
    source = tmp_path / "exp.hip"
    source.write_text(EXP)
    bare = ("--", "-nogpuinc", "-nogpulib")
    command = ["emulate", str(source), *EXPONENTIALS]
    assert main([*command, "--fidelity", "--json", *bare]) == 0
    (one,) = json.loads(capsys.readouterr().out)["fidelity"]
    assert one["instruction"] == "v_exp_f32"
    assert (one["branches"], one["addresses"]) == ([], [])
    assert main([*command, "--fidelity", *bare]) == 0
    text = capsys.readouterr().out
    assert "fidelity  1 instruction(s) executed whose result is a model" in text
    assert "v_exp_f32" in text
    assert "within 1 ULP" in text
    assert main([*command, "--json", *bare]) == 0
    assert "fidelity" not in json.loads(capsys.readouterr().out)
