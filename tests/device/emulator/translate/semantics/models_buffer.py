"""Buffer resources: which bytes an access through one touches, from the RDNA3 ISA manual's text.

"Buffer addressing": ADDR = BASE + sgpr_offset + buffer_offset; linear: inst_offset + vgpr_offset + stride *
index. Swizzled: index_msb = index / index_stride, index_lsb = index % index_stride, likewise offset by the
element size, and buffer_offset = (index_msb * stride + offset_msb * element_size) * index_stride +
index_lsb * element_size + offset_lsb. "Range checking" by OOB_SELECT: 0 index and offset against the
stride, 1 index, 2 only whether there are records, 3 the byte offset against num_records, swizzled as 0.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.device.emulator.translate.semantics import models_memory

REGION = 8192
LANES = 32
HUGE = (0xFFFFFFFC, 0xFFFFFFFF, 0x80000000, 0x7FFFFFF0)


@dataclass(frozen=True)
class Resource:
    """The fields of a V# that computing uses; `records` in bytes or elements as `bounds` has it."""

    stride: int = 0
    records: int = 0
    swizzle: int = 0
    index_stride: int = 0
    add_lane: bool = False
    bounds: int = 3

    def words(self, family: str = "gfx11") -> tuple[int, int, int]:
        """Word 1 but for the base address, word 2, word 3. Before RDNA 3 the highest bit swizzles, in
        elements of four bytes."""
        swizzle = self.swizzle if family != "gfx103" else 2 * (self.swizzle == 1)
        first = self.stride << 16 | swizzle << 30
        return first, self.records, self.index_stride << 21 | self.add_lane << 23 | self.bounds << 28

    def holds(self, index: int, offset: int, size: int) -> bool:
        within_element = index < self.records and offset + size <= self.stride
        if self.bounds == 0 or (self.bounds == 3 and self.swizzle and self.stride):
            return within_element
        if self.bounds == 1:
            return index < self.records
        if self.bounds == 2:
            return self.records > 0
        return self.stride * index + offset + size <= self.records

    def place(self, index: int, offset: int) -> int:
        """buffer_offset."""
        if not self.swizzle:
            return offset + self.stride * index
        element, group = {1: 4, 3: 16}[self.swizzle], 8 << self.index_stride
        index_msb, index_lsb = divmod(index, group)
        offset_msb, offset_lsb = divmod(offset, element)
        return (index_msb * self.stride + offset_msb * element) * group + index_lsb * element + offset_lsb


RESOURCES = (
    Resource(records=1021),
    Resource(records=640, stride=20),
    Resource(records=25, stride=20, bounds=0),
    Resource(records=25, stride=20, bounds=1),
    Resource(records=1, stride=12, bounds=2),
    Resource(records=0, stride=12, bounds=2),
    Resource(records=24, stride=16, swizzle=1, bounds=0),
    Resource(records=30, stride=32, swizzle=3, index_stride=1, bounds=3),
    Resource(records=40, stride=16, swizzle=1, index_stride=2, bounds=1),
    Resource(records=20, stride=24, add_lane=True, bounds=0),
)


def resources(family: str) -> tuple[Resource, ...]:
    """Those that the family has: elements of 16 bytes came with RDNA 3."""
    return tuple(r for r in RESOURCES if family != "gfx103" or r.swizzle < 2)


@dataclass(frozen=True)
class BufferCase:
    """One instruction through one resource. `soffset` and `immediate` are added as the encoding has it."""

    verb: str
    name: str
    resource: Resource
    idxen: bool
    offen: bool
    soffset: int
    immediate: int
    index: tuple[int, ...]
    offset: tuple[int, ...]

    @property
    def size(self) -> int:
        if self.verb == "atomic":
            return int(self.name[-2:]) // 8
        return {"b64": 8, "b96": 12, "b128": 16, "b32": 4}.get(self.name, 1 if self.name.endswith("8") else 2)

    @property
    def pieces(self) -> list[int]:
        """Bytes of what is range checked on its own."""
        return [4] * (self.size // 4) if self.verb != "atomic" and self.size > 4 else [self.size]

    def places(self, lane: int) -> list[int | None]:
        """For each piece where it lies from the base on, None out of range."""
        index = (self.index[lane] if self.idxen else 0) + (lane if self.resource.add_lane else 0)
        offset = (self.offset[lane] if self.offen else 0) + self.immediate
        found: list[int | None] = []
        for number, size in enumerate(self.pieces):
            at = offset + 4 * number
            inside = self.resource.holds(index, at, size)
            found.append(self.soffset + self.resource.place(index, at) if inside else None)
        return found

    def text(self, register: str, suffix: str = "") -> str:
        """v10 and v11 hold index and offset, v[10:11] both; s[16:19] is the resource and s20 soffset."""
        address = {(0, 0): "off", (1, 0): "v10", (0, 1): "v11", (1, 1): "v[10:11]"}[self.idxen, self.offen]
        flags = " idxen" * self.idxen + " offen" * self.offen
        scalar = "s20" if self.soffset else "null"
        operands = f"{register}, {address}, s[16:19], {scalar}{flags}"
        return f"buffer_{self.verb}_{self.name} {operands} offset:{self.immediate}{suffix}"


def cases(verb: str, names: list[str], seed: int) -> Iterator[BufferCase]:
    """Every name through every resource in some form of address; lanes touch bytes of their own, inside the
    region, or are out of range."""
    rng = random.Random(seed)
    for name in names:
        for resource in RESOURCES:
            idxen = (bool(resource.stride) and not resource.add_lane) or rng.random() < 0.2
            yield _case(rng, verb, name, resource, idxen, rng.random() < 0.8 or not idxen)


def _case(
    rng: random.Random, verb: str, name: str, resource: Resource, idxen: bool, offen: bool
) -> BufferCase:
    aligned = verb == "atomic" or resource.swizzle
    # Atomics and swizzled accesses have to be aligned; the others need not be.
    soffset, immediate = rng.choice((0, 8, 64)), rng.choice((0, 0, 8, 16) if aligned else (0, 1, 3, 8))
    index, offset = [0] * LANES, [0] * LANES
    taken: set[int] = set()
    for lane in range(LANES):
        for _ in range(200):
            index[lane] = rng.choice((3 * lane, rng.randrange(200), *HUGE)) if rng.random() < 0.4 else lane
            step = 4 if aligned else 1
            limit = resource.stride + 8 if resource.stride else resource.records + 24
            limit = 4000 if resource.bounds in (1, 2) and not idxen else limit
            offset[lane] = rng.choice(HUGE) if rng.random() < 0.05 else rng.randrange(0, limit, step)
            if verb != "atomic" and resource.swizzle:
                offset[lane] &= ~3
            made = BufferCase(
                verb, name, resource, idxen, offen, soffset, immediate, tuple(index), tuple(offset)
            )
            touched = {
                place + byte
                for place, size in zip(made.places(lane), made.pieces, strict=True) if place is not None
                for byte in range(size)
            }  # fmt: skip
            misplaced = verb == "atomic" and min(touched, default=0) % made.size
            if not misplaced and max(touched, default=0) < REGION and not touched & taken:
                break
        else:
            index[lane], offset[lane], touched = 0xFFFFFFFF, 0xFFFFFFFF, set()
            assert made.resource.bounds in (0, 3)
        taken |= set() if verb == "load" else touched
    return BufferCase(verb, name, resource, idxen, offen, soffset, immediate, tuple(index), tuple(offset))


def loaded(case: BufferCase, region: bytes, lane: int, old: int) -> list[int]:
    """The registers after a load; out of range reads zeros."""
    data = b"".join(
        bytes(size) if place is None else region[place : place + size]
        for place, size in zip(case.places(lane), case.pieces, strict=True)
    )
    return models_memory.LOADS[case.name](data.ljust(16, b"\0"), old)


def stored(case: BufferCase, region: bytearray, lane: int, values: list[int]) -> None:
    """Applies a lane's store to the region."""
    data = models_memory.STORES[case.name](values)
    for number, (place, size) in enumerate(zip(case.places(lane), case.pieces, strict=True)):
        if place is not None:
            region[place : place + size] = data[4 * number : 4 * number + size]


def modelled(family: str = "gfx11") -> set[str]:
    """The instructions that test_buffer_semantics proves."""
    return (
        {f"buffer_load_{name}" for name in models_memory.LOADS}
        | {f"buffer_store_{name}" for name in models_memory.STORES}
        | {f"buffer_atomic_{name}" for name in models_memory.memory_atomics(family)}
        | {f"s_buffer_load_b{bits}" for bits in (32, 64, 128, 256, 512)}
        | ({"s_buffer_load_b96"} if family == "gfx12" else set())
    )
