"""MODE: rounding, denormals, DX10_CLAMP, IEEE and output modifiers, against exact fractions."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.probes import Row
from tests.device.emulator.translate.semantics import models_modes as modes
from tests.device.emulator.translate.semantics import operands
from tests.device.emulator.translate.semantics.checking import differences
from tests.device.emulator.translate.semantics.models import TYPES
from tests.device.emulator.translate.semantics.models_float import MODELS as FLOAT
from tests.device.emulator.translate.semantics.models_modes import ModeCase
from tests.device.emulator.translate.semantics.operands import Source
from tests.device.emulator.translate.semantics.softfloat import F16, F32, F64, Format


def near_the_edges(f: Format) -> Source:
    """Values whose sums and products round, cancel, overflow and become denormal."""
    plain, lanes = operands.float_bits(f), 64 // f.bits
    low_exponent = 1 << f.man

    def draw(rng: random.Random) -> int:
        kind = rng.random()
        if kind < 0.35:
            return plain(rng)
        sign = rng.getrandbits(1) << f.bits - 1
        if kind < 0.55:
            return sign | rng.randrange(3 * low_exponent)
        if kind < 0.7:
            return sign | f.inf - 1 - rng.randrange(4 * low_exponent)
        half = (f.exp_ones >> 1) + rng.randrange(-3, 4)
        return sign | half << f.man | rng.getrandbits(f.man)

    return lambda rng: sum(draw(rng) << f.bits * i for i in range(lanes))


SOURCES = {"f16": near_the_edges(F16), "f32": near_the_edges(F32), "f64": near_the_edges(F64)}


def _by_source(cases: Sequence[ModeCase]) -> dict[str, list[ModeCase]]:
    groups: dict[str, list[ModeCase]] = {"f16": [], "f32": [], "f64": [], "integer": []}
    for case in cases:
        first = next((t for t in case.model.sources if TYPES[t].format), "integer")
        groups[first].append(case)
    return groups


def _check(machine: Machine, assembler: Assembler, cases: Sequence[ModeCase], rows: int, lanes: int) -> None:
    wrong = []
    for name, group in _by_source([c for c in cases if c.mnemonic not in NOT_ASSEMBLED]).items():
        if group:
            source = SOURCES.get(name, operands.integer_bits)
            made: list[Row] = operands.make_rows(source, rows, lanes=lanes, seed=7)
            wrong += differences(machine, assembler, group, made)  # type: ignore[arg-type]
    assert not wrong, "\n".join(wrong)


NOT_ASSEMBLED = {"v_fmac_f64"}
"""Not on gfx11."""


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize("mode", [modes.UP, modes.DOWN, modes.ZERO])
def test_directed_rounding(machine: Machine, assembler: Assembler, mode: int) -> None:
    _check(machine, assembler, modes.rounded_cases(mode, "immediate"), 8, 32)


@pytest.mark.drawn(3)
@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize("how", ["immediate", "setreg", "register"])
@pytest.mark.parametrize("mode", modes.ROUNDINGS)
def test_every_rounding(machine: Machine, assembler: Assembler, mode: int, how: str, lanes: int) -> None:
    """With "register" the translator cannot know the mode: the code looks at it when it runs."""
    _check(machine, assembler, modes.rounded_cases(mode, how), 40 if lanes == 32 else 12, lanes)


@pytest.mark.long
def test_flushed_denormals(machine: Machine, assembler: Assembler) -> None:
    _check(machine, assembler, modes.denormal_cases(modes.FLUSH_BOTH, modes.KEEP, "immediate"), 6, 32)


@pytest.mark.drawn(3)
@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize("how", ["immediate", "register"])
@pytest.mark.parametrize("fields", [(0, 0), (0, 3), (3, 0), (1, 2), (2, 1)])
def test_every_denormal_mode(
    machine: Machine, assembler: Assembler, fields: tuple[int, int], how: str, lanes: int
) -> None:
    _check(machine, assembler, modes.denormal_cases(*fields, how), 12 if lanes == 32 else 4, lanes)


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize(("ieee", "denorm"), [(0, modes.FLUSH_BOTH), (1, modes.FLUSH_BOTH), (0, modes.KEEP)])
def test_output_modifiers(machine: Machine, assembler: Assembler, ieee: int, denorm: int) -> None:
    _check(machine, assembler, modes.omod_cases(ieee, denorm), 10, 32)


def test_without_dx10_clamp_and_ieee(machine: Machine, assembler: Assembler) -> None:
    _check(machine, assembler, modes.bit_cases(), 10, 32)


def test_everything_rounded_has_a_model() -> None:
    """directed.py stands in for exactly what is modelled here, and for what golden kernels prove."""
    from rocverify.device.emulator.translate.semantics.directed import DIRECTED

    elsewhere = {
        name for name in DIRECTED if name.startswith(("v_div_fmas", "v_pk_", "v_fma_mix", "v_fmam", "v_fmaa"))
    }
    names_of_no_instruction = {"v_sub_f64", "v_subrev_f64", "v_fmac_f64", "v_fma_dx9_zero_f32"}
    assert set(DIRECTED) - elsewhere - names_of_no_instruction == set(modes.ROUNDED)
    assert set(modes.ROUNDED) <= set(FLOAT)
