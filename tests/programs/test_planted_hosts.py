"""Bugs planted in the host's code: each is found under `--sanitize`, with the line of the host; the corrected
twins are right, and nothing is found in them.

`NAME.expect.json` holds the kind of the finding and patterns of words. Lines of the source that end in
`// BUG` and `// ALSO` must all be named; `"line": null` asks for none. `exit` is what `exec` ends with. A
program that cannot be run at all has no findings: `"kind": null`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.programs.build import Program, Workshop, programs, read_program
from tests.programs.running import Outcome, execute, marked_lines

PLANTED = programs("planted")
QUICK = {"planted/missing_synchronise", "planted/double_free"}


def _cases() -> list[object]:
    return [
        pytest.param(one, id=one.source.stem, marks=() if one.name in QUICK else (pytest.mark.drawn(2),))
        for one in PLANTED
    ]


def test_there_are_as_many_bugs_as_promised() -> None:
    assert len(PLANTED) >= 15
    for program in PLANTED:
        assert len(marked_lines(program.source, "BUG")) == 1, program.name
        assert "kind" in _expected(program)


@pytest.mark.parametrize("program", _cases())
def test_planted_bug_is_found(workshop: Workshop, program: Program, tmp_path: Path) -> None:
    expected = _expected(program)
    trace = tmp_path / "trace.json"
    outcome = execute(workshop.command(program), "--sanitize", "--trace", str(trace))
    assert outcome.returncode == expected.get("exit", 1), str(outcome)
    if expected["kind"] is not None:
        assert expected["kind"] in _kinds(trace), str(outcome)
    for pattern in expected["words"]:
        assert re.search(pattern, outcome.words), f"{pattern!r} is not said\n{outcome}"
    if expected.get("line", "BUG") is not None:
        _assert_lines(program, outcome)


def _kinds(trace: Path) -> set[str]:
    told = json.loads(trace.read_text(encoding="utf-8"))
    kinds = {finding["kind"] for finding in (*told["findings"], *told["host_findings"])}
    return kinds | ({"fault"} if told["fault"] else set())


def _assert_lines(program: Program, outcome: Outcome) -> None:
    for mark in ("BUG", "ALSO"):
        for line in marked_lines(program.source, mark):
            assert re.search(rf"{re.escape(line)}\b", outcome.words), f"{line} is not named\n{outcome}"


@pytest.mark.parametrize("program", _cases())
def test_corrected_twin_is_clean(workshop: Workshop, program: Program) -> None:
    twin = read_program(program.source, ["TWIN"])
    outcome = execute(workshop.command(twin), "--sanitize", "--require-launch")
    assert outcome.returncode == 0, str(outcome)
    assert outcome.output.rstrip().endswith("RIGHT"), str(outcome)


def _expected(program: Program) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(program.source.with_suffix(".expect.json").read_text(encoding="utf-8"))
    return data
