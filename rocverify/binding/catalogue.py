"""The phrases that inference knows, as data: a pattern, what it looks like, and the builder of its checks.

A new phrase is a new row. Patterns are searched in the truth without its requirement ids, case folded;
what a match covers counts as used (rocverify.binding.reading).
"""

from __future__ import annotations

import re

from rocverify.binding import build_code, build_device, build_kernels
from rocverify.binding.calls import CALLED_IN, CALLS, is_made, is_received
from rocverify.binding.catalogue_absence import ABSENCE
from rocverify.binding.catalogue_behaviour import BEHAVIOUR
from rocverify.binding.catalogue_code import CODE
from rocverify.binding.catalogue_commands import COMMANDS
from rocverify.binding.phrases import Phrase
from rocverify.binding.phrases import row as _row

_FILE = r"[\w./-]*\w\.[A-Za-z]\w*"
_WELL = r"(?:successfully|cleanly|without\s+errors?)"
_TO_HOST = (
    r"(?:(?:CPU|host)\s+round[\s-]?trips?|round[\s-]?trips?(?:\s+(?:to|through|via)\s+the\s+(?:CPU|host))?"
    r"|device[\s-]to[\s-]host\s+(?:copy|copies|transfers?)|host\s+(?:copy|copies|transfers?)"
    r"|(?:CPU[\s-]GPU|GPU[\s-]CPU|host[\s-]device|device[\s-]host)\s+(?:copy|copies|transfers?)"
    r"|(?:data\s+)?(?:transfers?|copies|copy|downloads?|readbacks?)(?:\s+back)?\s+to\s+(?:the\s+)?(?:CPU|host)"
    r"|(?:silent\s+)?(?:CPU|host)\s+fallbacks?|transfers?)"
)
_CODE = r"`?(?:hip[A-Z]\w*|[A-Za-z]\w*_\w+)`?(?:\(\s*\))?`?"
_CODE_LIST = rf"{_CODE}(?:(?:\s*,\s*(?:or\s+)?|\s+or\s+|\s*/\s*){_CODE})*"
_REFERENCE = (
    r"(?:(?:the|a|its|float64|fp64|double[\s-]precision|NumPy|scalar|trusted|independent)\s+)*"
    r"(?:CPU|reference|host|NumPy|oracle|ground\s+truth)"
    r"(?:[\s-]+(?:reference|implementation|results?|outputs?|computation|version|side))*"
)

CATALOGUE: tuple[Phrase, ...] = (
    _row(
        "kernel-compiled",
        "kernel_compiled",
        "RoPE kernel is compiled and loaded",
        rf"(?:\bhipcc\s+|\bROCm\s+)?\b(?:{_WELL}\s+)?(?:compiled|compiles?|built|builds?|compilable)\b(?:\s+{_WELL}\b)?"
        r"(?:\s+(?:to|into)\s+(?:an?\s+)?(?:HSACO(?:\s+file)?s?|code\s+objects?)\b)?",
        build_kernels.kernels_compiled,
    ),
    _row(
        "kernel-in-build",
        "kernel_compiled",
        "RoPE kernel is listed in the build manifest",
        r"(?:\b(?:listed|registered|included|declared|present|named)\s+)?"
        r"\b(?:in|via|through|by|from|to)\s+the\s+build(?:\s+(?:manifest|system|list|configuration))\b",
        build_kernels.kernels_compiled,
    ),
    _row(
        "kernel-loaded",
        "wrapper_present",
        "RoPE kernel is compiled and loaded",
        rf"\b(?:{_WELL}\s+)?(?:loaded|loads?|loadable|launched|launchable)\b(?:\s+{_WELL}\b)?"
        r"(?:\s+on\s+the\s+(?:GPU|device)\b)?",
        build_kernels.kernels_loaded,
    ),
    _row(
        "kernel-in-file",
        "artifact",
        "RoPE kernel is compiled via build.rs",
        r"\b(?:compiled|built|loaded|listed|registered|included|declared|named)\s+"
        r"(?:via|by|through|from|in|with)\s+(?P<file>(?:[\w./-]*/)?"
        r"(?:\w[\w-]*\.(?:rs|toml|cmake|py|json|ya?ml|mk|txt)|Makefile|meson\.build))(?![\w.])",
        build_kernels.kernel_in_file,
    ),
    _row(
        "no-transfer",
        "no_host_roundtrip",
        "no to_host_vec in GPU path",
        rf"\b(?:there\s+(?:is|are)\s+|makes?\s+)?(?:no|without|zero|free\s+of|never\s+calls?|does\s+not\s+call)\s+(?:any\s+)?"
        rf"(?:(?P<names>{_CODE_LIST})(?:\s+calls?)?|{_TO_HOST})",
        build_device.no_transfer,
    ),
    _row(
        "transfer-eliminated",
        "no_host_roundtrip",
        "CPU-GPU transfer overhead is eliminated",
        rf"\b(?P<names>){_TO_HOST}(?:\s+overhead)?\s+(?:is|are|has\s+been|have\s+been)\s+"
        r"(?:eliminated|avoided|removed|gone)\b",
        build_device.no_transfer,
    ),
    _row(
        "stays-on-device",
        "no_host_roundtrip",
        "Q and K stay on the GPU in apply_rope_device()",
        r"\b(?P<names>)(?:(?:the\s+)?(?:data|tensors?|inputs?|outputs?|results?|queries\s+and\s+keys|Q\s+and\s+K|Q/K)\s+)?"
        r"(?:(?:stays?|remains?|(?:is|are)\s+kept)\s+(?:entirely\s+|fully\s+|always\s+)?(?:on|in)\s+(?:the\s+)?(?:GPU|device)"
        r"(?:\s+memory)?|(?:never|does\s+not|do\s+not)\s+leaves?\s+(?:the\s+)?(?:GPU|device)(?:\s+memory)?)\b",
        build_device.no_transfer,
    ),
    _row(
        "matches-reference",
        "correctness",
        "GPU RoPE matches the CPU reference",
        r"(?:\bGPU\s+(?:results?|outputs?)\s+)?"
        r"\b(?:match(?:es)?|agrees?\s+with|equals?|(?:is|are)\s+(?:equal|identical)\s+to|(?:is|are)\s+consistent\s+with"
        rf"|reproduces?)\s+{_REFERENCE}\b",
        build_device.matches_reference,
    ),
    _row(
        "is-correct",
        "correctness",
        "RoPE kernel produces correct results",
        r"\b(?:(?:is|are)\s+(?:numerically\s+)?correct|(?:produces?|gives?|yields?|computes?)\s+(?:numerically\s+)?"
        r"(?:the\s+)?correct(?:ly)?(?:\s+(?:results?|outputs?|values?|rotations?))?)\b",
        build_device.matches_reference,
    ),
    _row(
        "wrapper-present",
        "wrapper_present",
        "rope_gpu_kernel() wrapper is present",
        r"\bwrappers?(?:\s+functions?)?\s+(?:(?:is|are)\s+)?(?:present|exists?|available|implemented|provided|in\s+place)\b"
        r"|\b(?:has|have)\s+(?:a\s+|its\s+)?(?:host\s+|Python\s+)?wrappers?(?:\s+functions?)?\b"
        r"|\bwraps\b",
        build_kernels.wrappers_present,
    ),
    _row(
        "flow-documented",
        "documented",
        "GPU RoPE execution flow is documented and traceable",
        r"\b(?:call\s+)?(?:(?:is|are)\s+)?(?:documented|described)(?:\s+and\s+traceable)?"
        rf"(?:\s+in\s+(?:(?:its|the|their)\s+docstrings?|`?(?P<file>{_FILE})`?))?(?!\w)",
        build_code.flow_documented,
    ),
    _row(
        "call-made",
        "key_link",
        "apply_rope_device() calls rope_gpu_kernel()",
        CALLS,
        build_code.call_made,
        fits=is_made,
    ),
    _row(
        "call-received",
        "key_link",
        "rope_gpu_kernel() is called by apply_rope_device()",
        CALLED_IN,
        build_code.call_made,
        fits=is_received,
    ),
    _row(
        "function-defined",
        "defined",
        "apply_rope_device() exists",
        r"(?:\bfunction\s+)?`?(?P<name>[A-Za-z_][\w.:]*)`?\(\s*\)`?\s+(?:function\s+)?(?:(?:is|are)\s+(?:present|defined|implemented|available)|exists)\b"
        rf"(?:\s+in\s+`?(?P<file>{_FILE})`?)?",
        build_code.function_defined,
    ),
    _row(
        "file-exports",
        "artifact",
        "kernels/rope.py exports rope_gpu_kernel and apply_rope_device",
        rf"`?(?P<file>{_FILE})`?\s+(?:exports|defines|provides)\s+(?P<names>`?[A-Za-z_][\w.]*`?(?:\(\s*\))?`?"
        r"(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+)`?[A-Za-z_][\w.]*`?(?:\(\s*\))?`?)*)",
        build_code.file_exports,
    ),
    _row(
        "file-exists",
        "artifact",
        "kernels/rope.hip exists",
        rf"(?:\bfile\s+)?`?(?P<file>{_FILE})`?\s+(?:file\s+)?(?:exists|is\s+present)\b",
        build_code.file_exists,
    ),
    *ABSENCE,
    *BEHAVIOUR,
    *COMMANDS,
    *CODE,
)
"""Every phrase that inference knows. All that fit a truth are applied."""


def matches(text: str) -> list[tuple[Phrase, re.Match[str]]]:
    """Every row that fits, with where; of rows that own their words the first that fits them."""
    found: list[tuple[Phrase, re.Match[str]]] = []
    owned: list[tuple[int, int]] = []
    for phrase in sorted(CATALOGUE, key=lambda phrase: not phrase.owns):
        for match in phrase.pattern.finditer(text):
            if not phrase.fits(match) or any(match.start() < e and b < match.end() for b, e in owned):
                continue
            owned += [match.span()] if phrase.owns else []
            found.append((phrase, match))
    return found


def nearest(text: str) -> Phrase:
    """The phrase whose example shares most with a text, for "did you mean"."""
    words = _stems(text)
    return max(CATALOGUE, key=lambda p: len(words & _stems(p.example)) / len(words | _stems(p.example)))


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[a-z]{2,}", text.lower())}
