"""Arrays in their allocations: guards and gaps come back untouched, or it is said where they did not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.errors import ContractError
from rocverify.oracle.arrays import Array, In, Out
from rocverify.oracle.buffers import Layout, buffer_of, layout_of, read_back
from rocverify.oracle.case import Case
from rocverify.oracle.dtypes import F32
from rocverify.oracle.inputs import Kind
from rocverify.oracle.poison import Placement
from rocverify.subject.host.views import DeviceView

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 9))


def placed(array: Array, shape: tuple[int, ...], seed: int, placement: Placement) -> Layout:
    dims = dict(zip("abc", shape, strict=True))
    return layout_of("x", array, Case(dims, F32, Kind.PLAIN, seed, placement=placement))


def image_of(layout: Layout, array: np.ndarray) -> np.ndarray:
    buffer = buffer_of("x", array, layout, undefined=False)
    content = bytes(memoryview(buffer.content))
    return np.frombuffer(buffer.guard + content + buffer.guard, np.uint8).copy()


@given(SHAPES, st.integers(0, 9), st.integers(0, 2**32 - 1), st.sampled_from(list(Placement)))
def test_what_is_placed_comes_back_whatever_lies_around_it(
    shape: tuple[int, int, int], pitch: int, seed: int, placement: Placement
) -> None:
    layout = placed(In("a b c", F32, pitch=pitch), shape, seed, placement)
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    image = image_of(layout, array)
    arrays, damage = read_back({"x": layout}, {"x": array}, {"x": image.tobytes()})
    assert arrays["x"].tobytes() == array.tobytes()
    assert damage == []
    leading = layout.pitch // 4 if pitch else shape[-1]
    assert leading >= shape[-1]
    if pitch:
        assert leading % pitch == 0
    rows = array.reshape(-1, shape[-1])
    for number, row in enumerate(rows):  # the address that a kernel computes
        start = layout.guard + 4 * leading * number
        assert image[start : start + 4 * shape[-1]].tobytes() == row.tobytes()


@given(SHAPES, st.integers(1, 9), st.integers(0, 2**32 - 1), st.data())
def test_each_byte_that_is_not_the_arrays_is_watched(
    shape: tuple[int, int, int], pitch: int, seed: int, data: st.DataObject
) -> None:
    layout = placed(Out("a b c", F32, pitch=pitch), shape, seed, Placement.GUARDED)
    array = np.zeros(shape, np.float32)
    image = image_of(layout, array)
    place = data.draw(st.integers(0, image.size - 1))
    inside = layout.guard <= place < layout.guard + layout.span
    own = inside and (place - layout.guard) % layout.pitch < layout.row
    image[place] ^= 0xFF
    arrays, damage = read_back({"x": layout}, {"x": array}, {"x": image.tobytes()})
    assert bool(damage) == (not own)
    assert (arrays["x"].tobytes() != array.tobytes()) == own
    assert all(text.startswith("x: ") for text in damage)


@given(SHAPES, st.integers(0, 40))
def test_strides_are_those_of_numpy(shape: tuple[int, int, int], longer: int) -> None:
    a, b, c = shape
    whole = np.zeros((a, b, c + longer), np.float32)[:, :, :c]
    assert DeviceView(64, shape, "float32", c + longer).strides == whole.strides
    assert DeviceView(64, (3, c), "bfloat16").strides == (2 * c, 2)
    assert DeviceView(64, (), "float32").strides == ()


def test_only_rows_have_a_pitch() -> None:
    for axes, pitch in (("n", 4), ("a b", -1)):
        with pytest.raises(ContractError, match="pitch"):
            In(axes, F32, pitch=pitch)
