"""First launches: of 1,000 instructions, translated or from the cache, and of 50,000 instructions.

    make bench

Every round is a process of its own. `launch_s` goes from the bytes of the code object to the end of the
launch (starting.py); imports and the runtime library, loaded from the cache, are `machine_s`.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from rocverify.toolchain.discover import Toolchain
from tests.benchmarks.processes import start
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.lowering.unrolled import unrolled

pytestmark = pytest.mark.exhaustive

ROUNDS = 7


@pytest.fixture
def assembler(toolchain: Toolchain, tmp_path: Path) -> Assembler:
    found = Assembler.beside(toolchain, tmp_path)
    if found is None:
        pytest.skip("no llvm-mc beside the toolchain's llvm-objdump: install LLVM's tools (Debian: llvm-19)")
    return found


def _medians(rounds: list[dict[str, Any]]) -> dict[str, float]:
    names = ("machine_s", "launch_s", "launch_cpu_s", "translate_s")
    return {name: round(statistics.median(one[name] for one in rounds), 4) for name in names}


@pytest.mark.parametrize("cached", [False, True], ids=["translated", "cached"])
def test_first_launch_in_a_process(
    benchmark: Any, repo_root: Path, assembler: Assembler, tmp_path: Path, cached: bool
) -> None:
    """1,000 instructions. Without the cache only the runtime library is there."""
    code = tmp_path / "unrolled.co"
    code.write_bytes(assembler.kernel(unrolled(1000)))
    start(repo_root, code, tmp_path / "cache")
    other = tmp_path / "other.co"
    rounds = []

    def once() -> None:
        rounds.append(start(repo_root, code if cached else other, tmp_path / "cache"))

    def prepare() -> None:
        other.write_bytes(assembler.kernel(f"s_nop {len(rounds)}\n" + unrolled(999)))

    benchmark.pedantic(once, setup=prepare, rounds=ROUNDS)
    assert {one["wave_instructions"] for one in rounds} == {1000}
    benchmark.extra_info.update(_medians(rounds))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("count", [5_000, 50_000])
def test_translation_of_an_unrolled_kernel(
    benchmark: Any, repo_root: Path, assembler: Assembler, tmp_path: Path, count: int
) -> None:
    code = tmp_path / "unrolled.co"
    code.write_bytes(assembler.kernel(unrolled(count)))
    rounds = []
    benchmark.pedantic(lambda: rounds.append(start(repo_root, code, tmp_path / "cache")), rounds=1)
    benchmark.extra_info.update(_medians(rounds), peak_mib=rounds[0]["peak_bytes"] >> 20)
    assert rounds[0]["wave_instructions"] == count
