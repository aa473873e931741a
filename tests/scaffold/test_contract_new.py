"""`rocverify contract new`: what is read from a kernel, and what is marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.cli.main import main

KERNELS = """\
#include <hip/hip_runtime.h>

extern "C" __global__ void saxpy(float a, const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] += a * x[i];
}

/// Sum of each row.
extern "C" __global__ __launch_bounds__(64) void row_sum(const float* in, float* out, unsigned rows,
                                                         unsigned columns) {
  unsigned row = blockIdx.x;
  __shared__ float part[64];
  float sum = 0;
  for (unsigned c = threadIdx.x; c < columns; c += 64) sum += in[row * columns + c];
  part[threadIdx.x] = sum;
  for (unsigned width = 32; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < width) part[threadIdx.x] += part[threadIdx.x + width];
  }
  if (threadIdx.x == 0) out[row] = part[0];
}
"""
OTHERS = """\
#include <hip/hip_runtime.h>

__device__ void put(double* x, int i) { x[i] = 1; }

extern "C" __global__ void handed_on(double* x, int n) { put(x, blockIdx.x * 64 + threadIdx.x); }

extern "C" __global__ void vectors(const float4* x, int8_t* y, long long count, bool flag) {
  long long i = threadIdx.x + (long long)blockIdx.x * blockDim.x;
  // y[i * flag] is only a remark
  if (i >= count) return;
  y[i] = flag ? (int8_t)x[i].x : 0;
}
"""

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in {"sums": KERNELS, "others": OTHERS}.items():
        (tmp_path / "kernels").mkdir(exist_ok=True)
        (tmp_path / f"kernels/{name}.hip").write_text(text, encoding="utf-8")
    (tmp_path / ".planning/phases/01-sums").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(root)

    def ran(*words: str) -> tuple[int, str]:
        code = main(words)
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return ran


def test_what_shows_is_written_and_what_does_not_is_marked(root: Path, run: Run) -> None:
    code, said = run("contract", "new", "kernels/sums.hip")
    assert code == 0, said
    text = (root / "kernels/contracts/sums.py").read_text(encoding="utf-8")
    compile(text, "sums.py", "exec")
    saxpy, row_sum = text.split("@contract(")[1:]
    assert 'symbol="saxpy"' in saxpy
    assert "    a = Scalar(F32)\n" in saxpy
    assert '    x = In("n", F32)  # seen: x[i]\n' in saxpy
    assert '    y = InOut("n", F32)  # seen: y[i]\n' in saxpy
    assert '    parameters = ("a", "x", "y", "n")\n' in saxpy
    assert "grid=(-(-(dims.n) // 256), 1, 1), block=(256, 1, 1)" in saxpy
    assert '    """Sum of each row."""\n' in row_sum
    assert '    in_ = In("rows columns", F32)  # CHECK that rows counts workgroups' in row_sum
    assert '    out = Out("rows", F32)  # CHECK that rows counts workgroups' in row_sum
    assert "grid=(dims.rows, 1, 1), block=(64, 1, 1)" in row_sum
    assert "reductions.total, reductions.wrong_total" in row_sum
    marked = [number for number, line in enumerate(text.splitlines(), 1) if "CHECK" in line and number > 4]
    assert [int(n) for n in re.findall(r"sums\.py:(\d+):", said)] == marked


@pytest.mark.long
def test_types_that_have_no_name_and_arrays_that_are_handed_on_are_marked(run: Run) -> None:
    code, text = run("contract", "new", "kernels/others.hip", "--dry-run")
    assert code == 0, text
    handed_on, vectors = text.split("@contract(")[1:]
    assert re.search(
        r"x = InOut\(.*F64\)  # CHECK whether it is read, written or both and its shape", handed_on
    )
    assert re.search(r"# CHECK .*grid", handed_on)
    assert re.search(r'x = In\("count", F32\)  # CHECK its type, const float4', vectors)
    assert 'y = Out("count", I8)  # seen: y[i]\n' in vectors
    assert re.search(r"flag = Scalar\(F32\)  # CHECK its type, bool", vectors)
    assert "ctypes.c_int64(dims.count)" in vectors
    assert "grid=(-(-(dims.count) // 256), 1, 1)" in vectors


@pytest.mark.long
def test_nothing_is_overwritten_and_a_dry_run_writes_nothing(root: Path, run: Run) -> None:
    assert run("contract", "new", "kernels/sums.hip", "--dry-run", "--kernel", "saxpy")[0] == 0
    place = root / "kernels/contracts/sums.py"
    assert not place.exists()
    place.parent.mkdir()
    place.write_text("mine\n", encoding="utf-8")
    code, said = run("contract", "new", "kernels/sums.hip")
    assert code == 2
    assert "kernels/contracts/sums.py: is there already" in said
    assert place.read_text(encoding="utf-8") == "mine\n"
    code, said = run("contract", "new", "kernels/sums.hip", "--kernel", "saxpy", "--output", "contracts/a.py")
    assert code == 0, said
    assert "RowSum" not in (root / "contracts/a.py").read_text(encoding="utf-8")


LAUNCHES = """\
#include <hip/hip_runtime.h>

__device__ void sum(const float* x, float* y) {
  extern __shared__ float part[];
  part[threadIdx.x] = x[0];
  y[0] = part[0];
}

template <int N> __global__ void turned_kernel(float* y, const float* x, int h, int w) {
  int c = blockIdx.x * N + threadIdx.x, r = blockIdx.y * N + threadIdx.y;
  if (c < w && r < h) y[c * h + r] = x[r * w + c];
}
template __global__ void turned_kernel<16>(float*, const float*, int, int);

extern "C" __global__ void biased(float* y, const float* bias, const float* half, int rows, int columns) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < rows * columns) y[i] = bias[i % columns] + half[i / 2];
}

extern "C" __global__ void rope(float* x, const float* angles, int seq, int heads, int width) {
  const int half = width / 2, pos = blockIdx.x, i = threadIdx.x;
  if (i >= half) return;
  x[(pos * heads + blockIdx.y) * width + i] *= angles[pos * half + i];
}

extern "C" __global__ void summed(const float* x, float* y, int n) { sum(x + blockIdx.x * n, y); }
"""


@pytest.mark.long
def test_launches_that_do_not_show_and_shapes_that_wrap_around(root: Path, run: Run) -> None:
    (root / "kernels/launches.hip").write_text(LAUNCHES, encoding="utf-8")
    code, text = run("contract", "new", "kernels/launches.hip", "--dry-run")
    assert code == 0, text
    compile(text, "launches.py", "exec")
    contracts = {part.split("class ")[1].split(":")[0]: part for part in text.split("@contract(")[1:]}
    assert "# CHECK the kernel counts along y too" in contracts["Turned"]
    assert "# CHECK blockIdx.x * N + threadIdx.x wants blocks of N" in contracts["Turned"]
    assert 'bias = In("columns", F32)  # seen: bias[i % columns]' in contracts["Biased"]
    assert re.search(r"half = In\(.*# CHECK its shape; seen: half\[i / 2\]", contracts["Biased"])
    assert re.search(r"x = InOut\(.*# CHECK .*its shape.*; seen", contracts["Rope"])
    assert re.search(r"angles = In\(.*# CHECK .*its shape.*; seen", contracts["Rope"])
    first = contracts["Summed"].partition("def launch(self, arrays, dims):\n")[2].partition("\n")[0]
    assert 'raise NotImplementedError("CHECK: shared_bytes = N, the bytes of extern __shared__' in first
    assert "shared_bytes=shared_bytes)" in contracts["Summed"]
    assert "Out" in text.partition("import ")[2].partition("\n\n\n")[0]


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("kernels/gone.hip",), "cannot be read"),
        (("kernels/sums.hip", "--kernel", "nobody"), "no kernel nobody"),
        (("kernels/sums.hip", "--output", "../away.py"), "leads out of the root"),
        (("/etc/hostname",), "lies outside of the project"),
        (("kernels/broken.hip",), "error"),
    ],
)
def test_what_cannot_be_begun_is_told(root: Path, run: Run, words: tuple[str, ...], says: str) -> None:
    (root / "kernels/broken.hip").write_text("__global__ void k( {", encoding="utf-8")
    code, said = run("contract", "new", *words)
    assert (code, says in said) == (2, True), said
    assert not (root.parent / "away.py").exists()


@pytest.mark.long
def test_a_number_that_python_has_a_word_for(root: Path, run: Run) -> None:
    """`def` names no length in Python: it is a number, under another name, and the module can be read."""
    text = 'extern "C" __global__ void fill(float* in, int def) { in[threadIdx.x] = def; }\n'
    (root / "kernels/words.hip").write_text("#include <hip/hip_runtime.h>\n" + text)
    assert run("contract", "new", "kernels/words.hip")[0] == 0
    made = (root / "kernels/contracts/words.py").read_text()
    compile(made, "words.py", "exec")
    assert "    def_ = Scalar(I32)\n" in made


@pytest.mark.long
def test_a_kernel_of_cplusplus_has_its_short_name_where_no_other_has_it(root: Path, run: Run) -> None:
    body = "(unsigned* x, int n) { atomicAdd(x + blockIdx.x, unsigned(n)); }"
    (root / "kernels/named.hip").write_text(
        "#include <hip/hip_runtime.h>\n"
        f"namespace one {{ __global__ void count_up{body}\n__global__ void same{body} }}\n"
        f"namespace two {{ __global__ void same{body} }}\n",
        encoding="utf-8",
    )
    code, text = run("contract", "new", "kernels/named.hip", "--dry-run")
    assert code == 0, text
    said = re.findall(r'symbol="(\w+)"', text)
    assert "count_up" in said
    assert "same" not in said
    assert any(re.fullmatch(r"_ZN3one4sameE\w+", name) for name in said)
    assert 'NotImplementedError("CHECK: the integers of x")' in text
