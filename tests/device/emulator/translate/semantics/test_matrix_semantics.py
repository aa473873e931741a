"""WMMA against its model: every type, both wave sizes, modifiers, constants, EXEC, and what must fault."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import models_matrix as model
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.matrix_runs import destination
from tests.device.emulator.translate.semantics.models import mask
from tests.device.emulator.translate.semantics.models_matrix import KINDS, SIZE, Form, Kind, Matrix
from tests.device.emulator.translate.semantics.operands import float_bits
from tests.device.emulator.translate.semantics.softfloat import F32, from_float

INPUTS = 32
"""Registers that are loaded: A from v8, B from v16, C from v24, D's old content from v32."""

Draw = Callable[[random.Random], int]

TURNS = [
    pytest.param(kind, lanes, marks=() if kind.format is None and index % 2 == turn else pytest.mark.drawn(2))
    for index, kind in enumerate(KINDS)
    for turn, lanes in enumerate((32, 64))
]
"""Every kind with both wave sizes; those of integers, whose model takes less time, in turn in the fast
suite."""


def _kernel(kind: Kind, form: Form, lanes: int) -> str:
    lines = ["s_load_b128 s[4:7], s[0:1], 0x0", "v_lshlrev_b32 v1, 2, v0", "s_waitcnt lgkmcnt(0)"]
    for register in range(INPUTS):
        lines += [f"global_load_b32 v{8 + register}, v1, s[4:5]", f"v_add_nc_u32 v1, {4 * lanes}, v1"]
    last, count = 7 + kind.input_registers, SIZE * SIZE // lanes
    c = form.constant or f"v[24:{23 + count}]"
    exec_ = "exec_lo" if lanes == 32 else "exec"
    bits = "b32" if lanes == 32 else "b64"
    lines += ["s_waitcnt vmcnt(0)", f"s_mov_{bits} {exec_}, 0x5a5"]
    lines += [f"{kind.mnemonic} v[32:{31 + count}], v[8:{last}], v[16:{last + 8}], {c}{form.tail()}"]
    lines += [f"s_mov_{bits} {exec_}, -1", "v_lshlrev_b32 v1, 2, v0"]
    for register in range(count):
        lines += [f"global_store_b32 v1, v{32 + register}, s[6:7]", f"v_add_nc_u32 v1, {4 * lanes}, v1"]
    return "\n".join([*lines, "s_endpgm"])


def _run(machine: Machine, code: bytes, registers: model.Registers, lanes: int) -> np.ndarray:
    """The registers of D afterwards, a row each."""
    return destination(machine, code, registers, lanes, SIZE * SIZE // lanes)


def _matrix(rng: random.Random, draw: Draw) -> Matrix:
    return [[draw(rng) for _ in range(SIZE)] for _ in range(SIZE)]


def _draws(kind: Kind, sort: str) -> tuple[Draw, Draw]:
    """How elements of A and B, and of C, are drawn."""
    if kind.format is None:
        ends = (0, 1 << kind.bits - 1, (1 << kind.bits) - 1, (1 << kind.bits - 1) - 1)
        if sort == "edges":
            return (
                lambda rng: rng.choice(ends),
                lambda rng: rng.choice((0, mask(31), 1 << 31, mask(32), mask(31) - 900, rng.getrandbits(32))),
            )
        return lambda rng: rng.getrandbits(kind.bits), lambda rng: rng.getrandbits(32)
    form, wide = kind.format, F32 if kind.result == 32 else kind.format
    if sort == "edges":  # one in 40, so that not every element is NaN
        edge, other = float_bits(form), float_bits(wide)
        return (
            lambda rng: edge(rng) if rng.random() < 0.025 else from_float(form, rng.uniform(-2, 2)),
            lambda rng: other(rng) if rng.random() < 0.3 else from_float(wide, rng.uniform(-9, 9)),
        )
    return (
        lambda rng: from_float(form, rng.uniform(-1, 1) * 2.0 ** rng.randint(-9, 5)),
        lambda rng: from_float(wide, rng.uniform(-1, 1) * 2.0 ** rng.randint(-9, 9)),
    )


class _Launch:
    """One set of operands, in registers and as matrices."""

    def __init__(self, kind: Kind, form: Form, lanes: int, sort: str, seed: int) -> None:
        rng = random.Random(seed)
        draw, draw_c = _draws(kind, sort)
        self.kind, self.form, self.lanes = kind, form, lanes
        self.a, self.b = _matrix(rng, draw), _matrix(rng, draw)
        self.c = [[form.constant_bits] * SIZE] * SIZE if form.constant else _matrix(rng, draw_c)
        self.old = [[rng.getrandbits(32) for _ in range(lanes)] for _ in range(8)]
        self.junk = [[rng.getrandbits(16) for _ in range(lanes)] for _ in range(8)]

    def registers(self) -> model.Registers:
        inputs = [model.input_registers(self.kind, m, self.lanes) for m in (self.a, self.b)]
        spare = [[0x7FBADBAD] * self.lanes] * 8
        c = [[0] * self.lanes for _ in range(8)]
        for m in range(SIZE):
            for n in range(SIZE):
                register, lane = model.place(m, n, self.lanes)
                c[register][lane] = self._in_half(self.c[m][n], self.junk[register][lane])
        return [row for block in (*inputs, c, self.old) for row in (*block, *spare)[:8]]

    def _in_half(self, value: int, rest: int) -> int:
        if self.kind.result == 32:
            return value
        return value << 16 | rest if self.form.high else value | rest << 16

    def wrong(self, seen: np.ndarray) -> list[str]:
        wanted, found = model.expected(self.kind, self.form, self.a, self.b, self.c), []
        for m in range(SIZE):
            for n in range(SIZE):
                register, lane = model.place(m, n, self.lanes)
                old, value = self.old[register][lane], int(seen[register][lane])
                rest = old & mask(16) if self.form.high else old >> 16
                if not self._agrees(value, wanted[m][n], rest):
                    found.append(f"D[{m}][{n}] is {value:#x}, not {wanted[m][n]:#x}")
        return found

    def _agrees(self, value: int, wanted: int, rest: int) -> bool:
        wide = self.kind.result == 32
        if not wide and (value & mask(16) if self.form.high else value >> 16) != rest:
            return False
        result = value if wide else value >> 16 if self.form.high else value & mask(16)
        form = F32 if wide else self.kind.format
        if self.kind.format is None or form is None or not sf.is_nan(form, wanted):
            return result == wanted
        return sf.is_nan(form, result) and not sf.is_signalling(form, result)


@pytest.mark.parametrize(("kind", "lanes"), TURNS, ids=lambda value: getattr(value, "mnemonic", value))
def test_the_product_is_what_the_manual_says(
    machine: Machine, assembler: Assembler, kind: Kind, lanes: int
) -> None:
    failures = []
    for index, form in enumerate(model.forms(kind)):
        code = assembler.kernel(_kernel(kind, form, lanes), lanes)
        launch = _Launch(kind, form, lanes, ("plain", "edges")[index % 2], seed=index)
        wrong = launch.wrong(_run(machine, code, launch.registers(), lanes))
        failures += [f"{form.constant}{form.tail()}: {len(wrong)} wrong, e.g. {wrong[0]}"] if wrong else []
    assert not failures, "\n".join(failures)


@pytest.mark.drawn(4)
@pytest.mark.parametrize("sort", ["plain", "edges"])
@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.mnemonic)
def test_every_form_of_many_products(
    machine: Machine, assembler: Assembler, kind: Kind, lanes: int, sort: str
) -> None:
    for form in model.forms(kind):
        code = assembler.kernel(_kernel(kind, form, lanes), lanes)
        for seed in range(100, 104):
            launch = _Launch(kind, form, lanes, sort, seed)
            assert not launch.wrong(_run(machine, code, launch.registers(), lanes)), (form, seed)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.format and k.result == 32], ids=lambda k: k.mnemonic)
def test_the_error_is_within_the_stated_bound(machine: Machine, assembler: Assembler, kind: Kind) -> None:
    """runtime/matrix.c: 16 u / (1 - 16 u) of the sum of magnitudes, with u = 2**-24."""
    unit = Fraction(1, 2**24)
    bound = 16 * unit / (1 - 16 * unit)
    launch = _Launch(kind, Form(), 32, "plain", seed=77)
    code = assembler.kernel(_kernel(kind, Form(), 32), 32)
    seen = _run(machine, code, launch.registers(), 32)
    worst = Fraction(0)
    for m in range(SIZE):
        for n in range(SIZE):
            register, lane = model.place(m, n, 32)
            value = sf.to_fraction(F32, int(seen[register][lane]))
            true, scale = model.exact(kind, Form(), launch.a[m], launch.b[n], launch.c[m][n])
            worst = max(worst, abs(value - true) / scale)
    assert 0 < worst <= bound


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize("kind", [KINDS[0], next(kind for kind in KINDS if kind.format is None)])
def test_each_group_of_16_lanes_uses_its_own_copies(
    machine: Machine, assembler: Assembler, lanes: int, kind: Kind
) -> None:
    code = assembler.kernel(_kernel(kind, Form(), lanes), lanes)
    launch = _Launch(kind, Form(), lanes, "plain", seed=1)
    others = [_Launch(kind, Form(), lanes, "plain", seed=2 + group) for group in range(lanes // SIZE)]
    registers = [list(row) for row in launch.registers()]
    for group, other in enumerate(others):
        lanes_of_group = slice(SIZE * group, SIZE * (group + 1))
        for row, given in zip(registers[:16], other.registers(), strict=False):  # those of A and B
            row[lanes_of_group] = given[lanes_of_group]
    seen = _run(machine, code, registers, lanes)
    for m in range(SIZE):
        a, b = others[m % (lanes // SIZE)].a, others[m % (lanes // SIZE)].b
        row = model.expected(kind, Form(), a, b, launch.c)[m]
        for n in range(SIZE):
            register, lane = model.place(m, n, lanes)
            assert int(seen[register][lane]) == row[n], (m, n)
