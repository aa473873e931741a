"""A call as its caller makes it: which stream it passes, what becomes of its arrays, what is returned."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rocverify.subject.host.caller import Caller, parameters_of, results_of
from rocverify.subject.host.imports import LoadError


class Library:
    """Notes what the HIP library is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def rv_finish(self) -> int:
        self.asked.append("finish")
        return 0

    def rv_returned(self, stream: int | None) -> int:
        self.asked.append(stream)
        return 0


def wrapper(x: int, stream: Any = None, *, fast: bool = False) -> tuple[int, Any, bool]:
    return x, stream, fast


def test_a_stream_is_passed_where_none_is_given() -> None:
    library = Library()
    caller = Caller(library, 7)
    assert caller.passing(wrapper)(1) == (1, 7, False)
    left = caller.goes_on({"y": np.zeros(2)})
    assert library.asked == [7]
    assert left["y"].tolist() == [0, 0]


def test_a_contract_that_passes_another_stream_is_a_caller_without_one() -> None:
    library = Library()
    caller = Caller(library, 7)
    assert caller.passing(wrapper)(1, None) == (1, None, False)
    caller.goes_on({})
    assert library.asked == ["finish", None]


def test_a_caller_without_a_stream_uses_its_arrays_again_at_once() -> None:
    array, fixed = np.ones(3, np.float32), np.ones(3)
    fixed.flags.writeable = False
    left = Caller(Library(), None).goes_on({"x": array, "fixed": fixed})
    assert left["x"].tolist() == [1, 1, 1]
    assert set(array.tobytes()) == {0xAD}
    assert fixed.tolist() == [1, 1, 1]


def test_parameters_that_are_passed_are_noted() -> None:
    caller = Caller(None, None)
    assert caller.noting(wrapper)(1, fast=True) == (1, None, True)
    assert caller.passed == ["x", "fast"]
    assert parameters_of(wrapper) == {"x": False, "stream": True, "fast": True}
    assert parameters_of(7) == {}
    assert parameters_of(lambda *_a, **_k: None) == {}


@pytest.mark.parametrize(
    "result", [(np.float32(2), np.arange(3)), [2.0, np.arange(3)], {"b": np.arange(3), "a": 2.0}]
)
def test_results_by_the_names_that_the_contract_gives_them(result: Any) -> None:
    found = results_of(SimpleNamespace(returned={"a": 0, "b": 0}, where="m:C"), result)
    assert {name: value.tolist() for name, value in found.items()} == {"a": 2.0, "b": [0, 1, 2]}


@pytest.mark.parametrize("result", [None, "text", (1.0,), {"a": 1.0}, (1.0, object())])
def test_results_that_are_no_arrays_are_the_contracts_fault(result: Any) -> None:
    with pytest.raises(LoadError, match=r"call\(\) must return a, b") as caught:
        results_of(SimpleNamespace(returned={"a": 0, "b": 0}, where="m:C"), result)
    assert caught.value.kind == "ContractError"
