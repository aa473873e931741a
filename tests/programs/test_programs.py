"""HIP programs in C++, C, Rust and Python, each in all three orders: eagerly under `rocverify exec`, in the
others on the device process of the tests.

Every program compares its results with a computation of its own on the host, says so in its last line, and
exits with 1 if anything was wrong.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.device.hip.executor import Order
from tests.devices import emulated
from tests.programs.build import Program, Workshop, programs
from tests.programs.running import ORDERS, execute, execute_on

FOLDERS = ("cpp", "rust", "c", "python")
ALL = [program for folder in FOLDERS for program in programs(folder)]
# One of each language, and one that depends on order; the long suite draws an order for each of the others.
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
            marks = () if QUICK.get(program.name) == order else (pytest.mark.drawn(3),)
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
def test_program_is_right_in_every_order(
    workshop: Workshop, own_cache: Path, program: Program, order: Order
) -> None:
    command = workshop.command(program)
    if order == "eager":
        outcome = execute(command, "--order", order, "--require-launch")
        launches = outcome.launches
        wanted = program.options.exit_code
    else:
        with emulated(workshop.toolchain, own_cache, order=order, seed=7) as device:
            outcome, launches = execute_on(device, command)
        wanted = 0  # what `exec` adds to a program's own exit code is for `exec` to say
    assert outcome.returncode == wanted, str(outcome)
    assert outcome.output.rstrip().endswith("RIGHT"), str(outcome)
    assert launches > 0
