"""Runs probes whose registers hold undefined bits, and reads their results with the bits that are marked.

A row has a twin of masks: a set bit says that the bit of the operand is undefined. The sanitizing machine
loads both from memory, with the masks as memory's own; results go to scratch, which keeps the marks bit for
bit (global memory would report them). Every row is a workgroup of a cooperative launch, so that all of them
are resident, and their scratch is there to be read after the launch.
"""

from __future__ import annotations

import ctypes
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.sanitize.memory import SanitizedMemory
from rocverify.device.emulator.sanitize.sanitizer import Sanitizer
from tests.device.emulator import probes as running
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.probes import Probe, Row, Seen

_RESULT = re.compile(r"global_store_b32 v1, (v\d+), s\[6:7\] offset:\d+")
VECTORS = ("a", "b", "c", "old")
SCALARS = ("sa", "sb", "sc", "sold")
WORD = (1 << 64) - 1
FILLINGS = 3


@dataclass(frozen=True)
class Blurred:
    """A row and the bits of its operands that are undefined."""

    row: Row
    undefined: Row

    def filled(self, rng: random.Random) -> list[Blurred]:
        """The row as it is; all undefined bits the other way round, and two random choices, both defined."""
        everything, lanes = [WORD] * self.row.lanes, range(self.row.lanes)
        whole = {**dict.fromkeys(VECTORS, everything), **dict.fromkeys((*SCALARS, "vcc", "scc"), WORD)}
        some = [
            {
                name: [rng.getrandbits(64) for _ in lanes] if name in VECTORS else rng.getrandbits(64)
                for name in whole
            }
            for _ in range(FILLINGS - 1)
        ]
        known = defined(self.row.lanes)
        return [self, *(Blurred(self._turned(choice), known) for choice in (whole, *some))]

    def _turned(self, choice: dict[str, list[int] | int]) -> Row:
        turned: dict[str, list[int] | int] = {}
        for name, bits in choice.items():
            value, mask = getattr(self.row, name), getattr(self.undefined, name)
            if isinstance(bits, list):
                turned[name] = [v ^ m & c for v, m, c in zip(value, mask, bits, strict=True)]
            else:
                turned[name] = value ^ mask & bits
        return replace(self.row, **turned)  # type: ignore[arg-type]


def defined(lanes: int) -> Row:
    """The masks of a row of which every bit is defined."""
    none = [0] * lanes
    return Row(lanes, none, none, none, none, 0, 0, 0, 0, 0, 0, 0)


def blurred(rows: Sequence[Row], rng: random.Random) -> Iterator[Blurred]:
    """Rows with undefined bits: none in the first, then all operands at once or only some of them, lane by
    lane of another kind: none, one bit, a byte, a half, a dword, sparse or dense ones."""
    names = (*VECTORS, *SCALARS, "vcc", "scc")
    yield Blurred(rows[0], defined(rows[0].lanes))
    for index, row in enumerate(rows[1:]):
        chosen = set(names) if index % 3 == 0 else set(rng.sample(names, rng.randint(1, 5)))
        masks = {name: [_mask(rng) for _ in range(row.lanes)] for name in chosen & set(VECTORS)}
        single = {name: _mask(rng) for name in chosen & set(SCALARS)}
        if "vcc" in chosen:
            single["vcc"] = _mask(rng) & ((1 << row.lanes) - 1)
        if "scc" in chosen:
            single["scc"] = rng.getrandbits(1)
        yield Blurred(row, replace(defined(row.lanes), **masks, **single))  # type: ignore[arg-type]


def _mask(rng: random.Random) -> int:
    match rng.randrange(8):
        case 0 | 1:
            return 0
        case 2:
            return 1 << rng.randrange(64)
        case 3:
            return 0xFF << 8 * rng.randrange(8)
        case 4:
            return 0xFFFF << 16 * rng.randrange(4)
        case 5:
            return rng.choice((0xFFFFFFFF, 0xFFFFFFFF << 32, WORD))
        case 6:
            return rng.getrandbits(64) & rng.getrandbits(64) & rng.getrandbits(64)
        case _:
            return rng.getrandbits(64)


def only(row: Row, names: Sequence[str], rng: random.Random) -> Blurred:
    """The row with undefined bits in the named operands only."""
    masks = {
        name: [_mask(rng) for _ in range(row.lanes)] if name in VECTORS else _mask(rng) for name in names
    }
    return Blurred(row, replace(defined(row.lanes), **masks))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Watching:
    """A machine with the sanitizer."""

    machine: Machine
    sanitizer: Sanitizer

    def run(
        self, assembler: Assembler, probes: Sequence[Probe], rows: Sequence[Blurred]
    ) -> tuple[list[list[Seen]], list[list[Seen]]]:
        """What every probe left for every row, and which bits of that are marked: [probe][row] each."""
        lanes, total = rows[0].row.lanes, sum(running._slots(p) for p in probes)
        code = assembler.kernel(_to_scratch(running.kernel_text(probes, lanes)), lanes, scratch=4 * total)
        module, memory = self.machine.load(code), self.machine.memory
        assert isinstance(memory, SanitizedMemory)
        vectors = running._vector_block([one.row for one in rows])
        scalars = running._scalar_block([one.row for one in rows])
        pointers = [memory.malloc(size) for size in (vectors.nbytes, 64, scalars.nbytes)]
        try:
            for pointer, values, masks in (
                (pointers[0], vectors, running._vector_block([one.undefined for one in rows])),
                (pointers[2], scalars, running._scalar_block([one.undefined for one in rows])),
            ):
                memory.write(pointer, values.tobytes())
                known = np.ascontiguousarray(~masks).tobytes()
                ctypes.memmove((pointer + memory.defined_delta) % (1 << 64), known, len(known))
            kernarg = b"".join(pointer.to_bytes(8, "little") for pointer in pointers)
            kernel = module.kernel("probe")
            self.machine.launch(kernel, (len(rows), 1, 1), (lanes, 1, 1), 0, kernarg, cooperative=True)
            shape = (len(rows), lanes, -(-total // 4) * 4)
            (worker,) = self.machine._workers._buffers
            values = _dwords(worker.scratch.address(0), shape)[:, :, :total]
            marks = ~_dwords(self.sanitizer._record.scratch_defined, shape)[:, :, :total]
        finally:
            for pointer in pointers:
                memory.free(pointer)
            self.machine.unload(module)
        seen, marked = (running._observations(probes, raw.transpose(0, 2, 1)) for raw in (values, marks))
        return seen, marked


def _dwords(address: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Scratch, or the marks of it: [row, lane, dword]."""
    raw = ctypes.string_at(address, 4 * shape[0] * shape[1] * shape[2])
    return np.frombuffer(raw, np.uint32).reshape(shape)


def _to_scratch(text: str) -> str:
    """The kernel with its results in scratch, dword after dword."""
    lines, slot = [], 0
    for line in text.splitlines():
        found = _RESULT.fullmatch(line)
        if found is None:
            lines.append(line)
            continue
        lines += [f"s_movk_i32 s10, {4 * slot}", f"scratch_store_b32 off, {found[1]}, s10"]
        slot += 1
    return "\n".join(lines)
