"""layout: exchanged axes are noticed, and told by name where they are what happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rocverify.checks.kinds.layout import Exchange
from rocverify.errors import ContractError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

RAW: dict[str, Any] = {"contract": "kernels.contracts.rope:Rope", "dtypes": ["float32"]}
PATH = "kernels/rope.py"
CONTRACT = "kernels/contracts/rope.py"
ROW = "(static_cast<size_t>(token) * heads + head) * head_dim;"


@pytest.mark.parametrize(
    ("contract", "arrays"),
    [
        ("kernels.contracts.rope:Rope", {"x", "cos", "sin"}),
        ("kernels.contracts.rope:RopeDevice", {"x"}),
        ("kernels.contracts.position_embeddings:PositionEmbeddingsDevice", {"q", "k"}),
    ],
)
def test_the_declared_layout_passes(rope: Project, contract: str, arrays: set[str]) -> None:
    outcome = rope.check("layout", contract=contract)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    for row in outcome.evidence["dtypes"].values():
        assert set(row["shapes"]) == arrays
        assert all(len(set(shape)) == len(shape) for shape in row["shapes"].values())
        assert len(row["rejected"]) >= 3


def test_a_kernel_that_exchanges_two_axes_is_told_so(rope: Project) -> None:
    """The tensor read as [heads, seq, head_dim]: every value is there, in another place."""
    rope.edit("kernels/rope.hip", ROW, ROW.replace("token) * heads + head", "head) * seq + token"))
    outcome = rope.check("layout", **RAW)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "has x written with seq and heads exchanged" in outcome.message
    assert "the result is exactly that" in outcome.message


def test_what_is_wrong_otherwise_fails_too(rope: Project) -> None:
    rope.edit(PATH, "        ctypes.c_uint32(head_dim),\n", "        ctypes.c_uint32(head_dim - 2),\n")
    outcome = rope.check("layout", **RAW)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "is wrong already as declared" in outcome.message


def test_constant_inputs_would_hide_everything(rope: Project) -> None:
    """A test with constant values passes whatever the layout is; the check must not."""
    rope.edit(
        CONTRACT,
        "        return random_tables(rng, dims.seq, dims.head_dim)\n",
        "        tables = random_tables(rng, dims.seq, dims.head_dim)\n"
        "        ones = np.ones((dims.seq, dims.heads, dims.head_dim), np.float32)\n"
        "        return {**{n: np.full_like(t, 0.5) for n, t in tables.items()}, 'x': ones}\n",
    )
    outcome = rope.check("layout", **RAW)
    assert outcome.verdict is CheckVerdict.FAILED
    text = "\n".join(f.message for f in outcome.findings)
    assert "nothing would show cos read with seq and head_dim/2 exchanged" in text
    assert "nothing would show x written with seq and heads exchanged" in text
    assert "inputs are not constant" in str(outcome.hint)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"dims": {"seq": 5, "heads": 5}}, "axes seq and heads of x both have the length 5"),
        ({"dims": {"seq": 1, "heads": 1}}, "no two axes to exchange"),
        ({"arrays": ["y"]}, "has no array y"),
        ({"contract": "kernels.contracts.rope:RopeDevice", "arrays": ["positions"]}, "two axes or more"),
    ],
)
def test_shapes_that_tell_nothing_decide_nothing(rope: Project, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ContractError, match=said):
        rope.check("layout", **{**RAW, **params})


def test_a_misreading_is_the_memory_in_the_other_order() -> None:
    """Against an index-by-index model: element (i, j, k) is read from where (j, i, k) lies."""
    array = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    read = Exchange(("a",), 0, 1, "").misread("a", array)
    flat = array.ravel()
    for i in range(2):
        for j in range(3):
            for k in range(5):
                assert read[i, j, k] == flat[(j * 2 + i) * 5 + k]
    assert Exchange(("b",), 0, 1, "").misread("a", array) is array
