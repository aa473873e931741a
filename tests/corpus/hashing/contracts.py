"""Contracts of hashing.hip: CRC-32, FNV-1a, substring search, a hash table."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Any

import numpy as np

from rocverify.oracle.contract import (
    I32,
    U8,
    U32,
    U64,
    Dims,
    In,
    InOut,
    Launch,
    Out,
    boundary,
    choices,
    contract,
)
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/hashing/hashing.hip"
SLOTS, EMPTY = 512, 0xFFFF_FFFF


class _Messages:
    messages = In("count length", U8)
    dims = Dims(count=boundary(1, 140), length=choices(1, 9, 24))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"messages": rng.integers(0, 256, (dims.count, dims.length))}


@contract(source=SOURCE, symbol="crc32")
class Crc32(_Messages):
    """The checksum of zlib."""

    checksum = Out("count", U32)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.count, 64), 64, arrays.messages, arrays.checksum, dims.count, dims.length)

    def reference(self, messages: Any) -> Any:
        return np.array([zlib.crc32(row.tobytes()) for row in messages], np.uint32)


@contract(source=SOURCE, symbol="fnv1a")
class Fnv1a(_Messages):
    """The 64-bit FNV-1a hash."""

    hash = Out("count", U64)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.count, 64), 64, arrays.messages, arrays.hash, dims.count, dims.length)

    def reference(self, messages: Any) -> Any:
        return np.array([_fnv1a(row.tobytes()) for row in messages], np.uint64)


def _fnv1a(message: bytes) -> int:
    state = 0xCBF29CE484222325
    for byte in message:
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return state


@contract(source=SOURCE, symbol="string_search")
class StringSearch:
    """A text over two letters, so that matches are many and overlap."""

    text = In("n", U8)
    pattern = In("m", U8)
    found = Out("n", U8)
    count = InOut("1", I32)
    dims = Dims(n=boundary(1, 300), m=choices(1, 3, 5))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        text, pattern = rng.choice([97, 98], dims.n), rng.choice([97, 98], dims.m)
        return {"text": text, "pattern": pattern, "count": [0]}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        written = (arrays.found, arrays.count)
        return launch(blocks(dims.n, 64), 64, arrays.text, arrays.pattern, *written, dims.n, dims.m)

    def reference(self, text: Any, pattern: Any) -> Any:
        whole, wanted = text.tobytes(), pattern.tobytes()
        found = np.array([whole.startswith(wanted, i) for i in range(len(whole))], np.uint8)
        return found, [found.sum()]


@contract(source=SOURCE, symbol="hash_count")
class HashCount:
    """Which slot a key gets depends on who comes first: keys and counts are compared, sorted by key."""

    keys = In("n", U32)
    slots = InOut("512", U32)
    counts = InOut("512", U32)
    dims = Dims(n=boundary(1, 300))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        keys = rng.choice(rng.integers(0, EMPTY, 100, dtype=np.uint32), dims.n)
        return {"keys": keys, "slots": np.full(SLOTS, EMPTY), "counts": np.zeros(SLOTS)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays["keys"], arrays.slots, arrays.counts, dims.n)

    def reference(self, keys: Any) -> Any:
        counted = sorted(Counter(keys.tolist()).items())
        rows = np.array(counted + [(EMPTY, 0)] * (SLOTS - len(counted)), np.uint32)
        return rows[:, 0], rows[:, 1]

    def canonical(self, slots: Any, counts: Any) -> Any:
        order = np.lexsort((counts, slots))
        return slots[order], counts[order]
