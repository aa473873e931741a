"""Our C functions and structures against the declarations that programs are built with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rocverify.device.library_build.libraries import SOURCES
from tests.device.library.interface import (
    DEBIAN,
    HANDLES,
    WIDTHS,
    debian_functions,
    our_functions,
    pxd_functions,
    pxd_structure,
)

STRUCTURES = {
    "hipPitchedPtr": "ptr pitch xsize ysize",
    "hipExtent": "width height depth",
    "hipPos": "x y z",
    "hipChannelFormatDesc": "x y z w f",
    "HIP_ARRAY_DESCRIPTOR": "Width Height Format NumChannels",
    "HIP_ARRAY3D_DESCRIPTOR": "Width Height Depth Format NumChannels Flags",
    "hipPointerAttribute_t": "device devicePointer hostPointer isManaged allocationFlags",
    "hipMemcpy3DParms": "srcArray srcPos srcPtr dstArray dstPos dstPtr extent kind",
    "hip_Memcpy2D": "srcXInBytes srcY srcMemoryType srcHost srcDevice srcArray srcPitch dstXInBytes dstY "
    "dstMemoryType dstHost dstDevice dstArray dstPitch WidthInBytes Height",
    "hipMemLocation": "type id",
    "hipKernelNodeParams": "blockDim extra func gridDim kernelParams sharedMemBytes",
    "hipMemsetParams": "dst elementSize height pitch value width",
    "hipHostNodeParams": "fn userData",
    "hipFuncAttributes": "binaryVersion cacheModeCA constSizeBytes localSizeBytes "
    "maxDynamicSharedSizeBytes maxThreadsPerBlock numRegs preferredShmemCarveout ptxVersion "
    "sharedSizeBytes",
    "hipMemPoolProps": "allocType handleTypes location win32SecurityAttributes",
    "hipMemAccessDesc": "location flags",
}
"""Those that ROCm 5.2 and 7 lay out alike, and the fields that have one name in both."""
ONLY_NEW = {
    "HIP_MEMCPY3D": "srcXInBytes srcY srcZ srcLOD srcMemoryType srcHost srcDevice srcArray srcPitch "
    "srcHeight dstXInBytes dstY dstZ dstLOD dstMemoryType dstHost dstDevice dstArray dstPitch dstHeight "
    "WidthInBytes Height Depth",
    "hipMemPoolProps": "maxSize",
    "hipGraphInstantiateParams": "errNode_out flags result_out uploadStream",
}
OURS = ('"graph.h"', '"pool.c"', '"graph.c"')
"""What declares them here."""


def questions(structures: dict[str, str], old: str = "") -> list[str]:
    """C expressions for sizes and places."""
    lines = []
    for name, fields in structures.items():
        lines += [f"sizeof({name}{old})", *(f"offsetof({name}{old}, {field})" for field in fields.split())]
    return lines


def numbers(tmp_path: Path, head: str, asked: list[str]) -> list[int]:
    """What a C compiler says of expressions."""
    source = tmp_path / "asks.c"
    prints = "".join(f'    printf("%zu\\n", (size_t)({one}));\n' for one in asked)
    source.write_text(
        f"{head}\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {{\n{prints}    return 0;\n}}\n"
    )
    program = tmp_path / "asks"
    subprocess.run(["gcc", "-std=gnu11", "-w", f"-I{SOURCES}", str(source), "-o", str(program)], check=True)
    output = subprocess.run([str(program)], capture_output=True, check=True, text=True).stdout
    return [int(line) for line in output.split()]


def check_ours(tmp_path: Path, asked: list[str], expected: list[int]) -> None:
    """Our sources compiled with the sizes and places that they have to have."""
    source = tmp_path / "ours.c"
    asserts = "".join(
        f'_Static_assert({one} == {number}, "{one} is {number}");\n'
        for one, number in zip(asked, expected, strict=True)
    )
    includes = "".join(f"#include {name}\n" for name in OURS)
    source.write_text(includes + asserts)
    result = subprocess.run(
        ["gcc", "-std=gnu11", "-w", "-fsyntax-only", f"-I{SOURCES}", str(source)],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("theirs", [debian_functions, pxd_functions])
def test_functions_are_declared_as_programs_call_them(theirs):
    declared, ours = theirs(), our_functions()
    common = sorted(set(declared) & set(ours))
    assert len(common) > 150
    wrong = {name: (declared[name], ours[name]) for name in common if declared[name] != ours[name]}
    assert not wrong


def test_what_stands_in_no_declaration_is_known():
    ours, declared = our_functions(), {**debian_functions(), **pxd_functions()}
    assert set(ours) - set(declared) <= {
        "hipChooseDeviceR0000", "hipChooseDeviceR0600",
        "hipGetDevicePropertiesR0000", "hipGetDevicePropertiesR0600",
        "hipExtModuleLaunchKernel", "hipHccModuleLaunchKernel", "hipExtLaunchKernel",
    }  # fmt: skip


def test_structures_lie_as_in_debians_headers(tmp_path):
    head = f"#define __HIP_PLATFORM_AMD__\n#include <{DEBIAN.parent.name}/{DEBIAN.name}>"
    asked = questions(STRUCTURES)
    check_ours(tmp_path, asked, numbers(tmp_path, head, asked))


def test_the_copy_of_rocm_5_lies_as_in_debians_headers(tmp_path):
    head = f"#define __HIP_PLATFORM_AMD__\n#include <{DEBIAN.parent.name}/{DEBIAN.name}>"
    fields = {"HIP_MEMCPY3D": ONLY_NEW["HIP_MEMCPY3D"]}
    check_ours(tmp_path, questions(fields, "_5"), numbers(tmp_path, head, questions(fields)))


def c_structure(name: str, done: dict[str, str]) -> None:
    """Adds the C declaration of one of hip-python's structures, after those within it."""
    lines = []
    for kind, field in pxd_structure(name):
        inner = kind if kind in STRUCTURES or kind in ONLY_NEW else ""
        if inner and inner not in done:
            c_structure(inner, done)
        pointer = "*" in kind or kind in HANDLES
        plain = kind if inner or (kind in WIDTHS and not kind.startswith("hip")) else "int"
        lines.append(f"    {'void *' if pointer else plain} {field};")
    done[name] = f"typedef struct {{\n{chr(10).join(lines)}\n}} {name};"


def test_structures_lie_as_in_hip_pythons_declarations(tmp_path):
    wanted = {**STRUCTURES, "hipGraphInstantiateParams": ONLY_NEW["hipGraphInstantiateParams"]}
    wanted["HIP_MEMCPY3D"] = ONLY_NEW["HIP_MEMCPY3D"]
    wanted["hipMemPoolProps"] += " maxSize"
    done: dict[str, str] = {"dim3": "typedef struct { uint32_t x, y, z; } dim3;"}
    for name in wanted:
        if name not in done:
            c_structure(name, done)
    head = "#include <stdint.h>\n#include <stddef.h>\n" + "\n".join(done.values())
    asked = questions(wanted)
    check_ours(tmp_path, asked, numbers(tmp_path, head, asked))
