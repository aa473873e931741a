"""A SUMMARY has one active plan; archived ones, which write no more, own none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.errors import PlanError
from rocverify.plan import Plan, parse_plan
from rocverify.plan.owners import check_summaries

TEXT = "---\nmust_haves: {truths: [a]}\n---\n<output>`docs/SUMMARY.md`</output>\n"


def plan_in(root: Path, folder: str) -> Plan:
    path = root / ".planning" / folder / "PLAN.md"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT, encoding="utf-8")
    return parse_plan(path, root)


def test_two_active_plans(tmp_path: Path) -> None:
    first = plan_in(tmp_path, "phases/01-a")
    plan_in(tmp_path, "phases/02-b")
    with pytest.raises(PlanError, match="which is the summary of"):
        check_summaries(tmp_path, [first])


def test_an_archived_plan_is_in_nobodys_way(tmp_path: Path) -> None:
    first = plan_in(tmp_path, "phases/01-a")
    plan_in(tmp_path, "milestones/v1.0-phases/01-a")
    check_summaries(tmp_path, [first])
