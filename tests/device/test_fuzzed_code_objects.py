"""Damaged code objects of every family: an error of ours or an honest result, each one.

Most die while they are read. A share is disassembled, translated and launched, in a process of its own,
since a crash there must be a failed test and not the end of the test run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from rocverify.device.emulator.isa.disassembly import DecodedListing, decoder_of
from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.device.emulator.load.image import load_image
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.emulator.translate.lowering.flow import discover
from rocverify.errors import RocverifyError
from rocverify.toolchain.build import Builder
from rocverify.toolchain.codeobject import read_code_object
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.dwarf_lines import LineTable
from rocverify.toolchain.manifest import ManifestEntry
from tests.device.fuzzing import PARSING, RUNNING, Target, damaged
from tests.device.test_hostile_code_objects import other_code

ROOT = Path(__file__).parents[2]
FAST, LONG, ALL = 150, 20_000, 100_000
CODES = 20_000
LAUNCHES = 12
SHARES = 10
"""What the inputs of a family are divided into: each run of the long suite draws one."""
LAUNCH_SHARES, ALL_LAUNCHES = 4, 400
SECONDS_AN_INPUT = 10.0
"""Of the processor."""
SECONDS_A_BATCH = 300


def decoded_targets() -> list[str]:
    """The first processor of each table of instructions."""
    first: dict[int, str] = {}
    for name, target in PROCESSORS.items():
        decoder = decoder_of(target)
        if decoder is not None:
            first.setdefault(id(decoder), name)
    return list(first.values())


DECODED = decoded_targets()
EXECUTED = [name for name in DECODED if PROCESSORS[name].executed]

SMALL = """extern "C" __attribute__((global)) void probe(const float* x, float* y) {
    y[__builtin_amdgcn_workitem_id_x()] = x[__builtin_amdgcn_workitem_id_x()] + 1.0f;
}
"""
"""A code object of few bytes: small, so that damage meets something."""

MakeTargets = Callable[[str], list[Target]]


@pytest.fixture(scope="module")
def targets_of(
    compiled: Callable[[str], Path], toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory
) -> MakeTargets:
    """Two good code objects for a target. The small one more often: it is read three times as fast."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "probe.hip").write_text(SMALL)
    entry = ManifestEntry("probe.hip", (), "PROBE", flags=("-O2", "-nogpuinc", "-nogpulib"))
    builder = Builder(folder, toolchain, folder / "cache")

    @cache
    def made(target: str) -> list[Target]:
        small = Target.of(builder.build(entry, target).path.read_bytes())
        return [Target.of(compiled(target).read_bytes()), small, small, small]

    return made


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
        begun = time.process_time()
        with Naming(seed):
            outcomes[read_and_load(damaged(targets, PARSING, seed), memory)] += 1
            assert memory.used == 0, "device memory is lost"
            assert time.process_time() - begun < SECONDS_AN_INPUT
    return outcomes


def _check_both_ends(outcomes: Counter[str]) -> None:
    """Damage that never fails, or always does, would be no test of what comes after."""
    assert outcomes["CodeObjectError"] > outcomes.total() // 4
    assert outcomes["loaded"] > outcomes.total() // 50


@pytest.mark.parametrize("name", DECODED)
def test_damaged_objects(targets_of: MakeTargets, name: str) -> None:
    _check_both_ends(fuzz(targets_of(name), range(FAST)))


@pytest.mark.drawn(SHARES)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("name", DECODED)
def test_many_damaged_objects(targets_of: MakeTargets, name: str, share: int) -> None:
    _check_both_ends(fuzz(targets_of(name), range(FAST + share, LONG, SHARES)))


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("name", DECODED)
def test_a_hundred_thousand_damaged_objects(targets_of: MakeTargets, name: str, share: int) -> None:
    _check_both_ends(fuzz(targets_of(name), range(LONG + share, ALL, SHARES)))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", DECODED)
def test_damaged_code_is_decoded_or_refused(targets_of: MakeTargets, name: str) -> None:
    """From the entry of the kernel: either all that control reaches is decoded, or the first words that are
    no instruction are refused."""
    (_, target, *_), outcomes = targets_of(name), Counter[str]()
    image = load_image(target.data, DeviceMemory(1 << 32), "fuzz")
    text = image.content[image.text.start : image.text.stop]
    entry, decoder = image.descriptor("probe").entry, decoder_of(PROCESSORS[name])
    assert decoder is not None
    spellings = PROCESSORS[name].family.spellings
    for seed in range(CODES):
        with Naming(seed):
            code = other_code(text, seed)
            listing = DecodedListing(code, image.text.start, decoder, LineTable(b""), spellings)
            begun = time.process_time()
            try:
                reached = discover(listing, image, entry).instruction_count
                assert 0 < reached <= len(text) // 4
                outcomes["decoded"] += 1
            except RocverifyError as error:
                outcomes[type(error).__name__] += 1
            assert time.process_time() - begun < SECONDS_AN_INPUT
    assert set(outcomes) == {"decoded", "UnsupportedInstructionError"}
    assert min(outcomes.values()) > CODES // 50, outcomes


@pytest.fixture
def folder_of(targets_of: MakeTargets, toolchain: Toolchain, tmp_path: Path) -> Callable[[str], Path]:
    """What fuzz_child wants for a target."""

    def made(name: str) -> Path:
        for number, target in enumerate(targets_of(name)):
            (tmp_path / f"{number}.co").write_bytes(target.data)
        tools = {tool: str(getattr(toolchain, tool)) for tool in ("objdump", "clang")}
        (tmp_path / "tools.json").write_text(json.dumps(tools))
        (tmp_path / "target").write_text(name)
        return tmp_path

    return made


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
@pytest.mark.parametrize("name", EXECUTED)
def test_damaged_kernels_run_or_are_refused(folder_of: Callable[[str], Path], name: str) -> None:
    outcomes = launches(folder_of(name), 0, LAUNCHES)
    assert outcomes.total() == LAUNCHES
    assert outcomes["ran"] < LAUNCHES


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("share", range(LAUNCH_SHARES))
@pytest.mark.parametrize("name", EXECUTED)
def test_more_damaged_kernels_run_or_are_refused(
    folder_of: Callable[[str], Path], name: str, share: int
) -> None:
    count = ALL_LAUNCHES // LAUNCH_SHARES
    outcomes = launches(folder_of(name), LAUNCHES + share * count, count)
    assert outcomes.total() == count
    assert outcomes["ran"] > 0
    assert outcomes["KernelFaultError"] + outcomes["UnsupportedInstructionError"] > 0


@pytest.mark.parametrize("name", DECODED)
def test_damage_is_damage(targets_of: MakeTargets, name: str) -> None:
    """No kind of damage gives back what it got, but for bits that happen to be as they were."""
    targets = targets_of(name)
    for kinds in (PARSING, RUNNING):
        same = sum(damaged(targets, kinds, seed) in {t.data for t in targets} for seed in range(200))
        assert same < 20
