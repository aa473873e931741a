"""Every instruction of RDNA 2 against the models that RDNA 3's are held against, and those of its own."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rocverify.device.emulator.isa.families.rdna2 import RDNA2
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.translate.semantics.tables import handlers
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import (
    models_buffer,
    models_memory,
    models_modes,
    models_rdna2,
    models_scalar,
    models_sdwa,
    operands,
    shared_models,
)
from tests.device.emulator.translate.semantics.cases import assembled, failures
from tests.device.emulator.translate.semantics.checking import accepted, differences
from tests.device.emulator.translate.semantics.shared_models import Cases
from tests.device.emulator.translate.semantics.test_coverage import (
    PROVEN_BY_KERNELS,
    SPELLED_ALIKE,
    WITHOUT_EFFECT,
)
from tests.device.emulator.translate.semantics.variants import variants

CASES: Cases = {
    **shared_models.CASES,
    "SDWA": (models_sdwa.cases, operands.integer_bits),
    "its own": (models_rdna2.cases, operands.integer_bits),
}
FORMS = shared_models.FORMS
FAST = ("SDWA", "its own")
HANDLERS = handlers(RDNA2)

NOT_ON_RDNA2 = ("dual", "half moves", "narrow dots", "long dpp", "integer dots")

WITHOUT_MODEL = (
    WITHOUT_EFFECT | PROVEN_BY_KERNELS | SPELLED_ALIKE | {"v_clrexcp", "s_memtime", "s_memrealtime"}
)
"""Those of RDNA 3, exceptions that nobody raises, and clocks."""


def _names(kinds: Iterable[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in FAST else pytest.mark.long) for name in kinds]


@pytest.mark.parametrize("kind", _names(CASES))
def test_instructions_do_what_the_manual_says(machine: Machine, assembler: Assembler, kind: str) -> None:
    make, source = CASES[kind]
    tried = assembled(assembler, list(make()))
    assert bool(tried) is (kind not in NOT_ON_RDNA2)
    if not tried:
        return
    wrong = failures(machine, assembler, tried, operands.make_rows(source, 8, seed=31))
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.long
@pytest.mark.parametrize("kind", FORMS)
def test_forms_do_what_the_manual_says(machine: Machine, assembler: Assembler, kind: str) -> None:
    models, source = FORMS[kind]
    tried = accepted(assembler, [form for name, model in models.items() for form in variants(name, model)])
    wrong = differences(machine, assembler, tried, operands.make_rows(source, 10, seed=32))
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.long
@pytest.mark.parametrize("kind", ["SDWA", "lanes", "dpp", "compared singles"])
def test_wave64_does_the_same(machine: Machine, assembler: Assembler, kind: str) -> None:
    make, source = CASES[kind]
    tried = assembled(assembler, list(make()), 64)
    wrong = failures(machine, assembler, tried, operands.make_rows(source, 3, lanes=64, seed=33))
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.long
def test_every_instruction_has_a_model(assembler: Assembler) -> None:
    """What the assembler takes for the target and semantics exist for has been held against a model above."""
    cases = [case for make, _ in CASES.values() for case in make()]
    cases += list(models_scalar.saveexec_cases(64))
    forms = [form for models, _ in FORMS.values() for n, m in models.items() for form in variants(n, m)]
    proven = {case.mnemonic for lanes in (32, 64) for case in assembled(assembler, cases, lanes)}
    proven |= {form.mnemonic for form in accepted(assembler, forms)}
    proven |= models_memory.modelled("gfx103") | models_memory.modelled_elsewhere()
    proven |= models_buffer.modelled("gfx103") | models_modes.modelled()
    executed = shared_models.executed(assembler, HANDLERS)
    assert len(executed) > 900
    assert executed - proven - WITHOUT_MODEL == set()
