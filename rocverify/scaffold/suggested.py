"""The ready references that a kernel's name and comment speak of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rocverify.code.syntax import Function

_READY = {
    "log_softmax": "rows.log_softmax",
    "softmax": "rows.softmax, rows.wrong_softmax",
    "layer_?norm": "rows.layer_norm, rows.wrong_layer_norm, rows.layer_norm_magnitude",
    "rms_?norm": "rows.rms_norm, rows.wrong_rms_norm",
    "attention|flash": "products.attention or causal_attention, with their wrong_ and _magnitude",
    "matmul|gemm|matrix_mul": "products.matmul or matmul_transposed, wrong_matmul, matmul_magnitude",
    "rope|rotary": "rotary.half_split or interleaved, with their wrong_ and _magnitude",
    "swiglu": "elementwise.swiglu, elementwise.wrong_swiglu",
    "silu|swish": "elementwise.silu, elementwise.wrong_silu",
    "gelu": "elementwise.gelu or gelu_tanh, elementwise.wrong_gelu",
    "relu": "elementwise.relu",
    "scan|prefix": "reductions.inclusive_scan or exclusive_scan, reductions.wrong_scan",
    "sort": "reductions.ascending, reductions.wrong_ascending",
    "argmax": "reductions.argmax",
    "reduce|sum": "reductions.total, reductions.wrong_total, reductions.total_magnitude",
    "dequant|q8_0|q4_0": "quantised.dequantise_q8_0 or dequantise_q4_0, with wrong_",
}


def suggested(function: Function) -> str:
    """What `rocverify.references` has for a kernel, in words: by its name, or else by the first line of its
    comment. Empty for nothing."""
    texts = (function.name, "_".join(first_line(function.doc).split()))
    found = (words for text in texts for name, words in _READY.items() if re.search(name, text, re.I))
    return next(found, "")


def first_line(doc: str) -> str:
    """The first line of a comment, for a string."""
    return next((line.strip() for line in doc.splitlines() if line.strip()), "").replace('"', "'")
