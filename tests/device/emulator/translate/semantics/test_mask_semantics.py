"""Comparisons, classes, carries and selections against their models, in wave32 and wave64."""

from __future__ import annotations

import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import models_masks, operands
from tests.device.emulator.translate.semantics.cases import assembled, failures
from tests.device.emulator.translate.semantics.operands import Source

SOURCES: dict[str, Source] = {
    "f16": operands.half_bits, "f32": operands.float32_bits, "f64": operands.float64_bits,
    "integer": operands.integer_bits,
}  # fmt: skip


@pytest.mark.drawn(2, fast=2)
@pytest.mark.parametrize(
    ("family", "lanes"),
    [*((name, 32) for name in SOURCES), ("f32", 64), ("integer", 64)],
)
def test_masks_are_what_the_manual_says(
    machine: Machine, assembler: Assembler, family: str, lanes: int
) -> None:
    cases = models_masks.integer_cases() if family == "integer" else models_masks.float_cases(family)
    rows = operands.make_rows(SOURCES[family], 8, lanes=lanes, seed=5)
    wrong = failures(machine, assembler, assembled(assembler, cases, lanes), rows)
    if wrong:
        pytest.fail("\n".join(wrong))
