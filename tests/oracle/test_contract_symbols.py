# ruff: noqa: ARG005 - lambdas stand for methods
"""A contract may call its kernel as people do: mangled, demangled or short."""

from __future__ import annotations

from typing import Any

import pytest

from rocverify.errors import ContractError
from rocverify.oracle.contract import F32
from rocverify.oracle.symbols import with_kernels
from tests.fakes.declaring import declare

SCALE, FILL = "_ZN4rows5scaleEPfi", "_ZN4rows4fillEPf"
OTHER = "_ZN5other5scaleEPfi"


@pytest.mark.parametrize("said", [SCALE, "rows::scale", "rows::scale(float*, int)", "scale"])
def test_a_symbol_is_the_kernel_that_a_device_reports(said: str) -> None:
    spec = with_kernels(declare(symbol=said), [FILL, SCALE])
    assert spec.symbol(F32) == SCALE
    assert spec.symbol(F32, {"n": 3}) == SCALE


def test_a_kernel_chosen_by_shape_may_be_said_short() -> None:
    spec = declare(symbol="scale", kernel=lambda self, dims: "fill" if dims.n > 2 else "scale")
    assert spec.symbol(F32, {"n": 3}) == "fill"
    built = with_kernels(spec, [FILL, SCALE])
    assert [built.symbol(F32, {"n": n}) for n in (1, 3)] == [SCALE, FILL]


def test_a_contract_is_asked_once_for_the_kernel_of_a_shape() -> None:
    asked = []

    def kernel(_: object, dims: Any) -> str:
        asked.append(dims.n)
        return "fill" if dims.n > 2 else "scale"

    spec = declare(symbol="scale", kernel=kernel)
    assert spec.symbols_for(F32, [{"n": 3}, {"n": 1}, {"n": 3}]) == ["fill", "scale", "fill"]
    assert (spec.symbol(F32, {"n": 1}), spec.symbol(F32, {"n": 3})) == ("scale", "fill")
    assert asked == [3, 1]
    assert with_kernels(spec, [FILL, SCALE]).symbol(F32, {"n": 1}) == SCALE
    assert asked == [3, 1, 1]


def test_a_short_name_of_two_kernels_is_refused_with_both() -> None:
    with pytest.raises(ContractError) as caught:
        with_kernels(declare(symbol="scale"), [SCALE, OTHER])
    for words in ("2 kernels scale", "rows::scale(float*, int)", "other::scale(float*, int)", SCALE, OTHER):
        assert words in str(caught.value)
    assert with_kernels(declare(symbol="other::scale"), [SCALE, OTHER]).symbol(F32) == OTHER


def test_what_the_code_object_lacks_keeps_its_name() -> None:
    assert with_kernels(declare(symbol="scael"), [SCALE, FILL]).symbol(F32) == "scael"
