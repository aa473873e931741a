"""Input values, poison and cases: what is drawn, and that it comes again from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from rocverify.errors import ContractError
from rocverify.oracle.case import plan_cases, select_dtypes, typical_case
from rocverify.oracle.contract import BF16, F16, F32, I32, DType, HostIn, In
from rocverify.oracle.dtypes import to_float64
from rocverify.oracle.inputs import Kind, draw, draw_inputs, one_sided
from rocverify.oracle.poison import GUARD_BYTES, Placement, Poison, guard_damage, guard_pattern, poisoned
from tests.fakes.affine import AFFINE
from tests.fakes.declaring import declare

TYPES = pytest.mark.parametrize("dtype", [F32, F16, BF16], ids=str)
SHAPE = (40, 50)


@TYPES
@pytest.mark.parametrize("kind", list(Kind))
def test_values_are_replayable_of_the_type_and_finite_unless_special(dtype: DType, kind: Kind) -> None:
    first, again = (draw(np.random.default_rng(4), SHAPE, dtype, kind) for _ in range(2))
    other = draw(np.random.default_rng(5), SHAPE, dtype, kind)
    assert first.dtype == dtype.numpy
    assert first.tobytes() == again.tobytes() != other.tobytes()
    finite = np.isfinite(to_float64(first))
    assert finite.all() == kind.is_finite
    assert finite.mean() > 0.9


@TYPES
def test_a_few_terms_of_the_largest_values_do_not_overflow(dtype: DType) -> None:
    values = to_float64(draw(np.random.default_rng(0), SHAPE, dtype, Kind.EXTREME))
    assert np.abs(values).max() > dtype.largest / 64
    assert np.abs(values).max() * 8 < dtype.largest


@TYPES
def test_extreme_values_have_subnormals_and_zeros_of_both_signs(dtype: DType) -> None:
    values = to_float64(draw(np.random.default_rng(0), SHAPE, dtype, Kind.EXTREME))
    size = np.abs(values)
    assert ((size > 0) & (size < dtype.smallest_normal)).any()
    zeros = values[values == 0]
    assert {bool(s) for s in np.signbit(zeros)} == {True, False}


@TYPES
@pytest.mark.parametrize("seed", range(5))
def test_a_row_among_extreme_values_holds_nothing_that_is_normal(dtype: DType, seed: int) -> None:
    """What flushes subnormal numbers is told by the largest of a row, too."""
    values = np.abs(to_float64(draw(np.random.default_rng(seed), (6, 40), dtype, Kind.EXTREME)))
    largest = values.max(axis=1)
    assert ((largest > 0) & (largest <= dtype.smallest_normal)).any()
    assert (largest > 1).any()


@TYPES
def test_heavy_values_span_many_binades(dtype: DType) -> None:
    size = np.abs(to_float64(draw(np.random.default_rng(0), SHAPE, dtype, Kind.HEAVY)))
    assert np.log2(size.max() / size.min()) > 20


@TYPES
def test_rows_are_each_of_one_sort(dtype: DType) -> None:
    rows = to_float64(draw(np.random.default_rng(0), (400, 50), dtype, Kind.ROWS))
    size, signs = np.abs(rows), np.sign(rows)
    negative, positive = ((signs == sign).all(1) & (size.min(1) > 8) for sign in (-1, 1))
    equal = (rows == rows[:, :1]).all(1) & (size[:, 0] < 8)
    alone = (np.sort(size, axis=1)[:, -1] > 20 * np.median(size, axis=1)) & ~negative & ~positive
    middle = np.median(rows, axis=1)
    shifted = (abs(middle) > 1.5) & (abs(rows - middle[:, None]).max(1) < 8) & (np.ptp(rows, axis=1) > 0)
    for sort in (negative, positive, equal, alone, shifted):
        assert 40 < sort.sum() < 150
    assert min(middle[shifted]) < -1.5 < 1.5 < max(middle[shifted]) < 2 ** (dtype.precision / 3) + 1
    assert size[negative].max() > min(1e5, dtype.largest / 32)
    one = to_float64(one_sided(np.random.default_rng(0), (50,), dtype, -1))
    assert (one < -1000).all()


@TYPES
def test_masked_rows_keep_an_element(dtype: DType) -> None:
    rows = to_float64(draw(np.random.default_rng(1), (200, 20), dtype, Kind.MASKED))
    hidden = rows < -4000
    assert not hidden.all(axis=1).any()
    assert 0.2 < hidden.mean() < 0.6


@pytest.mark.parametrize("kind", list(Kind))
def test_a_single_number_is_drawn_too(kind: Kind) -> None:
    assert draw(np.random.default_rng(0), (), F32, kind).shape == ()


@pytest.mark.parametrize("shape", [(1,), (1, 1, 2), (300,)])
def test_special_values_are_there_even_in_the_smallest_array(shape: tuple[int, ...]) -> None:
    for seed in range(20):
        assert not np.isfinite(draw(np.random.default_rng(seed), shape, F32, Kind.SPECIAL)).all()


def test_the_contract_may_prepare_inputs_and_must_for_integers() -> None:
    plain = declare(y=In("n", F32 | F16))
    assert set(draw_inputs(plain, {"n": 3}, F16, Kind.PLAIN, 1)) == {"x", "y"}
    integers = declare(i=HostIn("n", I32), j=In("n 2", I32))
    with pytest.raises(ContractError, match="must supply i, j: integers") as caught:
        draw_inputs(integers, {"n": 3}, F32, Kind.PLAIN, 1)
    assert 'def prepare(self, rng, dims): return {"i": rng.integers(0, 9, (3,), dtype="int32"), ...}' in str(
        caught.value.hint
    )
    wrong = declare(i=HostIn("n", I32), prepare=lambda _, dims: {"i": np.zeros(dims.n + 1)})
    with pytest.raises(ContractError, match=r"shape \(4,\), not \(3,\)"):
        draw_inputs(wrong, {"n": 3}, F32, Kind.PLAIN, 1)


@TYPES
def test_poison_is_never_a_plausible_result(dtype: DType) -> None:
    assert np.isnan(to_float64(poisoned((3, 2), dtype, Poison.NAN))).all()
    assert (to_float64(poisoned((3, 2), dtype, Poison.HUGE)) == dtype.largest).all()


def test_guards_are_nan_where_they_are_read_as_float32() -> None:
    assert len(guard_pattern()) == GUARD_BYTES
    assert np.isnan(np.frombuffer(guard_pattern(), np.float32)).all()
    assert guard_damage(guard_pattern(), guard_pattern()) is None


def test_cases_are_replayable_differ_by_type_and_mix_all_settings() -> None:
    first, again = (plan_cases(AFFINE, F32, 24, 9) for _ in range(2))
    assert first == again
    assert first != plan_cases(AFFINE, F32, 24, 10)
    assert [c.seed for c in first] != [c.seed for c in plan_cases(AFFINE, F16, 24, 9)]
    assert first[0].kind is Kind.PLAIN
    assert {c.kind for c in first} == set(Kind)
    assert {(c.poison, c.placement) for c in first} == {(p, q) for p in Poison for q in Placement}
    assert all(c.poison is Poison.HUGE for c in first if c.kind is Kind.SPECIAL)
    assert {c.placement for c in first if c.kind is Kind.SPECIAL} == set(Placement)


def test_a_case_reads_as_what_it_takes_to_repeat_it() -> None:
    case = typical_case(AFFINE, F16, 77)
    assert "float16 rows=" in str(case)
    assert "seed 77" in str(case)
    assert case.to_json()["dims"] == dict(case.dims)


def test_element_types_are_selected_by_name() -> None:
    assert select_dtypes(AFFINE, None) == (F32, F16, BF16)
    assert select_dtypes(AFFINE, ["bfloat16"]) == (BF16,)
    with pytest.raises(ContractError, match="no cases of float64"):
        select_dtypes(AFFINE, ["float64"])
