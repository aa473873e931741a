"""Dot products, bytes, cube maps, relative moves, long DPP, scalar floats: against their models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import (
    models_bytewise,
    models_dots,
    models_geometry,
    models_relative,
    models_salu_float,
    operands,
)
from tests.device.emulator.translate.semantics.cases import Case, assembled, failures
from tests.device.emulator.translate.semantics.checking import accepted, differences
from tests.device.emulator.translate.semantics.models import Valu
from tests.device.emulator.translate.semantics.operands import Source
from tests.device.emulator.translate.semantics.variants import variants
from tests.machines import opened_machine

FAMILIES: dict[str, tuple[Callable[[], Iterable[Case]], Source]] = {
    "wide dots": (models_dots.wide_cases, operands.half_bits),
    "narrow dots": (models_dots.narrow_cases, operands.half_bits),
    "integer dots": (models_dots.integer_cases, operands.integer_bits),
    "bytes": (models_bytewise.cases, operands.integer_bits),
    "relative": (models_relative.vector_cases, operands.integer_bits),
    "relative scalars": (models_relative.scalar_cases, operands.integer_bits),
    "long dpp": (models_relative.long_dpp_cases, operands.half_bits),
}
VALU: dict[str, tuple[dict[str, Valu], Source]] = {
    "bytes": (models_bytewise.VALU, operands.integer_bits),
    "singles": (
        {name: m for name, m in models_geometry.MODELS.items() if m.result == "f32"},
        operands.float32_bits,
    ),
    "doubles": (
        {name: m for name, m in models_geometry.MODELS.items() if m.result == "f64"},
        operands.float64_bits,
    ),
}
SCALAR_FLOATS: dict[str, tuple[Callable[[], Iterable[Case]], Source]] = {
    "halves": (models_salu_float.cases, operands.half_bits),
    "singles": (models_salu_float.cases, operands.float32_bits),
    "integers": (models_salu_float.conversion_cases, operands.integer_bits),
}


def _check(
    machine: Machine, assembler: Assembler, cases: list[Case], source: Source, lanes: int, rows: int
) -> None:
    tried = assembled(assembler, cases, lanes)
    assert [c.probe.text for c in cases if c not in tried] == []
    wrong = failures(machine, assembler, tried, operands.make_rows(source, rows, lanes=lanes, seed=21))
    if wrong:
        pytest.fail("\n".join(wrong))


@pytest.mark.drawn(2, fast=3)
@pytest.mark.parametrize(
    ("family", "lanes"),
    [
        *((name, 32) for name in FAMILIES),
        *((name, 64) for name in FAMILIES),
    ],
)
def test_families_do_what_the_manual_says(
    machine: Machine, assembler: Assembler, family: str, lanes: int
) -> None:
    make, source = FAMILIES[family]
    _check(machine, assembler, list(make()), source, lanes, rows=10)


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize("family", VALU)
def test_forms_do_what_the_manual_says(machine: Machine, assembler: Assembler, family: str) -> None:
    models, source = VALU[family]
    candidates = [variant for name, model in models.items() for variant in variants(name, model)]
    tried = accepted(assembler, candidates)
    assert {variant.mnemonic for variant in tried} == set(models)
    wrong = differences(machine, assembler, tried, operands.make_rows(source, 12, seed=22))
    if wrong:
        pytest.fail("\n".join(wrong))


@pytest.fixture(scope="module")
def rdna35(toolchain: Toolchain, translations: Path) -> Iterator[Machine]:
    """A machine of RDNA 3.5."""
    with opened_machine(toolchain, translations, target="gfx1150") as made:
        yield made


@pytest.mark.drawn(2, fast=2)
@pytest.mark.parametrize("family", SCALAR_FLOATS)
def test_scalar_floats_do_what_the_manual_says(rdna35: Machine, assembler: Assembler, family: str) -> None:
    make, source = SCALAR_FLOATS[family]
    _check(rdna35, assembler.of("gfx1150"), list(make()), source, 32, rows=50)


def test_scalar_floats_pack(rdna35: Machine, assembler: Assembler) -> None:
    cases = list(models_salu_float.packing_cases())
    _check(rdna35, assembler.of("gfx1150"), cases, operands.whole_singles, 32, rows=50)
