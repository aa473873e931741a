"""Line tables of a twin: the same instructions, compiled once more."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.lines import with_line_tables
from rocverify.toolchain.manifest import ManifestEntry

SOURCE = """\
#include <hip/hip_runtime.h>
extern "C" __global__ void twice(float* x) { x[threadIdx.x] *= FACTOR; }
"""
ENTRY = ManifestEntry("twice.hip", ("twice",), "TWICE_HSACO", flags=("-O3", "-DFACTOR=2"))


def test_the_twin_has_line_tables_and_the_same_instructions(tmp_path: Path, toolchain: Toolchain) -> None:
    (tmp_path / "twice.hip").write_text(SOURCE)
    builder = Builder(tmp_path, toolchain, tmp_path / "cache")
    content = builder.build(ENTRY, "gfx1100").path.read_bytes()
    assert b".debug_line" not in content
    twin = with_line_tables(builder, ENTRY, "gfx1100", content)
    assert twin is not None
    assert b".debug_line" in twin


def test_other_instructions_are_no_twin(tmp_path: Path, toolchain: Toolchain) -> None:
    (tmp_path / "twice.hip").write_text(SOURCE)
    builder = Builder(tmp_path, toolchain, tmp_path / "cache")
    content = builder.build(ENTRY, "gfx1100").path.read_bytes()
    changed = dataclasses.replace(ENTRY, flags=("-O3", "-DFACTOR=3"))
    assert with_line_tables(builder, changed, "gfx1100", content) is None
    (tmp_path / "twice.hip").write_text("no C++")
    assert with_line_tables(builder, ENTRY, "gfx1100", content) is None
