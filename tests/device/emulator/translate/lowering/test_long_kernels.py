"""Translation grows with the code, no faster: 5,000 instructions without a loop against 50,000."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.translate.lowering import strips
from rocverify.device.emulator.translate.lowering.program import translate
from tests.benchmarks.processes import start
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.lowering.unrolled import unrolled

SHORT, LONG = 5_000, 50_000
PEAK_BYTES = 2 << 30
"""Of the whole process; measured: 1.1 GB."""
CPU_S = 60
"""Whatever else the machine does; a quiet one is to take less than 30."""
STEEPER = 1.6
"""Ten times the code may take 16 times as long: CPU times of one machine differ by that with the load."""


@dataclass(frozen=True)
class Written:
    """How much IR stands for how much machine code: lines of instructions, and of the longest block."""

    instructions: int
    lines: int
    longest: int


def _written(machine: Machine, assembler: Assembler, count: int) -> Written:
    kernel = machine.load(assembler.kernel(unrolled(count))).kernel("probe")
    made = translate(kernel.family, kernel.graph, kernel.descriptor, kernel.name, "wave")
    blocks = re.split(r"^\S+:$", made.ir, flags=re.MULTILINE)[1:]
    lengths = [len(re.findall(r"^  \S", block, re.MULTILINE)) for block in blocks]
    return Written(made.instruction_count, sum(lengths), max(lengths))


@pytest.mark.exhaustive
def test_ir_is_proportional_to_the_code(machine: Machine, assembler: Assembler) -> None:
    """Exact, whatever the machine: as much IR an instruction, in blocks that get no longer."""
    short, long = (_written(machine, assembler, count) for count in (SHORT, LONG))
    assert (short.instructions, long.instructions) == (SHORT, LONG)
    assert long.lines / LONG == pytest.approx(short.lines / SHORT, rel=0.03)
    assert long.longest < 4 * strips.MOST


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
def test_time_and_memory_of_translation(repo_root: Path, assembler: Assembler, tmp_path: Path) -> None:
    """In processes of their own; CPU time of all threads."""
    taken = []
    for count in (1_000, SHORT, LONG):
        code = tmp_path / f"{count}.co"
        code.write_bytes(assembler.kernel(unrolled(count)))
        taken.append(start(repo_root, code, tmp_path / "cache"))
    warmed, short, long = taken
    assert warmed["wave_instructions"] == 1_000
    assert (short["wave_instructions"], long["wave_instructions"]) == (SHORT, LONG)
    assert long["launch_cpu_s"] < CPU_S
    assert long["launch_cpu_s"] / short["launch_cpu_s"] < STEEPER * LONG / SHORT
    assert long["peak_bytes"] < PEAK_BYTES
