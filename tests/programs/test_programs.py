"""HIP programs in C++, C, Rust and Python under `rocverify exec`, each in all three orders.

Every program compares its results with a computation of its own on the host, says so in its last line, and
exits with 1 if anything was wrong.
"""

from __future__ import annotations

import pytest

from tests.programs.build import Program, Workshop, programs
from tests.programs.running import ORDERS, execute

FOLDERS = ("cpp", "rust", "c", "python")
ALL = [program for folder in FOLDERS for program in programs(folder)]
# One of each language, and one that depends on order; the rest is in the long suite.
QUICK = {
    "cpp/vector_add": "eager",
    "cpp/legacy_stream": "lazy",
    "rust/saxpy": "shuffled",
    "c/module_saxpy": "eager",
    "python/module_arrays": "lazy",
}


def _cases() -> list[object]:
    cases = []
    for program in ALL:
        for order in ORDERS:
            marks = () if QUICK.get(program.name) == order else (pytest.mark.long,)
            cases.append(pytest.param(program, order, id=f"{program.name}-{order}", marks=marks))
    return cases


def test_there_are_as_many_programs_as_promised() -> None:
    counts = {folder: len(programs(folder)) for folder in FOLDERS}
    assert counts["cpp"] >= 40
    assert counts["rust"] >= 6
    assert counts["c"] >= 2
    assert counts["python"] >= 4
    assert {program.name for program in ALL} >= QUICK.keys()


@pytest.mark.parametrize(("program", "order"), _cases())
def test_program_is_right_in_every_order(workshop: Workshop, program: Program, order: str) -> None:
    command = workshop.command(program)
    outcome = execute(command, "--order", order, "--seed", "7", "--require-launch")
    assert outcome.returncode == program.options.exit_code, str(outcome)
    assert outcome.output.rstrip().endswith("RIGHT"), str(outcome)
    assert outcome.launches > 0
