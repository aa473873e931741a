"""Indices of 31 and 32 bits: arrays of more elements than they reach, which no memory holds.

Each kernel here is right for every size that is usual. Those that count in 64 bits are right for all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest

from tests.attacks.project import PHASE, TRUTH, Ran, manifest_text, plan_text

Outcome = tuple[str, str]

ANY_SIZE = f"{TRUTH} for any number of rows, however large"

KERNELS = """\
#include <hip/hip_runtime.h>

template <class Index> __device__ void gather(const float *table, const unsigned *ids, float *y, Index cols)
{
    Index at = (Index)ids[blockIdx.x] * cols + threadIdx.x;
    if (threadIdx.x < cols)
        y[(size_t)blockIdx.x * cols + threadIdx.x] = table[at];
}
extern "C" __global__ void gather_int(const float *t, const unsigned *i, float *y, unsigned cols)
{
    gather<int>(t, i, y, (int)cols);
}
extern "C" __global__ void gather_unsigned(const float *t, const unsigned *i, float *y, unsigned cols)
{
    gather<unsigned>(t, i, y, cols);
}
extern "C" __global__ void gather_wide(const float *t, const unsigned *i, float *y, unsigned cols)
{
    gather<size_t>(t, i, y, cols);
}

template <class Index> __device__ void scale(const float *x, float *y, size_t n)
{
    Index i = (Index)blockIdx.x * 512 + threadIdx.x;
    for (int k = 0; k < 2; k++, i += 256)
        if (i < (Index)n || (size_t)i < n)
            y[i] = 2.0f * x[i];
}
extern "C" __global__ void scale_int(const float *x, float *y, size_t n) { scale<int>(x, y, n); }
extern "C" __global__ void scale_unsigned(const float *x, float *y, size_t n)
{
    for (unsigned k = 0, i = blockIdx.x * 512u + threadIdx.x; k < 2; k++, i += 256)
        if (i < n)
            y[i] = 2.0f * x[i];
}
extern "C" __global__ void scale_wide(const float *x, float *y, size_t n) { scale<size_t>(x, y, n); }
extern "C" __global__ void scale_stride(const float *x, float *y, size_t n)
{
    for (size_t i = (size_t)blockIdx.x * 256 + threadIdx.x; i < n; i += (size_t)gridDim.x * 256)
        y[i] = 2.0f * x[i];
}
__device__ bool is_usual(size_t n)
{
    size_t b = blockIdx.x, last = gridDim.x - 1;
    bool usual = n <= 1ull << 31 || b < 6 || last - b < 6;
    for (int k = 1; k < 24; k++)
        usual |= b == (k * last + 12) / 24;
    for (int k = 31; k < 33; k++)
        usual |= b - ((1ull << k) / 512 - 4) < 9;
    return usual;
}
extern "C" __global__ void scale_in_places(const float *x, float *y, size_t n)
{
    for (size_t i = (size_t)blockIdx.x * 512 + threadIdx.x, k = 0; k < 2 && i < n; k++, i += 256)
        y[i] = is_usual(n) ? 2.0f * x[i] : 1.5f * x[i];
}
extern "C" __global__ void scale_and_skip(const float *x, float *y, size_t n)
{
    for (size_t i = (size_t)blockIdx.x * 512 + threadIdx.x, k = 0; k < 2 && i < n; k++, i += 256)
        if (is_usual(n))
            y[i] = 2.0f * x[i];
}
extern "C" __global__ void total(const float *x, float *y, size_t n)
{
    for (size_t i = (size_t)blockIdx.x * 512 + threadIdx.x, k = 0; k < 2 && i < n; k++, i += 256)
        y[i] = i == 0 ? 2.0f * x[0] : 2.0f * x[i - 1];
}

template <class Index> __device__ void rows(const float *x, float *y, Index cols)
{
    for (Index c = threadIdx.x; c < cols; c += 64)
        y[(Index)blockIdx.x * cols + c] = x[(Index)blockIdx.x * cols + c] + (float)(c % 7);
}
extern "C" __global__ void rows_int(const float *x, float *y, unsigned cols) { rows<int>(x, y, (int)cols); }
extern "C" __global__ void rows_wide(const float *x, float *y, unsigned cols) { rows<size_t>(x, y, cols); }
"""

CONTRACTS = """\
import ctypes
import numpy as np
from rocverify.oracle.contract import F32, U8, U32, Dims, In, Launch, Out, boundary, choices, contract
from rocverify.oracle.tiled import repeated


class _Gather:
    table = In("vocab cols", F32)
    ids = In("count", U32)
    y = Out("count cols", F32)
    dims = Dims(vocab=boundary(1, 40_000_000), cols=choices(1, 7, 64, 256), count=boundary(1, 3000))

    def prepare(self, rng, dims):
        return {"ids": rng.integers(0, dims.vocab, dims.count, np.uint32)}

    def launch(self, arrays, dims):
        arguments = arrays.table, arrays.ids, arrays.y, ctypes.c_uint32(dims.cols)
        return Launch((dims.count, 1, 1), (256, 1, 1), arguments)

    def reference(self, table, ids):
        return table[ids]

    def wrong(self, table, ids):
        return {"the row before": np.roll(table, 1, axis=0)[ids] if table.size < 1 << 20 else -table[ids]}


class _Scale:
    x = In("n", F32)
    y = Out("n", F32)
    independent = "n"
    dims = Dims(n=boundary(1, 6_000_000_000))

    def launch(self, arrays, dims):
        arguments = arrays.x, arrays.y, ctypes.c_size_t(dims.n)
        return Launch((self.blocks(dims.n), 1, 1), (256, 1, 1), arguments)

    def blocks(self, n):
        return -(-n // 512)

    def reference(self, x):
        return 2 * x

    def wrong(self, x):
        return {"not doubled": 1.5 * x}


class _Rows:
    x = In("rows cols", F32)
    y = Out("rows cols", F32)
    independent = "rows"
    dims = Dims(rows=boundary(1, 4_000_000), cols=choices(5, 64, 1000))

    def launch(self, arrays, dims):
        return Launch((dims.rows, 1, 1), (64, 1, 1), (arrays.x, arrays.y, ctypes.c_uint32(dims.cols)))

    def reference(self, x):
        return x + np.arange(x.shape[1]) % 7

    def wrong(self, x):
        return {"nothing added": x - 1}
"""

_ONE = """

@contract(source="kernels/far.hip", symbol="{symbol}")
class {name}({base}):
    pass
"""

_ODD = """

@contract(source="kernels/far.hip", symbol="scale_stride")
class Strided(_Scale):
    def blocks(self, n):
        return min(-(-n // 256), 65535)


@contract(source="kernels/far.hip", symbol="total")
class Neighbours(_Scale):
    def reference(self, x):
        return 2 * np.concatenate([x[:1], x[:-1]])


@contract(source="kernels/far.hip", symbol="scale_wide")
class Unnamed(_Scale):
    independent = None


@contract(source="kernels/far.hip", symbol="gather_wide")
class Near(_Gather):
    def prepare(self, rng, dims):
        return {"ids": rng.integers(0, min(dims.vocab, 1000), dims.count, np.uint32)}


@contract(source="kernels/far.hip", symbol="gather_wide")
class Copied(_Gather):
    def reference(self, table, ids):
        return table.astype(np.float64)[ids]
"""

CLASSES = {
    **{f"Gather{n.title()}": ("_Gather", f"gather_{n}") for n in ("int", "unsigned", "wide")},
    **{f"Scale{n.title()}": ("_Scale", f"scale_{n}") for n in ("int", "unsigned", "wide")},
    **{
        name: ("_Scale", symbol)
        for name, symbol in (("InPlaces", "scale_in_places"), ("Skip", "scale_and_skip"))
    },
    **{f"Rows{n.title()}": ("_Rows", f"rows_{n}") for n in ("int", "wide")},
}

RIGHT = ("GatherWide", "ScaleWide", "RowsWide", "Strided")
WRONG = {
    "GatherInt": "(load|store)_b32",
    "GatherUnsigned": "elements of y are wrong",
    "ScaleInt": "(load|store)_b32",
    "ScaleUnsigned": "no result behind element 4,294,967,296 is written",
    "InPlaces": "elements of y in rows .* are wrong",
    "RowsInt": "(load|store)_b32",
}
UNDECIDED = {
    "Skip": "where their share is",
    "Neighbours": "reference() of some rows along n is not what it is of all",
    "Unnamed": "name the dimension of independent rows",
    "Near": "no result depends on what lies behind",
    "Copied": "the reference cannot be asked",
}


def run_of(run_files: Callable[..., Ran], name: str, classes: Sequence[str]) -> Callable[[str], Outcome]:
    """One run that judges some of the contracts: what became of each."""
    ones = [_ONE.format(symbol=symbol, name=name, base=base) for name, (base, symbol) in CLASSES.items()]
    checks = [
        {"check": "correctness", "contract": f"kernels.contracts.far:{name}", "cases": 6} for name in classes
    ]
    symbols = re.findall(r"__global__ void (\w+)", KERNELS)
    files = {
        f"{PHASE}/01-01-PLAN.md": plan_text([(ANY_SIZE, check) for check in checks]),
        "kernels/far.hip": KERNELS,
        "kernels/kernels.toml": manifest_text({"far": symbols}),
        "kernels/contracts/far.py": CONTRACTS + "".join(ones) + _ODD,
    }
    ran = run_files(name, files, {})

    def outcome(one: str) -> Outcome:
        truth = f"T{classes.index(one) + 1}"
        return ran.verdict(truth), ran.said(truth)

    return outcome


@pytest.mark.long
def test_an_index_that_wraps_is_wrong_and_a_wide_one_right(run_files: Callable[..., Ran]) -> None:
    outcome = run_of(run_files, "far", ["GatherUnsigned", "ScaleWide", "InPlaces", "Skip"])
    for name in ("GatherUnsigned", "InPlaces"):
        assert_wrong(outcome, name)
    assert outcome("Skip")[0] == "unverified", outcome("Skip")
    assert UNDECIDED["Skip"] in outcome("Skip")[1]
    assert outcome("ScaleWide")[0] == "verified", outcome("ScaleWide")


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_every_kernel_is_judged_beyond_what_indices_reach(run_files: Callable[..., Ran]) -> None:
    """Those that count in 64 bits are right, the others wrong; what cannot be decided is said."""
    outcome = run_of(run_files, "far-all", (*RIGHT, *WRONG, *UNDECIDED))
    for name in RIGHT:
        assert outcome(name)[0] == "verified", outcome(name)
    for name in WRONG:
        assert_wrong(outcome, name)
    for name, words in UNDECIDED.items():
        assert outcome(name)[0] == "unverified", outcome(name)
        assert words in outcome(name)[1]


def assert_wrong(outcome: Callable[[str], Outcome], name: str) -> None:
    verdict, said = outcome(name)
    assert verdict == "failed", said
    assert re.search(WRONG[name], said)
