"""Copies between host and device as the host code writes them, each with its direction.

A HIP function says its direction by its name or by a `hipMemcpyKind` argument, which is followed
through names, tables and the callers' arguments. What stays open is reported as such: a copy that may
bring data back to the host must not pass for one that does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rocverify.code.arguments import bound_arguments, without_keyword
from rocverify.code.call_sites import CAUTIOUS, CallSite
from rocverify.code.callgraph import Chain, Path
from rocverify.code.directions import Direction, direction_of
from rocverify.code.index import CodeIndex
from rocverify.code.places import Place
from rocverify.settings import Transfers


@dataclass(frozen=True, slots=True)
class Transfer:
    """One copy in live code, the way to it, and its direction. `word` is the vocabulary's name for it."""

    site: CallSite
    path: Path
    direction: Direction
    word: str


_DEPTH = 6


class TransferFinder:
    """Finds the copies that calls may make. `forbid` are further device-to-host names."""

    def __init__(self, index: CodeIndex, vocabulary: Transfers, forbid: tuple[str, ...] = ()) -> None:
        self._index = index
        self._graph = index.graph
        self._to_host = (*forbid, *vocabulary.device_to_host)
        self._to_device = vocabulary.host_to_device
        self._copies = frozenset(vocabulary.copies)

    def chain_back(self, entries: Sequence[Place]) -> Chain:
        """The shortest chain of calls from one of the functions to a copy to the host. What only may be one
        (a copy whose direction is a variable, a call that does not resolve) is the chain's `maybe`."""
        return self._graph.search(entries, self.back)

    def transfers(self, entry: Place) -> Iterator[Transfer]:
        """Every copy in the live code that the entry can reach, by whatever sort of call."""
        for site, path in self._graph.reachable_sites(entry, CAUTIOUS):
            found = self._classify(site)
            if found is not None:
                yield Transfer(site, path, *found)

    def back(self, site: CallSite) -> bool | None:
        """True for a copy to the host, False for what may be one (no direction shows), None for others."""
        return self._moves(site, Direction.TO_HOST)

    def up(self, site: CallSite) -> bool | None:
        """The same of copies to the device."""
        return self._moves(site, Direction.TO_DEVICE)

    def _moves(self, site: CallSite, wanted: Direction) -> bool | None:
        direction, _ = self._classify(site) or (None, "")
        return True if direction is wanted else False if direction is Direction.OPEN else None

    def _classify(self, site: CallSite) -> tuple[Direction, str] | None:
        for word in self._to_host:
            if site.calls(word):
                return Direction.TO_HOST, word
        for word in self._to_device:
            if site.calls(word):
                return Direction.TO_DEVICE, word
        if not site.is_foreign or site.call.kind or not site.call.arguments:
            return None
        worth = partial(self._worth, place=site.caller, depth=_DEPTH)
        direction = direction_of(site.short, site.call.arguments, self._copies, worth)
        return None if direction is None else (direction, site.short)

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
