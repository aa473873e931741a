"""Loads, stores and atomics of every width and space against models on bytes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import models_memory as models
from tests.device.emulator.translate.semantics import operands
from tests.device.emulator.translate.semantics.models import mask
from tests.device.emulator.translate.semantics.models_memory import BLOCK, Access
from tests.device.emulator.translate.semantics.softfloat import F32, F64, is_nan

LANES = 32
EXEC = 0xA5F0FF0F
ACTIVE = [lane for lane in range(LANES) if EXEC >> lane & 1]
OLD = (0xA1A2A3A4, 0xB1B2B3B4, 0xC1C2C3C4, 0xD1D2D3D4)
WINDOW = 15

PROLOGUE = [
    "s_load_b128 s[4:7], s[0:1], 0x0", "s_load_b64 s[8:9], s[0:1], 0x10", "s_waitcnt lgkmcnt(0)",
    "v_lshlrev_b32 v1, 2, v0", "v_lshlrev_b32 v2, 6, v0", "v_add_nc_u32 v3, 32, v2",
    "v_add_co_u32 v20, vcc_lo, s4, v2", "v_mov_b32 v21, s5", "v_add_co_ci_u32 v21, vcc_lo, 0, v21, vcc_lo",
    "s_mov_b64 s[10:11], src_shared_base", "v_mov_b32 v22, v2", "v_mov_b32 v23, s11",
    "s_mov_b64 s[10:11], src_private_base", "v_mov_b32 v24, 0", "v_mov_b32 v25, s11",
    "v_mov_b32 v26, 8", "s_mov_b32 s12, 4",
    *(
        line for k in range(BLOCK // 4) for line in (
            f"global_load_b32 v30, v2, s[4:5] offset:{4 * k}", "s_waitcnt vmcnt(0)",
            f"ds_store_b32 v2, v30 offset:{4 * k}", f"scratch_store_b32 off, v30, off offset:{4 * k}",
        )
    ),
]  # fmt: skip


class Kernel:
    """Lines of a kernel, and what they append to the output, a dword a lane at a time."""

    def __init__(self) -> None:
        self.lines = list(PROLOGUE)
        self.slots = 0

    def masked(self, *lines: str) -> None:
        self.lines += [
            f"s_mov_b32 exec_lo, {EXEC:#x}",
            *lines,
            "s_waitcnt vmcnt(0) lgkmcnt(0)",
            "s_mov_b32 exec_lo, -1",
        ]

    def put(self, register: str) -> None:
        if self.slots and self.slots % WINDOW == 0:
            self.lines += [f"s_add_u32 s6, s6, {WINDOW * LANES * 4}", "s_addc_u32 s7, s7, 0"]
        self.lines.append(f"global_store_b32 v1, {register}, s[6:7] offset:{self.slots % WINDOW * LANES * 4}")
        self.slots += 1

    def run(self, machine: Machine, assembler: Assembler, data: bytes) -> tuple[np.ndarray, bytes]:
        """The output as [slot, lane], and the global blocks afterwards."""
        code = assembler.kernel("\n".join([*self.lines, "s_endpgm"]), lds=LANES * BLOCK, scratch=BLOCK)
        module, memory = machine.load(code), machine.memory
        sizes = (len(data), max(self.slots, 1) * LANES * 4, 64)
        pointers = [memory.malloc(size) for size in sizes]
        try:
            memory.write(pointers[0], data)
            kernarg = b"".join(p.to_bytes(8, "little") for p in pointers)
            machine.launch(module.kernel("probe"), (1, 1, 1), (LANES, 1, 1), 0, kernarg)
            seen = np.frombuffer(memory.read(pointers[1], sizes[1]), np.uint32)
            return seen.reshape(-1, LANES), memory.read(pointers[0], sizes[0])
        finally:
            for pointer in pointers:
                memory.free(pointer)
            machine.unload(module)


def _data(seed: int = 1) -> bytes:
    rng = random.Random(seed)
    return b"".join(operands.integer_bits(rng).to_bytes(8, "little") for _ in range(LANES * BLOCK // 8))


def _registers(first: int, count: int) -> str:
    return f"v{first}" if count == 1 else f"v[{first}:{first + count - 1}]"


def _fits(access: Access) -> bool:
    sizes = {"b64": 8, "b96": 12, "b128": 16}
    return 0 <= access.offset <= BLOCK - sizes.get(access.name, 4)


def test_loads_of_every_width_and_space(machine: Machine, assembler: Assembler) -> None:
    tried, kernel, data = [a for a in models.accesses(load=True) if _fits(a)], Kernel(), _data()
    for access in tried:
        count = models.dwords(access.name)
        kernel.lines += [f"v_mov_b32 v{40 + i}, {OLD[i]:#x}" for i in range(count)]
        kernel.masked(f"{access.mnemonic} {_registers(40, count)}, {access.address}")
        for i in range(count):
            kernel.put(f"v{40 + i}")
    seen, _ = kernel.run(machine, assembler, data)
    slot, wrong = 0, []
    for access in tried:
        count = models.dwords(access.name)
        for lane in range(LANES):
            block = data[lane * BLOCK + access.offset : (lane + 1) * BLOCK]
            expected = models.LOADS[access.name](block, OLD[0]) if lane in ACTIVE else list(OLD[:count])
            if seen[slot : slot + count, lane].tolist() != expected:
                wrong.append(f"{access.mnemonic} {access.address} lane {lane}")
        slot += count
    assert not wrong


def _store_expected(access: Access, data: bytes, values: Sequence[Sequence[int]]) -> bytes:
    blocks = bytearray(data)
    for lane in ACTIVE:
        stored = models.STORES[access.name](list(values[lane]))
        place = lane * BLOCK + access.offset
        blocks[place : place + len(stored)] = stored
    return bytes(blocks)


@pytest.mark.long
def test_stores_of_every_width_and_space(machine: Machine, assembler: Assembler) -> None:
    """After each store what it may have touched is read back, dword by dword, and put back as it was."""
    tried = [a for a in models.accesses(load=False) if _fits(a)][::2]
    kernel, data = Kernel(), _data()
    kernel.lines += [f"global_load_b32 v{4 + i}, v2, s[4:5] offset:{16 * i + 4}" for i in range(4)]
    kernel.lines += ["s_waitcnt vmcnt(0)"]
    values = [
        [int.from_bytes(data[lane * BLOCK + 16 * i + 4 :][:4], "little") for i in range(4)]
        for lane in range(LANES)
    ]
    kernel.lines += [f"global_load_b32 v{44 + k}, v2, s[4:5] offset:{4 * k}" for k in range(BLOCK // 4)]
    readers = {
        "global": (
            "global_load_b32 v30, v2, s[4:5] offset:{0}",
            "global_store_b32 v2, v{1}, s[4:5] offset:{0}",
        ),
        "lds": ("ds_load_b32 v30, v2 offset:{0}", "ds_store_b32 v2, v{1} offset:{0}"),
        "scratch": (
            "scratch_load_b32 v30, off, off offset:{0}",
            "scratch_store_b32 off, v{1}, off offset:{0}",
        ),
    }
    for access in tried:
        data_registers = _registers(4, models.dwords(access.name))
        parts = access.address.split(" offset:")
        where, *base = parts[0].split(", ", 1)
        operand_list = ", ".join([where, data_registers, *base])
        kernel.masked(f"{access.mnemonic} {operand_list} offset:{parts[1]}")
        load, restore = readers[access.space]
        for k in range(access.offset // 4, min(access.offset // 4 + 5, BLOCK // 4)):
            kernel.lines += [
                load.format(4 * k),
                "s_waitcnt vmcnt(0) lgkmcnt(0)",
                restore.format(4 * k, 44 + k),
            ]
            kernel.put("v30")
    seen, after = kernel.run(machine, assembler, data)
    assert after == data
    slot, wrong = 0, []
    for access in tried:
        expected = _store_expected(access, data, values)
        for k in range(access.offset // 4, min(access.offset // 4 + 5, BLOCK // 4)):
            words = [int.from_bytes(expected[lane * BLOCK + 4 * k :][:4], "little") for lane in range(LANES)]
            if seen[slot].tolist() != words:
                wrong.append(f"{access.mnemonic} {access.address} dword {k}")
            slot += 1
    assert not wrong


def _atomic_text(mnemonic: str, prefix: str, name: str, bits: int, returns: bool) -> str:
    """v[4:5] is the operand, v[6:7] what cmpswap compares with; the old value goes to v[40:41]."""
    wide = bits // 32
    result = f"{_registers(40, wide)}, " if returns else ""
    if prefix == "ds":
        extra = f", {_registers(6, wide)}" if name.startswith(("cmpswap", "mskor", "wrap")) else ""
        if "cmpst_" in mnemonic:  # of older families: what is compared comes first
            return f"{mnemonic} {result}v2{extra}, {_registers(4, wide)} offset:8"
        return f"{mnemonic} {result}v2, {_registers(4, wide)}{extra} offset:8"
    operand = {32: "v[8:9]", 64: "v[4:7]"}[bits] if name.startswith("cmpswap") else _registers(4, wide)
    address = "v[20:21]" if prefix == "flat" else "v2"
    base = ", s[4:5]" if prefix == "global" else ""
    return f"{mnemonic} {result}{address}, {operand}{base} offset:8{' glc' if returns else ''}"


@pytest.mark.parametrize("kind", [pytest.param("integers", marks=pytest.mark.long), "floats", "doubles"])
def test_atomics_on_one_value_a_lane(machine: Machine, assembler: Assembler, kind: str) -> None:
    """Memory at 8, operand at 16, compared value at 24 of every lane's block."""
    rng = random.Random(kind)
    source = {"integers": operands.integer_bits, "floats": operands.float32_bits}.get(
        kind, operands.float64_bits
    )
    blocks = []
    for lane in range(LANES):
        old, operand = source(rng), source(rng)
        compare = old if lane % 3 else source(rng)
        blocks.append((0, old, operand, compare, *(0,) * 4))
    data = np.array(blocks, np.uint64).tobytes()
    suffix = {"floats": "f32", "doubles": "f64"}.get(kind, "")
    kernel, tried = Kernel(), [a for a in models.atomics(assembler.family.name) if a[1].endswith(suffix)]
    for line in ("v4, v2, s[4:5] offset:16", "v5, v2, s[4:5] offset:20", "v6, v2, s[4:5] offset:24"):
        kernel.lines.append(f"global_load_b32 {line}")
    kernel.lines += [
        "global_load_b32 v7, v2, s[4:5] offset:28",
        "global_load_b64 v[16:17], v2, s[4:5] offset:8",
    ]
    kernel.lines += ["s_waitcnt vmcnt(0)", "v_mov_b32 v8, v4", "v_mov_b32 v9, v6"]
    for mnemonic, name, prefix, bits, returns in tried:
        kernel.lines += [f"v_mov_b32 v{40 + i}, {OLD[i]:#x}" for i in range(2)]
        kernel.masked(_atomic_text(mnemonic, prefix, name, bits, returns))
        reader, writer = ("ds_load_b64 v[42:43], v2", "ds_store_b64 v2, v[16:17]")
        if prefix != "ds":
            reader, writer = "global_load_b64 v[42:43], v2, s[4:5]", "global_store_b64 v2, v[16:17], s[4:5]"
        kernel.lines += [f"{reader} offset:8", "s_waitcnt vmcnt(0) lgkmcnt(0)", f"{writer} offset:8"]
        for register in range(40, 44):
            kernel.put(f"v{register}")
    seen, _ = kernel.run(machine, assembler, data)
    wrong = []
    for index, (mnemonic, name, prefix, bits, returns) in enumerate(tried):
        for lane in range(LANES):
            expected = _atomic_expected(
                name, bits, returns, blocks[lane], lane in ACTIVE, prefix, assembler.family.name
            )
            got = [int(x) for x in seen[4 * index : 4 * index + 4, lane]]
            pair = (got[0] | got[1] << 32, got[2] | got[3] << 32)
            if not _alike(name, pair, expected):
                wrong.append(
                    f"{mnemonic} returns={returns} lane {lane} {blocks[lane]}: {pair}, not {expected}"
                )
    assert not wrong, "\n".join(wrong[:10])


def _atomic_expected(
    name: str, bits: int, returns: bool, block: tuple[int, ...], active: bool, prefix: str, family: str
) -> tuple[int, int]:
    """The result registers and the eight bytes in memory."""
    unset, (old, operand, compare) = OLD[0] | OLD[1] << 32, block[1:4]
    if not active:
        return unset, old
    new = models.atomic(
        name, bits, old & mask(bits), operand & mask(bits), compare & mask(bits), prefix, family
    )
    kept = old & ~mask(bits)
    result = (old & mask(bits) | unset & ~mask(bits)) if returns else unset
    return result & mask(64), new | kept


def _alike(name: str, got: tuple[int, int], expected: tuple[int, int]) -> bool:
    if name in models.PACKED:
        form = models.PACKED[name]
        halves = [(got[1] >> at & mask(16), expected[1] >> at & mask(16)) for at in (0, 16)]
        alike = all(a == b or (is_nan(form, a) and is_nan(form, b)) for a, b in halves)
        return alike and got[0] == expected[0] and got[1] >> 32 == expected[1] >> 32
    if not name.endswith(("f32", "f64")) or got == expected:
        return got == expected
    form = F32 if name.endswith("f32") else F64
    nan = [is_nan(form, x & form.mask) for x in (got[1], expected[1])]
    return got[0] == expected[0] and all(nan)


def test_two_addresses_at_once(machine: Machine, assembler: Assembler) -> None:
    """Offsets count elements, in stride64 forms 64 of them; loads fill consecutive registers."""
    lines, expected = [], []
    for bits in (32, 64):
        size = bits // 8
        for stride, scale in (("", 1), ("stride64_", 64)):
            first, second = (1, 3) if scale == 1 else (0, 1)
            text = f"ds_load_2addr_{stride}b{bits} {_registers(40, bits // 16)}, v1"
            lines.append((f"{text} offset0:{first} offset1:{second}", bits // 16))
            expected.append([(o * size * scale, size) for o in (first, second)])
    kernel, data = Kernel(), _data(5)
    for text, count in lines:
        kernel.lines += [text, "s_waitcnt lgkmcnt(0)"]
        for i in range(count):
            kernel.put(f"v{40 + i}")
    seen, _ = kernel.run(machine, assembler, data)
    slot = 0
    for places in expected:
        for offset, size in places:
            for k in range(size // 4):
                words = [
                    int.from_bytes(data[4 * lane + offset + 4 * k :][:4], "little") for lane in range(LANES)
                ]
                assert seen[slot].tolist() == words, (places, k)
                slot += 1


def test_two_stores_at_once(machine: Machine, assembler: Assembler) -> None:
    kernel, data = Kernel(), _data(6)
    kernel.lines += ["v_mov_b32 v4, v1", "v_not_b32 v5, v1", "v_add_nc_u32 v6, 77, v1", "v_mov_b32 v7, 5"]
    kernel.lines += ["v_lshlrev_b32 v8, 5, v0"]
    kernel.lines += ["ds_store_2addr_b64 v8, v[4:5], v[6:7] offset0:1 offset1:3"]
    kernel.lines += ["ds_store_2addr_b32 v8, v4, v7 offset0:0 offset1:5"]
    kernel.lines += ["ds_store_2addr_stride64_b32 v1, v4, v5 offset0:4 offset1:5", "s_waitcnt lgkmcnt(0)"]
    for place in range(0, 32, 4):
        kernel.lines += [f"ds_load_b32 v30, v8 offset:{place}", "s_waitcnt lgkmcnt(0)"]
        kernel.put("v30")
    for place in (1024, 1280):
        kernel.lines += [f"ds_load_b32 v30, v1 offset:{place}", "s_waitcnt lgkmcnt(0)"]
        kernel.put("v30")
    kernel.lines += [
        "ds_store_2addr_stride64_b64 v8, v[4:5], v[6:7] offset0:0 offset1:1",
        "s_waitcnt lgkmcnt(0)",
    ]
    kernel.lines += ["ds_load_b64 v[40:41], v8 offset:512", "s_waitcnt lgkmcnt(0)"]
    kernel.put("v40")
    seen, _ = kernel.run(machine, assembler, data)
    tid = np.arange(LANES, dtype=np.uint32)
    first, inverted, more = 4 * tid, ~(4 * tid), 4 * tid + 77
    np.testing.assert_array_equal(seen[0], first)
    np.testing.assert_array_equal(seen[2], first)
    np.testing.assert_array_equal(seen[3], inverted)
    np.testing.assert_array_equal(seen[5], np.full(LANES, 5))
    np.testing.assert_array_equal(seen[6], more)
    np.testing.assert_array_equal(seen[7], np.full(LANES, 5))
    np.testing.assert_array_equal(seen[8:10], [first, inverted])
    np.testing.assert_array_equal(seen[10], more)


@pytest.mark.parametrize("bits", [32, 64, 128, 256, 512])
def test_scalar_loads(machine: Machine, assembler: Assembler, bits: int) -> None:
    """An immediate, a register, both, and a negative offset."""
    kernel, data, count = Kernel(), _data(7), bits // 32
    target = "s16" if count == 1 else f"s[16:{15 + count}]"
    kernel.lines += ["s_add_u32 s14, s4, 64", "s_addc_u32 s15, s5, 0", "s_mov_b32 s13, 8"]
    forms = (("s[4:5], 0x8", 8), ("s[4:5], s13", 8), ("s[4:5], s13 offset:0x10", 24), ("s[14:15], -0x3c", 4))
    for form, _ in forms:
        kernel.lines += [f"s_load_b{bits} {target}, {form}", "s_waitcnt lgkmcnt(0)"]
        for i in range(count):
            kernel.lines.append(f"v_mov_b32 v30, s{16 + i}")
            kernel.put("v30")
    seen, _ = kernel.run(machine, assembler, data)
    words = np.frombuffer(data, np.uint32)
    expected = [words[offset // 4 + i] for _, offset in forms for i in range(count)]
    np.testing.assert_array_equal(seen[:, 0], expected)
