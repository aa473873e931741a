"""The JSON contract: the schema that is committed, the issue's wording, and real runs against both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import rocverify.report.model as model
from rocverify.report.model import Report
from tests.runner.demo import Demo


def test_the_committed_schema_is_that_of_the_classes() -> None:
    path = Path(model.__file__).with_name("report.schema.json")
    assert path.read_text(encoding="utf-8") == model.schema_text()


@pytest.mark.parametrize("words", [("passed",), ("failed", "no_device", "bug", "bad_object", "device")])
def test_what_a_run_writes_is_valid_and_round_trips(demo: Demo, words: tuple[str, ...]) -> None:
    demo.does(*words)
    demo.run("phase", "16")
    data = demo.report()
    report = Report.model_validate(data)
    assert report.to_json() == data
    text = demo.file("reports/latest/report.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail) == data


CONTRACT: dict[str, Any] = {
    "schema": str,
    "status": str,
    "score": {"verified": int, "total": int},
    "device": {"kind": str, "name": str, "target": str},
    "toolchain": dict,
    "plans": [
        {
            "plan": str,
            "status": str,
            "must_haves": [
                {
                    "id": str,
                    "type": str,
                    "text": str,
                    "requirement": str,
                    "verdict": str,
                    "source": str,
                    "checks": [str],
                }
            ],
            "checks": [
                {
                    "id": str,
                    "kind": str,
                    "verdict": str,
                    "message": str,
                    "evidence": dict,
                    "duration_s": float,
                }
            ],
        }
    ],
}


def check(shape: Any, data: Any, where: str = "report") -> None:
    if isinstance(shape, dict):
        assert shape.keys() <= data.keys(), where
        for key, inner in shape.items():
            check(inner, data[key], f"{where}.{key}")
    elif isinstance(shape, list):
        assert data, where
        for item in data:
            check(shape[0], item, f"{where}[]")
    else:
        assert isinstance(data, shape), (where, data)


def test_every_key_that_the_contract_names_is_there(demo: Demo) -> None:
    demo.does("device", "failed")
    demo.run("phase", "16")
    report = demo.report()
    check(CONTRACT, report)
    assert report["schema"] == "rocverify.report/1"
    plan = report["plans"][0]
    ids = {c["id"] for c in plan["checks"]}
    assert all(set(m["checks"]) <= ids for m in plan["must_haves"])
    assert plan["must_haves"][0]["source"].startswith(".planning/phases/16-demo/16-01-PLAN.md:")


def test_json_path_writes_the_same_report(demo: Demo, tmp_path: Path) -> None:
    demo.does("passed")
    demo.run("phase", "16", "--json", str(tmp_path / "out" / "r.json"))
    assert json.loads((tmp_path / "out" / "r.json").read_text(encoding="utf-8")) == demo.report()
