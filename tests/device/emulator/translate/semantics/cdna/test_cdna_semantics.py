"""Every instruction of CDNA against the models that RDNA 3's are held against, and those of its own."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import models_cdna, models_sdwa, operands, shared_models
from tests.device.emulator.translate.semantics.cases import Case, assembled, failures
from tests.device.emulator.translate.semantics.checking import accepted, differences
from tests.device.emulator.translate.semantics.shared_models import Cases
from tests.device.emulator.translate.semantics.variants import variants

LANES = 64
CASES: Cases = {
    **shared_models.CASES,
    "SDWA": (models_sdwa.cases, operands.integer_bits),
    "its own": (models_cdna.cases, operands.float32_bits),
}
FORMS = shared_models.FORMS
FAST = ("its own",)


def _names(kinds: Iterable[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in FAST else pytest.mark.drawn(3)) for name in kinds]


def _shared(kind: str, cases: Iterable[Case]) -> list[Case]:
    """Without what CDNA does in another way."""
    return [case for case in cases if kind == "its own" or case.mnemonic not in models_cdna.OTHERWISE]


@pytest.mark.parametrize("kind", _names(CASES))
def test_instructions_do_what_the_manual_says(machine: Machine, assembler: Assembler, kind: str) -> None:
    make, source = CASES[kind]
    tried = assembled(assembler, _shared(kind, make()), LANES)
    assert bool(tried) is (kind not in models_cdna.NOT_THERE)
    if not tried:
        return
    wrong = failures(machine, assembler, tried, operands.make_rows(source, 6, lanes=LANES, seed=51))
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.drawn(3)
@pytest.mark.parametrize("kind", FORMS)
def test_forms_do_what_the_manual_says(machine: Machine, assembler: Assembler, kind: str) -> None:
    models, source = FORMS[kind]
    plain = {n: m for n, m in models.items() if n not in models_cdna.OTHERWISE}
    forms = [form for name, model in plain.items() for form in variants(name, model)]
    tried = accepted(assembler, forms, LANES)
    wrong = differences(machine, assembler, tried, operands.make_rows(source, 8, lanes=LANES, seed=52))
    assert not wrong, "\n".join(wrong[:20])
