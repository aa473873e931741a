"""Kernels of a project without a manifest are compiled, with the flags of its build."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

FILES = {
    "gpu/fill.hip": "#include <hip/hip_runtime.h>\n"
    "namespace gpu { __global__ void fill(float* x) { x[threadIdx.x] = WIDTH; } }\n",
    "gpu/bad.hip": "#include <hip/hip_runtime.h>\n"
    'extern "C" __global__ void bad(float* x) { x[0] = __nothing(1); }\n',
    "CMakeLists.txt": "hip_add_library(k gpu/fill.hip gpu/bad.hip)\nadd_compile_definitions(WIDTH=3)\n",
}


@pytest.mark.long
def test_a_kernel_in_a_namespace_is_compiled_with_the_flags_of_its_build(project: Make) -> None:
    outcome = project(FILES).check("kernel_compiled", source="gpu/fill.hip")
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert outcome.evidence["manifest"] == "gpu/fill.hip:2"


def test_what_does_not_compile_fails_with_the_compilers_words(project: Make) -> None:
    outcome = project(FILES).check("kernel_compiled", source="gpu/bad.hip")
    assert outcome.verdict is CheckVerdict.FAILED
    assert "__nothing" in outcome.message


@pytest.mark.long
def test_a_kernel_that_the_build_names_must_be_there(project: Make) -> None:
    row = 'const K: &[(&str, &str, &str)] = &[("gpu/fill.hip", "FILL_HSACO", "fill_fast_kernel")];\n'
    files = {"gpu/fill.hip": FILES["gpu/fill.hip"].replace("WIDTH", "1"), "build.rs": row}
    outcome = project(files).check("kernel_compiled", source="gpu/fill.hip")
    assert "has no kernel fill_fast_kernel" in outcome.message
