"""The SUMMARY goes where `<output>` says, and never outside the root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.plan import Plan

Parse = Callable[..., Plan]
BESIDE = ".planning/phases/07-gpu-softmax/07-02-SUMMARY.md"


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("", BESIDE),
        ("<output>\nNothing to write.\n</output>", BESIDE),
        ("<output>create `docs/07-02-SUMMARY.md`</output>", "docs/07-02-SUMMARY.md"),
        ("<output>\ncreate docs/07-02-SUMMARY.md\n</output>", "docs/07-02-SUMMARY.md"),
        ("<output>`a b/X-SUMMARY.md`, then `a b/X-SUMMARY.md`</output>", "a b/X-SUMMARY.md"),
    ],
)
def test_where(parse: Parse, with_front: Callable[..., str], output: str, path: str) -> None:
    assert parse(with_front("", output)).output_path == path


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/tmp/SUMMARY.md", "not relative"),
        ("~/SUMMARY.md", "not relative"),
        ("C:/x-SUMMARY.md", "not relative"),
        ("../SUMMARY.md", "outside the root"),
        ("a/../../SUMMARY.md", "outside the root"),
        ("link/SUMMARY.md", "outside the root"),
        (".planning/phases/XX/{phase}-{plan}-SUMMARY.md", "placeholder"),
        ("docs/01-01-SUMMARY.md", "another plan's"),
        (".planning/phases/01-demo/07-02-SUMMARY.md", "not there"),
    ],
)
def test_written_beside_the_plan_instead(
    parse: Parse, with_front: Callable[..., str], tmp_path: Path, path: str, said: str
) -> None:
    (tmp_path / "link").symlink_to(tmp_path.parent)
    plan = parse(with_front("", f"\n<output>\ncreate `{path}`\n</output>"))
    (warning,) = plan.warnings
    assert said in warning.message
    assert warning.source.line == 8
    assert plan.output_path == BESIDE


def test_several_are_ambiguous(parse: Parse, with_front: Callable[..., str]) -> None:
    plan = parse(with_front("", "<output>`a/SUMMARY.md` or `b/SUMMARY.md`</output>"))
    assert "several summaries" in plan.warnings[0].message
    assert plan.output_path == BESIDE
