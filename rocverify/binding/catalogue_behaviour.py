"""Rows of the catalogue about how kernels behave: pattern, example, builder, as in `catalogue`."""

from __future__ import annotations

from rocverify.binding import build_behaviour
from rocverify.binding.phrases import Phrase, row

_NAN = r"(?:NaNs?|Infs?|infinit(?:y|ies))"
_HAZARD = (
    r"(?:data\s+races?|out[\s-]of[\s-]bounds\s+(?:access(?:es)?|reads?|writes?)"
    r"|uninitiali[sz]ed\s+(?:reads?|memory))"
)
_SYMBOL = r"`?\w+_kernel\w*`?"
_TEST_FILE = r"`?[\w./-]*\btest_\w+\.py`?"

BEHAVIOUR: tuple[Phrase, ...] = (
    row(
        "numerically-stable",
        "numerical_stability",
        "RoPE kernel is numerically stable",
        r"\b(?:(?:is|are|stays?|remains?)\s+)?numerically\s+stable\b(?:\s+for\s+extreme\s+(?:values|scores|inputs))?"
        rf"|\b(?:(?:produces?|gives?|has|have)\s+)?(?:no|without)\s+(?:new\s+|unexpected\s+)?{_NAN}"
        rf"(?:\s*(?:,|/|\bor\b|\band\b|\bnor\b)\s*{_NAN})*(?:\s+(?:values|results|outputs))?",
        build_behaviour.stable,
    ),
    row(
        "memory-safe",
        "memory_safety",
        "RoPE kernel is memory safe",
        rf"\b(?:(?:is|are)\s+)?memory[\s-]safe\b|\b(?:(?:has|have)\s+)?(?:no|without|free\s+of)\s+{_HAZARD}"
        rf"(?:\s*(?:,|\bor\b|\band\b|\bnor\b)\s*(?:no\s+)?{_HAZARD})*",
        build_behaviour.memory_safe,
    ),
    row(
        "layout-declared",
        "layout",
        "rope_gpu_kernel() reads its declared layout",
        r"\breads?\s+(?:the|its|their)\s+declared\s+layouts?\b|\b(?:there\s+is\s+)?(?:no|without(?:\s+a)?)\s+layout\s+"
        r"mismatch(?:es)?\b|\b(?:memory\s+|tensor\s+)?layouts?\s+(?:is|are)\s+(?:correct|right|as\s+declared)\b",
        build_behaviour.layout_right,
    ),
    row(
        "unsupported-refused",
        "unsupported_config",
        "rope_gpu_kernel() refuses unsupported configurations",
        r"\b(?:refuses?|rejects?)\s+unsupported\s+(?:configurations?|shapes?|inputs?)\b(?:\s+before\s+(?:any|the)\s+launch)?"
        r"|\bunsupported\s+(?:configurations?|shapes?|inputs?)\s+(?:(?:are|is)\s+(?:refused|rejected)|raise\s+typed\s+errors?)"
        r"(?:\s+before\s+(?:any|the)\s+launch)?\b(?:\s+(?:in|by)\b)?"
        r"|\berror\s+handling\s+for\s+unsupported\s+configurations?\b",
        build_behaviour.refused,
    ),
    row(
        "no-spills",
        "resources",
        "RoPE kernel has no register spills",
        r"\b(?:(?:has|have|needs?)\s+)?(?:no|without|zero)\s+(?P<what>(?:(?:VGPR|SGPR|register)\s+)?spill(?:s|ing)"
        r"|scratch(?:\s+memory)?)\b",
        build_behaviour.no_spills,
    ),
    row(
        "kernels-run",
        "backend_selected",
        "apply_rope_device() runs only rope_kernel",
        rf"\bruns\s+only\s+(?:the\s+)?(?P<names>{_SYMBOL}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+){_SYMBOL})*)",
        build_behaviour.runs_kernels,
    ),
    row(
        "tests-pass",
        "tests_pass",
        "tests/kernels/test_rope_wrappers.py passes",
        rf"(?:\b(?:all\s+|the\s+)*tests?\s+(?:in|of)\s+)?(?P<nodes>{_TEST_FILE}(?:(?:\s*,\s*|\s+and\s+){_TEST_FILE})*)"
        r"(?:\s+tests?)?\s+(?:pass(?:es)?|succeeds?|(?:is|are)\s+(?:passing|green))\b"
        r"|\b(?:all\s+|the\s+)*(?:(?:unit|integration|regression|existing|GPU|HIP)\s+)*tests?\s+(?:(?:are\s+)?(?:created|added|written)\s+"
        r"and\s+)?(?:pass|passing|succeed|are\s+(?:passing|green))\b",
        build_behaviour.tests_pass,
    ),
)
