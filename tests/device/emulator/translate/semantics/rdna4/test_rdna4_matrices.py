"""WMMA and SWMMAC of RDNA 4 against their model: every type, both wave sizes, modifiers, constants, EXEC."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import models_matrix_rdna4 as model
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.matrix_runs import destination
from tests.device.emulator.translate.semantics.models import mask
from tests.device.emulator.translate.semantics.models_matrix import Form, Matrix, Registers
from tests.device.emulator.translate.semantics.models_matrix_rdna4 import BITS, HALVES, KINDS, SIZE, Kind
from tests.device.emulator.translate.semantics.softfloat import F32, from_float

BLOCKS = {"a": 8, "b": 16, "c": 24, "d": 32, "index": 40}
"""First registers, eight each. D is C too where A is sparse."""
INPUTS = 40


def _kernel(kind: Kind, form: Form, lanes: int, key: int) -> str:
    lines = ["s_load_b128 s[4:7], s[0:1], 0x0", "v_lshlrev_b32 v1, 2, v0", "s_waitcnt lgkmcnt(0)"]
    for register in range(INPUTS):
        lines += [f"global_load_b32 v{8 + register}, v1, s[4:5]", f"v_add_nc_u32 v1, {4 * lanes}, v1"]
    bits, exec_ = ("b32", "exec_lo") if lanes == 32 else ("b64", "exec")
    lines += ["s_waitcnt vmcnt(0)", f"s_mov_{bits} {exec_}, 0x5a5", _instruction(kind, form, lanes, key)]
    lines += [f"s_mov_{bits} {exec_}, -1", "v_lshlrev_b32 v1, 2, v0"]
    for register in range(_outputs(kind, lanes)):
        lines += [f"global_store_b32 v1, v{BLOCKS['d'] + register}, s[6:7]"]
        lines += [f"v_add_nc_u32 v1, {4 * lanes}, v1"]
    return "\n".join([*lines, "s_endpgm"])


def _outputs(kind: Kind, lanes: int) -> int:
    return SIZE * SIZE * kind.result // (32 * lanes)


def _tuple(block: str, count: int) -> str:
    first = BLOCKS[block]
    return f"v{first}" if count == 1 else f"v[{first}:{first + count - 1}]"


def _instruction(kind: Kind, form: Form, lanes: int, key: int) -> str:
    sizes = [
        depth * SIZE * BITS[one] // (32 * lanes) for depth, one in ((kind.kept, kind.a), (kind.depth, kind.b))
    ]
    d, a, b = _tuple("d", _outputs(kind, lanes)), _tuple("a", max(sizes[0], 1)), _tuple("b", max(sizes[1], 1))
    if kind.sparse:
        tail = f" index_key:{key}" if key else ""
        return f"{kind.mnemonic} {d}, {a}, {b}, {_tuple('index', 1)}{tail}{form.tail()}"
    c = form.constant or _tuple("c", _outputs(kind, lanes))
    return f"{kind.mnemonic} {d}, {a}, {b}, {c}{form.tail()}"


def _element(name: str, rng: random.Random) -> int:
    """Now and then any bits, NaN among them; else moderate numbers."""
    if name not in HALVES:
        value = rng.getrandbits(BITS[name])
        special = {"fp8": (0x7F,), "bf8": (0x7C, 0x7D, 0x7E, 0x7F)}.get(name, ())
        return 0x12 if value & 0x7F in special and rng.random() < 0.9 else value
    if rng.random() < 0.01:
        return rng.getrandbits(16)
    return from_float(HALVES[name], rng.uniform(-2, 2))


class _Operands:
    def __init__(self, kind: Kind, form: Form, seed: int) -> None:
        rng = random.Random(seed)
        self.kind, self.form = kind, form
        self.a: Matrix = [[_element(kind.a, rng) for _ in range(kind.kept)] for _ in range(SIZE)]
        self.b: Matrix = [[_element(kind.b, rng) for _ in range(kind.depth)] for _ in range(SIZE)]
        self.chosen: Matrix = [[rng.randrange(4) for _ in range(kind.kept)] for _ in range(SIZE)]
        self.c: Matrix = [[self._addend(rng) for _ in range(SIZE)] for _ in range(SIZE)]
        if form.constant:
            self.c = [[form.constant_bits] * SIZE] * SIZE

    def _addend(self, rng: random.Random) -> int:
        if self.kind.integers:
            return rng.choice((0, mask(31), 1 << 31, mask(32), rng.getrandbits(32)))
        form = F32 if self.kind.result == 32 else HALVES[self.kind.a]
        return from_float(form, rng.uniform(-9, 9))

    def registers(self, lanes: int, key: int) -> Registers:
        c = [[0] * lanes for _ in range(8)]
        for m in range(SIZE):
            for n in range(SIZE):
                register, lane, low = model.place(self.kind, m, n, lanes)
                c[register][lane] |= self.c[m][n] << low
        a = model.side(self.a, BITS[self.kind.a], lanes)
        b = model.side(self.b, BITS[self.kind.b], lanes)
        spare = [[0x7FBADBAD] * lanes] * 8
        old = c if self.kind.sparse else spare
        index = [model.indices(self.kind, self.chosen, lanes, key)] * 8
        return [row for block in (a, b, c, old, index) for row in (*block, *spare)[:8]]

    def wrong(self, seen: np.ndarray, lanes: int) -> list[str]:
        wanted, found = model.expected(self.kind, self.form, self.a, self.b, self.c, self.chosen), []
        for m in range(SIZE):
            for n in range(SIZE):
                register, lane, low = model.place(self.kind, m, n, lanes)
                value = int(seen[register][lane]) >> low & mask(self.kind.result)
                if not self._agrees(value, wanted[m][n]):
                    found.append(f"D[{m}][{n}] is {value:#x}, not {wanted[m][n]:#x}")
        return found

    def _agrees(self, value: int, wanted: int) -> bool:
        form = F32 if self.kind.result == 32 else HALVES[self.kind.a]
        if self.kind.integers or not sf.is_nan(form, wanted):
            return value == wanted
        return sf.is_nan(form, value) and not sf.is_signalling(form, value)


def _keys(kind: Kind) -> list[int]:
    """Which of the indices in a register can be asked for. What waves of 64 lanes have beyond those of 32,
    where they take twice the room, is not decoded."""
    return list(range(min(32 // (2 * kind.kept * SIZE // 32), 4))) if kind.sparse else [0]


QUICK = {"v_wmma_f32_16x16x16_f16", "v_swmmac_i32_16x16x32_iu8", "v_wmma_i32_16x16x32_iu4"}


@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=() if kind.mnemonic in QUICK else pytest.mark.drawn(5), id=kind.mnemonic)
        for kind in KINDS
    ],
)
def test_the_product_is_what_the_manual_says(
    machine: Machine, assembler: Assembler, kind: Kind, lanes: int
) -> None:
    failures = []
    keys = _keys(kind)
    for seed, form in enumerate(model.forms(kind)):
        key = keys[seed % len(keys)]
        operands = _Operands(kind, form, seed)
        code = assembler.kernel(_kernel(kind, form, lanes, key), lanes)
        seen = destination(machine, code, operands.registers(lanes, key), lanes, _outputs(kind, lanes))
        wrong = operands.wrong(seen, lanes)
        failures += [f"{form.constant}{form.tail()}: {len(wrong)} wrong, e.g. {wrong[0]}"] if wrong else []
    assert not failures, "\n".join(failures)
