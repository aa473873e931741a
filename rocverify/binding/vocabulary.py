"""English words for what checks try: element types, counts, sizes, sorts of claim."""

from __future__ import annotations

import re
from collections.abc import Iterator

DTYPE_WORDS: dict[str, str] = {
    **dict.fromkeys(("bfloat16", "bf16"), "bfloat16"),
    **dict.fromkeys(("float16", "fp16", "f16", "half"), "float16"),
    **dict.fromkeys(("float32", "fp32", "f32", "single"), "float32"),
    **dict.fromkeys(("float64", "fp64", "f64", "double"), "float64"),
    **{name: name for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
}
_DTYPE = re.compile(
    rf"\b(?:{'|'.join(name for name in DTYPE_WORDS if name not in ('half', 'single', 'double'))}"
    r"|(?:half|single|double)(?=[\s-]precision))\b",
    re.IGNORECASE,
)
_DTYPE_CODE = re.compile(r"\b(?:BF16|F16|F32|F64|I8|I16|I32|I64|U8|U16|U32|U64)\b")
_CODES = {"I": "int", "U": "uint"}

OF_REFERENCE = re.compile(
    r"\b(?:float64|fp64|f64|double[\s-]precision)\s+(?:\w+\s+){0,2}?(?:references?|specification|oracle|results?)\b"
    r"|\b(?:references?|specification|oracle|(?:on|by)\s+the\s+(?:CPU|host))\s+in\s+(?:float64|fp64|f64)\b",
    re.IGNORECASE,
)
"""A type that is the reference's, not the kernel's."""

_NUMBER_WORDS = {
    **{"both": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9},
    **{"ten": 10, "twelve": 12},
}
_COUNT = rf"\b(?P<count>{'|'.join(_NUMBER_WORDS)}|[2-9]|[1-9]\d+)\s+"
_TYPE = (
    r"(?:(?:element|data|storage|floating[\s-]point|supported|stored)\s+)*(?:d?types|precisions|formats)\b"
)
COUNTED_TYPES = re.compile(_COUNT + _TYPE, re.IGNORECASE)
ALL_TYPES = re.compile(
    r"\b(?:all|every|each)\s+(?:(?:of\s+)?(?:the|its|their)\s+)?(?:(?:element|data|storage|supported|stored)\s+)*"
    r"(?:d?types?|precisions?)\b",
    re.IGNORECASE,
)
_NO_PLACE = r"(?!(?:in|on|for|from|by|at|under|within|across|per|to|with|is|are)\b)"
COUNTED_KERNELS = re.compile(
    _COUNT + rf"(?:{_NO_PLACE}(?!kernels?\b)[\w-]+\s+){{0,3}}kernels?\b(?!/)", re.IGNORECASE
)
ALL_KERNELS = re.compile(
    r"\b(?:all|every|each)\s+(?:(?:of\s+)?(?:the|our|HIP|GPU|these)\s+)*kernels?\b(?!\s+of\b)", re.IGNORECASE
)

COMPILING = re.compile(r"\b(?:compil|buil[dt]|spill|register|scratch|occup)", re.IGNORECASE)
"""Claims that a compiled kernel can meet in whatever types it has."""

NOT_CLAIMED = re.compile(
    r"\b(?:when|not|without|unless|if|before|after)\b(?:\s+\w+){0,2}\s*\Z", re.IGNORECASE
)
"""What stands before a verb that is not claimed: "without a build", "not when it is launched"."""

NOT_A_VERB = re.compile(r"\s+(?:manifest|system|list|file|configuration|time|script)s?\b", re.IGNORECASE)
"""What stands after a word that is no verb there: "the build manifest"."""

_NUMBER = re.compile(r"(?<![\w.,-])(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)(?![\w.]*\w|-?bit|\s*-\s*bit)")

_LABEL = re.compile(
    r"(?:\b(?!(?:For|At|With|In|Up|To|All|Each|Every|On|Over|From|Of|And|Only|Any|Has|Have|By|Its?)\s)[A-Z]\w*"
    r"|\b(?:phase|plan|step|task|version|section|issue|test|criterion))\s+\Z"
)
"""What makes a number a name: "Truth 2", "ROCm 6", "step 3"."""

EXECUTING = frozenset(
    {
        *("backend_selected", "correctness", "kernel_compiled", "layout", "memory_safety"),
        *("no_host_roundtrip", "numerical_stability", "performance", "resources", "tests_pass"),
        *("unsupported_config", "wrapper_present"),
    }
)
"""The kinds that compile or run something."""

READING = frozenset({"artifact", "call_order", "defined", "key_link", "documented"})
"""The kinds that look at texts."""

_RUNNING = EXECUTING - {"resources", "unsupported_config", "kernel_compiled", "tests_pass"}
DECIDED_BY: dict[str, frozenset[str]] = {
    "kernel_compiled": EXECUTING - {"tests_pass", "unsupported_config"},
    "wrapper_present": _RUNNING,
    "correctness": frozenset({"correctness", "numerical_stability", "tests_pass"}),
    "no_host_roundtrip": frozenset({"no_host_roundtrip", "backend_selected"}),
    "memory_safety": frozenset({"memory_safety"}),
    "resources": frozenset({"resources"}),
    "unsupported_config": frozenset({"unsupported_config", "tests_pass"}),
    "numerical_stability": frozenset({"numerical_stability", "correctness"}),
    "layout": frozenset({"layout", "correctness"}),
    "backend_selected": frozenset({"backend_selected"}),
    "command": frozenset({"command", "program", "tests_pass", "kernel_compiled"}),
    "tests_pass": frozenset({"tests_pass"}),
    "documented": frozenset({"documented", "artifact"}),
    "defined": frozenset({"defined", "artifact", *EXECUTING}),
}
"""For each sort of claim in the catalogue, the kinds that can decide it; for the rest, any."""


def types_in(text: str) -> set[str]:
    """The element types that a text names, by words (`half precision`) or as contracts do (`F16`)."""
    found = {DTYPE_WORDS[match[0].lower()] for match in _DTYPE.finditer(text)}
    return found | {_of_code(match[0]) for match in _DTYPE_CODE.finditer(text)}


def _of_code(code: str) -> str:
    letter = code[0]
    return f"{_CODES[letter]}{code[1:]}" if letter in _CODES else DTYPE_WORDS[code.lower()]


def counted(pattern: re.Pattern[str], text: str) -> int:
    """The largest number that a counting phrase gives; 0 without one."""
    counts = (match["count"].lower() for match in pattern.finditer(text))
    return max((_NUMBER_WORDS.get(count) or int(count) for count in counts), default=0)


def numbers_in(text: str) -> Iterator[float]:
    """The sizes that a text names. 0 and 1 are no sizes, and numbers within names are parts of names."""
    for match in _NUMBER.finditer(text):
        number = float(match[1].replace(",", ""))
        named = _LABEL.search(text[max(0, match.start() - 40) : match.start()])
        if (number > 1 or not number.is_integer()) and not named:
            yield number
