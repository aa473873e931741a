"""Every verdict of a check, through a whole run: must-have, status, exit code, JUnit."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree

import pytest

from tests.runner.demo import Demo

CASES = {
    "passed": ("passed", "verified", "passed", 0),
    "failed": ("failed", "failed", "gaps_found", 1),
    "compile_error": ("failed", "failed", "gaps_found", 1),
    "fault": ("failed", "failed", "gaps_found", 1),
    "no_compiler": ("not_run", "unverified", "human_needed", 3),
    "no_device": ("not_run", "unverified", "human_needed", 3),
    "bad_object": ("error", "unverified", "human_needed", 3),
    "manifest": ("error", "unverified", "human_needed", 2),
    "bug": ("error", "unverified", "human_needed", 4),
    "exit": ("error", "unverified", "human_needed", 4),
    "warn": ("passed", "verified", "passed", 0),
}


@pytest.mark.drawn(2, fast=5)
@pytest.mark.parametrize("does", CASES)
def test_one_check(demo: Demo, does: str) -> None:
    verdict, must_have, status, code = CASES[does]
    demo.does(does)
    assert demo.run("phase", "16") == code
    report = demo.report()
    plan = report["plans"][0]
    assert [c["verdict"] for c in plan["checks"]] == [verdict]
    assert [m["verdict"] for m in plan["must_haves"]] == [must_have]
    assert (plan["status"], report["status"], report["exit_code"]) == (status, status, code)
    assert report["score"] == {"verified": int(must_have == "verified"), "total": 1}


# Precedence of the exit code: a bug, a gap, a wrong document, what is unverified.
ORDER = ("bug", "failed", "manifest", "no_device", "passed")


@pytest.mark.drawn(2, fast=4)
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(ORDER, 2)))
def test_the_worst_check_decides_the_exit_code(demo: Demo, first: str, second: str) -> None:
    demo.does(second, first)
    assert demo.run("phase", "16", "--no-write") == CASES[first][3]


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        (("passed", "passed"), "verified"),
        (("passed", "failed"), "failed"),
        (("no_device", "failed"), "failed"),
        (("passed", "no_device"), "unverified"),
        (("passed", "bad_object"), "unverified"),
    ],
)
def test_several_checks_of_one_must_have(demo: Demo, words: tuple[str, ...], verdict: str) -> None:
    demo.plan({"It holds": [{"does": word} for word in words]})
    demo.run("plan", "16-01")
    must_have = demo.report()["plans"][0]["must_haves"][0]
    assert must_have["verdict"] == verdict
    assert must_have["checks"] == ["16-01/T1/fake", "16-01/T1/fake.2"]


def test_gate_lenient_turns_unverified_into_zero_and_says_so_all_the_same(demo: Demo) -> None:
    demo.does("passed", "no_device")
    assert demo.run("phase", "16", "--gate", "lenient") == 0
    assert demo.report()["status"] == "human_needed"
    assert "NOT_RUN" not in demo.summary.read_text(encoding="utf-8")
    assert "verdict: human_needed" in demo.summary.read_text(encoding="utf-8")


@pytest.mark.parametrize("does", ["failed", "bug", "manifest"])
def test_gate_lenient_excuses_nothing_else(demo: Demo, does: str) -> None:
    demo.does(does)
    assert demo.run("phase", "16", "--gate", "lenient") == CASES[does][3]


def test_a_must_have_without_a_check_is_unverified(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan({"The stars are right": [], "It holds": [{"does": "passed"}]})
    assert demo.run("phase", "16") == 3
    truth = demo.report()["plans"][0]["must_haves"][0]
    assert (truth["verdict"], truth["checks"]) == ("unverified", [])
    assert truth["reason"]
    assert "16-01/T1" in capsys.readouterr().out


def test_a_plan_without_must_haves_is_never_green(demo: Demo) -> None:
    demo.plan({})
    assert demo.run("phase", "16") == 3
    report = demo.report()
    assert report["status"] == "human_needed"
    assert report["score"] == {"verified": 0, "total": 0}
    assert "The plan lists no must-haves" in demo.summary.read_text(encoding="utf-8")


def test_junit_tells_failure_error_and_not_run_apart(demo: Demo) -> None:
    demo.plan(
        {
            "Nobody knows": [],
            "A": [{"does": "passed"}],
            "B": [{"does": "failed"}],
            "C": [{"does": "bad_object"}],
            "D": [{"does": "no_device", "text": "no GPU here"}],
        }
    )
    demo.run("phase", "16")
    suite = ElementTree.parse(demo.file("reports/latest/junit.xml")).getroot()[0]
    kinds = {case.get("name"): [child.tag for child in case if child.tag != "properties"] for case in suite}
    assert kinds == {
        "T1": ["skipped"],
        "T2/fake": [],
        "T3/fake": ["failure"],
        "T4/fake": ["error"],
        "T5/fake": ["skipped"],
    }
    skipped = suite.find("testcase[@name='T5/fake']/skipped")
    assert skipped is not None
    assert skipped.get("message") == "not_run: no GPU here"
    properties = suite.findall("testcase[@name='T3/fake']/properties/property")
    assert {p.get("name"): p.get("value") for p in properties}["rocverify.verdict"] == "failed"


def test_evidence_becomes_plain_json(demo: Demo) -> None:
    demo.does("numpy")
    assert demo.run("phase", "16") == 0
    evidence = demo.report()["plans"][0]["checks"][0]["evidence"]
    assert evidence == {"worst": 0.5, "nan": "nan", "index": [1, 2]}


def test_no_path_of_the_checkout_gets_into_a_report(demo: Demo) -> None:
    demo.plan({"A": [{"does": "failed", "text": f"in {demo.root}/kernels/rope.py"}], "B": [{"does": "bug"}]})
    demo.run("phase", "16")
    for name in ("reports/latest/report.json", f"{demo.summary.relative_to(demo.root)}"):
        assert str(demo.root) not in demo.file(name).read_text(encoding="utf-8")
    assert demo.report()["plans"][0]["checks"][0]["message"] == "in kernels/rope.py"


def test_device_and_toolchain_are_named(demo: Demo) -> None:
    demo.does("device")
    assert demo.run("phase", "16", "--target", "gfx1030") == 0
    report = demo.report()
    assert report["device"]["kind"] == "emulator"
    assert report["device"]["target"] == "gfx1030"
    assert report["rejected_devices"] == [{"kind": "amd", "reason": "absent"}]
    assert report["toolchain"] == {"compiler": "clang of ./bin".replace("./", "")}


def test_the_seed_reaches_the_checks_and_the_report(demo: Demo) -> None:
    demo.does("seed")
    assert demo.run("phase", "16", "--seed", "77") == 0
    report = demo.report()
    assert report["seed"] == 77
    assert report["plans"][0]["checks"][0]["evidence"] == {"seed": 77}
    assert "--seed=77" in report["command"]
    assert "--seed=77" in demo.summary.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("does", "words"),
    [
        ("no_room", "/var/cache/x: No space left on device"),
        ("no_memory", "there is not enough memory"),
        ("read_only", "/opt/x: Read-only file system"),
    ],
)
def test_a_fault_of_the_machine_is_no_bug_of_ours(
    demo: Demo, capsys: pytest.CaptureFixture[str], does: str, words: str
) -> None:
    demo.does(does, "passed")
    assert demo.run("phase", "16") == 2
    shown = capsys.readouterr()
    assert words in shown.out
    assert "internal error" not in shown.out + shown.err
    assert "please report" not in shown.out + shown.err
    checks = demo.report()["plans"][0]["checks"]
    assert [check["verdict"] for check in checks] == ["error", "passed"]
