"""Contracts of sorting.hip: a bitonic sort of segments, and one pass of a radix sort in three kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import I32, U32, Dims, In, InOut, Launch, Out, boundary, choices, contract
from tests.corpus.launching import launch

SOURCE = "tests/corpus/sorting/sorting.hip"
DIGITS, THREADS = 16, 128


@contract(source=SOURCE, symbol="bitonic_sort")
class BitonicSort:
    """Segments sorted by key; the payload numbers them, so that equal keys stay in order."""

    keys = In("segments length", I32)
    payload = In("segments length", I32)
    sorted = Out("segments length", I32)
    carried = Out("segments length", I32)
    dims = Dims(segments=choices(1, 3), length=boundary(1, 256))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        shape = (dims.segments, dims.length)
        order = np.broadcast_to(np.arange(dims.length, dtype=np.int32), shape)
        return {"keys": rng.integers(-50, 50, shape, dtype=np.int32), "payload": order}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        written = (arrays.sorted, arrays.carried)
        return launch(dims.segments, 128, arrays.keys, arrays.payload, *written, dims.length)

    def reference(self, keys: Any, payload: Any) -> Any:
        rows = [sorted(zip(k, p, strict=True)) for k, p in zip(keys.tolist(), payload.tolist(), strict=True)]
        pairs = np.array(rows, np.int32)
        return pairs[..., 0], pairs[..., 1]


class _Pass:
    """What the counting and the scattering kernel share; keys come in blocks of 128."""

    def _keys(self, rng: Any, n: int) -> Any:
        return rng.integers(0, 1 << 32, n, dtype=np.uint32)


def _digit(key: int, shift: int) -> int:
    return key >> shift & DIGITS - 1


def _offsets(keys: list[int], shift: int, blocks: int) -> Any:
    """Where the first key of each digit and block goes: digit by digit, within these block by block."""
    places = [_digit(key, shift) * blocks + i // THREADS for i, key in enumerate(keys)]
    counts = np.bincount(places, minlength=DIGITS * blocks)
    return np.cumsum(counts) - counts


@contract(source=SOURCE, symbol="radix_count")
class RadixCount(_Pass):
    """How often each digit occurs in each block, digit by digit."""

    keys = In("blocks lanes", U32)
    counts = Out("blocks*16", U32)
    dims = Dims(blocks=choices(1, 2, 3), lanes=choices(128), shift=choices(4, 12, 28))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"keys": self._keys(rng, dims.blocks * dims.lanes).reshape(dims.blocks, dims.lanes)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.blocks * dims.lanes, dims.shift)
        return launch(dims.blocks, THREADS, arrays.keys, arrays.counts, *sizes)

    def reference(self, keys: Any, shift: int) -> Any:
        counts = np.zeros((DIGITS, len(keys)), np.uint32)
        for block, row in enumerate(keys.tolist()):
            for key in row:
                counts[_digit(key, shift), block] += 1
        return counts.ravel()


@contract(source=SOURCE, symbol="radix_scan")
class RadixScan:
    """Exclusive prefix sums modulo 2^32."""

    counts = InOut("n", U32)
    dims = Dims(n=boundary(1, 300, tile=128))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"counts": rng.integers(0, 1 << 30, dims.n, dtype=np.uint32)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(1, THREADS, arrays.counts, dims.n)

    def reference(self, counts: Any) -> Any:
        before = np.cumsum(counts, dtype=np.uint64) - counts
        return (before & np.uint64(0xFFFFFFFF)).astype(np.uint32)


@contract(source=SOURCE, symbol="radix_scatter")
class RadixScatter(_Pass):
    """Three blocks of keys, the last one cut short by `n`; offsets as the first two kernels make them."""

    keys = In("n", U32)
    offsets = In("48", U32)
    out = Out("n", U32)
    dims = Dims(n=boundary(257, 384), shift=choices(1, 8, 28))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        keys = self._keys(rng, dims.n)
        return {"keys": keys, "offsets": _offsets(keys.tolist(), dims.shift, 3).astype(np.uint32)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.n, dims.shift)
        return launch(3, THREADS, arrays.keys, arrays.offsets, arrays.out, *sizes)

    def reference(self, keys: Any, shift: int) -> Any:
        return np.array(sorted(keys.tolist(), key=lambda key: _digit(key, shift)), np.uint32)
