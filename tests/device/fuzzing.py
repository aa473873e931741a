"""Damage for code objects: anywhere, or where it hurts: headers, metadata, descriptors, relocations."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import msgpack
from elftools.elf.elffile import ELFFile

from tests.device.test_hostile_code_objects import (
    INTERESTING,
    fields_changed,
    flipped,
    recoded,
    spliced,
    truncated,
)

NT_AMDGPU_METADATA = 32
TABLES = ("SHT_DYNSYM", "SHT_DYNAMIC", "SHT_RELA", "SHT_HASH", "SHT_GNU_HASH", "SHT_STRTAB", "SHT_SYMTAB")
ODD = (
    None,
    True,
    -1,
    0,
    "",
    "x" * 300,
    "\0",
    1.5,
    b"\xff\xfe",
    [],
    {},
    [[[[[[]]]]]],
    1 << 40,
    (1 << 64) - 1,
    65535,
)
"""Values that metadata does not expect where it expects another."""


@dataclass(frozen=True)
class Target:
    """A good code object, and where its parts stand in the file."""

    data: bytes
    notes: tuple[int, int]
    note_header: int
    descriptors: tuple[int, ...]
    tables: tuple[tuple[int, int], ...]
    metadata: dict[str, Any]

    @classmethod
    def of(cls, data: bytes) -> Target:
        elf = ELFFile(io.BytesIO(data))
        index, segment = next((i, s) for i, s in enumerate(elf.iter_segments()) if s["p_type"] == "PT_NOTE")
        header = elf["e_phoff"] + index * elf["e_phentsize"]
        kinds = (
            "SHT_DYNSYM",
            "SHT_DYNAMIC",
            "SHT_RELA",
            "SHT_HASH",
            "SHT_GNU_HASH",
            "SHT_STRTAB",
            "SHT_SYMTAB",
        )
        tables = tuple(
            (s["sh_offset"], s["sh_size"])
            for s in elf.iter_sections()
            if s["sh_type"] in kinds and s["sh_size"]
        )
        start, size = segment["p_offset"], segment["p_filesz"]
        return cls(
            data, (start, size), header, _descriptors(elf), tables, _metadata(data[start : start + size])
        )


def _descriptors(elf: ELFFile) -> tuple[int, ...]:
    symbols = elf.get_section_by_name(".dynsym")
    rodata = elf.get_section_by_name(".rodata")
    shift = rodata["sh_offset"] - rodata["sh_addr"]
    return tuple(s["st_value"] + shift for s in symbols.iter_symbols() if s.name.endswith(".kd"))


def _metadata(notes: bytes) -> dict[str, Any]:
    name_size, size, _ = struct.unpack_from("<III", notes)
    start = 12 + (name_size + 3 & ~3)
    return msgpack.unpackb(notes[start : start + size])


def anywhere(rng: random.Random, target: Target) -> bytes:
    return bytes(rng.choice((truncated, flipped, spliced, fields_changed))(rng, bytearray(target.data)))


def headers(rng: random.Random, target: Target) -> bytes:
    """The first kilobyte, or what lies behind a cut within it."""
    data = bytearray(target.data)
    if rng.random() < 0.3:
        return bytes(data[: rng.randrange(1024)])
    end = rng.choice((64, 64 + 56 * 8))
    _change(rng, data, 0, end)
    return bytes(data)


def _change(rng: random.Random, data: bytearray, start: int, end: int) -> None:
    """One to four bits or fields within a range."""
    end = min(end, len(data))
    for _ in range(rng.choice((1, 1, 2, 4))):
        width = rng.choice((1, 2, 4, 8))
        at = start + rng.randrange(max(end - start - width, 1))
        if rng.random() < 0.5:
            data[at] ^= 1 << rng.randrange(8)
        else:
            value = rng.choice(INTERESTING) & (1 << 8 * width) - 1
            data[at : at + width] = value.to_bytes(width, "little")


def note_bytes(rng: random.Random, target: Target) -> bytes:
    data, (start, size) = bytearray(target.data), target.notes
    _change(rng, data, start, start + size)
    return bytes(data)


def note_values(rng: random.Random, target: Target) -> bytes:
    """Well-formed MessagePack that says something else, appended, with the header pointing there."""
    tree = msgpack.unpackb(msgpack.packb(target.metadata))
    for _ in range(rng.choice((1, 1, 2, 5))):
        _change_value(rng, tree)
    packed = msgpack.packb(tree)
    note = struct.pack("<III", 7, len(packed), NT_AMDGPU_METADATA) + b"AMDGPU\0\0" + packed + b"\0" * 3
    data = bytearray(target.data) + note
    struct.pack_into("<Q", data, target.note_header + 8, len(target.data))
    struct.pack_into("<Q", data, target.note_header + 32, len(note) - 3 + (-len(packed) & 3))
    return bytes(data)


def _change_value(rng: random.Random, tree: Any) -> None:
    """Replaces, removes or doubles one value somewhere in the tree."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(tree[key], dict | list) and tree[key] and rng.random() < 0.85:
            tree = tree[key]
            continue
        if isinstance(tree, list) and rng.random() < 0.3:
            tree.append(deepcopy(tree[key]))
        elif rng.random() < 0.25:
            del tree[key]
        else:
            tree[key] = deepcopy(rng.choice((*ODD, *INTERESTING)))
        return


def descriptors(rng: random.Random, target: Target) -> bytes:
    data, at = bytearray(target.data), rng.choice(target.descriptors)
    _change(rng, data, at, at + 64)
    return bytes(data)


def tables(rng: random.Random, target: Target) -> bytes:
    """Symbols, strings, dynamic entries, relocations."""
    data, (start, size) = bytearray(target.data), rng.choice(target.tables)
    _change(rng, data, start, start + size)
    return bytes(data)


def code(rng: random.Random, target: Target) -> bytes:
    return recoded(target.data, rng.getrandbits(64))


Damage = Callable[[random.Random, Target], bytes]
PARSING: tuple[tuple[Damage, int], ...] = (
    (headers, 40), (note_bytes, 15), (note_values, 20), (tables, 10), (descriptors, 6), (anywhere, 9),
)  # fmt: skip
"""Damage that reading and loading have to withstand, with its share."""

RUNNING: tuple[tuple[Damage, int], ...] = ((code, 60), (descriptors, 25), (note_values, 15))
"""Damage under which a kernel may still start."""


def damaged(targets: list[Target], kinds: tuple[tuple[Damage, int], ...], seed: int) -> bytes:
    """The input of a seed."""
    rng = random.Random(seed)
    (kind,) = rng.choices([k for k, _ in kinds], [share for _, share in kinds])
    return kind(rng, rng.choice(targets))
