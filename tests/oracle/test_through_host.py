"""What counts as read back by the host, and as only moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.oracle.dtypes import F16, F32, F64
from rocverify.oracle.through_host import only_moved, read_back

X = np.arange(1, 65, dtype=np.float32)
SHIFT = np.array([0.5, 0.25], np.float32)
INPUTS = {"x": X, "shift": SHIFT}
RESULT = 3 * X + 1000


@pytest.mark.parametrize(
    ("reads", "found"),
    [
        pytest.param([X.tobytes(), SHIFT.tobytes()], ["x", "shift"], id="both"),
        pytest.param([X[::-1].tobytes()], ["x"], id="in another order"),
        pytest.param([X[:20].tobytes(), X[20:].tobytes()], ["x"], id="in pieces"),
        pytest.param([X.astype(np.float64).tobytes()], ["x"], id="as wider numbers"),
        pytest.param([SHIFT.tobytes()], [], id="the small one alone"),
        pytest.param([X[:30].tobytes()], [], id="a part"),
        pytest.param([RESULT.tobytes()], [], id="a result"),
        pytest.param([b"\0"], [], id="less than an element"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_inputs_that_were_read_back(reads: list[bytes], found: list[str]) -> None:
    assert read_back(INPUTS, reads) == found


@pytest.mark.parametrize(
    ("uploads", "moved"),
    [
        pytest.param([X.tobytes()], True, id="as it was"),
        pytest.param([X.reshape(8, 8).T.tobytes()], True, id="transposed"),
        pytest.param([X.astype(np.float64).tobytes()], True, id="as wider numbers"),
        pytest.param([np.pad(X.reshape(8, 8), 3).tobytes()], True, id="with zeros around"),
        pytest.param([X.tobytes(), SHIFT.tobytes()], True, id="with a small table"),
        pytest.param([RESULT.tobytes()], False, id="a result"),
        pytest.param([X.tobytes(), RESULT.tobytes()], False, id="a result beside it"),
        pytest.param([np.column_stack([X, RESULT]).tobytes()], False, id="a result among it"),
        pytest.param([np.repeat(X[:4], 16).tobytes()], False, id="a few values over and over"),
        pytest.param([], False, id="nothing"),
    ],
)
def test_what_the_host_only_moved(uploads: list[bytes], moved: bool) -> None:
    assert only_moved(uploads, [X.tobytes()], [F32, F64, F16], X.size) == moved


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-100, 100, width=16), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_any_order_and_any_cut_are_a_move(values, random) -> None:  # type: ignore[no-untyped-def]
    array = np.array(values, np.float16)
    shuffled = list(values)
    random.shuffle(shuffled)
    cut = random.randrange(len(values) + 1)
    pieces = [np.array(part, np.float16).tobytes() for part in (shuffled[:cut], shuffled[cut:])]
    assert only_moved(pieces, [array.tobytes()], [F32, F16], array.size)
    assert read_back({"x": array}, pieces) == ["x"]
