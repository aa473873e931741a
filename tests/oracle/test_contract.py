# ruff: noqa: ARG001, ARG005 - functions and lambdas stand for methods
"""The declaration of contracts: what becomes of it, and what is refused."""

from __future__ import annotations

import ctypes
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from rocverify.errors import ContractError
from rocverify.oracle.contract import (
    BF16,
    F16,
    F32,
    F64,
    I32,
    Dims,
    HostIn,
    In,
    InOut,
    Launch,
    Out,
    boundary,
    contract,
    even,
)
from tests.fakes.declaring import declare


def test_a_declaration_becomes_an_immutable_record() -> None:
    spec = declare()
    assert spec.dtypes == (F32, F16)
    assert spec.symbol(F16) == "k"
    assert list(spec.outputs) == ["x"]
    assert spec.size({"n": 7}) == 7
    assert spec.reference_name == "tests.oracle.test_contract:Subject" or spec.reference_name.endswith(
        ":Subject"
    )
    with pytest.raises(FrozenInstanceError):
        spec.source = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        spec.arrays["y"] = InOut("n", F32)  # type: ignore[index]


def test_axes_are_dimensions_multiples_parts_and_numbers() -> None:
    array = In("n d/2 d*3 4", F32)
    assert array.shape({"n": 5, "d": 6}) == (5, 3, 18, 4)
    with pytest.raises(ContractError, match="not a whole number"):
        array.shape({"n": 5, "d": 7})


def test_the_element_type_of_a_case_applies_to_arrays_of_several() -> None:
    assert In("n", F32).dtype(BF16) is F32
    assert In("n", F32 | BF16).dtype(BF16) is BF16
    assert (F32 | F16 | F32 | (BF16 | F16)).members == (F32, F16, BF16)


def test_each_element_type_may_have_its_symbol() -> None:
    spec = declare(symbol={F32: "a", F16: "b"})
    assert (spec.symbol(F32), spec.symbol(F16)) == ("a", "b")


def test_arrays_may_be_inherited() -> None:
    class Base:
        x = InOut("n", F32)
        dims = Dims(n=boundary(1, 9))

        def call(self, wrapper: Any) -> None: ...

    @contract(source="k.hip", symbol="k", wrapper="m:f")
    class Derived(Base):
        def reference(self, x: Any) -> Any:
            return x

    assert list(Derived.arrays) == ["x"]  # type: ignore[attr-defined]


def test_a_reference_keeps_its_defaults_for_what_the_contract_does_not_have() -> None:
    spec = declare(reference=lambda self, x, eps=0.5: x + eps)
    assert spec.reference({"x": np.ones(3)}, {"n": 3})["x"].tolist() == [1.5, 1.5, 1.5]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"x": In("n", F32)}, "no array is Out, InOut, HostOut or Returned"),
        ({"x": InOut("m", F32)}, "dims has no 'm'"),
        ({"x": InOut("n-1", F32)}, "axis 'n-1' of x"),
        ({"x": InOut("n", F64)}, "float64 outputs need a rounding"),
        ({"y": Out("n", F32 | BF16)}, "must have the same ones"),
        ({"reference": None}, r"reference\(\) is missing"),
        ({"call": None}, r"call\(\) is missing"),
        ({"reference": lambda self, z: z}, "asks for 'z'"),
        ({"magnitude": lambda self, z: z}, r"magnitude\(\) asks for 'z'"),
        ({"prepare": lambda self, seed: {}}, r"prepare\(\) asks for 'seed'; there are rng"),
        ({"wrapper": "rope_gpu_kernel"}, "not of the form"),
        ({"wrapper": None}, r"launch\(\) is missing"),
        ({"symbol": {F32: "k"}}, "no symbol for float16"),
        ({"parameters": ("x", "count")}, "parameter 'count'"),
    ],
)
def test_a_contradiction_is_refused_at_declaration(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ContractError, match=problem) as caught:
        declare(**change)
    assert caught.value.where is not None
    assert caught.value.where.endswith(":Subject")


def test_methods_get_what_they_ask_for_and_nothing_else() -> None:
    seen: dict[str, Any] = {}

    def call(self: Any, wrapper: Any, arrays: Any, dims: Any) -> None:
        seen.update(wrapper=wrapper, x=arrays.x, n=dims.n)

    spec = declare(call=call, prepare=lambda self, dims, kind: {"x": (dims.n, kind)})
    spec.call("w", {"x": 1}, {"n": 2}, F32)
    assert seen == {"wrapper": "w", "x": 1, "n": 2}
    assert spec.prepare(np.random.default_rng(0), {"n": 2}, F32, "plain") == {"x": (2, "plain")}


def test_a_reference_may_use_dimensions_and_return_a_mapping_or_a_tuple() -> None:
    two = {"y": Out("n", F32 | F16), "reference": lambda self, x, n: (x, x * n)}
    values = {"x": np.ones(3), "y": np.zeros(3)}
    result = declare(**two).reference(values, {"n": 3})
    np.testing.assert_array_equal(result["y"], [3, 3, 3])
    named = declare(y=two["y"], reference=lambda self, x: {"x": x, "y": -x})
    assert set(named.reference(values, {"n": 3})) == {"x", "y"}


@pytest.mark.parametrize("result", [1.0, (1.0,), {"x": 1.0}])
def test_a_reference_that_leaves_an_output_out_is_an_error(result: Any) -> None:
    spec = declare(y=Out("n", F32 | F16), reference=lambda self: result)
    with pytest.raises(ContractError, match="must give x, y"):
        spec.reference({}, {"n": 1})


@pytest.mark.parametrize("method", ["reference", "prepare", "refused", "wrong"])
def test_what_a_contracts_method_raises_names_the_contract(method: str) -> None:
    methods = {
        "reference": lambda self: 1 / 0,
        "prepare": lambda self: 1 / 0,
        "wrong": lambda self: 1 / 0,
        "refused": lambda self, dims: 1 / 0,
    }
    spec = declare(**{method: methods[method]})
    calls = {
        "reference": lambda: spec.reference({}, {}),
        "prepare": lambda: spec.prepare(np.random.default_rng(0), {}, F32, "plain"),
        "wrong": lambda: spec.wrong({}, {}),
        "refused": lambda: spec.refused({}),
    }
    with pytest.raises(ContractError, match=rf"{method}\(\) raised ZeroDivisionError"):
        calls[method]()


def test_a_contract_without_wrapper_launches_itself() -> None:
    launch = Launch((1, 1, 1), (32, 1, 1), (ctypes.c_uint32(1),))
    spec = declare(wrapper=None, launch=lambda self, dims: launch)
    assert spec.launches({}, {"n": 1}, F32) == (launch,)
    wrong = declare(wrapper=None, launch=lambda self: (1, 2))
    with pytest.raises(ContractError, match="returned no Launch"):
        wrong.launches({}, {"n": 1}, F32)


def test_even_and_host_arrays_read_as_they_are_written() -> None:
    spec = declare(positions=HostIn("n", I32), dims=Dims(n=even(2, 8)))
    assert spec.arrays["positions"].role == "host"
    assert not spec.arrays["positions"].written
