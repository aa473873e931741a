"""The files and the texts of attention at which sabotages set in, and what of its plans to run."""

from __future__ import annotations

from tests.sabotage.sabotage import Edit

ATTENTION = "kernels/attention.py"
STEPS = "kernels/attention_steps.py"
FLASH = "kernels/flash.py"
TRAINING = "kernels/attention_training.py"
QKT = "kernels/qkt_matmul.hip"
MASK = "kernels/causal_mask.hip"
SOFTMAX = "kernels/softmax.hip"
WEIGHTED = "kernels/weighted_matmul.hip"
FUSED = "kernels/flash_attention.h"
CAUSAL = "kernels/flash_attention_causal.hip"
TESTS = "tests/phases/test_attention_integration.py"

_PHASES = ".planning/phases"
INTEGRATION = f"{_PHASES}/06-attention-optimization"
MATRIX = f"{_PHASES}/08-attention-dtype-matrix"
COSTS = f"{INTEGRATION}/06-04-BASELINE.json"

# -- kernels/attention.py ------------------------------------------------------------------------------

MASKING = """\
        if config.causal:
            done.append("causal_mask_gpu_kernel")
            causal_mask_gpu_kernel(scores, matrices, config.seq_q, config.seq_k, dtype=compute, stream=stream)
"""
NORMALISING = """\
        softmax_gpu_kernel(scores, matrices * config.seq_q, config.seq_k, dtype=compute, stream=stream)
"""
CAUSAL_CALL = """\
        flash_attention_causal_gpu_kernel(
            t.q.ptr, t.k.ptr, t.v.ptr, t.out.ptr, stream=stream, **_extents(config)
        )
"""
NOCAUSAL_CALL = CAUSAL_CALL.replace("causal_gpu", "nocausal_gpu")
NO_DROPOUT = """\
        if config.dropout:
            return "dropout belongs to training: see kernels.attention_training"
"""

# -- kernels/flash.py ----------------------------------------------------------------------------------

LAUNCH_CAUSAL = "    launch(CAUSAL_OBJECT, symbol, flash_geometry(config), arguments, stream)\n"
POINTERS_CAUSAL = """\
    config = _config(extents, causal=True)
    pointers = _pointers(config, q=q_ptr, k=k_ptr, v=v_ptr, out=out_ptr)
"""


def only(*checks: str, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """pytest's options that select these checks of a plan, but none whose name has one of `without`."""
    chosen = " or ".join(f"({check})" for check in checks)
    return ("--", "-k", " and not ".join((f"({chosen})", *without)))


def first(must_have: str, kind: str) -> str:
    """What selects the first check of its kind of a must-have."""
    return f"{must_have} and {kind} and not {kind}."


def swapped(file: str, one: str, other: str) -> tuple[Edit]:
    """Puts `other`, which follows `one` at once, before it."""
    return (Edit(file, one + other, other + one),)
