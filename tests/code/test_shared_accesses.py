"""How far kernels index dynamic LDS: against every index that the loops and threads really take."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.code.languages.cpp import read_shared

BLOCK = 5
KERNEL = """extern "C" __global__ void k(float* x, int n, unsigned m) {{
  extern __shared__ float row[];
  const int twice = 2 * m;
  for (int j = threadIdx.x; j {sign} n; j += blockDim.x) row[{index}] = x[0];
}}
"""


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(parts, st.sampled_from(("+", "*")), parts).map(lambda p: f"({p[0]} {p[1]} {p[2]})")
    return two | parts.map(lambda p: f"static_cast<size_t>({p})") | parts.map(lambda p: f"(size_t)({p})")


LEAVES = st.sampled_from(("n", "m", "j", "twice", "threadIdx.x")) | st.integers(0, 9).map(str)
INDICES = st.recursive(LEAVES, _joined, max_leaves=6)


def _furthest(index: str, sign: str, n: int, m: int) -> int:
    """By trying every turn of the loop of every thread."""
    plain = re.sub(r"static_cast<size_t>|\(size_t\)", "", index).replace("threadIdx.x", "t")
    code = compile(plain, "index", "eval")
    turns = range(n + (sign == "<="))
    return max(
        eval(code, {"n": n, "m": m, "j": j, "t": t, "twice": 2 * m}) for j, t in product(turns, range(BLOCK))
    )


@settings(deadline=None)
@given(INDICES, st.sampled_from(("<", "<=")), st.integers(1, 7), st.integers(0, 7))
def test_the_furthest_element(index: str, sign: str, n: int, m: int) -> None:
    (access,) = read_shared(KERNEL.format(sign=sign, index=index), "k")
    most = {"n": float(n), "m": float(m), "threadIdx.x": BLOCK - 1.0}
    assert access.bytes_needed(most) == 4 * (_furthest(index, sign, n, m) + 1)
    assert access.line == 4


@pytest.mark.parametrize(
    ("index", "most"),
    [
        ("(n * (size_t)(m)) + j", 3 * 5 + 2),
        ("(n * (m)) + j", 3 * 5 + 2),
        ("(n * (m)) * 2", 3 * 5 * 2),
        ("((n * (size_t)(m)) + j) * 2", (3 * 5 + 2) * 2),
        ("(n * (int)(m * (unsigned)(twice))) + (j * (size_t)(m)) + 1", 3 * 5 * 10 + 2 * 5 + 1),
    ],
)
def test_products_that_look_like_casts(index: str, most: int) -> None:
    (access,) = read_shared(KERNEL.format(sign="<", index=index), "k")
    assert access.bytes_needed({"n": 3.0, "m": 5.0, "threadIdx.x": 4.0}) == 4 * (most + 1)
    assert access.text == f"row[{index}]"
