"""What stands on the terminal stands there once: a reason beside its check, and the table refers to it."""

from __future__ import annotations

import pytest

from rocverify.records import CheckResult, CheckVerdict, Finding
from rocverify.runner.items import details
from tests.runner.demo import Demo


@pytest.mark.parametrize(
    ("does", "short"),
    [
        ("failed", "fake failed, see above"),
        ("fault", "fake failed, see above"),
        ("no_device", "fake not_run, see above"),
        ("bad_object", "fake error, see above"),
    ],
)
def test_why_a_check_did_not_pass(
    demo: Demo, capsys: pytest.CaptureFixture[str], does: str, short: str
) -> None:
    demo.plan({"It holds": [{"does": does, "text": "the very reason"}]})
    demo.run("plan", "16-01", "--no-write")
    said = capsys.readouterr().out
    shown, table = said.split("\n\n", 1)
    assert "the very reason" in shown
    assert f"  {short}\n" in table
    assert "the very reason" not in table


def test_of_several_checks_each_is_named(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    checks = [{"does": "failed", "text": "the sum is off"}, {"does": "failed", "text": "the sum is off by 3"}]
    demo.plan({"It holds": checks})
    demo.run("plan", "16-01", "--no-write")
    said = capsys.readouterr().out
    assert "  fake failed, see above; fake failed, see above\n" in said
    assert "the sum is off" not in said.split("\n\n", 1)[1]


def test_why_nothing_decides_a_must_have(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan({"The moon is made of cheese": []})
    demo.run("plan", "16-01", "--no-write")
    said = capsys.readouterr().out
    assert said.count("no phrase of the catalogue fits") == 1
    assert "  see above\n" in said


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
