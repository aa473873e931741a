"""What a call returned, in the form that its contract declares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rocverify.errors import SubjectError
from rocverify.oracle.contract import F32, I32, ContractSpec, Dims, In, Returned, boundary, contract
from rocverify.oracle.returned import as_declared


def spec_of(axes: str, dtype: Any) -> ContractSpec:
    @contract(source="k.hip", symbol="k", wrapper="m:f")
    class Made:
        x = In("n", F32)
        y = Returned(axes, dtype)
        dims = Dims(n=boundary(1, 9))

        def call(self, wrapper: Any, arrays: Any) -> Any:
            return wrapper(arrays.x)

        def reference(self, x: Any) -> Any:
            return x

    return Made  # type: ignore[return-value]


def declared(axes: str, dtype: Any, value: Any) -> np.ndarray:
    like = np.zeros((3,) if axes else (), dtype.numpy)
    return as_declared(spec_of(axes, dtype), {"y": like}, {"y": np.asarray(value)})["y"]


@pytest.mark.parametrize(
    ("axes", "dtype", "value"),
    [("", F32, 1.5), ("", I32, 7), ("", I32, True), ("n", F32, np.ones(3, np.float32))],
)
def test_numbers_take_the_declared_type(axes: str, dtype: Any, value: Any) -> None:
    found = declared(axes, dtype, value)
    assert found.dtype == dtype.numpy
    assert np.array_equal(found, np.asarray(value, dtype.numpy))


@pytest.mark.parametrize(
    ("axes", "dtype", "value", "words"),
    [
        ("n", F32, np.ones(3), "returned y as float64, not float32"),
        ("n", F32, np.ones((3, 1), np.float32), r"of the shape \(3, 1\), not \(3,\)"),
        ("", I32, 2.0, "as float64, not int32"),
        ("", F32, 2, "as int64, not float32"),
        ("", I32, 2**40, "as int64, not int32"),
    ],
)
def test_another_form_is_the_wrappers_fault(axes: str, dtype: Any, value: Any, words: str) -> None:
    with pytest.raises(SubjectError, match=words):
        declared(axes, dtype, value)
