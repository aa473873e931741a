"""Sabotages of the C++ host: at several depths, in comments, behind `#if` and in templates."""

from __future__ import annotations

from tests.hosts.host import Sabotage
from tests.sabotage.sabotage import At, Edit

BLAS, REDUCE, STENCIL, SORT = (f"kernels/{name}.hip" for name in ("blas", "reduce", "stencil", "sort"))
SOLVER, HEADER = "src/solver.cpp", "include/tide/kernels.h"
_SCALE = "  scale_kernel<<<blocks(y.size()), kBlock>>>(alpha, y.data(), y.size());\n"
_SWEEP = "  jacobi(grid_, from, b_, to);\n"
_MAX = "  abs_max(residual_, largest_);\n"

SABOTAGES = (
    Sabotage(
        "source commented out of the build",
        "01-01",
        (
            Edit("CMakeLists.txt", "  kernels/sort.hip\n  src", "  # kernels/sort.hip\n  src"),
            Edit("CMakeLists.txt", "kernels/stencil.hip kernels/sort.hip\n", "kernels/stencil.hip\n"),
        ),
        {"L1": "key_link", "A1": "artifact"},
        ("comment", At("CMakeLists.txt", "# kernels/sort.hip")),
    ),
    Sabotage(
        "intrinsic that HIP lacks",
        "01-01",
        (Edit(REDUCE, "__shfl_down(value", "__shfl_down_f32(value"),),
        {"T2": "kernel_compiled", "T1": "kernel_compiled"},
        ("use of undeclared identifier '__shfl_down_f32'", At(REDUCE, "__shfl_down_f32")),
    ),
    Sabotage(
        "more LDS than there is",
        "01-01",
        (Edit(REDUCE, "__shared__ float sums[256 / WAVE_SIZE]", "__shared__ float sums[33280]"),),
        {"T2": "kernel_compiled", "T1": "kernel_compiled"},
        ("133120", "65536", REDUCE),
    ),
    Sabotage(
        "more LDS than the plan allows",
        "01-02",
        (Edit(REDUCE, "__shared__ float sums[256];", "__shared__ float sums[257];"),),
        {"T6": "resources"},
        ("1028", "1024", "block_scan_kernel"),
    ),
    Sabotage(
        "waves of 64 lanes in the kernel",
        "01-02",
        (Edit(REDUCE, "#define WAVE_SIZE 32", "#define WAVE_SIZE 64"),),
        {"T1": "constant_value"},
        ("WAVE_SIZE", "64", At(REDUCE, "WAVE_SIZE 64")),
    ),
    Sabotage(
        "constant that another branch of the preprocessor has",
        "01-02",
        (
            Edit(
                STENCIL,
                "#define TILE 16\n",
                "#if defined(__HIP_PLATFORM_AMD__)\n#define TILE 8\n#else\n#define TILE 16\n#endif\n",
            ),
        ),
        {"T2": "constant_value"},
        ("TILE is not 16", STENCIL),
    ),
    Sabotage(
        "structure with a field more",
        "01-02",
        (Edit(HEADER, "  float omega;\n", "  float omega;\n  double time;\n"),),
        {"T3": "struct_layout"},
        ("Grid", "16", HEADER),
    ),
    Sabotage(
        "CUDA's shuffle in code that is built",
        "01-02",
        (
            Edit(
                REDUCE,
                "  return value;\n}",
                "  return value;\n}\n#ifdef __HIP_PLATFORM_AMD__\n"
                "__device__ float other(float v) { return __shfl_down_sync(~0u, v, 1); }\n#endif",
            ),
        ),
        {"T4": "absent", "T6": "resources"},
        ("__shfl_down_sync", At(REDUCE, "__shfl_down_sync")),
        error={"T1": "constant_value"},
    ),
    Sabotage(
        "unfinished work in a comment",
        "01-02",
        (Edit(REDUCE, "// One block; LDS for", "// TODO several blocks; LDS for"),),
        {"T5": "absent"},
        ("TODO", At(REDUCE, "TODO")),
    ),
    Sabotage(
        "launch behind a macro that nothing defines",
        "02-01",
        (
            Edit(
                BLAS,
                _SCALE,
                "#if TIDE_FAST\n" + _SCALE + "#endif\n",
            ),
        ),
        {"T1": "wrapper_present"},
        ("scale", "scale_kernel", BLAS),
    ),
    Sabotage(
        "blocks above what the kernel is compiled for",
        "02-02",
        (Edit(HEADER, "kBlock = 256", "kBlock = 512"),),
        {"T1": "wrapper_present"},
        ("blocks of 512", "dot_kernel", At(REDUCE, "dot_kernel<<<")),
    ),
    Sabotage(
        "waves of 64 lanes on the host",
        "02-02",
        (Edit(REDUCE, "#define WAVE_SIZE 32", "#define WAVE_SIZE 64"),),
        {"T1": "wrapper_present"},
        ("WAVE_SIZE is 64", At(REDUCE, "WAVE_SIZE 64")),
    ),
    Sabotage(
        "download in the function that is named",
        "02-02",
        (Edit(REDUCE, '  check("abs_max_kernel"', '  out.to_host();\n  check("abs_max_kernel"'),),
        {"T2": "no_host_roundtrip"},
        ("abs_max() -> to_host()", At(REDUCE, "out.to_host()")),
    ),
    Sabotage(
        "LDS of the size that another kernel has",
        "02-02",
        (Edit(REDUCE, "kBlock * sizeof(float)>>>", "kWaveSize * sizeof(float)>>>"),),
        {"T1": "wrapper_present", "A1": "artifact"},
        (
            "`kWaveSize * sizeof(float)` (128 bytes)",
            At(REDUCE, "kWaveSize * sizeof"),
            "`largest[threadIdx.x]`",
        ),
    ),
    Sabotage(
        "download one call deeper",
        "03-01",
        (Edit(SOLVER, _MAX, _MAX + "  largest_.to_host();\n"),),
        {"T1": "no_host_roundtrip"},
        ("run() -> measure() -> to_host()", At(SOLVER, "  largest_.to_host();")),
    ),
    Sabotage(
        "download two calls deeper, by HIP's own function",
        "03-01",
        (
            Edit(
                SOLVER,
                _SWEEP,
                _SWEEP + "  float first;\n  (void)hipMemcpy(&first, to.data(), 4, hipMemcpyDeviceToHost);\n",
            ),
        ),
        {"T1": "no_host_roundtrip", "A2": "artifact"},
        ("run() -> step() -> sweep() -> hipMemcpy()", At(SOLVER, "hipMemcpy(")),
    ),
    Sabotage(
        "failed launch that the host makes up for, two calls deeper",
        "03-01",
        (
            Edit(
                SOLVER,
                _SWEEP,
                "  try {\n  "
                + _SWEEP
                + "  } catch (const std::exception&) {\n    relax(b_values_, out_values_);\n  }\n",
            ),
            Edit(
                SOLVER,
                "void Solver::step() {",
                "static void relax(const std::vector<float>& b, std::vector<float>& out) {\n"
                "  for (std::size_t i = 0; i < b.size(); ++i) out[i] = 0.25f * b[i];\n}\n\n"
                "void Solver::step() {",
            ),
        ),
        {"T1": "no_host_roundtrip"},
        (
            "swallows a failed launch",
            "on const std::exception&: computes on the host (relax",
            "Solver::run → step",
            At(SOLVER, "} catch"),
        ),
        fast=True,
    ),
    Sabotage(
        "call commented out",
        "03-01",
        (Edit(SOLVER, _SWEEP, "  // jacobi(grid_, from, b_, to);\n"),),
        {"L1": "key_link"},
        ("jacobi", At(SOLVER, "// jacobi")),
    ),
    Sabotage(
        "call behind #if 0",
        "03-01",
        (Edit(SOLVER, _MAX, "#if 0\n" + _MAX + "#endif\n"),),
        {"L2": "key_link"},
        ("abs_max", At(SOLVER, "abs_max(residual_")),
    ),
    Sabotage(
        "call behind a return",
        "03-01",
        (Edit(SOLVER, "  measure();\n", "  return;\n  measure();\n"),),
        {"T3": "key_link", "L3": "key_link"},
        ("measure", At(SOLVER, "  measure();")),
    ),
    Sabotage(
        "call behind a condition that never holds",
        "03-01",
        (Edit(SOLVER, "  sweep(x_, next_);\n  sweep(next_, x_);\n", "  if (false) sweep(x_, next_);\n"),),
        {"T2": "key_link"},
        ("sweep", At(SOLVER, "if (false)")),
    ),
)
