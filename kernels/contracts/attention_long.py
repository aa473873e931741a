"""The contracts of attention on sequences as long as models have them, for what is measured and not drawn.

The same calls and references as in `kernels.contracts.attention`; those stay short, so that many cases are
quick.
"""

from __future__ import annotations

from kernels.contracts.attention import _Flash, symbols
from kernels.contracts.attention_pipeline import _Pipeline
from kernels.contracts.attention_steps import symbols as step_symbols
from rocverify.oracle.contract import Dims, boundary, choices, contract, divisor_of

LONGEST = 4096
LONG = Dims(
    seq_q=boundary(1, LONGEST),
    seq_k=boundary(1, LONGEST),
    head_dim=choices(16, 32, 64, 128, 256),
    batch=choices(1, 2),
    heads=choices(1, 2, 4, 8, 32),
    kv_heads=divisor_of("heads"),
)


@contract(
    source="kernels/flash_attention_causal.hip",
    symbol=symbols("flash_attention_causal_kernel"),
    wrapper="kernels.flash:flash_attention_causal_gpu_kernel",
)
class FlashCausalLong(_Flash):
    """flash_attention_causal_gpu_kernel on up to 4,096 tokens."""

    dims = LONG
    family, causal = "flash_attention_causal_kernel", True
    finite = ("v",)


@contract(
    source="kernels/weighted_matmul.hip",
    symbol=step_symbols("weighted_matmul_kernel"),
    wrapper="kernels.attention:attention_forward",
)
class PipelineCausalLong(_Pipeline):
    """The backend `pipeline` with the causal mask, on up to 4,096 tokens."""

    dims = LONG
    causal = True
    finite = ("v",)
