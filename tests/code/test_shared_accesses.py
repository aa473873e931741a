"""How far kernels index dynamic LDS: against every index that the loops and threads really take."""

from __future__ import annotations

from itertools import product

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
    # The grammar takes the parentheses of `(a * (size_t)(b)) + c` for a type.
    return two | parts.map(lambda p: f"static_cast<size_t>({p})")


LEAVES = st.sampled_from(("n", "m", "j", "twice", "threadIdx.x")) | st.integers(0, 9).map(str)
INDICES = st.recursive(LEAVES, _joined, max_leaves=6)


def _furthest(index: str, sign: str, n: int, m: int) -> int:
    """By trying every turn of the loop of every thread."""
    plain = index.replace("static_cast<size_t>", "").replace("threadIdx.x", "t")
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
