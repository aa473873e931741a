"""Contracts of lanes.hip: votes, shuffles, scans, divergent loops, matches. Workgroups have 128 workitems."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import F64, I32, I64, U32, Dims, In, Launch, Out, choices, contract
from tests.corpus.launching import launch

SOURCE = "tests/corpus/lanes/lanes.hip"
ALL = 0xFFFF_FFFF


class _Lanes:
    data = In("groups 128", I32)
    dims = Dims(groups=choices(1, 3))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"data": rng.integers(-100, 100, (dims.groups, 128))}


@contract(source=SOURCE, symbol="votes")
class Votes(_Lanes):
    """Every other group of values stays far from the limits, so that both answers occur."""

    ballots = Out("groups 128 2", U32)
    answers = Out("groups 4", I32)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        limits = np.where(np.arange(dims.groups) % 2 == rng.integers(2), 100, 50)[:, None]
        return {"data": rng.integers(-limits, limits, (dims.groups, 128))}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.groups, 128, arrays.data, arrays.ballots, arrays.answers)

    def reference(self, data: Any) -> Any:
        odd = data % 2 == 1
        full = _masks(data > 0)
        among = np.where(odd, _masks((data > 5) & odd), ALL)
        answers = [
            [(row > 90).any(), (row[o] > 60).any(), (row > -90).all(), (row[o] > -60).all()]
            for row, o in zip(data, odd, strict=True)
        ]
        return np.stack([full, among], axis=-1), np.array(answers, np.int32)


def _masks(flags: Any) -> Any:
    """For each lane, the flags of its group of 32 as a word."""
    words = (flags.reshape(-1, 32).astype(np.uint64) << np.arange(32, dtype=np.uint64)).sum(axis=1)
    return np.repeat(words, 32).reshape(flags.shape)


@contract(source=SOURCE, symbol="shuffles")
class Shuffles(_Lanes):
    """Where a shuffle reaches outside its group, a lane keeps its own value."""

    out = Out("groups 128 8", I32)
    real = Out("groups 128", F64)
    wide = Out("groups 128", I64)
    rounding = {F64: 0.0}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.groups, 128, arrays.data, arrays.out, arrays.real, arrays.wide)

    def reference(self, data: Any) -> Any:
        lanes = np.arange(128)
        base = lanes // 32 * 32

        def moved(by: int, width: int) -> Any:
            """Each lane's own value where the source lies outside its group."""
            inside = (lanes % width + by >= 0) & (lanes % width + by < width)
            return data[:, np.where(inside, lanes + by, lanes)]

        columns = [
            data[:, base + 5],
            np.take_along_axis(data, base + (data & 31), axis=1),
            *(moved(-3, 32), moved(7, 32)),
            data[:, lanes ^ 17],
            data[:, lanes // 8 * 8 + 3],
            *(moved(-1, 16), moved(2, 4)),
        ]
        return np.stack(columns, axis=-1), data[:, lanes ^ 9] * 0.5, moved(-1, 32).astype(np.int64) << 33


@contract(source=SOURCE, symbol="wave_scan")
class WaveScan(_Lanes):
    """Inclusive prefix sums of workgroups."""

    out = Out("groups 128", I32)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.groups, 128, arrays.data, arrays.out)

    def reference(self, data: Any) -> Any:
        return np.cumsum(data, axis=1)


@contract(source=SOURCE, symbol="divergent_loops")
class DivergentLoops(_Lanes):
    """Loops whose lanes leave at different turns, with a vote among those that are left."""

    turns = Out("groups 128", I32)
    together = Out("groups 128", U32)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.groups, 128, arrays.data, arrays.turns, arrays.together)

    def reference(self, data: Any) -> Any:
        """Turn by turn, all lanes of a group of 32 together."""
        left = (data & 15).reshape(-1, 32)
        taken, seen = np.zeros_like(left), np.zeros(left.shape, np.uint64)
        while (left > 0).any():
            running = left > 0
            left = left - running
            counting = running & (left % 3 != 1)
            votes = (counting & (left > 4)).sum(axis=1, keepdims=True).astype(np.uint64)
            seen = np.where(counting, (seen * np.uint64(31) + votes) & np.uint64(ALL), seen)
            taken += np.where(counting, left + left // 2, 0)
        return taken.reshape(data.shape), seen.reshape(data.shape)


@contract(source=SOURCE, symbol="match_any")
class MatchAny(_Lanes):
    """How often each value occurs in a workgroup."""

    counts = Out("groups 8", I32)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.groups, 128, arrays.data, arrays.counts)

    def reference(self, data: Any) -> Any:
        return np.stack([np.bincount(row & 7, minlength=8) for row in data])
