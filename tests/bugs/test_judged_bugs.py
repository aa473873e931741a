"""The cases of tests/bugs/cases that a contract and checks judge: `checks.yaml`, entries of a plan.

The check that a case's `expected` names notices the fault, and every check passes the mended kernel. CI tries
some of them, with a seed, and draws both; all, with all ten, are exhaustive.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bugs.judged import checks_of, judge
from tests.bugs.test_bugs import CASES, SEEDS, drawn


@dataclass(frozen=True)
class Judgement:
    """`failing`: which of the case's checks, counted from 0, must fail; `says`: words of the first of them.
    `right`: which must pass in the same run. twin: whether there is a mended kernel."""

    name: str
    failing: tuple[int, ...]
    says: str | tuple[str, ...]
    right: tuple[int, ...] = ()
    twin: bool = True

    def __str__(self) -> str:
        return self.name


JUDGED = (
    Judgement("03_wave32_literal64", (0,), "elements of y are wrong"),
    Judgement("06_masked_rows", (1,), "a row that is masked everywhere: new NaN", right=(0, 2)),
    Judgement("07_finite_sentinel", (1,), "all of s large and negative: wrong finite values"),
    Judgement("11_grid_limits", (0,), "70000 workgroups along y, at most 65535"),
    Judgement("16_spills", (0,), "spilled registers"),
    Judgement("17_bank_conflicts", (1,), "lds_conflict_ratio is 0.9", right=(0,)),
    Judgement("21_denormals", (0,), "elements of y are wrong"),
    # In some orders the results are right all the same: then the sanitized case tells the race.
    Judgement("24_stream_order", (0, 1), ("elements of y are wrong", "RAW race"), right=(2, 3), twin=False),
)


def check(one: Judgement, seed: int, folder: Path, kept: Path) -> None:
    seen = judge(CASES / one.name, folder, kept, "kernel", seed)
    assert {seen[number].verdict for number in one.failing} == {"failed"}, (seed, seen)
    assert {seen[number].verdict for number in one.right} <= {"passed"}, (seed, seen)
    said = seen[one.failing[0]].said
    assert any(words in said for words in ((one.says,) if isinstance(one.says, str) else one.says)), seed
    if one.twin:
        twin = judge(CASES / one.name, folder, kept, "twin", seed)
        assert {verdict.verdict for verdict in twin} == {"passed"}, (seed, twin)


def test_every_case_with_checks_is_judged() -> None:
    assert {one.name for one in JUDGED} == {path.parent.name for path in CASES.glob("*/checks.yaml")}
    for one in JUDGED:
        assert {*one.failing, *one.right} <= set(range(len(checks_of(CASES / one.name))))


@pytest.mark.drawn(2)
@pytest.mark.parametrize("one", JUDGED, ids=str)
def test_the_named_check_notices_the_fault_and_the_twin_passes(
    one: Judgement, tmp_path: Path, kept: Path
) -> None:
    (seed,) = drawn(1)
    check(one, seed, tmp_path, kept)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("one", JUDGED, ids=str)
def test_the_named_check_notices_the_fault_under_ten_seeds(
    one: Judgement, seed: int, tmp_path: Path, kept: Path
) -> None:
    check(one, seed, tmp_path, kept)
