"""Kernels of projects without a build manifest: what the sources define, and how the project builds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rocverify.code.index import CodeIndex
from rocverify.code.kernel_sources import KernelSource, kernel_source, kernel_sources
from rocverify.errors import ManifestError
from rocverify.settings import Settings
from rocverify.toolchain.found import find_manifest

ROPE = 'extern "C" __global__ void rope_kernel(float* x, int n) { if (n) x[0] = 1; }\n'


def found(root: Path, files: Mapping[str, str]) -> dict[str, KernelSource]:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    code = CodeIndex(root, Settings())
    sources = {s.source: s for s in kernel_sources(root, code)}
    assert {path: one for path in files if (one := kernel_source(root, code, path))} == {
        path: source for path, source in sources.items() if path in files
    }
    return sources


def test_what_defines_a_kernel_is_one(tmp_path: Path) -> None:
    sources = found(
        tmp_path,
        {
            "gpu/rope.hip": ROPE,
            "src/all.cpp": ROPE.replace("rope", "fill")
            + "int main() { fill_kernel<<<1, 2>>>(nullptr, 1); }\n",
            "src/host.cpp": "// __global__ void no() {}\nint main() { return 0; }\n",
            "src/dead.hip": f"#if 0\n{ROPE}#endif\n",
            "src/generic.hip": "template <typename T> __global__ void add(T* x) { x[0] += 1; }\n",
            "src/declared.cpp": "__global__ void later(float* x);\n",
            "include/shared.h": ROPE,
            "build/CMakeCache.txt": "",
            "build/CMakeFiles/copy.hip": ROPE,
        },
    )
    assert {name: s.symbols for name, s in sources.items()} == {
        "gpu/rope.hip": ("rope_kernel",),
        "src/all.cpp": ("fill_kernel",),
        "src/generic.hip": (),
    }


@pytest.mark.parametrize(
    ("path", "text", "env", "flags", "symbols"),
    [
        (
            "build.rs",
            "const KERNELS: &[(&str, &str, &str)] = &[\n"
            '    ("kernels/rope.hip", "ROPE_HSACO", "rope_kernel"),\n'
            '    ("kernels/other.hip", "OTHER_HSACO", "other_kernel"),\n];\n',
            "ROPE_HSACO",
            (),
            ("rope_kernel",),
        ),
        (
            "build.rs",
            'fn main() { build("kernels/rope.hip", "ROPE_HSACO", "missing_kernel"); }\n',
            "ROPE_HSACO",
            (),
            ("rope_kernel", "missing_kernel"),
        ),
        (
            "CMakeLists.txt",
            "set(K kernels/rope.hip)\nhip_add_library(k ${K})\n"
            "target_compile_definitions(k PRIVATE WAVE=32)\ntarget_include_directories(k PUBLIC kernels)\n",
            "",
            ("-DWAVE=32", "-Ikernels"),
            ("rope_kernel",),
        ),
        (
            "kernels/Makefile",
            "HIPCC ?= hipcc\nrope.hsaco: rope.hip\n\t$(HIPCC) --genco -O2 -DFAST=1 \\\n"
            "\t  -I. rope.hip -o rope.hsaco\n",
            "",
            ("-O2", "-DFAST=1", "-Ikernels"),
            ("rope_kernel",),
        ),
        (
            "CMakeLists.txt",
            "project(k LANGUAGES CXX HIP)\nadd_library(k)\ntarget_sources(k PRIVATE kernels/rope.hip)\n"
            "target_compile_definitions(k PRIVATE WAVE=64)\n",
            "",
            ("-DWAVE=64",),
            ("rope_kernel",),
        ),
        (
            "setup.py",
            'setup(ext_modules=[CUDAExtension("k", ["kernels/rope.hip"])])\n',
            "",
            (),
            ("rope_kernel",),
        ),
    ],
)
def test_how_the_project_builds_it(
    tmp_path: Path, path: str, text: str, env: str, flags: tuple[str, ...], symbols: tuple[str, ...]
) -> None:
    source = found(tmp_path, {"kernels/rope.hip": ROPE, path: text})["kernels/rope.hip"]
    assert (source.env, source.flags, source.symbols) == (env, flags, symbols)


def test_the_manifest_is_what_the_sources_say_where_there_is_none(tmp_path: Path) -> None:
    found(tmp_path, {"gpu/rope.hip": ROPE, "gpu/copy/rope.hip": ROPE})
    manifest = find_manifest(tmp_path, Settings(), CodeIndex(tmp_path, Settings()))
    assert [(e.source, e.symbols, e.env) for e in manifest.entries] == [
        ("gpu/copy/rope.hip", ("rope_kernel",), "GPU_COPY_ROPE_HSACO"),
        ("gpu/rope.hip", ("rope_kernel",), "GPU_ROPE_HSACO"),
    ]


def test_without_kernels_the_manifest_is_missed(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="does not exist"):
        find_manifest(tmp_path, Settings(), CodeIndex(tmp_path, Settings()))


@pytest.mark.parametrize(
    ("told", "flags"),
    [
        ("", ("-O3",)),
        ("HIPCC_FLAGS = -std=c++17 -DWIDE\n", ("-O3", "-std=c++17", "-DWIDE")),
        ("HIPCC_FLAGS = -std=c++17 -O1\n", ("-std=c++17", "-O1")),
    ],
)
def test_kernels_are_optimised_unless_the_build_says_how(
    tmp_path: Path, told: str, flags: tuple[str, ...]
) -> None:
    """As hipcc does; without optimisation kernels spill registers that they need not."""
    found(tmp_path, {"rope.hip": ROPE, "Makefile": f"{told}rope.o: rope.hip\n\thipcc -c rope.hip\n"})
    settings = Settings()
    (entry,) = find_manifest(tmp_path, settings, CodeIndex(tmp_path, settings)).entries
    assert entry.flags == flags
