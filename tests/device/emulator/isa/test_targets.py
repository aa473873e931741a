"""The records of targets against what the compiler's assembler knows of them."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

import pytest

from rocverify.device.emulator.isa.occupancy import occupancy, resident_workgroups
from rocverify.device.emulator.isa.targets import MACHINES, PROCESSORS, TARGETS, Target, processor
from rocverify.settings import Settings
from rocverify.toolchain.code_metadata import KernelMetadata, read_record
from rocverify.toolchain.codeobject import read_code_object
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics.known_instructions import Knowledge

# LLVM 19 has no gfx1153.
_each_assembled = pytest.mark.parametrize(
    "target", [one for one in TARGETS.values() if one.name != "gfx1153"], ids=lambda target: target.name
)


@_each_assembled
def test_records_agree_with_the_assembler(assembler: Assembler, target: Target) -> None:
    known = Knowledge(assembler.mc, target.name)
    lines = ["s_add_f32 s1, s2, s3", "v_add_f32 v1, v2, v3"]
    refused = known.errors(lines)
    assert (0 not in refused) == target.scalar_floats
    assert 1 not in refused


@_each_assembled
def test_every_wave_size_assembles(assembler: Assembler, target: Target) -> None:
    for lanes in target.wave_sizes:
        body = f"v_mov_b32 v1, 0\nv_cmp_eq_u32 {'vcc_lo' if lanes == 32 else 'vcc'}, 0, v1\ns_endpgm"
        assert assembler.of(target.name).kernel(body, lanes)
    with pytest.raises(AssertionError):
        assembler.of(target.name).kernel("v_cmp_eq_u32 vcc_lo, 0, v1\ns_endpgm", 64)


def test_what_is_executed_has_a_table_of_formats() -> None:
    assert all(target.family.formats for target in TARGETS.values())
    assert all(target.name == name for name, target in PROCESSORS.items())
    assert len(MACHINES) == len(PROCESSORS)


def test_a_target_with_features_is_its_processor() -> None:
    assert processor("gfx90a:sramecc+:xnack-") is PROCESSORS["gfx90a"]
    assert processor("gfx1250") is None


# A kernel that takes the register of this number, and all below it.
_KERNEL = """extern "C" __attribute__((global)) __attribute__((amdgpu_flat_work_group_size(64, 64)))
void takes_%d(int* x) { asm volatile("" ::: "v%d"); x[0] = 1; }
"""
_LAST = (20, 39, 40, 63, 64, 71, 95, 127, 168, 255)
_REMARK = re.compile(r"Function Name: (\w+).*?Occupancy \[waves/SIMD\]: (\d+)", re.DOTALL)
# LLVM 19 does not know the two that are left out; one of each family runs every time.
_OF_LLVM = [
    name
    if name in ("gfx908", "gfx90a", "gfx1030", "gfx1100", "gfx1102", "gfx1201")
    else pytest.param(name, marks=pytest.mark.long)
    for name in PROCESSORS
    if name not in ("gfx950", "gfx1153")
]


@pytest.mark.parametrize("target", _OF_LLVM)
def test_occupancy_and_the_elf_flags_are_those_that_the_compiler_tells(target: str, tmp_path: Path) -> None:
    """By its remarks, of kernels whose registers decide."""
    source, built = tmp_path / "k.hip", tmp_path / "k.co"
    source.write_text("".join(_KERNEL % (last, last) for last in _LAST))
    command = [
        str(Toolchain.discover(Settings()).clang), "-x", "hip", f"--offload-arch={target}", "-nogpuinc",
        "-nogpulib", "--offload-device-only", "--no-gpu-bundle-output", "-O1",
        "-Rpass-analysis=kernel-resource-usage", str(source), "-o", str(built),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = {name: int(waves) for name, waves in _REMARK.findall(done.stderr)}
    found = read_code_object(built.read_bytes(), "k.co")
    assert found.target == target
    held = {
        name: occupancy(kernel, target, workgroup=64, lds_bytes=0).waves
        for name, kernel in found.kernels.items()
    }
    assert held == told
    assert len(held) == len(_LAST)
    assert len(set(held.values())) > 3


def metadata(vgprs: int, lds_bytes: int, wave: int = 32, wgp: int | None = 1) -> KernelMetadata:
    return read_record(
        KernelMetadata,
        {
            ".name": "k", ".symbol": "k.kd", ".kernarg_segment_size": 0, ".kernarg_segment_align": 8,
            ".group_segment_fixed_size": lds_bytes, ".private_segment_fixed_size": 0, ".vgpr_count": vgprs,
            ".sgpr_count": 16, ".wavefront_size": wave, ".max_flat_workgroup_size": 1024,
            ".workgroup_processor_mode": wgp,
        },
    )  # fmt: skip


def test_a_multiprocessor_holds_what_its_simds_registers_and_lds_admit() -> None:
    """By hand: 256 work-items are eight waves of 32 or four of 64."""
    made = functools.partial(metadata, lds_bytes=0)
    # gfx1100: four SIMDs of sixteen waves; 24 VGPRs leave all of them.
    assert resident_workgroups(made(vgprs=24), "gfx1100", 256, 0) == 8
    # 128 VGPRs are 144, of 1536 ten waves: forty waves of the four SIMDs, in CU mode twice twenty.
    assert resident_workgroups(made(vgprs=128), "gfx1100", 256, 0) == 5
    assert resident_workgroups(made(vgprs=128, wgp=0), "gfx1100", 256, 0) == 4
    # gfx1102 has 1024: eight waves.
    assert resident_workgroups(made(vgprs=128), "gfx1102", 256, 0) == 4
    # Two workgroups share the 128 KiB of a WGP; one compute unit of MI300 has 64 KiB.
    assert resident_workgroups(made(vgprs=24), "gfx1100", 256, 65536) == 2
    assert resident_workgroups(made(vgprs=24, wave=64), "gfx942", 256, 65536) == 1
    # MI200: 512 VGPRs for 64 lanes, eight waves at most.
    assert resident_workgroups(made(vgprs=128, wave=64), "gfx90a", 256, 0) == 4


@pytest.mark.parametrize(
    ("target", "vgprs", "wgp", "waves"),
    [
        # 1024 registers, 16 at a time: 256 fit four times.
        ("gfx1102", 256, 1, 4),
        # 1536 registers, 24 at a time: 128 are 144, in a compute unit as in a WGP.
        ("gfx1100", 128, 0, 10),
        # 1024 registers, 16 at a time: 72 are 80.
        ("gfx1150", 72, 1, 12),
    ],
)
def test_waves_where_tables_once_disagreed(target: str, vgprs: int, wgp: int, waves: int) -> None:
    found = occupancy(metadata(vgprs, 0, wgp=wgp), target, workgroup=32, lds_bytes=0)
    assert (found.by_vgprs, found.waves, found.limited_by) == (waves, waves, "VGPRs")
