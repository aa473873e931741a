"""Every instruction of CDNA against the models that RDNA 3's are held against, and those of its own."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import (
    models_cdna,
    models_lanes,
    models_scalar,
    models_sdwa,
    operands,
    shared_models,
)
from tests.device.emulator.translate.semantics.cases import assembled, failures
from tests.device.emulator.translate.semantics.checking import accepted, differences
from tests.device.emulator.translate.semantics.shared_models import Cases
from tests.device.emulator.translate.semantics.variants import variants

LANES = 64
CASES: Cases = {
    **shared_models.CASES,
    "permutations": (lambda: models_lanes.permutation_cases(LANES), operands.integer_bits),
    "SDWA": (models_sdwa.cases, operands.integer_bits),
    "exec": (lambda: models_scalar.saveexec_cases(LANES), operands.integer_bits),
    "pairs of singles": (models_cdna.packed_cases, operands.whole_singles),
    "its own": (models_cdna.cases, operands.float32_bits),
}
FORMS = shared_models.FORMS
FAST = ("its own", "pairs of singles")


def _names(kinds: Iterable[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in FAST else pytest.mark.drawn(3)) for name in kinds]


@pytest.mark.parametrize("kind", _names(CASES))
def test_instructions_do_what_the_manual_says(machine: Machine, assembler: Assembler, kind: str) -> None:
    make, source = CASES[kind]
    tried = assembled(assembler, [models_cdna.also_to_vcc(case) for case in make()], LANES)
    assert bool(tried) is (kind not in models_cdna.NOT_THERE)
    if not tried:
        return
    wrong = failures(machine, assembler, tried, operands.make_rows(source, 6, lanes=LANES, seed=51))
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.drawn(3)
@pytest.mark.parametrize("kind", FORMS)
def test_forms_do_what_the_manual_says(machine: Machine, assembler: Assembler, kind: str) -> None:
    models, source = FORMS[kind]
    forms = [form for name, model in models.items() for form in variants(name, model)]
    tried = accepted(assembler, forms, LANES)
    rows = operands.make_rows(source, 8, lanes=LANES, seed=52)
    wrong = differences(machine, assembler, tried, rows, models_cdna.ZEROING)
    assert not wrong, "\n".join(wrong[:20])


def test_floats_of_eight_bits(machine: Machine, assembler: Assembler, target: str) -> None:
    tried = assembled(assembler, list(models_cdna.eight_cases()), LANES)
    assert len(tried) == (6 if target == "gfx942" else 0)
    if not tried:
        return
    rows = operands.make_rows(operands.float32_bits, 6, lanes=LANES, seed=53)
    rows += operands.make_rows(models_cdna.moderate_bits, 6, lanes=LANES, seed=54)
    wrong = failures(machine, assembler, tried, rows)
    assert not wrong, "\n".join(wrong[:20])
