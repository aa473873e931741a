"""Arrays that repeat a tile are those that they stand for; excerpts of launches are what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.device.excerpt import BUDGET, Excerpt
from rocverify.oracle.tiled import LARGE, PERIOD, Tiled, repeated
from rocverify.subject.host.codec import Codec
from rocverify.subject.host.tiled import little_memory

RNG = np.random.default_rng(5)
TILE = RNG.standard_normal(PERIOD).astype(np.float32)
BIG = Tiled(TILE, (2**24 + 3, 160))


def test_it_is_larger_than_memory_and_takes_little():
    array = BIG.array()
    assert array.shape == BIG.shape
    assert array.nbytes == BIG.nbytes > 10**10
    flat = array.reshape(-1)
    for at in (0, PERIOD - 1, PERIOD, 2**31 - 1, 2**31, 2**31 + 5, BIG.size - 1):
        assert flat[at] == TILE[at % PERIOD]
    assert not array.flags.writeable


@pytest.fixture(scope="module")
def array():
    return BIG.array()


@given(begin=st.integers(0, 2**24), count=st.integers(1, 3))
def test_rows_and_contents_are_those_of_the_array(array: np.ndarray, begin: int, count: int):
    rows = BIG.rows(begin, begin + count)
    assert np.array_equal(rows, array[begin : begin + count])
    size = 4 * 160
    assert BIG.content(begin * size, count * size).tobytes() == rows.tobytes()


@pytest.mark.parametrize("step", [2**31, 2**32])
def test_an_index_that_wraps_meets_another_value(step: int):
    at = np.arange(10_000)
    for size in (1, 2, 4, 8):
        assert (TILE[(at + step // size) % PERIOD] != TILE[at % PERIOD]).all()


def test_behind_its_turn_it_holds_other_values():
    turned = BIG.turned(2**31).array().reshape(-1)
    plain = BIG.array().reshape(-1)
    assert (turned[: 2**20] == plain[: 2**20]).all()
    assert (turned[2**31 - 1000 : 2**31] == plain[2**31 - 1000 : 2**31]).all()
    assert (turned[2**31 + PERIOD : 2**31 + 2 * PERIOD] != plain[2**31 + PERIOD : 2**31 + 2 * PERIOD]).any()


def test_it_travels_as_its_tile():
    codec, beside = Codec(lambda name: name), []
    told = json.loads(json.dumps(codec.encode({"x": BIG.turned(2**31)}, beside)))
    assert sum(memoryview(part).nbytes for part in beside) == TILE.nbytes
    got = codec.decode(told, [bytearray(part) for part in beside])["x"]
    assert (got.shape, got.turn) == (BIG.shape, BIG.turned(2**31).turn)
    assert np.array_equal(got.tile, TILE)


def test_small_arrays_are_plain():
    assert np.array_equal(repeated(np.arange(3), (2, 2)), [[0, 1], [2, 0]])
    large = repeated(np.arange(5, dtype=np.uint8), (LARGE,))
    assert isinstance(large, Tiled)
    assert large.rows(PERIOD - 1, PERIOD + 1).tolist() == [(PERIOD - 1) % 5, 0]


def test_a_whole_copy_is_not_made_in_little_memory():
    array = BIG.array()
    with little_memory():
        assert array[:1000].copy().shape == (1000, 160)
        with pytest.raises(MemoryError):
            array.astype(np.float64)


@given(st.integers(1, 2**40), st.lists(st.floats(0, 1), max_size=3))
def test_an_excerpt_has_the_ends_and_the_places_and_is_small(count: int, places: list[float]):
    chosen = Excerpt(tuple(places)).chosen(count)
    assert chosen is not None
    assert list(chosen) == sorted(set(chosen))
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    assert len(chosen) <= 33 + 5 * len(places)
    assert all(min(int(place * count), count - 1) in chosen for place in places)
    assert Excerpt().chosen(count) is None
    assert Excerpt(tuple(places), until=0.5).chosen(count) == tuple(n for n in chosen if n < 0.5 * count)


def test_a_wave_may_execute_its_part_of_the_budget():
    assert Excerpt.limit(1) == BUDGET
    assert Excerpt.limit(1 << 10) == BUDGET >> 10
    assert Excerpt.limit(1 << 30) == 0
