"""References of common operations against the same written out by hand, element by element."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from rocverify import references
from rocverify.references import elementwise, products, quantised, reductions, rotary, rows
from rocverify.subject.process import DECLARATIONS

RNG = np.random.default_rng(20261130)
MODULES = (elementwise, products, quantised, reductions, rotary, rows)


def drawn(*shape: int) -> Any:
    return RNG.normal(size=shape)


@pytest.mark.parametrize(
    ("function", "by_hand"),
    [
        (elementwise.relu, lambda v: max(v, 0.0)),
        (elementwise.sigmoid, lambda v: 1 / (1 + math.exp(-v))),
        (elementwise.silu, lambda v: v / (1 + math.exp(-v))),
        (elementwise.gelu, lambda v: v * (1 - math.erfc(v / math.sqrt(2)) / 2)),
        (
            elementwise.gelu_tanh,
            lambda v: 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))),
        ),
    ],
)
def test_functions_of_single_elements(
    function: Callable[[Any], Any], by_hand: Callable[[float], float]
) -> None:
    x = drawn(3, 5) * 4
    expected = [[by_hand(float(v)) for v in row] for row in x]
    np.testing.assert_allclose(function(x), expected, rtol=1e-12)
    assert function(x.astype(np.float32)).dtype == np.float32


def test_sigmoid_far_from_zero_neither_overflows_nor_is_nan() -> None:
    with np.errstate(all="raise", under="ignore"):
        assert elementwise.sigmoid(np.array([-1000.0, 1000.0])).tolist() == [0.0, 1.0]


def test_scans_and_sums() -> None:
    x = drawn(2, 7)
    for row, inclusive, exclusive in zip(
        x, reductions.inclusive_scan(x), reductions.exclusive_scan(x), strict=True
    ):
        for at in range(7):
            assert inclusive[at] == pytest.approx(math.fsum(row[: at + 1]))
            assert exclusive[at] == pytest.approx(math.fsum(row[:at]))
    assert reductions.total(x).tolist() == pytest.approx([math.fsum(row) for row in x])
    assert reductions.mean(x).tolist() == pytest.approx([math.fsum(row) / 7 for row in x])
    assert reductions.maximum(x).tolist() == [max(row) for row in x]
    assert reductions.argmax(x).tolist() == [list(row).index(max(row)) for row in x]
    assert reductions.ascending(x).tolist() == [sorted(row) for row in x]


def test_softmax_and_its_logarithm() -> None:
    x = drawn(3, 9)
    for row, shares, logs in zip(x, rows.softmax(x), rows.log_softmax(x), strict=True):
        total = math.fsum(math.exp(v) for v in row)
        assert shares.tolist() == pytest.approx([math.exp(v) / total for v in row])
        assert logs.tolist() == pytest.approx([v - math.log(total) for v in row])
    assert rows.softmax(np.array([[1e300, 1e300]])).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("eps", [None, 0.25, np.array(0.25)])
def test_norms(eps: Any) -> None:
    x, weight, bias = drawn(3, 8), drawn(8), drawn(8)
    given, small = ((), 1e-5) if eps is None else ((eps,), 0.25)
    for row, normed, scaled in zip(
        x, rows.layer_norm(x, weight, bias, *given), rows.rms_norm(x, weight, *given), strict=True
    ):
        mean = math.fsum(row) / 8
        spread = math.sqrt(math.fsum((v - mean) ** 2 for v in row) / 8 + small)
        root = math.sqrt(math.fsum(v * v for v in row) / 8 + small)
        for at in range(8):
            assert normed[at] == pytest.approx((row[at] - mean) / spread * weight[at] + bias[at])
            assert scaled[at] == pytest.approx(row[at] / root * weight[at])


def test_what_a_layer_norm_adds_up() -> None:
    """Of a row far from zero, whose values differ little, float32 keeps little: as the magnitude allows."""
    x, weight, bias = 1000 + drawn(4, 64), drawn(64), drawn(64)
    exact, amount = rows.layer_norm(x, weight, bias), rows.layer_norm_magnitude(x, weight, bias)
    narrow = rows.layer_norm(*(array.astype(np.float32) for array in (x, weight, bias)))
    error = np.abs(narrow - rows.layer_norm(*(a.astype(np.float32).astype(float) for a in (x, weight, bias))))
    assert (amount >= np.abs(exact)).all()
    assert error.max() > 64 * np.spacing(np.abs(exact).max().astype(np.float32))
    assert (error <= 8 * np.spacing(amount.astype(np.float32))).all()


def test_products() -> None:
    a, b = drawn(2, 3, 4), drawn(2, 4, 5)
    expected = [
        [[math.fsum(a[n, i, t] * b[n, t, j] for t in range(4)) for j in range(5)] for i in range(3)]
        for n in range(2)
    ]
    np.testing.assert_allclose(products.matmul(a, b), expected)
    np.testing.assert_allclose(products.matmul_transposed(a, np.swapaxes(b, 1, 2)), expected)
    assert (products.matmul_magnitude(a, b) >= np.abs(expected) - 1e-12).all()


def by_hand_attention(q: Any, k: Any, v: Any, causal: bool) -> Any:
    heads, count, size = q.shape
    groups = heads // k.shape[0]
    out = np.zeros(q.shape[:2] + v.shape[-1:])
    for head in range(heads):
        for row in range(count):
            last = row + k.shape[1] - count if causal else k.shape[1] - 1
            seen = [
                math.exp(math.fsum(q[head, row] * k[head // groups, key]) / math.sqrt(size))
                for key in range(last + 1)
            ]
            for key, weight in enumerate(seen):
                out[head, row] += weight / math.fsum(seen) * v[head // groups, key]
    return out


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("heads", "kv_heads", "count", "keys"), [(1, 1, 3, 3), (4, 2, 3, 6), (2, 2, 5, 3)])
def test_attention(causal: bool, heads: int, kv_heads: int, count: int, keys: int) -> None:
    q, k, v = drawn(heads, count, 4), drawn(kv_heads, keys, 4), drawn(kv_heads, keys, 4)
    function = products.causal_attention if causal else products.attention
    np.testing.assert_allclose(function(q, k, v), by_hand_attention(q, k, v, causal), atol=1e-14)


def test_rotations() -> None:
    x, angles = drawn(3, 2, 6), drawn(3, 3)
    cos, sin = np.cos(angles), np.sin(angles)
    halves, pairs = rotary.half_split(x, cos, sin), rotary.interleaved(x, cos, sin)
    for token in range(3):
        for head in range(2):
            for d in range(3):
                turn = complex(math.cos(angles[token, d]), math.sin(angles[token, d]))
                row = x[token, head]
                half = complex(row[d], row[d + 3]) * turn
                assert complex(halves[token, head, d], halves[token, head, d + 3]) == pytest.approx(half)
                pair = complex(row[2 * d], row[2 * d + 1]) * turn
                assert complex(*pairs[token, head, 2 * d : 2 * d + 2]) == pytest.approx(pair)


def test_quantised_blocks() -> None:
    scale = np.array([0.5, -2.0])
    values = RNG.integers(-128, 128, (2, 32), np.int8)
    assert quantised.dequantise_q8_0(values, scale).tolist() == [
        int(v) * s for block, s in zip(values, scale, strict=True) for v in block
    ]
    packed = RNG.integers(0, 256, (2, 16), np.uint8)
    expected = []
    for block, s in zip(packed, scale, strict=True):
        expected += [(int(byte) % 16 - 8) * s for byte in block]
        expected += [(int(byte) // 16 - 8) * s for byte in block]
    assert quantised.dequantise_q4_0(packed, scale).tolist() == expected


ARGUMENTS = {
    "wrong_silu": (elementwise.silu, (drawn(2, 300),)),
    "wrong_gelu": (elementwise.gelu, (drawn(2, 300),)),
    "wrong_swiglu": (elementwise.swiglu, (drawn(2, 300), drawn(2, 300))),
    "wrong_total": (reductions.total, (drawn(2, 300),)),
    "wrong_scan": (reductions.inclusive_scan, (drawn(2, 300),)),
    "wrong_ascending": (reductions.ascending, (drawn(2, 300),)),
    "wrong_softmax": (rows.softmax, (drawn(2, 300),)),
    "wrong_layer_norm": (rows.layer_norm, (drawn(2, 300), drawn(300), drawn(300))),
    "wrong_rms_norm": (rows.rms_norm, (drawn(2, 300), drawn(300))),
    "wrong_matmul": (products.matmul, (drawn(3, 40), drawn(40, 5))),
    "wrong_attention": (products.attention, (drawn(2, 4, 8), drawn(2, 6, 8), drawn(2, 6, 8))),
    "wrong_causal_attention": (products.causal_attention, (drawn(2, 4, 8), drawn(2, 6, 8), drawn(2, 6, 8))),
    "wrong_half_split": (rotary.half_split, (drawn(5, 3, 8), drawn(5, 4), drawn(5, 4))),
    "wrong_interleaved": (rotary.interleaved, (drawn(5, 3, 8), drawn(5, 4), drawn(5, 4))),
    "wrong_q8_0": (quantised.dequantise_q8_0, (RNG.integers(-128, 128, (3, 32), np.int8), drawn(3))),
    "wrong_q4_0": (quantised.dequantise_q4_0, (RNG.integers(0, 256, (3, 16), np.uint8), drawn(3))),
}


def functions(module: ModuleType) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and not name.startswith("_") and value.__module__ == module.__name__
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_mistake_changes_the_result_and_keeps_its_shape(module: ModuleType) -> None:
    mistaken = [name for name in functions(module) if name.startswith("wrong_")]
    assert mistaken
    for name in mistaken:
        right, arguments = ARGUMENTS[name]
        expected = right(*arguments)
        results = getattr(module, name)(*arguments)
        assert len(results) >= 2
        for mistake, result in results.items():
            assert result.shape == expected.shape, (name, mistake)
            assert not np.allclose(result, expected, rtol=1e-3), (name, mistake)


@pytest.mark.parametrize("name", list(ARGUMENTS))
def test_a_mistake_takes_what_the_right_function_takes(name: str) -> None:
    right, _ = ARGUMENTS[name]
    module = inspect.getmodule(right)
    wanted = inspect.signature(right).parameters
    assert list(inspect.signature(getattr(module, name)).parameters) == list(wanted)


def test_magnitudes_are_those_of_the_terms() -> None:
    x, cos, sin = np.array([[[3.0, -4.0]]]), np.array([[0.5]]), np.array([[2.0]])
    assert rotary.half_split(x, cos, sin).tolist() == [[[1.5 + 8, -2 + 6.0]]]
    assert rotary.half_split_magnitude(x, cos, sin).tolist() == [[[1.5 + 8, 2 + 6.0]]]
    assert rotary.interleaved_magnitude(x, cos, sin).tolist() == [[[1.5 + 8, 2 + 6.0]]]
    rows = np.array([[1.0, -2.0, 3.0]])
    assert reductions.total_magnitude(rows).tolist() == [6]
    assert reductions.mean_magnitude(rows).tolist() == [2]
    q = k = np.zeros((2, 1))
    v = np.array([[1.0], [-3.0]])
    assert products.attention(q, k, v).tolist() == [[-1], [-1]]
    assert products.attention_magnitude(q, k, v).tolist() == [[2], [2]]
    assert products.causal_attention_magnitude(q, k, v).tolist() == [[1], [2]]


def test_contracts_may_import_every_module() -> None:
    for module in (references, *MODULES):
        assert module.__name__ in DECLARATIONS
