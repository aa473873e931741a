"""A hundred thousand damaged code objects: an error of ours or an honest result, each one.

Most die while they are read. A share is disassembled, translated and launched, in a process of its own,
since a crash there must be a failed test and not the end of the test run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from rocverify.device.emulator.load.image import load_image
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.errors import RocverifyError
from rocverify.toolchain.codeobject import read_code_object
from rocverify.toolchain.discover import Toolchain
from tests.device.fuzzing import PARSING, RUNNING, Target, damaged

ROOT = Path(__file__).parents[2]
FAST, LONG, ALL = 400, 4_000, 100_000
FAST_LAUNCHES, LONG_LAUNCHES, ALL_LAUNCHES = 12, 80, 400
SHARES, LAUNCH_SHARES = 8, 4
"""What the long inputs are divided into, so that several workers can share them."""
SECONDS_AN_INPUT = 10.0
SECONDS_A_BATCH = 300


@pytest.fixture(scope="module")
def targets(image: bytes, assembled: bytes) -> list[Target]:
    """The small one more often: it is read three times as fast."""
    return [Target.of(data) for data in (image, assembled, assembled, assembled)]


ASSEMBLY = """
.text
.globl probe
.p2align 8
.type probe,@function
probe:
  s_load_b128 s[4:7], s[0:1], 0x0
  v_lshlrev_b32 v1, 2, v0
  s_waitcnt lgkmcnt(0)
  global_load_b32 v2, v1, s[4:5]
  s_waitcnt vmcnt(0)
  v_add_f32 v2, 1.0, v2
  global_store_b32 v1, v2, s[6:7]
  s_endpgm
.rodata
.p2align 6
.amdhsa_kernel probe
  .amdhsa_next_free_vgpr 8
  .amdhsa_next_free_sgpr 16
  .amdhsa_wavefront_size32 1
  .amdhsa_user_sgpr_kernarg_segment_ptr 1
.end_amdhsa_kernel
.amdgpu_metadata
amdhsa.version: [1, 2]
amdhsa.target: amdgcn-amd-amdhsa--gfx1100
amdhsa.kernels:
  - .name: probe
    .symbol: probe.kd
    .kernarg_segment_size: 16
    .kernarg_segment_align: 8
    .group_segment_fixed_size: 0
    .private_segment_fixed_size: 0
    .vgpr_count: 8
    .sgpr_count: 16
    .wavefront_size: 32
    .max_flat_workgroup_size: 1024
    .args:
      - { .offset: 0, .size: 8, .value_kind: global_buffer }
      - { .offset: 8, .size: 8, .value_kind: global_buffer }
...
.end_amdgpu_metadata
"""
"""A code object of few sections beside the compiler's: small, so that damage meets something."""


@pytest.fixture(scope="module")
def assembled(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("fuzz")
    source, output = folder / "probe.s", folder / "probe.co"
    source.write_text(ASSEMBLY)
    command = [
        toolchain.clang, "-x", "assembler", "-target", "amdgcn-amd-amdhsa", "-mcpu=gfx1100",
        "-mcode-object-version=5", f"--ld-path={toolchain.linker}", "-nogpulib", "-o", output, source,
    ]  # fmt: skip
    subprocess.run([str(word) for word in command], check=True, timeout=60)
    return output.read_bytes()


def read_and_load(data: bytes, memory: DeviceMemory) -> str:
    """What a process does with a file before it launches anything, and how that ended."""
    try:
        metadata = read_code_object(data, "fuzz")
        image = load_image(data, memory, "fuzz")
    except RocverifyError as error:
        return type(error).__name__
    try:
        for name in metadata.kernels:
            assert image.descriptor(name).entry in image.text
    except RocverifyError as error:
        return type(error).__name__
    finally:
        memory.free(image.base)
    return "loaded"


@dataclass(frozen=True)
class Naming:
    """Adds the seed to whatever is raised inside."""

    seed: int

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            error.add_note(f"with seed {self.seed}")


def fuzz(targets: list[Target], seeds: range) -> Counter[str]:
    """Every seed's input read and loaded; a failure names the seed."""
    memory, outcomes = DeviceMemory(1 << 32), Counter[str]()
    for seed in seeds:
        begun = time.monotonic()
        with Naming(seed):
            outcomes[read_and_load(damaged(targets, PARSING, seed), memory)] += 1
            assert memory.used == 0, "device memory is lost"
            assert time.monotonic() - begun < SECONDS_AN_INPUT
    return outcomes


def _check_both_ends(outcomes: Counter[str]) -> None:
    """Damage that never fails, or always does, would be no test of what comes after."""
    assert outcomes["CodeObjectError"] > outcomes.total() // 4
    assert outcomes["loaded"] > outcomes.total() // 50


def test_damaged_objects(targets: list[Target]) -> None:
    _check_both_ends(fuzz(targets, range(FAST)))


@pytest.mark.drawn(4)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("share", range(SHARES))
def test_many_damaged_objects(targets: list[Target], share: int) -> None:
    _check_both_ends(fuzz(targets, range(share, LONG, SHARES)))


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("share", range(SHARES))
def test_a_hundred_thousand_damaged_objects(targets: list[Target], share: int) -> None:
    _check_both_ends(fuzz(targets, range(LONG + share, ALL, SHARES)))


@pytest.fixture
def folder(targets: list[Target], toolchain: Toolchain, tmp_path: Path) -> Path:
    """What fuzz_child wants."""
    for number, target in enumerate(targets):
        (tmp_path / f"{number}.co").write_bytes(target.data)
    tools = {name: str(getattr(toolchain, name)) for name in ("objdump", "clang")}
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    return tmp_path


def launches(folder: Path, first: int, count: int) -> Counter[str]:
    """How the launches of these seeds ended; a crash, a hang or a stray exception is a failure."""
    command = [sys.executable, "-m", "tests.device.fuzz_child", str(folder), str(first), str(count)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS_A_BATCH, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.fail(f"seed {(folder / 'at').read_text()} hangs")
    if done.returncode:
        at = (folder / "at").read_text() if (folder / "at").exists() else "none"
        pytest.fail(f"seed {at} ends the process with {done.returncode}: {done.stderr[-2000:]}")
    return Counter(json.loads(done.stdout))


@pytest.mark.long
def test_damaged_kernels_run_or_are_refused(folder: Path) -> None:
    assert launches(folder, 0, FAST_LAUNCHES).total() == FAST_LAUNCHES


def _check_launches(folder: Path, share: int, total: int) -> None:
    count = total // LAUNCH_SHARES
    outcomes = launches(folder, 1000 + share * count, count)
    assert outcomes.total() == count
    assert outcomes["ran"] > 0
    assert outcomes["KernelFaultError"] + outcomes["UnsupportedInstructionError"] > 0


@pytest.mark.drawn(2)
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("share", range(LAUNCH_SHARES))
def test_many_damaged_kernels_run_or_are_refused(folder: Path, share: int) -> None:
    _check_launches(folder, share, LONG_LAUNCHES)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("share", range(LAUNCH_SHARES))
def test_more_damaged_kernels_run_or_are_refused(folder: Path, share: int) -> None:
    _check_launches(folder, share, ALL_LAUNCHES)


def test_damage_is_damage(targets: list[Target]) -> None:
    """No kind of damage gives back what it got, but for bits that happen to be as they were."""
    for kinds in (PARSING, RUNNING):
        same = sum(damaged(targets, kinds, seed) in {t.data for t in targets} for seed in range(200))
        assert same < 20
