"""Plans as projects really write them (`wild/`, one project a folder): what is judged, and how."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rocverify.checks.context import CheckContext
from rocverify.checks.registry import CHECKS
from rocverify.errors import PlanError, RocverifyError
from rocverify.plan import find_phase, find_plans
from rocverify.records import must_have_verdict
from rocverify.runner.bound import BoundPlan, bind_plans
from rocverify.runner.verdicts import result_of_exception, result_of_outcome
from rocverify.settings import Settings

WILD = Path(__file__).parent / "wild"

JUDGED: Mapping[str, Mapping[str, str]] = {
    "f01-rust-struct-then-impl": {"L1": "verified"},
    "f02-rust-pub-crate": {"L1": "verified"},
    "f03-rust-const-array-crash": {"L1": "verified"},
    "f05-caller-is-a-type": {"L1": "verified"},
    "f06-rust-reexport": {"A1": "verified"},
    "f16-self-method-callee": {"L1": "verified"},
    "f17-call-in-order": {"L1": "verified"},
    "f08-literal-contains-brackets": {"A1": "verified", "A2": "verified"},
    "f09-path-with-line": {"L1": "verified"},
    "f11-target-is-not-a-file": {"L1": "verified", "L2": "verified", "L3": "verified"},
    "f12-glob-target": {"L1": "verified"},
    "f13-either-path": {"A1": "verified"},
    "f14-directory-artifact": {"A1": "verified"},
    "f19-several-contains-in-one": {"A1": "verified"},
    "f20-pattern-in-target-only": {"L1": "failed"},
    "u01-rust-call-truth": {
        **{"T1": "verified", "T2": "verified", "T3": "verified", "T6": "verified"},
        **{"T4": "unverified", "T5": "unverified"},
    },
    "ok-decimal-plan": {"T1": "unverified"},
    "p01-prohibitions": {"T1": "unverified", "P1": "unverified"},
    "p02-structured-truth": {"T1": "unverified", "T2": "unverified"},
    "p03-not-contains": {"A1": "verified"},
    "p04-unknown-artifact-key": {"A1": "verified"},
    "p06-must-haves-extra-list": {"T1": "unverified"},
    "p07-key-link-string": {"T1": "unverified", "L1": "unverified"},
    "p13-nested-fence": {"T1": "unverified"},
    "p14-name-attribute": {"T1": "unverified"},
    "p16-unclosed-execution-context": {"T1": "unverified"},
    "p17-regex-literal-paren": {"A1": "verified"},
    "p18-empty-matching-pattern": {"A1": "failed"},
    "p21-no-frontmatter": {"V1": "unverified"},
    "p27-binary-contains-none": {"A1": "verified"},
}

WARNED = {
    "p04-unknown-artifact-key": "action: is not a known key",
    "p06-must-haves-extra-list": "deferred: is not a known key",
    "p07-key-link-string": "key_links[0]: is a sentence",
    "p13-nested-fence": "fence ``` is not closed",
    "p14-name-attribute": "task without <name>",
    "p16-unclosed-execution-context": "<execution_context> is not closed",
    "p21-no-frontmatter": "no frontmatter",
    "p25-phase-number-variant": "read as 03.1",
}


def plan_of(root: Path) -> Path:
    return sorted((root / ".planning").rglob("*PLAN.md"))[0]


def verdicts(bound: BoundPlan, root: Path) -> dict[str, tuple[str, str]]:
    """Verdict and messages of each must-have, its checks executed."""
    context = CheckContext(root, Settings(), seed=3)
    found = {}
    for must_have in bound.must_haves:
        results = []
        for spec in must_have.checks:
            try:
                outcome = CHECKS[spec.kind].run(CHECKS[spec.kind].params(**spec.params), context)
                results.append(result_of_outcome(spec, outcome, 0.0, root))
            except RocverifyError as error:
                results.append(result_of_exception(spec, error, 0.0, root))
        verdict = must_have_verdict(result.verdict for result in results)
        said = "; ".join([*(result.message for result in results), must_have.reason])
        found[must_have.must_have.tail] = (str(verdict), said)
    context.close()
    return found


@pytest.mark.parametrize("case", sorted(JUDGED))
def test_the_must_haves_decide(case: str) -> None:
    root = WILD / case
    (bound,) = bind_plans([plan_of(root)], root, Settings())
    found = verdicts(bound, root)
    expected = JUDGED[case]
    assert {tail: found[tail][0] for tail in expected} == expected, found
    said = WARNED.get(case)
    warnings = [str(warning) for warning in bound.plan.warnings if "<output>" not in warning.message]
    assert [said in text for text in warnings] == ([True] if said else [])


@pytest.mark.parametrize("case", sorted(JUDGED.keys() - {"f20-pattern-in-target-only"}))
def test_nothing_is_said_not_to_exist_that_does(case: str) -> None:
    root = WILD / case
    (bound,) = bind_plans([plan_of(root)], root, Settings())
    assert not [said for _, said in verdicts(bound, root).values() if "does not exist" in said]


def test_a_pattern_that_stands_in_the_target_only_is_told_so() -> None:
    root = WILD / "f20-pattern-in-target-only"
    (bound,) = bind_plans([plan_of(root)], root, Settings())
    assert "it stands only in src/b.py (line 4)" in verdicts(bound, root)["L1"][1]


def test_a_plan_with_faults_does_not_keep_its_phase_from_being_judged() -> None:
    root = WILD / "p24-one-bad-plan-stops-phase"
    first, second = bind_plans(find_plans(root, "01"), root, Settings())
    assert (first.plan.number, second.plan.number) == ("01-01", "01-02")
    assert [verdicts(one, root)["T1"][0] for one in (first, second)] == ["unverified", "unverified"]
    told = ["\n".join(map(str, one.plan.warnings)) for one in (first, second)]
    assert ["deferred" in one for one in told] == [False, True]


def test_a_target_that_is_no_path_is_shown_as_not_checked() -> None:
    root = WILD / "f11-target-is-not-a-file"
    (bound,) = bind_plans([plan_of(root)], root, Settings())
    found = verdicts(bound, root)
    for tail, target in (("L1", "numpy"), ("L2", "POST /api/run"), ("L3", "ROPE_HSACO env var")):
        assert f"{target!r} is not a path: not checked" in found[tail][1]


@pytest.mark.parametrize(
    ("case", "line", "column", "mended"),
    [
        ("p19-yaml-backslash", 16, 19, "      pattern: 'a\\.txt'"),
        ("p20-yaml-colon-in-truth", 11, 16, '    - "Result is: correct"'),
    ],
)
def test_broken_yaml_comes_with_the_line_to_paste(case: str, line: int, column: int, mended: str) -> None:
    root = WILD / case
    with pytest.raises(PlanError) as caught:
        bind_plans([plan_of(root)], root, Settings())
    assert (caught.value.where or "").endswith(f"-PLAN.md:{line}")
    assert f"column {column}" in caught.value.message
    assert (caught.value.hint or "").endswith(f"\n{mended}")


@pytest.mark.parametrize(
    ("case", "selectors", "number"),
    [
        ("p08-quick-task", ["12", "quick-12", "12-fix-thing", ".planning/quick/12-fix-thing"], "quick-12-01"),
        ("p09-milestone-prefixed-phase", ["1", "v0.10-01", "01-01", "v0.10-01-01"], "v0.10-01-01"),
        (
            "p10-archived-phase",
            ["1", "01-01", "v1.0-01", ".planning/milestones/v1.0-phases/01-demo"],
            "01-01",
        ),
        ("p12-two-number-phase", ["13-03", "13-03-01", "13-03-cleanup"], "13-03-01"),
        ("p25-phase-number-variant", ["3.1", "03.1-01", "031-01", "03.1-audit"], "03.1-01"),
        ("ok-decimal-plan", ["3", "03-01.5"], "03-01.5"),
    ],
)
def test_plans_are_found_by_number_name_and_path(case: str, selectors: list[str], number: str) -> None:
    root = WILD / case
    there = plan_of(root)
    for selector in (*selectors, there.relative_to(root).as_posix()):
        assert find_plans(root, selector) == (there,), selector
    (bound,) = bind_plans([there], root, Settings())
    assert bound.plan.number == number
    assert Path(bound.plan.output_path).parent == there.parent.relative_to(root)


def test_active_phases_come_before_archived_ones_of_which_several_are_listed(tmp_path: Path) -> None:
    for folder in (
        "milestones/v1.0-phases/02-a",
        "milestones/v2.0/phases/02-b",
        "milestones/v2.0/phases/01-c",
    ):
        path = tmp_path / ".planning" / folder / "PLAN.md"
        path.parent.mkdir(parents=True)
        path.write_text("---\nplan: 01\n---\n", encoding="utf-8")
    with pytest.raises(PlanError, match="ambiguous") as caught:
        find_phase(tmp_path, "2")
    assert ".planning/milestones/v1.0-phases/02-a" in caught.value.message
    assert ".planning/milestones/v2.0/phases/02-b" in caught.value.message
    assert find_phase(tmp_path, "v2.0-02").name == "02-b"
    assert find_phase(tmp_path, "1").name == "01-c"
    (tmp_path / ".planning" / "phases" / "02-now").mkdir(parents=True)
    assert find_phase(tmp_path, "2").name == "02-now"


def test_a_refused_plan_stops_only_itself(tmp_path: Path) -> None:
    good = "---\nmust_haves: {truths: [a]}\n---\n"
    folder = tmp_path / ".planning" / "phases" / "01-demo"
    folder.mkdir(parents=True)
    for name, text in (("01-01", good), ("01-02", "---\na: [\n---\n"), ("01-03", good)):
        (folder / f"{name}-PLAN.md").write_text(text, encoding="utf-8")
    refused: list[PlanError] = []
    plans = bind_plans(find_plans(tmp_path, "1"), tmp_path, Settings(), refused)
    assert [plan.plan.number for plan in plans] == ["01-01", "01-03"]
    assert ["01-02-PLAN.md" in str(error) for error in refused] == [True]
