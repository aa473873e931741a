"""Sabotages of the Python engine: its build, kernels that are wrong in a line, and their wrappers."""

from __future__ import annotations

from tests.hosts.host import Sabotage
from tests.sabotage.sabotage import At, Create, Edit

SRC = "src/strata"
ELEMENTWISE, ROWS, PRODUCTS, LOOKUP = (
    f"{SRC}/hip/{name}.hip" for name in ("elementwise", "rows", "products", "lookup")
)
OPS_ELEMENTWISE, OPS_ROWS, OPS_PRODUCTS = (f"{SRC}/ops/{n}.py" for n in ("elementwise", "rows", "products"))
MANIFEST, RUNTIME = f"{SRC}/hip/kernels.toml", f"{SRC}/runtime.py"
_FIRST = "  const size_t first = static_cast<size_t>(blockIdx.x) * columns;\n"
_SOFTMAX = '    launch(CODE_OBJECT, "row_softmax_kernel", (rows, 1, 1), (BLOCK, 1, 1), arguments, stream)\n'

BUILD = (
    Sabotage(
        "stale entry of the manifest",
        "01-01",
        (Edit(MANIFEST, '"row_sum_kernel"', '"row_sum_kernel", "row_mean_kernel"'),),
        {"T1": "kernel_compiled", "T2": "kernel_compiled", "T3": "resources"},
        ("has no kernel row_mean_kernel; it has rms_norm_kernel", ROWS),
        fast=True,
    ),
    Sabotage(
        "entry of the manifest commented out",
        "01-01",
        (
            Edit(
                MANIFEST,
                f'[[kernel]]\nsource = "{LOOKUP}"\nenv = "STRATA_LOOKUP_HSACO"\nsymbols =',
                f'# source = "{LOOKUP}"\n# env = "STRATA_LOOKUP_HSACO"\n# symbols =',
            ),
        ),
        {"L1": "key_link", "A1": "artifact", "T1": "kernel_compiled"},
        ("only comments", At(MANIFEST, "# source")),
    ),
    Sabotage(
        "kernel with an empty body",
        "01-01",
        (Edit(ELEMENTWISE, "  if (i < count) out[i] = silu(x[i]);\n", ""),),
        {"T1": "kernel_compiled"},
        ("silu_kernel", ELEMENTWISE),
    ),
    Sabotage(
        "more LDS than the plan allows",
        "01-01",
        (Edit(ROWS, "partial[BLOCK];\n  float sum", "partial[2 * BLOCK];\n  float sum"),),
        {"T3": "resources"},
        ("2048", "1024", "row_sum_kernel"),
    ),
    Sabotage(
        "more LDS than there is",
        "01-01",
        (Edit(ROWS, "partial[BLOCK];\n  float sum", "partial[65 * BLOCK];\n  float sum"),),
        {"T2": "kernel_compiled", "T1": "kernel_compiled", "T3": "resources"},
        ("66560", "65536", ROWS),
    ),
    Sabotage(
        "intrinsic that HIP lacks",
        "01-01",
        (Edit(ROWS, "sum += expf(x[first", "sum += __exp_f32(x[first"),),
        {"T2": "kernel_compiled", "T1": "kernel_compiled", "T3": "resources"},
        ("undeclared identifier '__exp_f32'", At(ROWS, "__exp_f32")),
    ),
    Sabotage(
        "tile of the kernel changed",
        "01-02",
        (Edit(PRODUCTS, "#define TILE 16", "#define TILE 32"),),
        {"T1": "constant_value"},
        ("TILE", "32", At(PRODUCTS, "TILE 32")),
    ),
    Sabotage(
        "block of the host changed",
        "01-02",
        (Edit(RUNTIME, "BLOCK = 256", "BLOCK = 128"),),
        {"A1": "artifact"},
        ("BLOCK = 256", RUNTIME),
        only="not constant_value",
    ),
    Sabotage(
        "unfinished work in a comment",
        "01-02",
        (Edit(ROWS, "// One workgroup a row, however long.", "// TODO: rows beyond 1,024"),),
        {"T2": "absent"},
        ("TODO", At(ROWS, "TODO")),
        only="not constant_value",
    ),
    Sabotage(
        "what is prohibited, imported in a function",
        "01-02",
        (
            Edit(
                RUNTIME,
                "    source = np.ascontiguousarray(array)\n",
                "    import torch\n\n    source = np.ascontiguousarray(torch.as_tensor(array).numpy())\n",
            ),
        ),
        {"P2": "absent"},
        ("torch", At(RUNTIME, "import torch")),
        only="not constant_value",
    ),
)

KERNELS = (
    Sabotage(
        "wrapper with two arrays exchanged",
        "02-01",
        (
            Edit(
                OPS_ELEMENTWISE,
                "pointer(gate), pointer(up), pointer(out)",
                "pointer(up), pointer(gate), pointer(out)",
            ),
        ),
        {"T3": "wrapper_present", "T2": "correctness"},
        ("arguments 1 and 2 are swapped: gate and up", At(OPS_ELEMENTWISE, '"swiglu_kernel"')),
        only="T2 or T3",
    ),
    Sabotage(
        "wrapper that launches another kernel",
        "02-01",
        (Edit(OPS_ELEMENTWISE, '"swiglu_kernel"', '"silu_kernel"'),),
        {"T3": "wrapper_present"},
        ("swiglu_kernel", OPS_ELEMENTWISE),
        only="T3",
    ),
    Sabotage(
        "length of twice the width",
        "02-01",
        (
            Edit(
                OPS_ELEMENTWISE,
                "pointer(bias), unsigned(rows), unsigned(columns))",
                "pointer(bias), ctypes.c_uint64(rows), unsigned(columns))",
            ),
            Edit(OPS_ELEMENTWISE, "from typing import Any\n", "import ctypes\nfrom typing import Any\n"),
        ),
        {"T3": "wrapper_present"},
        ("bias_add_kernel", "8", "4"),
        only="T3",
    ),
    Sabotage(
        "softmax that adds up the first wave alone",
        "02-02",
        (Edit(ROWS, "sum += expf(x[first", "if (threadIdx.x < 32) sum += expf(x[first"),),
        {"T1": "correctness"},
        ("row_softmax_kernel", "columns=33"),
        only="T1",
    ),
    Sabotage(
        "shared arrays that overlap once a row has more than 32 columns",
        "02-02",
        (
            Edit(
                ROWS,
                f"__shared__ float partial[BLOCK];\n{_FIRST}  float largest",
                "__shared__ float shared[BLOCK + 32];\n  float *held = shared, *partial = shared + 32;\n"
                f"{_FIRST}  float largest",
            ),
            Edit(
                ROWS,
                "c < columns; c += BLOCK) sum += expf(x[first + c] - largest);",
                "c < columns; c += BLOCK) {\n    if (c < BLOCK) held[c] = expf(x[first + c] - largest);\n"
                "    sum += expf(x[first + c] - largest);\n  }",
            ),
            Edit(
                ROWS,
                "out[first + c] = expf(x[first + c] - largest) / sum;",
                "out[first + c] = (c < BLOCK ? held[c] : expf(x[first + c] - largest)) / sum;",
            ),
        ),
        {"T1": "correctness"},
        ("elements of out are wrong", "row_softmax_kernel"),
    ),
    Sabotage(
        "shape that is not refused",
        "02-02",
        (Edit(RUNTIME, "        if value < 1:", "        if value < 0:"),),
        {"T3": "unsupported_config"},
        ("no columns: launched row_softmax_kernel", At(RUNTIME, "hip.hipModuleLaunchKernel(")),
        only="T3",
    ),
    Sabotage(
        "refused by an error without a type",
        "02-02",
        (Edit(RUNTIME, "raise ShapeError(f", "raise ValueError(f"),),
        {"T3": "unsupported_config"},
        ("ShapeError", "ValueError"),
        only="T3",
    ),
    Sabotage(
        "NumPy in an except",
        "02-02",
        (
            Edit(
                OPS_ROWS,
                _SOFTMAX,
                "    try:\n    " + _SOFTMAX + "    except CodeObjectMissingError:\n"
                "        on_host(softmax_cpu, x, out, (rows, columns))\n",
            ),
            Edit(
                OPS_ROWS,
                "from strata.runtime import",
                "from strata.cpu import softmax_cpu\nfrom strata.errors import CodeObjectMissingError\n"
                "from strata.host import on_host\nfrom strata.runtime import",
            ),
            Create(
                f"{SRC}/host.py",
                '"""Kernels that are not there."""\n\nfrom rocm.bindings import hip\n\n'
                "from strata.runtime import checked, download\n\n\n"
                "def on_host(function, x, out, shape):\n"
                '    """out = function(x), by way of the host."""\n'
                "    result = function(download(x, shape))\n"
                "    kind = hip.hipMemcpyKind.hipMemcpyHostToDevice\n"
                '    checked("hipMemcpy", hip.hipMemcpy(out, result, result.nbytes, kind))\n',
            ),
        ),
        {"T4": "fallback"},
        ("the call returns as if all were well, CodeObjectMissingError was expected",),
        only="T4",
    ),
    Sabotage(
        "lengths of the product exchanged",
        "02-03",
        (
            Edit(
                OPS_PRODUCTS, "unsigned(m), unsigned(k), unsigned(n)", "unsigned(n), unsigned(k), unsigned(m)"
            ),
        ),
        {"T1": "correctness"},
        ("matmul_kernel",),
        only="T1",
    ),
    Sabotage(
        "one barrier of two",
        "02-03",
        (Edit(PRODUCTS, "[threadIdx.x];\n    __syncthreads();\n", "[threadIdx.x];\n"),),
        {"T2": "memory_safety"},
        ("WAR in LDS", "matmul_kernel", At(PRODUCTS, "right[threadIdx.y]")),
        only="T2",
    ),
    Sabotage(
        "one element too many",
        "02-03",
        (
            Edit(
                LOOKUP,
                "  if (i < rows * columns) out[i] = table",
                "  if (i <= rows * columns) out[i] = table",
            ),
        ),
        {"T3": "correctness"},
        ("gather_rows_kernel", At(LOOKUP, "i <= rows")),
        only="T3",
    ),
    Sabotage(
        "bytes without a sign",
        "02-03",
        (Edit(LOOKUP, "const signed char* q", "const unsigned char* q"),),
        {"T4": "correctness"},
        ("dequantise_kernel", "unsigned"),
        only="T4",
    ),
)

SABOTAGES = (*BUILD, *KERNELS)
