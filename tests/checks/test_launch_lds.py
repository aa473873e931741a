"""Dynamic LDS of launches in Rust and C++ against what kernels index, and launches that can never run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rocverify.checks.support.launch_lds import wrong_lds
from rocverify.code.bounds import _is_asked
from rocverify.code.index import CodeIndex
from rocverify.code.launches import LaunchFinder
from rocverify.settings import Transfers
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

BODY = "  for (int j = threadIdx.x; j < n; j += blockDim.x) row[j] = x[j];\n"
KERNEL = (
    'extern "C" __global__ void row_kernel(float* x, int n, int m) {\n  extern __shared__ float row[];\n'
    + BODY
    + "}\n"
)
CPP = """#include <hip/hip_runtime.h>
constexpr unsigned kBlock = 64;
void run(float* x, int n, int m) {
  row_kernel<<<1, kBlock, n * sizeof(float)>>>(x, n, m);
}
"""
RUST = """const MAX_ROW: usize = 64;
pub fn run(f: Function, x: *mut c_void, n: usize, m: usize) {
    let bytes = (n * std::mem::size_of::<f32>()) as u32;
    let mut n_arg = n as i32;
    let mut m_arg = m as i32;
    let mut args = [
        &x as *const _ as *mut c_void, &mut n_arg as *mut _ as *mut c_void,
        &mut m_arg as *mut _ as *mut c_void,
    ];
    let _name = "row_kernel";
    unsafe { hipModuleLaunchKernel(f, 1, 1, 1, 64, 1, 1, bytes, null_mut(), args.as_mut_ptr(), null_mut()) };
}
"""
_RUST_SIZE = "(n * std::mem::size_of::<f32>()) as u32"
_CPP_SIZE = "n * sizeof(float)"


def findings(make: Make, path: str, host: str, kernel: str = KERNEL, **more: str) -> list[str]:
    """What is said of a launch by `run`."""
    made = make({"kernels/row.hip": kernel, path: host, **more})
    code = CodeIndex(made.root, made.settings)
    finder = LaunchFinder(code, Transfers().launches)
    sites = finder.sites(code.functions(path, "run"), "row_kernel")
    assert len(sites) == 1
    return [f.message for f in wrong_lds(code, sites[0], "kernels/row.hip", "row_kernel")]


@pytest.mark.parametrize(
    ("path", "host", "says"),
    [
        (
            "a.rs",
            RUST.replace(_RUST_SIZE, "256"),
            ("`bytes = 256`", "a.rs:3", "`row[j]` (j < n)", "row.hip:3"),
        ),
        ("a.cpp", CPP.replace(_CPP_SIZE, "256"), ("dynamic LDS of `256`", "a.cpp:4", "nothing limits n")),
        ("a.cpp", CPP.replace(f", {_CPP_SIZE}", ""), ("dynamic LDS of `0`", "nothing limits n")),
        ("a.cpp", CPP.replace(_CPP_SIZE, "kBlock * sizeof(float)"), ("(256 bytes)", "nothing limits n")),
        ("a.cpp", CPP.replace(_CPP_SIZE, "m * sizeof(float)"), ("`m * sizeof(float)`", "grow with n")),
        ("a.rs", RUST.replace(_RUST_SIZE, "(m * 4) as u32"), ("`bytes = (m * 4) as u32`", "grow with n")),
        (
            "a.cpp",
            CPP.replace(_CPP_SIZE, "256").replace("int m) {\n", "int m) {\n  if (n > 65) throw 1;\n"),
            ("260 bytes", "n may be 65 (a.cpp:4)"),
        ),
    ],
)
def test_too_little(project: Make, path: str, host: str, says: tuple[str, ...]) -> None:
    (message,) = findings(project, path, host)
    assert all(words in message for words in says), message


FIXED_CPP = CPP.replace(_CPP_SIZE, "256")
FIXED_RUST = RUST.replace(_RUST_SIZE, "256")
_BEGIN = "int m) {\n"
_BEGIN_RUST = "m: usize) {\n"


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("a.cpp", CPP),
        ("a.rs", RUST),
        ("a.cpp", FIXED_CPP.replace(_BEGIN, _BEGIN + "  if (n > 64) throw 1;\n")),
        ("a.cpp", FIXED_CPP.replace(_BEGIN, _BEGIN + "  if (65 <= n) return;\n")),
        ("a.cpp", FIXED_CPP.replace(_BEGIN, _BEGIN + "  assert(n <= limit());\n")),
        ("a.cpp", FIXED_CPP.replace(_BEGIN, _BEGIN + "  if (n > limit()) return;\n")),
        ("a.cpp", FIXED_CPP.replace(_BEGIN, _BEGIN + "  check_row(n);\n")),
        ("a.cpp", FIXED_CPP.replace(_BEGIN, _BEGIN + "  if (n + 1 > 65) throw 1;\n")),
        ("a.cpp", FIXED_CPP.replace(_BEGIN, _BEGIN + "  const int k = n * 4;\n  if (k > 256) throw 1;\n")),
        ("a.cpp", FIXED_CPP.replace(_BEGIN, _BEGIN + "  CHECK(n <= 64);\n")),
        (
            "a.rs",
            FIXED_RUST.replace(_BEGIN_RUST, _BEGIN_RUST + "    let k = n;\n    if k > 64 { return; }\n"),
        ),
        ("a.cpp", FIXED_CPP.replace(_BEGIN, _BEGIN + "  n = std::min(n, 64);\n")),
        ("a.cpp", FIXED_CPP.replace("(x, n, m)", "(x, std::min(n, 64), m)")),
        ("a.cpp", FIXED_CPP.replace("(x, n, m)", "(x, 64, m)")),
        ("a.cpp", FIXED_CPP + "void all(float* x) { run(x, 64, 1); }\n"),
        ("a.cpp", FIXED_CPP + "void all(Row x) { run(x.data, x.n, 1); }\n"),
        ("a.cpp", FIXED_CPP + "void all(float* x, int k) { if (k > 64) return; run(x, k, 1); }\n"),
        ("a.cpp", CPP.replace(_CPP_SIZE, "bytes(m)")),
        ("a.cpp", CPP.replace(_CPP_SIZE, "max_n * sizeof(float)").replace("int m)", "int max_n)")),
        (
            "a.cpp",
            CPP.replace(_CPP_SIZE, "m * sizeof(float)") + "void all(float* x, int k) { run(x, k, k); }\n",
        ),
        ("a.cpp", CPP.replace(_CPP_SIZE, "m * 4").replace(_BEGIN, _BEGIN + "  if (m != n) return;\n")),
        ("a.rs", FIXED_RUST.replace(_BEGIN_RUST, _BEGIN_RUST + "    assert!(n <= MAX_ROW);\n")),
        ("a.rs", FIXED_RUST.replace(_BEGIN_RUST, _BEGIN_RUST + "    ensure!(fits(n), too_long);\n")),
        ("a.rs", FIXED_RUST.replace(_BEGIN_RUST, _BEGIN_RUST + "    if n > MAX_ROW { return; }\n")),
        ("a.rs", FIXED_RUST.replace("n as i32", "n.min(64) as i32")),
        ("a.rs", RUST.replace(_RUST_SIZE, "lds_for(m)")),
        (
            "a.rs",
            FIXED_RUST.replace("let bytes", "let mut bytes").replace(" = 256;", " = 256; bytes += n * 4;"),
        ),
    ],
)
def test_enough_or_cannot_be_told(project: Make, path: str, host: str) -> None:
    assert findings(project, path, host) == []


def test_what_tests_hand_over_limits_nothing(project: Make) -> None:
    called = "void all(float* x) { run(x, 64, 1); }\n"
    assert findings(project, "a.cpp", FIXED_CPP, **{"tests/test_row.cpp": called})


@pytest.mark.parametrize(
    "body",
    [
        "  if (threadIdx.x < 64) row[threadIdx.x] = x[0];\n",
        "  for (int j = 0; j < n; ++j) row[j % 64] = x[j];\n",
        "  for (int j = 0; j < n; ++j) row[min(j, 63)] = x[j];\n",
        "  for (int j = 0; j < n; ++j) { if (j < 64) row[j] = x[j]; }\n",
        "  for (int j = 0; j < n; ++j) { if (j >= 64) break; row[j] = x[j]; }\n",
        "  for (int j = 0; j < n && j < 64; ++j) row[j] = x[j];\n",
        "  for (int j = 0; j < min(n, 64); ++j) row[j] = x[j];\n",
        "  if (n > 64) return;\n" + BODY,
        "  const int k = n + 1;\n  if (k > 65) return;\n" + BODY,
        "  if (threadIdx.x >= 64) return;\n  row[threadIdx.x + 1] = x[0];\n",
        "  const int t = threadIdx.x;\n  if (t >= 32) return;\n  row[2 * t] = x[0];\n",
        "  n = min(n, 64);\n" + BODY,
        "  for (int t = 0; t < n; t += 64) row[threadIdx.x] = x[t + threadIdx.x];\n",
        "  for (int t = 0; t < n; t += 64) for (int j = 0; j < 64; ++j) row[j] = x[t + j];\n",
        "  for (int j = n - 1; j >= 0; --j) row[j - j] = x[j];\n",
        "  float* out = n > 64 ? x : row;\n  for (int j = 0; j < n; ++j) out[j] = x[j];\n",
        "  helper(row, n);\n",
        "  __shared__ float other[64];\n  for (int j = 0; j < n; ++j) other[j] = x[j];\n",
    ],
)
def test_an_index_that_does_not_show_is_no_fault(project: Make, body: str) -> None:
    assert findings(project, "a.cpp", FIXED_CPP, KERNEL.replace(BODY, body)) == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("  row[n + threadIdx.x] = x[0];\n", "`row[n + threadIdx.x]`"),
        ("  float* v = row + n;\n  v[threadIdx.x] = x[0];\n", "`v[threadIdx.x]`"),
        ("  const int at = 2 * n;\n  row[at] = x[0];\n", "`row[at]`"),
        ("  for (int j = 0; j <= n; j++) row[(size_t)j] = x[j];\n", "(j <= n)"),
        ("  row[64 + threadIdx.x] = x[0];\n", "which takes 512 bytes"),
        ("  double* wide = reinterpret_cast<double*>(row);\n  wide[threadIdx.x] = 0;\n", "takes 512 bytes"),
    ],
)
def test_other_ways_to_index(project: Make, body: str, says: str) -> None:
    (message,) = findings(project, "a.cpp", FIXED_CPP, KERNEL.replace(BODY, body))
    assert says in message


_LAUNCH = f"  row_kernel<<<1, kBlock, {_CPP_SIZE}>>>(x, n, m);\n"


@pytest.mark.parametrize(
    ("launch", "found"),
    [
        (f"#if ROW_FAST\n{_LAUNCH}#endif\n", True),
        (f"  return;\n{_LAUNCH}", True),
        (_LAUNCH, False),
        (f"#if ROW_FAST\n{_LAUNCH}#else\n{_LAUNCH}#endif\n", False),
        (f"#if ROW_FAST\n{_LAUNCH}#else\n  launch_any((void*)row_kernel, x);\n#endif\n", False),
        ("  other(x, n);\n", False),
        (f"#ifdef __HIP__\n{_LAUNCH}#endif\n", False),
    ],
)
def test_a_launch_that_can_never_run(project: Make, launch: str, found: bool) -> None:
    host = CPP.replace(_LAUNCH, launch)
    made = project({"kernels/row.hip": KERNEL, "a.cpp": host})
    code = CodeIndex(made.root, made.settings)
    dead = LaunchFinder(code, Transfers().launches).dead(code.functions("a.cpp", "run"), "row_kernel")
    assert (dead is not None) is found
    if dead is not None:
        assert dead[0] == f"a.cpp:{host[: host.index('  row_kernel')].count(chr(10)) + 1}"


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("fn f(x: &Buffer<f32>, n: usize) -> Result<()> {", False),
        ("let a: Vec<&'a str> = g(n).collect::<Vec<u8>>();", False),
        ("k<<<grid, block, n>>>(x, n);", False),
        ("match n { _ => 3 }", False),
        ("p->n = n;", False),
        ("if (a < f(n) && m > 3) {", True),
        ("if a<n&&n>3 {", True),
        ("let ok = n * 4 <= limit;", True),
        ("if (m > 3) { g(n); }", False),
    ],
)
def test_what_compares(code: str, asked: bool) -> None:
    assert _is_asked("n", code) is asked
