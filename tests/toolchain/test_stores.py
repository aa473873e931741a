"""Kernels that write nothing, told by their machine code on every target whose encodings are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from rocverify.toolchain.stores import _stores, kernels_without_stores

SOURCE = """
#include <hip/hip_runtime.h>
extern "C" __global__ void empty(float* x) {}
extern "C" __global__ void reads(const float* x) { if (x[threadIdx.x] == 5.0f) __builtin_amdgcn_s_sleep(1); }
extern "C" __global__ void half_word(_Float16* x) { x[1] = x[0]; }
extern "C" __global__ void adds(int* x) { atomicAdd(x, 1); }
extern "C" __global__ void generic(int** x) { **x = 1; }
"""
NAMES = ("empty", "reads", "half_word", "adds", "generic")


# Encoded by llvm-mc: the first dword of each.
@pytest.mark.parametrize(
    ("word", "target", "stores"),
    [
        (0xDC6A0000, "gfx1100", True),  # global_store_b32
        (0xDC520000, "gfx1100", False),  # global_load_b32
        (0xDC7A0000, "gfx1100", False),  # global_load_d16_u8
        (0xDCD60000, "gfx1100", True),  # global_atomic_add_u32
        (0xDC690000, "gfx1100", False),  # scratch_store_b32
        (0xDC700000, "gfx90a", True),  # flat_store_dword
        (0xDC500000, "gfx90a", False),  # flat_load_dword
        (0xF4000000, "gfx1100", False),  # s_load_b32
        (0xBFB00000, "gfx1100", False),  # s_endpgm
        (0xBE9E4910, "gfx1100", True),  # s_swappc_b64
    ],
)
def test_first_dwords(word: int, target: str, stores: bool) -> None:
    assert _stores(word, target) is stores


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize("target", ["gfx1100", "gfx1030", "gfx90a"])
def test_compiled_kernels(tmp_path: Path, clang19: Toolchain, target: str) -> None:
    (tmp_path / "k.hip").write_text(SOURCE)
    entry = ManifestEntry(source="k.hip", symbols=NAMES, env="K", flags=("-O3",))
    built = Builder(tmp_path, clang19, tmp_path / "cache").build(entry, target)
    found = kernels_without_stores(built.path.read_bytes(), target, NAMES)
    # A literal may look like a store: then a kernel that only reads is let through, an empty one never.
    assert "empty" in found
    assert set(found) <= {"empty", "reads"}
