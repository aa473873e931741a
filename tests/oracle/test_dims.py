"""Dimensions and shapes: what is admitted, what is tried first, and what a plan may restrict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rocverify.errors import ContractError
from rocverify.oracle.dims import Dims, Extent, boundary, choices, divisor_of, even
from rocverify.oracle.shapes import (
    Budget,
    clipped,
    distinct_shape,
    large_shape,
    plan_shapes,
    shape_above,
    smallest_shape,
)

GQA = Dims(
    seq=boundary(1, 512), q_heads=choices(1, 2, 4, 6, 32), head_dim=even(2, 256), k=divisor_of("q_heads")
)


def gqa_size(shape: dict[str, int]) -> int:
    return shape["seq"] * (shape["q_heads"] + shape["k"]) * shape["head_dim"]


def usual(elements: int, *, large: int = 0) -> Budget:
    """A budget of so many elements a case; without `large`, for all of them."""
    return Budget(gqa_size, gqa_size, elements, large or elements // 8, 10**10, large or elements)


ten = Budget(lambda s: s["n"], lambda s: s["n"], 10, 10, 10, 10)


def test_boundaries_are_the_extremes_the_landmarks_and_their_neighbours() -> None:
    found = boundary(1, 300).boundaries()
    assert found == (1, 2, 3, 7, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300)


def test_a_tile_adds_its_neighbours() -> None:
    assert {95, 96, 97} <= set(boundary(1, 300, tile=96).boundaries())


def test_even_boundaries_are_even_and_lie_on_both_sides_of_each_landmark() -> None:
    found = even(2, 256).boundaries()
    assert all(value % 2 == 0 for value in found)
    assert {30, 32, 34, 62, 64, 66, 254, 256} <= set(found)


@given(st.integers(1, 5000), st.integers(0, 5000), st.integers(1, 3), st.integers(0, 2**32))
def test_what_is_drawn_is_admitted(low: int, more: int, step: int, seed: int) -> None:
    extent = Extent(low * step, (low + more) * step, step=step)
    assert extent.admits(extent.draw(np.random.default_rng(seed)), {})
    assert all(extent.admits(value, {}) for value in extent.boundaries())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_every_planned_shape_is_admissible_unique_and_within_the_budget(seed: int) -> None:
    shapes = plan_shapes(GQA, 24, np.random.default_rng(seed), budget=usual(20000))
    assert len(shapes) == 24
    assert len({tuple(sorted(s.items())) for s in shapes}) == 24
    for shape in shapes:
        GQA.check(shape)
        assert gqa_size(shape) <= 20000


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(6, 24))
@example(271815410, 6)
def test_every_dimension_is_at_its_largest_once_and_one_case_is_large(seed: int, count: int) -> None:
    budget = usual(2000, large=50_000)
    shapes = plan_shapes(GQA, count, np.random.default_rng(seed), budget=budget)
    assert len(shapes) == count
    for name, largest in (("seq", 512), ("q_heads", 32), ("head_dim", 256)):
        assert max(shape[name] for shape in shapes) == largest
    assert max(map(gqa_size, shapes)) > 10_000


@pytest.mark.parametrize("seed", range(10))
def test_where_one_dimension_is_at_its_largest_the_others_are_small(seed: int) -> None:
    dims = Dims(seq=boundary(1, 512), rows=boundary(1, 512))
    budget = Budget(lambda s: s["seq"] * s["rows"], lambda s: s["seq"] * s["rows"], 2000, 1000, 10**6, 2000)
    shapes = plan_shapes(dims, 8, np.random.default_rng(seed), budget=budget)
    for name, other in (("seq", "rows"), ("rows", "seq")):
        beside = [shape[other] for shape in shapes if shape[name] == 512]
        assert beside
        assert max(beside) <= 2000 // 512


def test_a_length_that_costs_too_much_is_clipped_and_not_left_out() -> None:
    dims = Dims(n=boundary(1, 10**9), kind=choices(1, 2))
    budget = Budget(lambda s: s["n"], lambda s: s["n"], 100, 5000, 10**6, 40_000)
    assert clipped(dims, budget)["n"].last == 5000
    shapes = plan_shapes(dims, 8, np.random.default_rng(0), budget=budget)
    assert max(shape["n"] for shape in shapes) == 40_000
    assert {shape["kind"] for shape in shapes} == {1, 2}


@pytest.mark.parametrize("threshold", [1023, 1024, 4096, 70_000])
def test_a_shape_just_above_a_threshold(threshold: int) -> None:
    shape = shape_above(GQA, usual(10, large=10**6), threshold)
    assert shape is not None
    GQA.check(shape)
    assert threshold < gqa_size(shape) <= 2 * threshold
    assert shape_above(GQA, usual(10, large=500), threshold) is None
    found = plan_shapes(
        GQA, 8, np.random.default_rng(1), budget=usual(100, large=10**6), thresholds=[threshold]
    )
    assert shape in found


def test_the_large_shape_is_as_large_as_can_be_afforded() -> None:
    shape = large_shape(GQA, usual(10, large=50_000), np.random.default_rng(2))
    assert 10_000 < gqa_size(shape) <= 50_000


def test_the_same_generator_state_gives_the_same_shapes() -> None:
    first, second = (plan_shapes(GQA, 24, np.random.default_rng(5), budget=usual(20000)) for _ in range(2))
    assert first == second


def test_a_long_enough_run_takes_every_boundary_of_every_dimension() -> None:
    shapes = plan_shapes(GQA, 40, np.random.default_rng(1), budget=usual(10**9))
    for name in ("seq", "q_heads", "head_dim"):
        assert set(GQA[name].boundaries()) <= {shape[name] for shape in shapes}
    assert any(1 < s["k"] < s["q_heads"] for s in shapes)


def test_the_first_shape_has_pairwise_distinct_axes() -> None:
    shape = distinct_shape(GQA)
    assert len(set(shape.values())) == len(shape)
    assert min(shape.values()) > 1
    assert smallest_shape(GQA) == {"seq": 1, "q_heads": 1, "head_dim": 2, "k": 1}


def test_exhausted_dimensions_give_fewer_shapes_than_asked_for() -> None:
    dims = Dims(n=choices(1, 2))
    assert len(plan_shapes(dims, 24, np.random.default_rng(0), budget=ten)) == 2


def test_a_budget_that_nothing_fits_is_overrun_rather_than_nothing_tried() -> None:
    dims = Dims(n=choices(100))
    assert plan_shapes(dims, 3, np.random.default_rng(0), budget=ten) == [{"n": 100}]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ({"seq": 7}, (7,)),
        ({"seq": [7, 9]}, (7, 9)),
        ({"seq": "max"}, (512,)),
        ({"seq": ["min", 33, "max"]}, (1, 33, 512)),
    ],
)
def test_a_plan_may_limit_a_dimension(override: dict, expected: tuple[int, ...]) -> None:
    assert GQA.restricted(override)["seq"].values == expected


def test_limiting_a_dividing_dimension_keeps_the_division() -> None:
    limited = GQA.restricted({"k": 2, "q_heads": [6, 4]})
    for shape in plan_shapes(limited, 12, np.random.default_rng(0), budget=usual(10**6)):
        assert shape["k"] == 2


@pytest.mark.parametrize(
    "override",
    [{"rows": 1}, {"seq": 513}, {"seq": "most"}, {"head_dim": 3}, {"q_heads": [1, 5]}, {"seq": True}],
)
def test_an_impossible_limit_is_an_error(override: dict) -> None:
    with pytest.raises(ContractError):
        GQA.restricted(override)


@pytest.mark.parametrize("make", [lambda: choices(), lambda: boundary(0, 5), lambda: boundary(5, 4)])
def test_an_empty_range_is_an_error(make) -> None:
    with pytest.raises(ContractError):
        make()


def test_a_dimension_can_only_divide_an_independent_one() -> None:
    with pytest.raises(ContractError, match="divides"):
        Dims(a=divisor_of("b"), b=divisor_of("a"))
    with pytest.raises(ContractError, match="divides"):
        Dims(a=divisor_of("missing"))


def test_check_names_the_dimension_that_does_not_fit() -> None:
    with pytest.raises(ContractError, match="k=4"):
        GQA.check({"seq": 1, "q_heads": 6, "head_dim": 2, "k": 4})
    with pytest.raises(ContractError, match="dimensions are"):
        GQA.check({"seq": 1})
