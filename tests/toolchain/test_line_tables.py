"""Line tables of a twin: the same instructions, compiled once more."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rocverify.device.emulator.load.lds_arrays import lds_arrays
from rocverify.toolchain.build import Builder
from rocverify.toolchain.codeobject import read_code_object
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.lines import Twin, debug_twin
from rocverify.toolchain.manifest import ManifestEntry

SOURCE = """\
#include <hip/hip_runtime.h>
extern "C" __global__ void twice(float* x) { x[threadIdx.x] *= FACTOR; }
"""
LDS = """\
#include <hip/hip_runtime.h>
extern "C" __global__ void twice(float* x) {
  __shared__ float many[64], few[2];
  many[threadIdx.x] = FACTOR * x[threadIdx.x];
  few[threadIdx.x % 2] = x[0];
  __syncthreads();
  x[threadIdx.x] = many[63 - threadIdx.x] + few[1];
}
"""
ENTRY = ManifestEntry("twice.hip", ("twice",), "TWICE_HSACO", flags=("-O3", "-DFACTOR=2"))


def test_the_twin_has_line_tables_and_the_same_instructions(tmp_path: Path, toolchain: Toolchain) -> None:
    (tmp_path / "twice.hip").write_text(SOURCE)
    builder = Builder(tmp_path, toolchain, tmp_path / "cache")
    content = builder.build(ENTRY, "gfx1100").path.read_bytes()
    assert b".debug_line" not in content
    twin = debug_twin(builder, ENTRY, "gfx1100", content, Twin.LINES)
    assert twin is not None
    assert b".debug_line" in twin


@pytest.mark.long
def test_a_twin_of_code_that_uses_lds_tells_its_arrays(tmp_path: Path, toolchain: Toolchain) -> None:
    (tmp_path / "twice.hip").write_text(LDS)
    builder = Builder(tmp_path, toolchain, tmp_path / "cache")
    content = builder.build(ENTRY, "gfx1100").path.read_bytes()
    twin = debug_twin(builder, ENTRY, "gfx1100", content, Twin.ARRAYS)
    assert twin is not None
    size = read_code_object(content, "twice").kernels["twice"].lds_bytes
    assert lds_arrays(content, "twice", size) == ()
    assert [one.name for one in lds_arrays(twin, "twice", size)] == ["many", "few"]


@pytest.mark.long
def test_other_instructions_are_no_twin(tmp_path: Path, toolchain: Toolchain) -> None:
    (tmp_path / "twice.hip").write_text(SOURCE)
    builder = Builder(tmp_path, toolchain, tmp_path / "cache")
    content = builder.build(ENTRY, "gfx1100").path.read_bytes()
    changed = dataclasses.replace(ENTRY, flags=("-O3", "-DFACTOR=3"))
    assert debug_twin(builder, changed, "gfx1100", content, Twin.LINES) is None
    (tmp_path / "twice.hip").write_text("no C++")
    assert debug_twin(builder, ENTRY, "gfx1100", content, Twin.LINES) is None
