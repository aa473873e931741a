"""What `contract new` makes of kernels that touch their arrays by pointer arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.code.index import CodeIndex
from rocverify.scaffold.pointers import touched
from rocverify.scaffold.uses import Uses
from rocverify.settings import Settings

Lines = Callable[[str], Uses]

PARAMETERS = "const float* x, const float* z, float* y, int rows, int cols"
ROW, ITEM = (
    "const int row = blockIdx.x;",
    "int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= rows * cols) return;",
)
EACH = "for (int j = threadIdx.x; j < cols; j += blockDim.x)"


@pytest.fixture
def uses(tmp_path: Path) -> Lines:
    """What the body of a kernel shows."""

    def read(body: str) -> Uses:
        text = f'extern "C" __global__ void k({PARAMETERS}) {{ {body} }}\n'
        (tmp_path / "k.hip").write_text(text, encoding="utf-8")
        (function,) = CodeIndex(tmp_path, Settings()).unit("k.hip").functions
        return Uses(function, text, ("rows", "cols"))

    return read


@pytest.mark.parametrize(
    ("body", "indices", "lengths"),
    [
        (f"{ITEM} *(y + i) = *(x + i);", ["i"], ["rows", "cols"]),
        (f"{ITEM} *(y + i) = *(i + x);", ["i"], ["rows", "cols"]),
        (f"{ITEM} y[i] = *(x + i % cols);", ["i % cols"], ["cols"]),
        (f"{ITEM} y[i] = *x;", ["0"], []),
        (f"{ROW} x += row * cols; {EACH} y[row * cols + j] = x[j];", ["row * cols + j"], ["cols"]),
        (f"{ROW} const float* p = x + row * cols; {EACH} y[j] = p[j];", ["row * cols + j"], ["cols"]),
        (f"{ROW} const float* p = &x[row * cols]; {EACH} y[j] = *(p + j);", ["row * cols + j"], ["cols"]),
        (f"{ROW} auto p = (x + row * cols), q = p; {EACH} y[j] = q[j];", ["row * cols + j"], ["cols"]),
        (
            f"{ROW} const float* p = (const float*)(x) + (size_t)row * cols; y[0] = *p;",
            ["(size_t)row * cols"],
            ["cols"],
        ),
        (f"{ROW} y[row] = sum(x + row * cols, cols);", ["row * cols"], ["cols"]),
        (f"{ROW} y[row] = sum(&x[row * cols]);", ["row * cols"], ["cols"]),
    ],
)
def test_which_elements_are_touched(uses: Lines, body: str, indices: list[str], lengths: list[str]) -> None:
    found = uses(body)
    assert found.indices("x") == indices
    assert found.lengths("x") == lengths


@pytest.mark.parametrize(
    ("body", "read", "written"),
    [
        ("*(y + 1) = x[0];", False, True),
        ("*(y + 1) += x[0];", True, True),
        ("float* p = y + rows; p[0] = 1;", False, True),
        ("float* p = &y[rows]; *p++ = 1;", False, True),
        ("float* p = y; float v = *p;", True, False),
        ("y += rows; ++*y;", True, False),
        ("atomicAdd(&y[rows], 1.f);", True, True),
        ("reinterpret_cast<float4*>(y)[0] = {};", False, True),
        ("((float4*)y)[0] = {};", False, True),
        ("*(float4*)(y + 4) = {};", False, True),
    ],
)
def test_whether_they_are_read_or_written(uses: Lines, body: str, read: bool, written: bool) -> None:
    found = uses(body)
    assert (found.read("y"), found.written("y")) == (read, written)
    assert not found.handed_on("y")


@pytest.mark.parametrize(
    ("body", "doubts"),
    [
        (f"{ROW} y[row] = sum(x + row * cols, cols);", ["what becomes of it in sum(x + row * cols)"]),
        (
            "const float* p = rows ? x : z; y[0] = p[0];",
            ["what becomes of it in const float* p = rows ? x : z"],
        ),
        (
            "const float* p = x; const float* end = x + cols; while (p < end) y[0] = *p++;",
            ["how far p moves"],
        ),
        ("for (int k = 0; k < cols; ++k, x += rows) { y[k] = *x; }", ["how far x moves"]),
        ("for (int k = 0; k < cols; ++k) { y[k] = *x; x += rows; }", ["how far x moves"]),
        ("x += rows; y[0] = *x;", []),
        ("float4 v = reinterpret_cast<const float4*>(x)[rows];", ["its length, which counts float4 here"]),
        ("float4 v = *((const float4*)x + rows);", ["its length, which counts float4 here"]),
        ("const float* p = (const float*)x; y[0] = p[rows];", []),
        ("if (x == nullptr || y > x) return; y[0] = x[0];", []),
        ("float t = float(rows) * *(x + rows);", []),
    ],
)
def test_what_does_not_show_is_named(uses: Lines, body: str, doubts: list[str]) -> None:
    assert uses(body).shape_doubts("x") == doubts


def test_a_vector_of_elements_counts_as_many(uses: Lines) -> None:
    found = uses("float4 v = ((const float4*)x)[rows]; y[cols] = v.x;")
    assert (found.times("x"), found.times("y")) == ("*4", "")


@pytest.mark.parametrize(
    "body",
    [
        "y[0] = (x",
        "y[0] = *(x + ",
        "x +=",
        "*x",
        "p = x; q = (float*",
        "sum(x +, x[",
        "",
        "x)",
        "&x[",
        "x ->",
    ],
)
def test_what_is_cut_off_is_read_as_far_as_it_goes(body: str) -> None:
    found = touched("x", "float", body, [("p", "x"), ("q", "p + (")])
    assert len(found.accesses) + len(found.handed_on) <= body.count("x") + 1
