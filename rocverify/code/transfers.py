"""Copies between host and device as the host code writes them, each with its direction.

A HIP function says its direction by its name or by a `hipMemcpyKind` argument, which is followed
through names, tables and the callers' arguments. What stays open is reported as such: a copy that may
bring data back to the host must not pass for one that does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rocverify.code.arguments import bound_arguments, without_keyword
from rocverify.code.call_sites import CAUTIOUS, CallSite
from rocverify.code.callgraph import Path
from rocverify.code.index import CodeIndex
from rocverify.code.places import Place
from rocverify.settings import Transfers


class Direction(StrEnum):
    """Where a copy moves data."""

    TO_HOST = "device to host"
    TO_DEVICE = "host to device"
    ON_DEVICE = "device to device"
    ON_HOST = "host to host"
    OPEN = "a direction that cannot be seen"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One copy in live code, the way to it, and its direction. `word` is the vocabulary's name for it."""

    site: CallSite
    path: Path
    direction: Direction
    word: str


_KINDS = {
    "hipMemcpyHostToHost": Direction.ON_HOST,
    "hipMemcpyHostToDevice": Direction.TO_DEVICE,
    "hipMemcpyDeviceToHost": Direction.TO_HOST,
    "hipMemcpyDeviceToDevice": Direction.ON_DEVICE,
    "hipMemcpyDeviceToDeviceNoCU": Direction.ON_DEVICE,
    "hipMemcpyDefault": Direction.OPEN,
}
_NUMBERS = {
    "0": Direction.ON_HOST,
    "1": Direction.TO_DEVICE,
    "2": Direction.TO_HOST,
    "3": Direction.ON_DEVICE,
    "4": Direction.OPEN,
}
_HIP_COPY = re.compile(r"hip(?:Drv)?Memcpy(?:\w*)|hipGraph(?:Exec)?(?:Add)?Memcpy\w*")
_BY_NAME = (
    (re.compile(r"DtoH|AtoH|FromSymbol"), Direction.TO_HOST),
    (re.compile(r"HtoD|HtoA|ToSymbol"), Direction.TO_DEVICE),
    (re.compile(r"DtoD|DtoA|AtoD|AtoA|Peer"), Direction.ON_DEVICE),
)
_MADE_FROM_NUMBER = re.compile(r"(?P<kind>[\w.]+)\((?P<number>[^(),]*)\)")
_INTEGER = re.compile(r"-?\d+|True|False")
_DEPTH = 6


class TransferFinder:
    """Finds the copies that a call of an entry may make. `forbid` are further device-to-host names."""

    def __init__(self, index: CodeIndex, vocabulary: Transfers, forbid: tuple[str, ...] = ()) -> None:
        self._index = index
        self._graph = index.graph
        self._to_host = (*forbid, *vocabulary.device_to_host)
        self._to_device = vocabulary.host_to_device
        self._copies = frozenset(vocabulary.copies)

    def transfers(self, entry: Place) -> Iterator[Transfer]:
        """Every copy in the live code that the entry can reach, by whatever sort of call."""
        for site, path in self._graph.reachable_sites(entry, CAUTIOUS):
            found = self._classify(site)
            if found is not None:
                yield Transfer(site, path, *found)

    def _classify(self, site: CallSite) -> tuple[Direction, str] | None:
        for word in self._to_host:
            if site.calls(word):
                return Direction.TO_HOST, word
        for word in self._to_device:
            if site.calls(word):
                return Direction.TO_DEVICE, word
        if site.callee is not None or site.call.kind:
            return None
        if site.short not in self._copies and not _HIP_COPY.fullmatch(site.short):
            return None
        if site.short in _KINDS or site.short == "hipMemcpyKind":  # the enumeration, not a function
            return None
        for pattern, direction in _BY_NAME:
            if pattern.search(site.short):
                return direction, site.short
        return self._by_kind(site), site.short

    def _by_kind(self, site: CallSite) -> Direction:
        found = {d for a in site.call.arguments for d in self._directions(a, site.caller, _DEPTH)}
        if not found:
            kind = _last_or_kind(site.call.arguments)
            found = set(_numbers(self._worth(kind, site.caller, _DEPTH))) if kind else set()
        if Direction.TO_HOST in found:
            return Direction.TO_HOST
        return found.pop() if len(found) == 1 else Direction.OPEN

    def _directions(self, text: str, place: Place, depth: int) -> Iterator[Direction]:
        """The kinds that an argument can stand for."""
        for written in self._worth(text, place, depth):
            direction = _KINDS.get(written.rpartition(".")[2])
            if direction is not None and "." in written:
                yield direction
        made = _MADE_FROM_NUMBER.fullmatch(without_keyword(text))  # hipMemcpyKind(2)
        if made is not None:
            kinds = self._worth(made["kind"], place, depth)
            if any(kind.endswith(".hipMemcpyKind") for kind in kinds):
                yield from _numbers(self._worth(made["number"], place, depth))

    def _worth(self, text: str, place: Place, depth: int) -> frozenset[str]:
        """What an expression stands for, parameters being replaced by what callers pass."""
        found = self._index.names(place.path).worth(text, place)
        name = without_keyword(text)
        if depth and any(parameter.name == name for parameter in place.function.parameters):
            for caller, argument in self._passed(place, name):
                found |= self._worth(argument, caller, depth - 1)
        return found

    def _passed(self, place: Place, name: str) -> Iterator[tuple[Place, str]]:
        """The arguments that calls in the host sources bind to a parameter."""
        for site in self._index.calls_of(place):
            bound = bound_arguments(place, site.call)
            yield from ((site.caller, argument) for parameter, argument in bound if parameter == name)


def _last_or_kind(arguments: tuple[str, ...]) -> str | None:
    """The argument that a bare number would stand in as the kind: by keyword, else the fourth or last."""
    given = [text for text in arguments if without_keyword(text) == text]
    for text in arguments:
        if text.startswith("kind="):
            return text
    if len(given) < 4:
        return None
    return given[3] if len(given) in (4, 5) else given[-1]


def _numbers(written: frozenset[str]) -> Iterator[Direction]:
    return (_NUMBERS.get(text, Direction.OPEN) for text in written if _INTEGER.fullmatch(text))
