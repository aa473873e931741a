"""The SUMMARY goes where `<output>` says, and never outside the root."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.errors import PlanError
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
    ],
)
def test_refused(parse: Parse, with_front: Callable[..., str], tmp_path: Path, path: str, said: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path.parent)
    with pytest.raises(PlanError, match=said) as caught:
        parse(with_front("", f"\n<output>\ncreate `{path}`\n</output>"))
    assert (caught.value.where or "").endswith("07-02-PLAN.md:8")


def test_several_are_ambiguous(parse: Parse, with_front: Callable[..., str]) -> None:
    with pytest.raises(PlanError, match="several summaries"):
        parse(with_front("", "<output>`a/SUMMARY.md` or `b/SUMMARY.md`</output>"))
