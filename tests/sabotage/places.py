"""The files and the texts of this repository at which sabotages set in."""

from __future__ import annotations

from tests.sabotage.sabotage import PHASE, Edit

ROPE = "kernels/rope.py"
LAYER = "kernels/position_embeddings.py"
RUNTIME = "kernels/runtime.py"
TABLES = "kernels/tables.py"
TENSOR = "kernels/tensor.py"
HIP = "kernels/rope.hip"
LAYER_HIP = "kernels/position_embeddings.hip"
PAIR = "kernels/rope_pair.h"
STORAGE = "kernels/storage.h"
MANIFEST = "kernels/kernels.toml"
ROTATION = "kernels/contracts/rotation.py"
CONTRACT = "kernels/contracts/rope.py"
ONE = f"{PHASE}/16-01-PLAN.md"
TWO = f"{PHASE}/16-02-PLAN.md"

# -- kernels/rope.py ---------------------------------------------------------------------------------

CALL = """\
        rope_gpu_kernel(
            tensor.ptr,
            cos_ptr,
            sin_ptr,
            seq,
            heads,
            head_dim,
            dtype=dtype,
            interleaved=interleaved,
            stream=stream,
        )
        synchronize(stream)
"""
LAUNCH = "    launch(CODE_OBJECT, symbol, rotary_geometry(seq, heads, head_dim), arguments, stream)\n"
IMPORT_HIP = Edit(
    ROPE, "import ctypes\n", "import ctypes\n\nimport numpy as np\nfrom rocm.bindings import hip\n"
)

# -- kernels/rope.hip, kernels/rope_pair.h -----------------------------------------------------------

ROTATE = "  rotate_pair<T, layout>(row, pair, pairs, cos[angle], sin[angle]);\n"
GUARD = "  if (token >= seq || head >= heads || pair >= pairs) return;\n"
LOW = "  store_rounded(row + low, first * cosine - second * sine);\n"
HIGH = "  store_rounded(row + high, first * sine + second * cosine);\n"
PARAMETERS = (
    "    float* x, const float* cos, const float* sin, unsigned seq, unsigned heads, unsigned head_dim) {\n"
    "  rope<float, PairLayout::kHalfSplit>"
)
SIGNATURE = 'extern "C" __global__ __launch_bounds__(kMaxWorkgroup) void '

# -- kernels/kernels.toml ----------------------------------------------------------------------------

ENTRY = """\
[[kernel]]
source = "kernels/rope.hip"
env = "ROPE_HSACO"
symbols = [
    "rope_kernel",
    "rope_kernel_f16",
    "rope_kernel_bf16",
    "rope_interleaved_kernel",
    "rope_interleaved_kernel_f16",
    "rope_interleaved_kernel_bf16",
]
"""

# -- the plans ---------------------------------------------------------------------------------------

TRUTH = 'to the kernel is written down and is the way taken (ROPE-01)"\n'
ERRORS = '    - path: "kernels/errors.py"\n'
HEADS_ENTRY = """\
  - proves: [ROPE-02, SC-4]
    check: correctness
    contract: kernels.contracts.rope:RopeDevice
"""
FLOW = """\
    check: documented
    entry: kernels.position_embeddings:apply_position_embeddings_device
    title:"""


def commented(code: str, sign: str = "#", indent: int = 0) -> str:
    """Every line of the code as a comment."""
    return "".join(f"{' ' * indent}{sign} {line.strip()}\n" for line in code.splitlines())
