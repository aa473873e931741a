"""HIP's C interface by three sources: our C, Debian's headers (5.2), hip-python's cyhip.pxd (ROCm 7)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import rocm.bindings

from rocverify.device.library_build.libraries import SOURCES

PXD = Path(rocm.bindings.__path__[0]) / "cyhip.pxd"
DEBIAN = Path("/usr/include/hip/hip_runtime_api.h")

WIDTHS = {
    "void": 0, "bool": 1, "char": 1, "unsigned char": 1, "short": 2, "unsigned short": 2, "int": 4,
    "unsigned": 4, "unsigned int": 4, "float": 4, "uint32_t": 4, "hipError_t": 4, "hipDevice_t": 4,
    "size_t": 8, "uint64_t": 8, "long long": 8, "unsigned long long": 8, "dim3": 12, "hipPitchedPtr": 32,
    "hipExtent": 24, "hipPos": 24, "hipChannelFormatDesc": 20, "hipMemLocation": 8,
    "hipIpcMemHandle_t": 64, "hipIpcMemHandle_st": 64, "hipIpcEventHandle_t": 64,
    "hipIpcEventHandle_st": 64,
}  # fmt: skip
"""Bytes of what is passed by value; handles are 8, and any other type is an enumeration of 4."""
HANDLES = {
    "hipCtx_t", "hipStream_t", "hipEvent_t", "hipModule_t", "hipFunction_t", "hipMemPool_t", "hipGraph_t",
    "hipGraphNode_t", "hipGraphExec_t", "hipArray_t", "hipArray_const_t", "hipDeviceptr_t", "hipHostFn_t",
    "hipStreamCallback_t", "hipKernel_t", "hipLibrary_t", "hipTextureObject_t", "hipSurfaceObject_t",
    "hipMipmappedArray_t", "hipMipmappedArray_const_t", "hipLinkState_t", "hipUserObject_t",
    "hipMemGenericAllocationHandle_t", "hipGraphicsResource_t", "hipExternalMemory_t",
    "hipExternalSemaphore_t", "hipExecutionCtx_t", "hipDevResourceDesc_t",
}  # fmt: skip

Signature = tuple[str, tuple[int, ...]]
"""What is returned, and the width of each parameter."""


def width(text: str) -> int:
    """Bytes of a parameter or result, given its declaration."""
    if "*" in text or "[" in text:
        return 8
    words = [word for word in re.findall(r"\w+", text) if word not in ("const", "struct", "enum", "extern")]
    for count in (len(words), len(words) - 1):
        name = " ".join(words[:count])
        if name in WIDTHS:
            return WIDTHS[name]
        if name in HANDLES:
            return 8
    return 4


def _signature(result: str, parameters: str) -> Signature:
    given = [] if parameters.strip() in ("", "void") else parameters.split(",")
    returned = " ".join(
        re.sub(r"\b(extern|const|struct)\b|\*", lambda m: " * " if m[0] == "*" else "", result).split()
    )
    return returned, tuple(width(one) for one in given)


def our_functions() -> dict[str, Signature]:
    """Every public function that a C source of the library defines."""
    found = {}
    for path in sorted(SOURCES.glob("*.c")):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        pattern = r"^RV_API ([\w* ]+?)(?<!_)(hip[A-Z]\w+)\(([^{;]*)\)\s*\{"
        for match in re.finditer(pattern, text, re.MULTILINE):
            found[match[2]] = _signature(match[1], match[3])
    return found


def debian_functions() -> dict[str, Signature]:
    """The functions of Debian's headers."""
    result = subprocess.run(
        ["gcc", "-E", "-P", "-D__HIP_PLATFORM_AMD__", "-x", "c", str(DEBIAN)], capture_output=True, check=True
    )
    text = result.stdout.decode()
    return {
        match[2]: _signature(match[1], match[3])
        for match in re.finditer(r"^((?:const )?\w+\*? )(hip[A-Z]\w+)\(([^;{]*)\);", text, re.MULTILINE)
        if "typedef" not in match[1] and "return" not in match[1]
    }


def _plain_pxd() -> str:
    text = re.sub(r'"""(?:.|\n)*?"""', "", PXD.read_text(encoding="utf-8"))
    return re.sub(r"#.*", "", text)


def pxd_functions() -> dict[str, Signature]:
    """The functions of hip-python's declarations."""
    return {
        match[2]: _signature(match[1], match[3])
        for match in re.finditer(
            r"^cdef ([\w* ]+?)(hip[A-Z]\w+)\(([^)]*)\)[^\n]*nogil", _plain_pxd(), re.MULTILINE
        )
    }


def pxd_structure(name: str) -> list[tuple[str, str]]:
    """The fields of a structure of hip-python's declarations: type and name, in their order."""
    match = re.search(
        rf"^ *(?:cdef|ctypedef) struct {name}(?: \"\w+\")?:\n((?: +[^\n:]+\n|\n)+)",
        _plain_pxd(),
        re.MULTILINE,
    )
    assert match is not None, name
    fields = []
    for line in match[1].splitlines():
        if line.strip() and not re.match(r" *(cdef|ctypedef)\b", line):
            kind, field = re.fullmatch(r" *(.*?)([\w\[\]]+)", line.rstrip()).groups()
            fields.append((kind.strip(), field))
    return fields
