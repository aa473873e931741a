"""Vector instructions, each in several forms, against their models over edge and random operands."""

from __future__ import annotations

import pytest

from rocverify.device.emulator.isa.families.rdna3 import RDNA3
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.translate.semantics.tables import handlers
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import models_float, models_integer, operands
from tests.device.emulator.translate.semantics.checking import accepted, differences
from tests.device.emulator.translate.semantics.models import Valu
from tests.device.emulator.translate.semantics.variants import Variant, variants

HANDLERS = handlers(RDNA3)

INTEGER = models_integer.MODELS
FLOAT = models_float.MODELS


def _first_type(model: Valu) -> str:
    return next((t for t in model.sources if t.startswith("f")), model.sources[0])


def _family(name: str) -> dict[str, Valu]:
    return {m: v for m, v in FLOAT.items() if m in HANDLERS and _first_type(v) == name}


FAMILIES = {
    "integer": ({m: v for m, v in INTEGER.items() if m in HANDLERS}, operands.integer_bits),
    "f16": (_family("f16"), operands.half_bits),
    "f32": (_family("f32"), operands.float32_bits),
    "f64": (_family("f64"), operands.float64_bits),
    "conversions": (
        {m: v for m, v in FLOAT.items() if m in HANDLERS and not _first_type(v).startswith("f")},
        operands.integer_bits,
    ),
}


def _tried(assembler: Assembler, family: str, lanes: int = 32, part: int = 1) -> list[Variant]:
    """The forms that the assembler takes: the plain one of every instruction, and one in `part` others."""
    models, _ = FAMILIES[family]
    listed = [list(variants(name, model)) for name, model in models.items()]
    candidates = [
        variant
        for index, forms in enumerate(listed)
        for place, variant in enumerate(forms)
        if place == 0 or (index + place) % part == 0
    ]
    tried = accepted(assembler, candidates, lanes)
    missing = set(models) - {variant.mnemonic for variant in tried} - NOT_ASSEMBLED
    assert not missing
    return tried


NOT_ASSEMBLED = {"v_xnor_b16", "v_mov_b16", "v_subrev_nc_u16", "v_fmac_f64"}
"""Not on gfx11, or only as true16 that the assembler at hand lacks."""


def _check(
    machine: Machine, family: str, assembler: Assembler, tried: list[Variant], lanes: int = 32
) -> None:
    rows = operands.make_rows(FAMILIES[family][1], 12 if lanes == 32 else 3, lanes=lanes)
    wrong = differences(machine, assembler, tried, rows)
    if wrong:
        pytest.fail("\n".join(wrong))


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize("family", FAMILIES)
def test_instructions_do_what_the_manual_says(machine: Machine, assembler: Assembler, family: str) -> None:
    _check(machine, family, assembler, _tried(assembler, family, part=4))


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
def test_every_form_does_what_the_manual_says(machine: Machine, assembler: Assembler, family: str) -> None:
    _check(machine, family, assembler, _tried(assembler, family))


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES)
def test_wave64_does_the_same(machine: Machine, assembler: Assembler, family: str) -> None:
    tried = [v for v in _tried(assembler, family, 64) if v.sources == v.sources[:1] * len(v.sources)]
    _check(machine, family, assembler, tried, 64)
