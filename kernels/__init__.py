"""The kernels under verification and the host functions that launch them through hip-python.

    rope.hip                  rope.py                  rotates one tensor
    position_embeddings.hip   position_embeddings.py   rotates queries and keys in one launch

    attention.py              the backends of attention by name: flash, pipeline, reference
    flash_attention.hip, flash_attention_causal.hip, flash_attention_nocausal.hip
                              flash.py                 fused attention, with and without a mask
    qkt_matmul.hip, scale.hip, causal_mask.hip, softmax.hip, weighted_matmul.hip
                              attention_steps.py       attention step by step
    flash_attention_dropout.hip, flash_attention_backward.hip
                              attention_training.py    dropout and gradients

Nothing in here imports rocverify, except the contracts in `kernels.contracts`.
"""
