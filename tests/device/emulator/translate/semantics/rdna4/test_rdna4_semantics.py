"""Every instruction of RDNA 4 against the models that RDNA 3's are held against, and those of its own."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rocverify.device.emulator.isa.families.rdna4 import RDNA4
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.translate.semantics.rdna4 import CACHES, SIGNAL
from rocverify.device.emulator.translate.semantics.tables import handlers
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import (
    models_buffer,
    models_matrix_rdna4,
    models_memory,
    models_modes,
    models_rdna4,
    models_salu_float,
    models_scalar,
    operands,
    shared_models,
)
from tests.device.emulator.translate.semantics.cases import Case, assembled, failures
from tests.device.emulator.translate.semantics.checking import accepted, differences
from tests.device.emulator.translate.semantics.operands import Source
from tests.device.emulator.translate.semantics.shared_models import Cases, Forms
from tests.device.emulator.translate.semantics.test_coverage import (
    PROVEN_BY_KERNELS,
    SPELLED_ALIKE,
    WITHOUT_EFFECT,
)
from tests.device.emulator.translate.semantics.variants import variants

CASES: Cases = {
    **shared_models.CASES,
    "scalar halves": (models_salu_float.cases, operands.half_bits),
    "scalar singles": (models_salu_float.cases, operands.float32_bits),
    "scalar conversions": (models_salu_float.conversion_cases, operands.integer_bits),
    "scalar packing": (models_salu_float.packing_cases, operands.whole_singles),
    "its own": (models_rdna4.cases, operands.integer_bits),
}
OWN_FORMS = "extremes of %s"
FORMS: Forms = {
    **shared_models.FORMS,
    **{
        OWN_FORMS % t: ({n: m for n, m in models_rdna4.EXTREMES.items() if n.endswith(t)}, source)
        for t, source in (
            ("f16", operands.half_bits),
            ("f32", operands.float32_bits),
            ("f64", operands.float64_bits),
        )
    },
}
HANDLERS = handlers(RDNA4)
FAST = ("its own",)

WITHOUT_MODEL = (
    WITHOUT_EFFECT
    | PROVEN_BY_KERNELS
    | SPELLED_ALIKE
    | {*RDNA4.ordering.waits, *CACHES, SIGNAL, "s_sleep_var"}
    if RDNA4.ordering
    else set()
)
"""Those of RDNA 3, and what waits or concerns caches."""


def _names(kinds: Iterable[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in FAST else pytest.mark.drawn(3)) for name in kinds]


def _shared(kind: str, cases: Iterable[Case]) -> list[Case]:
    """Without what RDNA 4 does in another way."""
    return [case for case in cases if kind == "its own" or case.mnemonic not in models_rdna4.OTHERWISE]


@pytest.mark.parametrize("kind", _names(CASES))
def test_instructions_do_what_the_manual_says(machine: Machine, assembler: Assembler, kind: str) -> None:
    make, source = CASES[kind]
    tried = assembled(assembler, _shared(kind, make()))
    assert tried
    wrong = failures(machine, assembler, tried, operands.make_rows(source, 8, seed=41))
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.drawn(3)
@pytest.mark.parametrize("kind", FORMS)
def test_forms_do_what_the_manual_says(machine: Machine, assembler: Assembler, kind: str) -> None:
    models, source = FORMS[kind]
    plain = {
        n: m for n, m in models.items() if kind.startswith(OWN_FORMS[:8]) or n not in models_rdna4.OTHERWISE
    }
    tried = accepted(assembler, [form for name, model in plain.items() for form in variants(name, model)])
    wrong = differences(machine, assembler, tried, operands.make_rows(source, 10, seed=42))
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.drawn(4)
@pytest.mark.parametrize("source", [operands.half_bits, operands.float32_bits], ids=["halves", "singles"])
@pytest.mark.parametrize("lanes", [32, 64])
def test_its_own_with_edges(machine: Machine, assembler: Assembler, source: Source, lanes: int) -> None:
    tried = assembled(assembler, list(models_rdna4.cases()), lanes)
    wrong = failures(machine, assembler, tried, operands.make_rows(source, 8, lanes=lanes, seed=43))
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.long
def test_every_instruction_has_a_model(assembler: Assembler) -> None:
    """What the assembler takes for the target and semantics exist for has been held against a model above."""
    cases = [case for kind, (make, _) in CASES.items() for case in _shared(kind, make())]
    cases += list(models_scalar.saveexec_cases(64))
    forms = [form for models, _ in FORMS.values() for n, m in models.items() for form in variants(n, m)]
    proven = {case.mnemonic for lanes in (32, 64) for case in assembled(assembler, cases, lanes)}
    proven |= {form.mnemonic for form in accepted(assembler, forms)}
    proven |= models_memory.modelled("gfx12") | models_memory.modelled_elsewhere()
    proven |= models_buffer.modelled("gfx12") | models_modes.modelled()
    proven |= {kind.mnemonic for kind in models_matrix_rdna4.KINDS}
    executed = shared_models.executed(assembler, HANDLERS)
    assert len(executed) > 900
    assert executed - proven - WITHOUT_MODEL == set()
