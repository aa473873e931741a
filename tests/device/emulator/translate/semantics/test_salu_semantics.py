"""Scalar instructions against their models: result, SCC, EXEC, over edge and random operands."""

from __future__ import annotations

import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import models_scalar, operands
from tests.device.emulator.translate.semantics.cases import Case, assembled, failures


def _check(machine: Machine, assembler: Assembler, cases: list[Case], lanes: int) -> None:
    rows = operands.make_rows(operands.integer_bits, 150, lanes=lanes, seed=3)
    wrong = failures(machine, assembler, assembled(assembler, cases, lanes), rows)
    if wrong:
        pytest.fail("\n".join(wrong))


def test_scalar_instructions_do_what_the_manual_says(machine: Machine, assembler: Assembler) -> None:
    _check(machine, assembler, models_scalar.cases(), 32)


@pytest.mark.parametrize("lanes", [32, 64])
def test_exec_is_saved_and_combined(machine: Machine, assembler: Assembler, lanes: int) -> None:
    _check(machine, assembler, list(models_scalar.saveexec_cases(lanes)), lanes)
