"""MFMA and SMFMAC against their model: all instructions of either target, modifiers, constants, AGPRs."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import numpy as np
import pytest

from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.known_instructions import Knowledge
from tests.device.emulator.translate.semantics.matrix_runs import destination
from tests.device.emulator.translate.semantics.models import mask
from tests.device.emulator.translate.semantics.models_matrix_cdna import (
    BITS,
    LANES,
    Form,
    Kind,
    Operands,
    product,
)
from tests.device.emulator.translate.semantics.softfloat import BF16, F16, F32, F64, from_float

A, B, C, INDEX, INPUTS = 4, 12, 20, 52, 49
"""First registers of the operands; C has 32, and is D too."""
SAMPLES = 24
CONSTANTS = {"1.0": {"f64": 0x3FF << 52, "f32": 0x3F800000}, "2": {"i8": 2}}


def _kernel(kind: Kind, form: Form, *, accumulators: bool) -> str:
    lines = ["s_load_b128 s[4:7], s[0:1], 0x0", "v_lshlrev_b32 v1, 2, v0", "s_waitcnt lgkmcnt(0)"]
    for register in range(INPUTS):
        lines += [f"global_load_b32 v{A + register}, v1, s[4:5]", f"v_add_nc_u32 v1, {4 * LANES}, v1"]
    lines += ["s_waitcnt vmcnt(0)", "v_lshlrev_b32 v1, 2, v0"]
    d = _registers("v", C, kind.outputs)
    if accumulators:
        lines += [f"v_accvgpr_write_b32 a{place}, v{C + place}" for place in range(kind.outputs)]
        d = _registers("a", 0, kind.outputs)
    a = _registers("v", A, kind.dwords(kind.kept, kind.a))
    b = _registers("v", B, kind.dwords(kind.depth, kind.b))
    last = f"v{INDEX}" if kind.sparse else form.constant or d
    lines += ["s_mov_b64 exec, 0x5a5", f"{kind.mnemonic} {d}, {a}, {b}, {last}{form.tail()}", "s_nop 15"]
    lines += ["s_nop 15", "s_mov_b64 exec, -1"]
    for place in range(kind.outputs):
        register = f"v{C + place}"
        if accumulators:
            lines.append(f"v_accvgpr_read_b32 {register}, a{place}")
        lines += [f"global_store_b32 v1, {register}, s[6:7]", f"v_add_nc_u32 v1, {4 * LANES}, v1"]
    return "\n".join([*lines, "s_endpgm"])


def _registers(bank: str, first: int, count: int) -> str:
    return f"{bank}{first}" if count == 1 else f"{bank}[{first}:{first + count - 1}]"


def _number(name: str, rng: random.Random) -> int:
    """The bits of an element: moderate numbers, and denormals; any bits for integers and floats of eight."""
    if BITS[name] == 8:
        return rng.getrandbits(8)
    form = {"f16": F16, "bf16": BF16, "f64": F64}.get(name, F32)
    if rng.random() < 0.05:
        return rng.getrandbits(form.man) | rng.getrandbits(1) << form.bits - 1
    return from_float(form, rng.uniform(-2, 2))


def _block(name: str, count: int, rng: random.Random) -> list[list[int]]:
    """Registers full of elements."""
    bits, rows = BITS[name], []
    for _ in range(count if bits < 64 else count // 2):
        lanes = [
            sum(_number(name, rng) << low for low in range(0, max(bits, 32), bits)) for _ in range(LANES)
        ]
        rows += [[one & mask(32) for one in lanes]] + ([[one >> 32 for one in lanes]] if bits == 64 else [])
    return rows


def _operands(kind: Kind, form: Form, target: str, seed: int) -> Operands:
    rng = random.Random(seed)
    result = "f64" if kind.a == "f64" else "f32"
    c = _block(result, kind.outputs, rng)
    if kind.a == "i8":
        c = [[rng.getrandbits(32) for _ in range(LANES)] for _ in range(kind.outputs)]
    constant = CONSTANTS.get(form.constant, {}).get("i8" if kind.a == "i8" else result, 0)
    return Operands(
        kind, form,
        _block(kind.a, kind.dwords(kind.kept, kind.a), rng),
        _block(kind.b, kind.dwords(kind.depth, kind.b), rng),
        c, [rng.getrandbits(32) for _ in range(LANES)], constant,
        flushes=target == "gfx90a" and kind.a in ("f16", "bf16"),
    )  # fmt: skip


def _loaded(given: Operands) -> list[list[int]]:
    blank = [0x7FBADBAD] * LANES
    parts = ((given.a, 8), (given.b, 8), (given.c, 32), ([given.index], 1))
    return [list(row) for part, count in parts for row in (*part, *[blank] * count)[:count]]


def _wrong(given: Operands, seen: np.ndarray, seed: int) -> Iterator[str]:
    kind, rng = given.kind, random.Random(seed)
    places = product(kind)
    for row, column, block in rng.sample(sorted(places), min(SAMPLES, len(places))):
        lane, register = places[row, column, block]
        wanted = given.expected(row, column, block)
        value = int(seen[register][lane])
        if kind.a == "f64":
            value = int(seen[2 * register][lane]) | int(seen[2 * register + 1][lane]) << 32
        form = F64 if kind.a == "f64" else F32
        alike = value == wanted
        if kind.a != "i8" and sf.is_nan(form, wanted):
            alike = sf.is_nan(form, value)
        if not alike:
            yield f"D[{row}][{column}] of block {block} is {value:#x}, not {wanted:#x}"


def _forms(kind: Kind) -> Iterator[Form]:
    yield Form()
    if kind.sparse:
        yield Form(abid=1)
        return
    yield Form(constant="2" if kind.a == "i8" else "1.0")
    if kind.a == "f64":
        yield Form(negated=(1, 0, 1))
        return
    if kind.blocks > 1:
        yield Form(cbsz=1, abid=1)
        yield Form(cbsz=kind.blocks.bit_length() - 1, abid=kind.blocks - 1)
    for blgp in (1, 2, 3, 4, 7) if BITS[kind.b] > 8 and kind.b != "xf32" else ():
        yield Form(blgp=blgp)


def _mnemonics(assembler: Assembler, target: str) -> list[str]:
    """By CDNA 3's names; LLVM takes CDNA 2's for some of them as well."""
    names = Knowledge(assembler.mc, target).mnemonics()
    found = (name for name in names if name.startswith(("v_mfma_", "v_smfmac_")))
    return sorted(name for name in found if target == "gfx90a" or OWN_NAME.search(name))


OWN_NAME = re.compile(r"x\d+_")
QUICK = ("32x32x8", "4x4x4", "f64", "smfmac_f32_16x16x32_")


@pytest.mark.parametrize(
    "share", [*(pytest.param(one, marks=pytest.mark.drawn(3)) for one in range(6)), "quick"]
)
def test_the_product_is_what_the_layouts_say(
    machine: Machine, assembler: Assembler, target: str, share: int | str
) -> None:
    names = _mnemonics(assembler, target)
    assert len(names) >= (27 if target == "gfx90a" else 45)
    if isinstance(share, int):
        chosen = names[share::6]
    else:
        chosen = [name for name in names if any(part in name for part in QUICK)][:6]
    failures = []
    for name in chosen:
        kind = Kind.of(name)
        for seed, form in enumerate(_forms(kind)):
            text = _kernel(kind, form, accumulators=bool(seed & 1))
            if assembler.rejected(text.splitlines(), LANES):
                assert seed, f"{name} is not assembled"
                continue
            given = _operands(kind, form, target, seed)
            seen = destination(machine, assembler.kernel(text, LANES), _loaded(given), LANES, kind.outputs)
            wrong = list(_wrong(given, seen, seed))
            failures += [f"{name}{form.tail()} {form.constant}: {len(wrong)}, {wrong[0]}"] if wrong else []
    assert not failures, "\n".join(failures)
    assert PROCESSORS[target].executed
