"""What CI systems read of a run: SARIF by its schema, code quality, annotations, the step summary."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from rocverify.checks.registry import MODULES
from rocverify.report.github import annotation, annotation_lines, step_summary
from rocverify.report.model import FindingReport, InputReport, Report
from rocverify.report.problems import Level, Place, Problem, place_of, problems
from rocverify.report.rules import KINDS
from rocverify.report.sarif import sarif_log
from tests.runner.demo import FOLDER, Demo

SCHEMA = json.loads(
    Path(__file__).with_name("sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")
)  # the OASIS schema of SARIF 2.1.0
PLAN = f"{FOLDER}/16-01-PLAN.md"


def many_ways(demo: Demo) -> Demo:
    """T1 passes, T2 fails with a place, T3 fails to compile, T4 has no device, T5 has no check."""
    demo.plan(
        {
            "A holds": [{"does": "passed"}],
            "B holds": [{"does": "failed", "text": "off at 7 [x](y)"}],
            "C holds": [{"does": "compile_error", "text": "no\nsecond line"}],
            "D holds": [{"does": "no_device", "text": "absent"}],
            "E holds": [],
        }
    )
    return demo


def read(demo: Demo, name: str) -> Any:
    return json.loads(demo.file(f"reports/latest/{name}").read_text(encoding="utf-8"))


def errors(log: Any) -> list[str]:
    return [error.message for error in Draft4Validator(SCHEMA).iter_errors(log)]


def test_the_schema_refuses_what_is_not_sarif() -> None:
    assert errors({"version": "2.1.0"})
    assert errors({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [{}]}]})


@pytest.mark.parametrize("words", [("passed",), ("failed", "no_device", "bug", "bad_object", "ansi")])
def test_sarif_is_valid(demo: Demo, words: tuple[str, ...]) -> None:
    demo.does(*words)
    demo.run("phase", "16")
    assert errors(read(demo, "rocverify.sarif")) == []


def test_sarif_has_a_result_for_whatever_is_not_verified(demo: Demo) -> None:
    assert many_ways(demo).run("phase", "16") == 1
    log = read(demo, "rocverify.sarif")
    assert errors(log) == []
    (run,) = log["runs"]
    results = {result["properties"]["mustHave"]: result for result in run["results"]}
    assert list(results) == ["16-01/T2", "16-01/T3", "16-01/T4", "16-01/T5"]
    assert [result["level"] for result in results.values()] == ["error", "error", "warning", "warning"]
    assert [result["ruleId"] for result in results.values()] == ["fake", "fake", "fake", "no_check"]
    for result in results.values():
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    second = results["16-01/T2"]
    assert second["message"]["text"] == "16-01/T2: finding: off at 7 [x] (y)\nWhat to do: do it"
    physical = second["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "kernels/rope.py", "uriBaseId": "%SRCROOT%"}
    assert physical["region"] == {"startLine": 7}
    related = second["relatedLocations"][0]["physicalLocation"]
    assert related["artifactLocation"]["uri"] == PLAN
    assert second["properties"]["kernel"] == "rope_kernel"
    assert second["properties"]["fix"] == "do it"
    third = results["16-01/T3"]["locations"][0]["physicalLocation"]
    assert (third["artifactLocation"]["uri"], third["region"]) == ("k.hip", {"startLine": 3})
    fifth = results["16-01/T5"]["locations"][0]["physicalLocation"]
    assert fifth["artifactLocation"]["uri"] == PLAN
    assert fifth["region"]["startLine"] > 1
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["invocations"][0]["exitCode"] == 1


def prints(demo: Demo) -> dict[str, str]:
    (run,) = read(demo, "rocverify.sarif")["runs"]
    return {
        result["properties"]["mustHave"]: result["partialFingerprints"]["rocverify/v1"]
        for result in run["results"]
    }


def test_fingerprints_outlive_lines_seeds_and_numbers(demo: Demo) -> None:
    many_ways(demo).run("phase", "16", "--seed", "1")
    first = prints(demo)
    assert len(set(first.values())) == len(first) == 4
    plan = demo.file(PLAN)
    text = plan.read_text(encoding="utf-8").replace("type: execute", "type: execute\nmore: 1")
    plan.write_text(text.replace("off at 7", "off at 8"), encoding="utf-8")
    demo.run("phase", "16", "--seed", "2")
    assert prints(demo) == first


def test_two_findings_of_one_place_differ(demo: Demo) -> None:
    demo.plan({"A": [{"does": "failed"}, {"does": "failed"}], "B": [{"does": "failed"}]})
    demo.run("phase", "16")
    entries = read(demo, "gl-code-quality.json")
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == 3


def of_cases(*texts: str, **more: str) -> list[FindingReport]:
    return [FindingReport(message=text, **more) for text in texts]


def reported(demo: Demo, findings: list[FindingReport], source: str | None) -> list[Problem]:
    """The problems of a failed check that had these findings and was about a source."""
    demo.plan({"A": [{"does": "failed", "text": "wrong"}]})
    demo.run("phase", "16")
    report = Report.model_validate(demo.report())
    (plan,) = report.plans
    (check,) = plan.checks
    rows = [InputReport(role="kernel source", path="kernels/rope.hip", sha256=None)]
    check = check.model_copy(update={"findings": findings, "evidence": {"source": source}})
    plan = plan.model_copy(
        update={"checks": [check], "provenance": plan.provenance.model_copy(update={"inputs": rows})}
    )
    return problems(report.model_copy(update={"plans": [plan]}))


def test_cases_without_a_place_are_one_problem_of_the_source(demo: Demo) -> None:
    (problem,) = reported(demo, of_cases("case 1", "case 2", "case 3"), "kernels/rope.hip")
    assert problem.message == "wrong: case 1 (and 2 more like it, in the report)"
    assert problem.place == Place("kernels/rope.hip")
    assert problem.planned is not None
    assert problem.planned.path == PLAN
    (elsewhere,) = reported(demo, of_cases("case 1"), "/usr/share/rope.hip")
    assert elsewhere.place.path == PLAN
    assert elsewhere.planned is None


def test_each_place_is_a_problem_of_its_own_with_its_kernel(demo: Demo) -> None:
    found = reported(
        demo,
        [
            *of_cases("one", "two", location="kernels/rope.hip:3", kernel="k"),
            *of_cases("three", location="kernels/rope.hip:9", kernel="k"),
            *of_cases("four", location="k+0x10", kernel="l"),
        ],
        "kernels/rope.hip",
    )
    assert [(problem.place.line, problem.kernel, problem.message) for problem in found] == [
        (3, "k", "wrong: one (and 1 more like it, in the report)"),
        (9, "k", "wrong: three"),
        (1, "l", "wrong: k+0x10: four"),
    ]
    assert len({problem.fingerprint for problem in found}) == 3


def test_beyond_the_limit_errors_stay_and_a_notice_says_how_many_went(demo: Demo) -> None:
    many_ways(demo).run("phase", "16")
    log = sarif_log(Report.model_validate(demo.report()), most=1)
    assert errors(log) == []
    (run,) = log["runs"]
    assert [result["level"] for result in run["results"]] == ["error"]
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("3 results beyond the first 1 ")


def test_githubs_limit_of_25000_results_is_kept(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.does("failed")
    demo.run("phase", "16")
    report = Report.model_validate(demo.report())
    (problem,) = problems(report)
    monkeypatch.setattr("rocverify.report.sarif.problems", lambda _: [problem] * 25_003)
    (run,) = sarif_log(report)["runs"]
    assert len(run["results"]) == 25_000
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("3 results beyond the first 25000 ")


def test_a_broken_harness_is_no_successful_execution(demo: Demo) -> None:
    demo.does("bug")
    assert demo.run("phase", "16") == 4
    (run,) = read(demo, "rocverify.sarif")["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False


def test_a_refused_plan_is_a_result_at_its_line(demo: Demo) -> None:
    demo.does("passed")
    demo.file(f"{FOLDER}/16-02-PLAN.md").write_text("---\nphase: [\n---\n", encoding="utf-8")
    assert demo.run("phase", "16") == 2
    (run,) = read(demo, "rocverify.sarif")["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("plan_refused", "error")
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == f"{FOLDER}/16-02-PLAN.md"


def test_a_check_that_was_left_out_is_not_silent(demo: Demo) -> None:
    demo.does("passed", "failed")
    demo.run("phase", "16", "--", "-k", "T1")
    (run,) = read(demo, "rocverify.sarif")["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("unverified", "warning")
    assert "deselected" in result["message"]["text"]


def test_code_quality_has_what_gitlab_asks_for(demo: Demo) -> None:
    many_ways(demo).run("phase", "16")
    entries = read(demo, "gl-code-quality.json")
    assert [entry["severity"] for entry in entries] == ["critical", "critical", "minor", "minor"]
    first = entries[0]
    assert first.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
    assert first["location"] == {"path": "kernels/rope.py", "lines": {"begin": 7}}
    assert first["description"].startswith("16-01/T2: ")
    assert all(re.fullmatch("[0-9a-f]{32}", entry["fingerprint"]) for entry in entries)
    demo.does("passed")
    demo.run("phase", "16")
    assert read(demo, "gl-code-quality.json") == []


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("kernels/a.hip:7", Place("kernels/a.hip", 7)),
        ("kernels/a.hip:7:3", Place("kernels/a.hip", 7, 3)),
        ("kernels/a.hip", Place("kernels/a.hip")),
        ("a b.py:1", Place("a b.py", 1)),
        ("rope_kernel+0x1c", None),
        ("rope_kernel", None),
        ("/usr/include/hip.h:7", None),
        ("../other/a.hip:7", None),
        ("<string>:1", None),
        ("kernels/a.hip:0", Place("kernels/a.hip")),
        ("a/b.c:d.hip", None),
        ("", None),
        (None, None),
    ],
)
def test_places(location: str | None, place: Place | None) -> None:
    assert place_of(location) == place


def test_a_file_in_the_root_is_a_place_where_the_report_knows_it() -> None:
    assert place_of("Makefile") is None
    assert place_of("Makefile", {"Makefile"}) == Place("Makefile")


# -- GitHub --------------------------------------------------------------------------------------------


def decoded(line: str) -> tuple[str, dict[str, str], str]:
    """An annotation as GitHub's runner reads it."""
    found = re.fullmatch(r"::(\w+) ([^:]*(?::(?!:)[^:]*)*)::(.*)", line)
    assert found is not None, line
    level, properties, message = found.groups()
    values = dict(item.split("=", 1) for item in properties.split(","))
    for escape, text in (("%2C", ","), ("%3A", ":"), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        values = {name: value.replace(escape, text) for name, value in values.items()}
        message = message.replace(escape, text)
    return level, values, message


def test_annotations_are_escaped() -> None:
    hostile = Problem(
        Level.ERROR,
        "fake",
        "100% wrong\n::error::mine\r::set-env name=A::b\x1b[31m",
        Place("a,b:c\n.py", 3, 5),
        must_have="16-01/T1",
    )
    line = annotation(hostile)
    assert "\n" not in line
    assert "\r" not in line
    level, values, message = decoded(line)
    assert level == "error"
    assert values == {"file": "a,b:c\n.py", "line": "3", "col": "5", "title": "16-01/T1: fake"}
    assert message == "100% wrong\n::error::mine\n::set-env name=A::b"


def test_ten_of_each_level_and_a_notice(demo: Demo) -> None:
    demo.does(*["failed"] * 12, *["no_device"] * 11)
    demo.run("phase", "16")
    lines = list(annotation_lines(Report.model_validate(demo.report())))
    assert [sum(line.startswith(f"::{word} ") for line in lines) for word in ("error", "warning")] == [10, 10]
    assert lines[-1].startswith("::notice title=rocverify::3 more ")


def test_within_actions_a_run_annotates_and_summarises(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    many_ways(demo)
    demo.plan({"F | G <b>": [{"does": "failed", "text": "\n::error::not ours"}]}, number="16-02")
    demo.run("phase", "16")
    lines = capsys.readouterr().out.splitlines()
    found = re.fullmatch("::stop-commands::([0-9a-f]{32})", lines[0])
    assert found is not None
    resumed = lines.index(f"::{found[1]}::")
    before, after = lines[1:resumed], lines[resumed + 1 :]
    assert any(line.strip().startswith("::error::not ours") for line in before)
    assert [decoded(line)[0] for line in after] == ["error"] * 3 + ["warning"] * 2
    level, values, _ = decoded(after[0])
    assert (level, values["file"], values["line"]) == ("error", "kernels/rope.py", "7")
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n### rocverify: gaps_found, 1/6 must-haves verified\n")
    assert "| 16-01 | gaps_found | 1 | 2 | 2 |" in text
    assert "| error | 16-01/T2 | " in text
    assert "`kernels/rope.py:7`" in text


def test_an_error_that_quotes_a_plan_is_no_command_either(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    path = demo.plan({"A": [{"does": "passed"}]})
    path.write_text("---\nphase: [\n---\n", encoding="utf-8")
    assert demo.run("phase", "16") == 2
    shown = capsys.readouterr()
    (line,) = (line for line in shown.out.splitlines() if line.startswith("::"))
    assert line.startswith("::stop-commands::")
    assert f"{FOLDER}/16-01-PLAN.md" in shown.err


def test_outside_of_actions_nothing_is_said_to_a_runner(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    many_ways(demo).run("phase", "16")
    assert "::" not in capsys.readouterr().out


def test_with_json_on_stdout_annotations_go_to_stderr(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    many_ways(demo).run("phase", "16", "--json", "-")
    captured = capsys.readouterr()
    assert json.loads(captured.out)["status"] == "gaps_found"
    assert "::error file=kernels/rope.py,line=7," in captured.err


def test_an_unwritable_step_summary_is_said_and_changes_nothing(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    demo.does("passed")
    assert demo.run("phase", "16") == 0
    assert "the step summary cannot be written" in capsys.readouterr().err


def test_a_step_summary_is_cut(demo: Demo) -> None:
    demo.does(*["failed"] * 60)
    demo.run("phase", "16")
    text = step_summary(Report.model_validate(demo.report()))
    assert text.count("| error |") == 50
    assert "10 more are in `report.json`." in text


# -- the rest --------------------------------------------------------------------------------------------


def test_every_kind_of_check_has_a_rule() -> None:
    assert set(KINDS) == set(MODULES) - {"fake"}


def test_git_keeps_nothing_of_the_caches(demo: Demo) -> None:
    demo.does("passed")
    demo.file(".rocverify/cache").mkdir(parents=True)
    demo.run("phase", "16")
    ignore = demo.file(".rocverify/.gitignore")
    assert ignore.read_text(encoding="utf-8") == "*\n"
    ignore.write_text("# mine\n", encoding="utf-8")
    demo.run("phase", "16")
    assert ignore.read_text(encoding="utf-8") == "# mine\n"
