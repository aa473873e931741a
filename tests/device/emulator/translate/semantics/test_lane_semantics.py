"""DPP, lane moves, permutations, VOPD and packed math against their models."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import models_lanes, models_packed, operands
from tests.device.emulator.translate.semantics.cases import Case, assembled, failures

FAMILIES: dict[str, tuple[Callable[[], Iterable[Case]], operands.Source]] = {
    "dpp": (models_lanes.dpp_cases, operands.integer_bits),
    "lanes": (models_lanes.lane_cases, operands.integer_bits),
    "permutations": (models_lanes.permutation_cases, operands.integer_bits),
    "dual": (models_lanes.dual_cases, operands.float32_bits),
    "packed floats": (models_packed.float_cases, operands.half_bits),
    "packed sums": (models_packed.accumulating_cases, operands.half_bits),
    "packed integers": (models_packed.integer_cases, operands.integer_bits),
    "mixed halves": (models_packed.mixed_cases, operands.half_bits),
    "mixed singles": (models_packed.mixed_cases, operands.float32_bits),
    "halves": (models_packed.half_cases, operands.half_bits),
    "half moves": (models_packed.half_moves, operands.integer_bits),
    "dots": (models_packed.dot_cases, operands.whole_halves),
    "conversions": (models_packed.conversion_cases, operands.float32_bits),
}

WIDE = ("dpp", "lanes", "permutations")


@pytest.mark.drawn(2, fast=4)
@pytest.mark.parametrize(
    ("family", "lanes"),
    [*((name, 32) for name in FAMILIES), *((name, 64) for name in WIDE)],
)
def test_lanes_move_as_the_manual_says(
    machine: Machine, assembler: Assembler, family: str, lanes: int
) -> None:
    make, source = FAMILIES[family]
    cases = list(make())
    tried = assembled(assembler, cases, lanes)
    if not tried:
        pytest.skip("the assembler at hand knows none of these forms")
    rows = operands.make_rows(source, 8, lanes=lanes, seed=7)
    wrong = failures(machine, assembler, tried, rows)
    wrong += [f"not assembled: {case.probe.text}" for case in cases if case not in tried]
    if wrong:
        pytest.fail("\n".join(wrong))
