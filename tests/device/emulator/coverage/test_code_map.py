"""What is known of a kernel's code before it runs: which blocks are its own, and that a cache says the
same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.emulator.coverage.code_map import CodeMap, CodeMaps, own_blocks
from rocverify.device.emulator.machine import LoadedKernel, Machine
from rocverify.store.content_cache import ContentCache
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from tests.device.emulator.assembling import Assembler
from tests.machines import opened_machine

ASSERTING = """\
#include <hip/hip_runtime.h>
#include <assert.h>

extern "C" __global__ void careful(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  assert(n < 1000);
  if (i >= n) return;
  if (x[i] > 1e30f)
    __builtin_trap();
  if (x[i] < 0)
    y[i] = 1.0f / x[i];
  else
    y[i] = x[i];
}
"""


@pytest.fixture(scope="module")
def machine(toolchain: Toolchain, translations: Path) -> Iterator[Machine]:
    with opened_machine(toolchain, translations) as made:
        yield made


def probe(machine: Machine, assembler: Assembler, body: str) -> LoadedKernel:
    return machine.load(assembler.kernel(body, 32)).kernel("probe")


def own_mnemonics(kernel: LoadedKernel) -> list[str]:
    """The first instructions of its own blocks, in order."""
    return [kernel.graph.blocks[address][0].mnemonic for address in sorted(own_blocks(kernel))]


def test_what_leads_only_to_a_trap_is_not_counted(machine: Machine, assembler: Assembler) -> None:
    body = """
s_cmp_eq_u32 s0, 0
s_cbranch_scc1 fails
v_mov_b32 v1, v0
s_endpgm
fails:
v_add_f32 v1, v1, v1
s_cmp_eq_u32 s1, 0
s_cbranch_scc1 more
v_mul_f32 v1, v1, v1
more:
s_trap 2
s_endpgm"""
    assert own_mnemonics(probe(machine, assembler, body)) == ["s_cmp_eq_u32", "v_mov_b32"]


def test_what_comes_after_a_path_that_always_traps_is_not_counted(
    machine: Machine, assembler: Assembler
) -> None:
    """As compilers end a path on which some lanes abort: no wave with such a lane falls through."""
    body = """
v_cmp_eq_u32 vcc_lo, 0, v0
s_and_saveexec_b32 s0, vcc_lo
s_cbranch_execnz fails
s_or_b32 exec_lo, exec_lo, s0
s_endpgm
fails:
s_cbranch_execnz trap
s_nop 1
s_endpgm
trap:
s_trap 2
s_endpgm"""
    assert own_mnemonics(probe(machine, assembler, body)) == ["v_cmp_eq_u32", "s_or_b32"]


def test_without_traps_every_block_is_its_own(machine: Machine, assembler: Assembler) -> None:
    kernel = probe(machine, assembler, "s_cbranch_execz out\nv_mov_b32 v1, v0\nout:\ns_endpgm")
    assert own_blocks(kernel) == set(kernel.graph.blocks)


def test_a_map_from_the_cache_is_the_same_and_needs_no_disassembly(
    machine: Machine, assembler: Assembler, tmp_path: Path
) -> None:
    body = "v_exp_f32 v1, v1\nv_cmp_lt_f32 vcc_lo, v1, v2\ns_cbranch_vccz out\nv_nop\nout:\ns_endpgm"
    kernel, cache = probe(machine, assembler, body), ContentCache(tmp_path)
    made = CodeMaps(cache).of(kernel)
    again = machine.load(kernel.module.content).kernel("probe")
    assert CodeMaps(cache).of(again) == made == CodeMap.from_bytes(made.to_bytes())
    assert "graph" not in again.__dict__
    (model,) = made.executed_models(made.blocks)
    assert (model.mnemonic, len(model.branches)) == ("v_exp_f32", 1)
    assert made.executed_models([made.blocks[-1]]) == ()


def test_lines_that_are_not_known_are_asked_for_again(
    machine: Machine, assembler: Assembler, tmp_path: Path
) -> None:
    kernel = probe(machine, assembler, "s_endpgm")
    assert CodeMaps(ContentCache(tmp_path)).lines(kernel) == {}
    assert [path.stat().st_size < 100 for path in tmp_path.rglob("*") if path.is_file()] == [True]


@pytest.mark.long
def test_assertions_and_library_functions_are_not_counted(
    machine: Machine, toolchain: Toolchain, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "careful.hip").write_text(ASSERTING)
    entry = ManifestEntry("careful.hip", ("careful",), "C", flags=("-O3", "-gline-tables-only"))
    built = Builder(tmp_path, toolchain, kept).build(entry, "gfx1100")
    kernel = machine.load(built.path.read_bytes()).kernel("careful")
    symbol = kernel.module.image.symbols["careful"]
    own = own_blocks(kernel)
    assert all(symbol.address <= block < symbol.address + symbol.size for block in own)
    assert len(own) < len(kernel.graph.blocks) / 4
    traps = [a for a, block in kernel.graph.blocks.items() if block[-1].mnemonic == "s_trap"]
    assert traps
    assert not own & set(traps)
    lines = CodeMaps().lines(kernel)
    counted = {line.rpartition(":")[2] for block in own for line in lines[block]}
    assert {"7", "8", "10"} <= counted
    assert "9" not in counted
