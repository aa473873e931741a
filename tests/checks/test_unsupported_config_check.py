"""unsupported_config: typed errors before any launch, with words that help; and not for everything."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rocverify.checks.registry import CHECKS
from rocverify.errors import ContractError, SubjectError, UsageError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

RAW = "kernels.contracts.rope:Rope"
DEVICE = "kernels.contracts.rope:RopeDevice"
PATH = "kernels/rope.py"
CHECK_SIZES = "    check_sizes(head_dim, seq=seq, heads=heads)\n"
CALL = "    launch(CODE_OBJECT, symbol, rotary_geometry(seq, heads, head_dim), arguments, stream)\n"
# A backend as plans meet it: an object with a configuration, that says who else can do it.
BACKEND = """\
from dataclasses import dataclass

from kernels.rope import rope_gpu_kernel


class UnsupportedError(Exception):
    pass


@dataclass
class Config:
    head_dim: int


class Backend:
    def forward(self, x, cos, sin, config, sizes):
        if config.head_dim > 64:
            raise UnsupportedError(f"head_dim {config.head_dim}: the backend pipeline supports it")
        rope_gpu_kernel(x, cos, sin, *sizes)
"""
ARRAYS: dict[str, Any] = {
    "self": {"make": "kernels.backend:Backend"},
    "x": {"device_array": "float32", "shape": [3, 2, 8]},
    "cos": {"device_array": "float32", "shape": [3, 4]},
    "sin": {"device_array": "float32", "shape": [3, 4]},
    "sizes": [3, 2, 8],
}


def call(head_dim: int, **more: Any) -> dict[str, Any]:
    return {**ARRAYS, "config": {"make": "kernels.backend:Config", "with": {"head_dim": head_dim}}, **more}


ENTRY: dict[str, Any] = {
    "entry": "kernels.backend:Backend.forward",
    "accepted": call(8),
    "cases": [
        {"name": "head_dim 512", "call": call(512), "error": "UnsupportedError", "expects": ["pipeline"]}
    ],
}


def failing(rope: Project, **params: Any) -> str:
    outcome = rope.check("unsupported_config", **params)
    assert outcome.verdict is CheckVerdict.FAILED
    return outcome.message


@pytest.mark.parametrize(("contract", "count"), [(RAW, 2), (DEVICE, 3)])
def test_the_calls_that_a_contract_lists(rope: Project, contract: str, count: int) -> None:
    outcome = rope.check("unsupported_config", contract=contract)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert len(outcome.evidence["refused"]) == count


def test_the_message_must_say_what_is_expected(rope: Project) -> None:
    good = rope.check("unsupported_config", contract=RAW, cases=["odd head_dim"], expects=["even number"])
    assert good.verdict is CheckVerdict.PASSED, good.message
    text = failing(rope, contract=RAW, cases=[{"name": "odd head_dim", "expects": ["pipeline"]}])
    assert "the message of ShapeError does not say 'pipeline': head_dim is" in text


def test_what_is_not_refused_fails(rope: Project) -> None:
    rope.edit(PATH, CHECK_SIZES, "")
    assert "raised" in failing(rope, contract=RAW) or "launched" in failing(rope, contract=RAW)


def test_a_refusal_after_the_launch_fails(rope: Project) -> None:
    rope.edit(PATH, CHECK_SIZES, "")
    safe = CALL.replace("seq, heads, head_dim", "max(seq, 1), heads, 2 * (head_dim // 2)")
    rope.edit(PATH, CALL, f"{safe}    synchronize(stream)\n{CHECK_SIZES}")
    assert "odd head_dim: launched rope_kernel at kernels/runtime.py:" in failing(rope, contract=RAW)


def test_an_error_of_another_class_fails(rope: Project) -> None:
    rope.edit(PATH, CHECK_SIZES, "    if head_dim % 2 or not seq:\n        raise ValueError('no')\n")
    text = failing(rope, contract=RAW)
    assert text == "odd head_dim: raised ValueError (no), ShapeError was expected"


def test_a_wrapper_that_refuses_everything_fails(rope: Project) -> None:
    rope.edit(PATH, CHECK_SIZES, "    check_sizes(head_dim, seq=0, heads=heads)\n")
    with pytest.raises(SubjectError, match="refuses a supported call: raised ShapeError"):
        rope.check("unsupported_config", contract=RAW)


def test_an_unknown_case_decides_nothing(rope: Project) -> None:
    with pytest.raises(ContractError, match="refuses nothing called 'float8'"):
        rope.check("unsupported_config", contract=RAW, cases=["float8"])


def test_the_calls_that_a_plan_writes_down(rope: Project) -> None:
    rope.write("kernels/backend.py", BACKEND)
    outcome = rope.check("unsupported_config", **ENTRY)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert outcome.evidence["refused"][0]["message"] == "head_dim 512: the backend pipeline supports it"
    assert "refuses 1 call before any launch (UnsupportedError), and takes a supported one" in outcome.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("config.head_dim > 64", "config.head_dim > 1024", "head_dim 512: launched rope_kernel at "),
        (
            "config.head_dim > 64",
            "config.head_dim > 64 and self.missing",
            "raised AttributeError",
        ),
        ("the backend pipeline supports it", "no", "does not say 'pipeline': head_dim 512: no"),
    ],
)
def test_an_entry_that_does_not_hold_to_it(rope: Project, old: str, new: str, said: str) -> None:
    rope.write("kernels/backend.py", BACKEND)
    rope.edit("kernels/backend.py", old, new)
    assert said in failing(rope, **ENTRY)


def test_an_entry_that_refuses_everything_fails(rope: Project) -> None:
    rope.write("kernels/backend.py", BACKEND)
    rope.edit("kernels/backend.py", "        rope_gpu_kernel(x, ", "        raise UnsupportedError(x, ")
    with pytest.raises(SubjectError, match="refuses a supported call: raised UnsupportedError"):
        rope.check("unsupported_config", **ENTRY)


def test_a_value_of_no_known_form_is_a_mistake_of_the_plan(rope: Project) -> None:
    rope.write("kernels/backend.py", BACKEND)
    with pytest.raises(UsageError, match="is not a value of a call"):
        rope.check("unsupported_config", **{**ENTRY, "accepted": call(8, x={"array": "float32"})})
    bad = {"device_array": "float7", "shape": [1]}
    with pytest.raises(UsageError, match="'float7' is not an element type"):
        rope.check("unsupported_config", **{**ENTRY, "accepted": call(8, x=bad)})


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"contract": RAW, "entry": "m:f"},
        {"entry": "m:f", "cases": [{"name": "a", "call": {}, "error": "E"}]},
        {"entry": "m:f", "accepted": {}, "cases": []},
        {"entry": "m:f", "accepted": {}, "cases": [{"name": "a", "call": {}}]},
        {"contract": RAW, "accepted": {}},
    ],
)
def test_incomplete_parameters_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CHECKS["unsupported_config"].params(**params)
