"""Rows of the catalogue about constants and structures, and those that name the check that would decide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from rocverify.binding import build_costs, build_order, build_programs
from rocverify.binding.build_commands import TOOLS
from rocverify.binding.model import Built, Draft, Undecided
from rocverify.binding.phrases import Phrase, owning_row
from rocverify.binding.reading import Reading
from rocverify.code.files import is_output
from rocverify.code.written import is_written_as_code

_NAME = r"`?(?P<name>[A-Za-z_][\w:]*)`?"
_NUMBER = r"(?P<value>-?\d+(?:\.\d+)?(?:e-?\d+)?)"
_PATH = r"`?(?P<path>[\w.-]*/[\w./*-]*|[\w.-]+\.[A-Za-z]\w*)`?"
CPP = (".h", ".hpp", ".hip", ".cpp", ".cc", ".cu", ".cuh", ".c")
_MOST_FILES = 2_000


def _constant(reading: Reading) -> Built:
    """constant_value in the path that the truth names, else in all kernel sources."""
    name, path = reading.group("name"), reading.group("path")
    if not is_written_as_code(reading.text, name) and not name.isupper():
        return Undecided(f"{name} may not be a name in the code; put it in backticks")
    text = reading.group("value")
    value: int | float = float(text) if re.search(r"[.e]", text) else int(text)
    params: dict[str, object] = {"name": name, "value": value}
    if path:
        params["paths"] = [path]
    elif not reading.subject.kernels:
        return Undecided("it does not say where; bind constant_value with name, value and paths")
    return (Draft("constant_value", params, f"the compiler tells {name}"),)


def _layout(reading: Reading) -> Built:
    """struct_layout of the one source that defines the structure."""
    name = reading.group("name")
    path = reading.group("path") or _only(structures_in(reading, name, CPP))
    if not path:
        return Undecided(
            f"it takes one C++ or HIP source that defines the structure {name}; "
            "bind struct_layout with name, path, size"
        )
    params: dict[str, object] = {"name": name, "path": path, "size": int(reading.group("value"))}
    if align := reading.group("align"):
        params["align"] = int(align)
    return (Draft("struct_layout", params, f"{path} defines {name}"),)


def _mirror(reading: Reading) -> Built:
    """struct_layout with the Rust source that defines the same structure."""
    name = reading.group("name")
    path, mirror = _only(structures_in(reading, name, CPP)), _only(structures_in(reading, name, (".rs",)))
    if not name or not path or not mirror:
        return Undecided(
            "it takes one C++ or HIP source and one Rust source that define the structure; "
            "bind struct_layout with name, path and mirror"
        )
    params = {"name": name, "path": path, "mirror": mirror}
    return (Draft("struct_layout", params, f"{path} and {mirror} define {name}"),)


def structures_in(
    reading: Reading, name: str, suffixes: tuple[str, ...], *, pattern: bool = False
) -> Iterator[str]:
    """The sources that define a structure; pattern: the name is a regular expression."""
    root: Path = reading.subject.root
    found = (p.relative_to(root) for p in sorted(root.rglob("*"))[:_MOST_FILES] if p.suffix in suffixes)
    named = name if pattern else re.escape(name or "?")
    defining = re.compile(rf"\bstruct\s+(?:(?:alignas|__align__)\([^)]*\)\s*)?{named}\s*\{{")
    for path in found:
        if not is_output(path) and defining.search(reading.subject.text(path.as_posix())):
            yield path.as_posix()


def _only(paths: Iterator[str]) -> str:
    found = list(paths)
    return found[0] if len(found) == 1 else ""


def _asks(what: str) -> Callable[[Reading], Built]:
    """A row that knows which check decides, and cannot tell its parameters."""

    def build(reading: Reading) -> Built:
        del reading
        return Undecided(what)

    return build


_TIMES = r"(?:(?P<times>\d+(?:\.\d+)?)\s*(?:x|times)|(?P<twice>twice))"
_KERNEL = r"(?:the\s+|a\s+|its\s+)?(?:(?P<kernel>`?\w+_kernel\w*`?)|(?:\w+\s+)?kernels?|code\s+object)"
_MISSING = r"(?:is|are)\s+(?:missing|absent|unavailable|not\s+(?:there|found|available))\b"
_KERNELS = r"`?\w*_\w+`?(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+)`?\w*_\w+`?)*"
_CALL = r"`?(?P<{}>[A-Za-z_][\w:.]*)`?\(\s*\)`?"
_DISPATCH = (
    r"(?:the\s+|any\s+|every\s+)?(?:kernel\s+|kernel's\s+)?(?:dispatch|launch|read-?back|upload|download)"
)

CODE: tuple[Phrase, ...] = (
    owning_row(
        "constant-is",
        "constant_value",
        "Constant `TILE` is 32 in all kernels",
        rf"(?:\bthe\s+)?\bconstant\s+{_NAME}\s+(?:is|equals|=)\s+{_NUMBER}(?![\w.]*\w)"
        rf"(?:\s+in\s+(?:(?:all|every|each)\s+(?:of\s+the\s+)?kernels?(?:\s+sources?)?\b|{_PATH}))?",
        _constant,
    ),
    owning_row(
        "struct-is",
        "struct_layout",
        "Struct Params is 16 bytes, aligned to 8",
        rf"(?:\bthe\s+)?\bstruct(?:ure)?\s+{_NAME}\s+is\s+(?P<value>\d+)\s+bytes(?:\s+(?:long|large))?"
        rf"(?:,?\s+(?:and\s+)?aligned\s+to\s+(?P<align>\d+)(?:\s+bytes)?)?(?:\s+in\s+{_PATH})?",
        _layout,
    ),
    owning_row(
        "struct-mirrors",
        "struct_layout",
        "The device's struct Params mirrors the host's, byte for byte",
        rf"\bthe\s+(?:device|GPU|kernel)(?:'s)?\s+struct(?:ure)?(?:\s+{_NAME})?\s+(?:mirrors|matches|equals)\s+the\s+"
        r"(?:host|Rust|CPU)(?:'s)?(?:\s+(?:one|struct(?:ure)?))?,?\s+byte[\s-]for[\s-]byte",
        _mirror,
    ),
    owning_row(
        "runs-before",
        "call_order",
        "fill_mask() runs before the dispatch",
        rf"{_CALL.format('one')}\s+(?:runs|is\s+(?:called|run|invoked|executed)|executes|happens)\s+"
        rf"(?P<when>before|after)\s+(?:(?P<what>{_DISPATCH})\b|{_CALL.format('another')})"
        rf"(?:\s+(?:in|inside|within)\s+{_CALL.format('entry')})?",
        build_order.in_order,
    ),
    owning_row(
        "uploaded-as-is",
        "program",
        "Q4 weights are uploaded as they are, not converted first",
        r"\b(?:is|are)\s+uploaded\s+as\s+(?:it\s+is|they\s+are|is)(?:,?\s+(?:and\s+)?not\s+converted(?:\s+first)?)?\b",
        _asks(
            "the trace of a program would decide it: bind program with run and max_copies, "
            "or no_host_roundtrip with entry, contract and allow_uploads: [NAME]"
        ),
    ),
    owning_row(
        "not-uploaded",
        "program",
        "Norm weights stay on the CPU and are not uploaded",
        r"\b(?:stays?|remains?|(?:is|are)\s+kept)\s+on\s+the\s+(?:CPU|host)(?:\s+and\s+(?:is|are)\s+(?:not|never)\s+uploaded)?\b",
        _asks(
            "the trace of a program would decide it: bind program with run and max_copies: {to_device: N}, "
            "or no_host_roundtrip with entry and contract, which lets nothing be uploaded but allow_uploads"
        ),
    ),
    owning_row(
        "buffers-reused",
        "program",
        "Scratch buffers are reused from call to call",
        r"\b(?:(?:scratch|device|work|temporary|all|the|its|GPU)\s+)*buffers?\s+(?:is|are)\s+(?:re-?used|kept)\s+"
        r"(?:from\s+call\s+to\s+call|between\s+calls|across\s+(?:calls|launches|steps))\b",
        build_programs.buffers_reused,
    ),
    owning_row(
        "fallback-works",
        "fallback",
        "The CPU fallback works when the kernel is missing",
        rf"(?:\b(?:the\s+)?(?:CPU|host)\s+fallback|{_CALL.format('fallback')})\s+"
        rf"(?:works|runs|is\s+(?:used|taken|called))\s+(?:when|if|where)\s+{_KERNEL}\s+{_MISSING}",
        build_costs.falls_back,
    ),
    owning_row(
        "falls-back-to",
        "fallback",
        "rope_device() falls back to rope_cpu() when the kernel is missing",
        rf"{_CALL.format('wrapper')}\s+falls\s+back\s+to\s+(?:the\s+(?:CPU|host)|{_CALL.format('fallback')})\s+"
        rf"(?:when|if|where)\s+{_KERNEL}\s+{_MISSING}",
        build_costs.falls_back,
    ),
    owning_row(
        "times-faster",
        "faster",
        "The fused kernel is at least 2 times faster than the naive one",
        rf"\b(?:is|are|runs?)\s+(?:at\s+least\s+)?{_TIMES}\s+(?:faster|as\s+fast)\s+(?P<than>than|as)\b",
        build_costs.is_faster,
    ),
    owning_row(
        "times-fewer",
        "faster",
        "The fused kernel moves at least 2 times fewer bytes than the naive one",
        rf"\b(?:moves|reads\s+and\s+writes|transfers|executes|issues|needs)\s+(?:at\s+least\s+)?{_TIMES}\s+(?:fewer|less)\s+"
        r"(?:global\s+|wave\s+)?(?P<metric>bytes|instructions)\s+(?P<than>than)\b",
        build_costs.is_faster,
    ),
    owning_row(
        "peak-memory",
        "program",
        "Peak VRAM is at most 2 GB",
        r"\b(?:the\s+)?peak\s+(?:VRAM|(?:GPU|device)\s+memory)(?:\s+use|\s+usage)?\s+(?:is|stays)\s+"
        r"(?:at\s+most|below|under|within)\s+(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMG]i?B)\b",
        build_programs.peak_memory,
    ),
    owning_row(
        "program-launches",
        "program",
        "`./engine --steps 3` launches only rope_kernel",
        rf"`(?P<run>(?:\w+=\S+\s+)*{TOOLS}(?=[\s`])[^`\n]*)`\s+(?:launches|runs|executes)\s+(?P<only>only\s+)?(?:the\s+kernels?\s+)?"
        rf"(?P<names>{_KERNELS})(?:\s+kernels?\b)?",
        build_programs.launches,
    ),
    owning_row(
        "listed-sizes",
        "correctness",
        "The output equals the scalar reference for all listed sizes",
        r"\bfor\s+(?:all|every|each)\s+(?:of\s+the\s+)?(?:listed|given|supported|tested)\s+(?:sizes?|shapes?|lengths?)\b",
        _asks("it does not list the sizes: bind correctness with contract and dims"),
    ),
    owning_row(
        "agrees-within",
        "correctness",
        "softmax() agrees with the CPU in f64 within 1e-5",
        r"\b(?:agrees?\s+with|match(?:es)?)\s+the\s+(?:CPU|host)(?:\s+in\s+(?:f64|fp64|float64|double))?\s+within\s+[\d.e-]+",
        _asks(
            "a contract's tolerance is its own: bind correctness with the contract that declares this bound"
        ),
    ),
    owning_row(
        "bit-exact",
        "correctness",
        "softmax() is bit-exact with the CPU",
        r"\b(?:is|are)\s+bit[\s-](?:exact|identical)\s+(?:with|to)\s+the\s+(?:CPU|host|reference|scalar\s+\w+)\b",
        _asks("bind correctness with a contract whose outputs are exact"),
    ),
    owning_row(
        "kernels-counted",
        "kernel_compiled",
        "12 kernels compile for gfx1100",
        r"\b\d+\s+(?:\w+\s+)?kernels?\s+(?:compile|are\s+compiled|build)\s+for\s+`?gfx\w+`?",
        _asks("it does not name the kernels: bind kernel_compiled with source and targets, for each"),
    ),
    owning_row(
        "all-replaced",
        "absent",
        "Every use of __shfl_down_f32 is replaced by __shfl_down",
        r"\b(?:every|all|each)\s+(?:uses?|calls?)\s+(?:of|to)\s+`?[\w:]+`?(?:\(\s*\))?`?\s+(?:is|are)\s+replaced\s+(?:by|with)\s+"
        r"`?[\w:]+`?(?:\(\s*\))?`?",
        _asks("bind absent with names: [OLD], and artifact with path and contains: NEW"),
    ),
    owning_row(
        "code-object-run",
        "wrapper_present",
        "The precompiled code object is loaded and run",
        r"\b(?:precompiled|prebuilt|shipped)\s+(?:code\s+object|HSACO(?:\s+file)?|binary)(?:\s+of\s+`?\w+`?)?\s+is\s+loaded\s+and\s+"
        r"(?:run|launched|executed)\b",
        _asks("bind program with run and kernels, or wrapper_present with wrapper, source and symbol"),
    ),
    owning_row(
        "shared-size",
        "resources",
        "Shared arrays have size 1,024",
        r"\b(?:shared|LDS)\s+(?:arrays?|memory|buffers?)\s+(?:have|has|is|are)\s+(?:a\s+)?(?:size\s+(?:of\s+)?)?[\d,]+(?:\s*(?:bytes|KB|KiB))?",
        _asks("bind resources with source and limits: {lds_bytes: N} (at most), or constant_value"),
    ),
)
"""Every phrase about constants, structures and what a trace tells."""
