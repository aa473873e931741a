"""Sets of byte ranges do as sets of numbers do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rocverify.device.ranges import NOTHING, Ranges

BASE = 0x2000_0000_0000
BLOCKS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 9), st.integers(0, 12), st.integers(0, 4)), max_size=5
)


def numbers(ranges: Ranges) -> set[int]:
    return {n for start, end in zip(ranges.starts, ranges.ends, strict=True) for n in range(start, end)}


def plain(blocks) -> set[int]:
    return {
        BASE + first + row * pitch + n
        for first, size, pitch, rows in blocks
        for row in range(rows)
        for n in range(size)
    }


def ranges(blocks) -> Ranges:
    return Ranges.of((BASE + first, size, pitch, rows) for first, size, pitch, rows in blocks)


@given(BLOCKS)
def test_blocks_become_ranges_in_order_that_do_not_overlap(blocks):
    made = ranges(blocks)
    assert numbers(made) == plain(blocks)
    assert made.bytes == len(plain(blocks))
    assert bool(made) == bool(plain(blocks))
    assert all(made.starts < made.ends)
    assert all(made.ends[:-1] < made.starts[1:])


@given(BLOCKS, BLOCKS)
def test_what_two_sets_have_in_common(first, second):
    overlap, expected = ranges(first).common(ranges(second)), plain(first) & plain(second)
    assert (overlap is None) == (not expected)
    if overlap is not None:
        assert (overlap.bytes, overlap.address) == (len(expected), min(expected))


@given(BLOCKS, st.integers(0, 80), st.integers(0, 80))
def test_a_range_taken_away(blocks, one, other):
    start, end = BASE + min(one, other), BASE + max(one, other)
    left = ranges(blocks).without(start, end)
    assert numbers(left) == plain(blocks) - set(range(start, end))


def test_nothing_has_nothing_in_common():
    assert NOTHING.common(ranges([(0, 4, 0, 1)])) is None
    assert ranges([(0, 4, 0, 1)]).common(NOTHING) is None
    assert NOTHING.bytes == 0
