"""What stands on the terminal stands there once: a reason with its cause, and not in the table again."""

from __future__ import annotations

import pytest

from rocverify.records import CheckResult, CheckVerdict, Finding
from rocverify.runner.items import details
from tests.runner.demo import Demo


@pytest.mark.parametrize("does", ["failed", "fault", "no_device", "bad_object"])
def test_why_a_check_did_not_pass(demo: Demo, capsys: pytest.CaptureFixture[str], does: str) -> None:
    demo.plan({"It holds": [{"does": does, "text": "the very reason"}]})
    demo.run("plan", "16-01", "--no-write")
    causes, table = capsys.readouterr().out.rsplit("\n\n", 1)
    assert "the very reason" in causes
    assert "the very reason" not in table
    assert "16-01/T1: It holds" in table


def test_checks_that_fail_alike_are_one_cause(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    checks = [{"does": "failed", "text": f"the sum is off by {n}"} for n in (2, 3)]
    demo.plan({"It holds": checks, "That too": [{"does": "failed", "text": "no sum at all"}]})
    demo.run("plan", "16-01", "--no-write")
    said = capsys.readouterr().out
    assert "failed    2 checks: fake: the sum is off by 2\n  in        16-01/T1\n" in said
    assert "failed    16-01/T2/fake: no sum at all\n" in said
    assert "off by 3" not in said


def test_why_nothing_decides_a_must_have(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan({"The moon is made of cheese": []})
    demo.run("plan", "16-01", "--no-write")
    said = capsys.readouterr().out
    assert said.count("no phrase of the catalogue fits") == 1


def test_a_finding_that_the_message_has_is_not_repeated() -> None:
    findings = (
        Finding("[4, 0] is nan"),
        Finding("a race", "k.hip:3"),
        Finding("k.hip:8: a race\nof two waves", "k.hip:8"),
        Finding("[4, 0] is nan", "k.hip:9"),
    )
    message = "wrong in 1 of 2 cases: [4, 0] is nan"
    result = CheckResult("a/T1/fake", "fake", CheckVerdict.FAILED, message, None, findings)
    assert details(result).splitlines() == [
        message,
        "  k.hip:3: a race",
        "  k.hip:8: a race",
        "of two waves",
        "  k.hip:9: [4, 0] is nan",
    ]
