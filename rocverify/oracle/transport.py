"""What a host has made, and what it has only brought: what it sent, over several calls with other values.

Whoever only moves values puts each at a place that does not depend on them: what stands there is, in every
call, what stood at one place of what was read. A tuple of the values of all calls is as good as a name of
that place. What is the same in all calls (tables, sizes, padding) tells nothing of the values; the rest was
made. Other types, wider or narrower, are still moves; an order that follows the values, as a sort's, is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.device.traffic import Left, Traffic, Upload
from rocverify.oracle.dtypes import BF16, F16, F32, F64, DType, to_float64

Stack = NDArray[np.uint8]
"""A piece of memory as it was in each call: calls by bytes."""

_WIDTHS = (8, 4, 2)
"""Bytes that are moved as one. Single bytes name no place: too many are alike."""
_WIDEST = _WIDTHS[0]


class Read:
    """What the host knows: pieces that lay there in each call."""

    def __init__(self, pieces: Sequence[Stack], types: Iterable[DType]) -> None:
        self._pieces = pieces
        self._kinds = [kind.numpy for kind in dict.fromkeys((F64, F32, F16, BF16, *types))]
        self._widths = (*_WIDTHS, *([1] if any(kind.itemsize == 1 for kind in self._kinds) else []))
        self._known: dict[int | np.dtype[Any], NDArray[np.uint64]] = {}

    def made(self, pieces: Iterable[Stack]) -> int:
        """Bytes of pieces that change from call to call, and are not what was read."""
        return sum(self._made(piece) for piece in pieces)

    def made_of(self, piece: Stack, sent: Read, width: int) -> int:
        """Bytes of the elements of a piece that are not what was read, and lie in what was sent."""
        names = _names(piece, width)
        unknown = self._made_where(piece)[: names.size * width].reshape(-1, width).any(axis=1)
        return width * int((unknown & np.isin(names, sent._raw(width))).sum())

    def _made(self, piece: Stack) -> int:
        return int(self._made_where(piece).sum())

    def _made_where(self, piece: Stack) -> NDArray[np.bool_]:
        unknown = _changing(piece)
        for width in self._widths:
            _strike(unknown, _names(piece, width), width, self._raw(width))
        for kind in self._kinds:
            if unknown.any():
                names = _numeric_names(piece, kind, kind)
                _strike(unknown, names, kind.itemsize, self._numeric(kind))
        return unknown

    def _raw(self, width: int) -> NDArray[np.uint64]:
        if width not in self._known:
            self._known[width] = _unique([_names(_told(piece, width), width) for piece in self._pieces])
        return self._known[width]

    def _numeric(self, kind: np.dtype[Any]) -> NDArray[np.uint64]:
        """The values as numbers of one type, whatever type they were read in."""
        if kind not in self._known:
            sources = [other for other in self._kinds if _is_float(other) <= _is_float(kind)]
            self._known[kind] = _unique([one for source in sources for one in self._numbers(source, kind)])
        return self._known[kind]

    def _numbers(self, source: np.dtype[Any], kind: np.dtype[Any]) -> list[NDArray[np.uint64]]:
        return [_numeric_names(_told(piece, source.itemsize), source, kind) for piece in self._pieces]


def _unique(names: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    return np.unique(np.concatenate([np.empty(0, np.uint64), *names]))


def _strike(
    unknown: NDArray[np.bool_], names: NDArray[np.uint64], width: int, known: NDArray[np.uint64]
) -> None:
    """Takes the elements away whose names are known, in place. known: in order. An element of two parts of
    which one is known is none that was moved: twice a number has half of its bytes."""
    if not (unknown.any() and names.size and known.size):
        return
    places = np.minimum(np.searchsorted(known, names), known.size - 1)
    elements = unknown[: names.size * width].reshape(-1, width)
    found = np.asarray(known[places] == names)
    if width < _WIDEST:
        told = found | ~elements.any(axis=1)
        halves = told[: told.size // 2 * 2].reshape(-1, 2)
        found[: halves.size] &= np.repeat(halves.all(axis=1), 2)
    elements[found] = False


def found_out(runs: Sequence[Traffic]) -> list[Stack] | None:
    """All that the host has read in each call, with or without a copy; None where it cannot be told what
    answers to what. What it had sent itself is left out."""
    echoes = frozenset[int]().union(*(run.echoes for run in runs))
    reads = [[one for number, one in enumerate(run.reads) if number not in echoes] for run in runs]
    places = [place for place in runs[0].left if all(place in run.left for run in runs)]
    without = [[run.left[place] for place in places] for run in runs]
    copied, seen = aligned(reads), aligned(without)
    return None if copied is None or seen is None else [*copied, *seen]


def sent(runs: Sequence[Traffic]) -> list[Stack] | None:
    """All that the host has sent in each call; None where it cannot be told what answers to what."""
    called = aligned([[one.content for one in run.uploads if one.place is None] for run in runs])
    launches = {one.place[0] for run in runs for one in run.uploads if one.place is not None}
    parts = [called, *(_seen([_at(run, launch) for run in runs]) for launch in sorted(launches))]
    return None if any(part is None for part in parts) else [one for part in parts for one in part or ()]


def _at(run: Traffic, launch: int) -> dict[Left, Upload]:
    """What a launch found in memory that both see."""
    return {one.place: one for one in run.uploads if one.place is not None and one.place[0] == launch}


def _seen(calls: Sequence[Mapping[Left, Upload]]) -> list[Stack] | None:
    """The same for what a launch found without a call. What was changed there may begin or end elsewhere,
    where a value is what it was before; and memory that the program registers is cut by its pages."""
    whole = aligned([[one.content for one in call.values()] for call in calls])
    if whole is not None or any(call.keys() != calls[0].keys() for call in calls):
        return whole
    found = []
    for place in calls[0]:
        pieces = [call[place] for call in calls]
        first = max(piece.start for piece in pieces)
        last = max(first, min(piece.start + len(piece.content) for piece in pieces))
        found.append(_stack([piece.content[first - piece.start : last - piece.start] for piece in pieces]))
    return found


def aligned(runs: Sequence[Sequence[bytes]]) -> list[Stack] | None:
    """The pieces of each call beside those of the others: one by one where they have the same lengths, or all
    in one where those alone differ."""
    if len({tuple(map(len, run)) for run in runs}) == 1:
        return [_stack(pieces) for pieces in zip(*runs, strict=True)]
    joined = [b"".join(run) for run in runs]
    return [_stack(joined)] if len(set(map(len, joined))) == 1 else None


def alone(run: Traffic) -> tuple[list[Stack], list[Stack]]:
    """What the host has read and sent in one call, beside zeros: where nothing else answers to it, each value
    stands for itself."""
    reads = [one for number, one in enumerate(run.reads) if number not in run.echoes]
    read, uploads = (*reads, *run.left.values()), (one.content for one in run.uploads)
    return [_stack([bytes(len(one)), one]) for one in read], [
        _stack([bytes(len(one)), one]) for one in uploads
    ]


def changing(pieces: Iterable[Stack]) -> int:
    """Bytes that are not the same in all calls."""
    return sum(int(_changing(piece).sum()) for piece in pieces)


def _stack(pieces: Sequence[bytes]) -> Stack:
    return np.stack([np.frombuffer(piece, np.uint8) for piece in pieces])


def _changing(piece: Stack) -> NDArray[np.bool_]:
    return np.asarray((piece != piece[0]).any(axis=0))


def _told(piece: Stack, width: int) -> Stack:
    """The elements of a piece that are not the same in all calls."""
    whole = piece.shape[1] // width * width
    elements = piece[:, :whole].reshape(len(piece), -1, width)
    return elements[:, (elements != elements[0]).any(axis=(0, 2))].reshape(len(piece), -1)


def _is_float(kind: np.dtype[Any]) -> bool:
    return kind.kind not in "iu"


def _names(piece: Stack, width: int) -> NDArray[np.uint64]:
    """One number for what stands at each place over all calls."""
    whole = piece.shape[1] // width * width
    return _mixed(np.ascontiguousarray(piece[:, :whole]).view(f"u{width}"))


def _numeric_names(piece: Stack, source: np.dtype[Any], kind: np.dtype[Any]) -> NDArray[np.uint64]:
    """The same of values of one type, as numbers of another."""
    whole = piece.shape[1] // source.itemsize * source.itemsize
    with np.errstate(all="ignore"):
        numbers = to_float64(np.ascontiguousarray(piece[:, :whole]).view(source).astype(kind)) + 0.0
    return _mixed(numbers.view(np.uint64))


def _mixed(columns: NDArray[Any]) -> NDArray[np.uint64]:
    mixed = np.zeros(columns.shape[1], np.uint64)
    for row in columns:
        mixed = (mixed ^ row.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed
