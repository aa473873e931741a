"""What a host has made over several calls, and what it has only moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rocverify.device.traffic import Traffic, Upload
from rocverify.oracle.dtypes import F32, I8, I32
from rocverify.oracle.transport import Read, Stack, aligned, alone, changing, found_out, sent

CALLS = 3
X = [np.random.default_rng(call).standard_normal(240).astype(np.float32) for call in range(CALLS)]
WORDS = [np.random.default_rng(call).integers(0, 9, 8000).astype(np.int32) for call in range(CALLS)]
Array = NDArray[np.generic]


def stacks(arrays: Sequence[NDArray[np.generic]]) -> list[Stack]:
    found = aligned([[one.tobytes()] for one in arrays])
    assert found is not None
    return found


MOVES: dict[str, Callable[[Array], Array]] = {
    "as it was": lambda x: x,
    "transposed": lambda x: x.reshape(16, 15).T.copy(),
    "the other way round": lambda x: x[::-1].copy(),
    "over and over": lambda x: np.tile(x[:7], 50),
    "with zeros around": lambda x: np.pad(x.reshape(16, 15), 3),
    "with a constant table": lambda x: np.concatenate([np.arange(99, dtype=np.float32), x]),
    "as wider numbers": lambda x: x.astype(np.float64),
    "as halves": lambda x: x.astype(np.float16),
    "as brain floats": lambda x: x.astype(ml_dtypes.bfloat16),
    "cut to brain floats": lambda x: x.view(np.uint16)[1::2].copy(),
    "two halves in a word": lambda x: x.astype(np.float16).view(np.uint32),
    "two arrays in turn": lambda x: np.column_stack([x[:120], x[120:]]),
    "beside constants": lambda x: np.column_stack([x, np.arange(240, dtype=np.float32)]),
    "halves behind a word": lambda x: np.concatenate([np.zeros(1, np.float16), x.astype(np.float16)]),
    "nothing": lambda x: x[:0],
}
MADE: dict[str, Callable[[Array], Array]] = {
    "computed": lambda x: 3 * x.astype(np.float32) + 1,
    "twice the number": lambda x: 2 * x,
    "twice the number, wider": lambda x: 2 * x.astype(np.float64),
    "the other sign": lambda x: -x,
    "sorted": lambda x: np.sort(x),
    "sorted, the other way round": lambda x: np.sort(x)[::-1].copy(),
    "sorted, as wider numbers": lambda x: np.sort(x).astype(np.float64),
    "the order of a sort": lambda x: np.argsort(x).astype(np.int32),
    "encoded": lambda x: x.view(np.uint32) ^ np.uint32(0x5A5A5A5A),
    "rounded to sixteenths": lambda x: np.round(16 * x.astype(np.float32)).astype(np.int32),
    "sums from the left": lambda x: np.cumsum(x.astype(np.float32)),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_what_is_put_at_places_that_do_not_depend_on_values_is_moved(move: Callable[[Array], Array]) -> None:
    assert Read(stacks(X), [F32]).made(stacks([move(x) for x in X])) == 0


@pytest.mark.parametrize("make", MADE.values(), ids=MADE.keys())
def test_what_follows_the_values_is_made(make: Callable[[Array], Array]) -> None:
    uploads = stacks([make(x) for x in X])
    assert Read(stacks(X), [F32]).made(uploads) > 0.9 * changing(uploads)


def test_single_bytes_are_moved_where_an_array_has_such_elements() -> None:
    values = [one.astype(np.int8) for one in WORDS]
    uploads = stacks([one[1:8000:3].copy() for one in values])
    assert Read(stacks(values), [I8]).made(uploads) == 0
    assert Read(stacks(values), [I32]).made(uploads) > 0


def test_numbers_are_not_whole_numbers() -> None:
    assert Read(stacks([100 * x for x in X]), [F32, I32]).made(
        stacks([(100 * x).astype(np.int32) for x in X])
    )
    assert not Read(stacks(WORDS), [F32, I32]).made(stacks([one.astype(np.float32) for one in WORDS]))


def test_pieces_answer_to_each_other_by_order_or_as_a_whole() -> None:
    one_by_one = aligned([[b"ab", b"c"], [b"de", b"f"]])
    assert one_by_one is not None
    assert [piece.tobytes() for piece in one_by_one] == [b"abde", b"cf"]
    whole = aligned([[b"ab", b"c"], [b"d", b"ef"]])
    assert whole is not None
    assert [piece.tobytes() for piece in whole] == [b"abcdef"]
    assert aligned([[b"ab"], [b"c"]]) is None


def test_what_lies_in_memory_that_both_see_answers_by_its_place() -> None:
    first = Traffic(uploads=(Upload(b"k"), Upload(b"abcd", (0, 1), 8), Upload(b"x", (1, 0))))
    other = Traffic(uploads=(Upload(b"k"), Upload(b"CD", (0, 1), 10), Upload(b"y", (1, 0))))
    found = sent([first, other])
    assert found is not None
    assert [piece.tobytes() for piece in found] == [b"kk", b"cdCD", b"xy"]
    assert sent([first, Traffic(uploads=(Upload(b"k"),))]) is None


def test_memory_cut_otherwise_answers_as_a_whole() -> None:
    calls = [
        Traffic(uploads=(Upload(one[:cut], (0, 0)), Upload(one[cut:], (0, 1))))
        for one, cut in ((b"abcd", 1), (b"efgh", 3))
    ]
    found = sent(calls)
    assert found is not None
    assert [piece.tobytes() for piece in found] == [b"abcdefgh"]


def test_what_was_sent_before_is_not_found_out() -> None:
    calls = [
        Traffic(reads=(b"ab", b"cd"), echoes=frozenset({1}), left={(0, 0): b"e", (call, 9): b"f"})
        for call in (1, 2)
    ]
    found = found_out(calls)
    assert found is not None
    assert [piece.tobytes() for piece in found] == [b"abab", b"ee"]


def test_in_one_call_alone_each_value_stands_for_itself() -> None:
    traffic = Traffic(reads=(X[0].tobytes(),), uploads=(Upload(np.sort(X[0]).tobytes()), Upload(bytes(8))))
    read, uploads = alone(traffic)
    assert Read(read, [F32]).made(uploads) == 0  # which a sort is not, but nothing tells
    _, computed = alone(Traffic(uploads=(Upload((X[0] + 1).tobytes()),)))
    assert Read(read, [F32]).made(computed) > X[0].nbytes / 2


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 60), st.randoms(use_true_random=False))
def test_any_order_and_any_cut_are_a_move(size, random) -> None:  # type: ignore[no-untyped-def]
    order = [random.randrange(240) for _ in range(size)]
    cut = random.randrange(size + 1)
    uploads = aligned([[x[order[:cut]].tobytes(), x[order[cut:]].tobytes()] for x in X])
    assert uploads is not None
    assert Read(stacks(X), [F32]).made(uploads) == 0
