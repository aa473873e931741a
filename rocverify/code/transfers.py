"""Copies between host and device as the host code writes them, each with its direction.

A HIP function says its direction by its name or by a `hipMemcpyKind` argument, which is followed
through names, tables and the callers' arguments. What stays open is reported as such: a copy that may
bring data back to the host must not pass for one that does not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import regex

from rocverify.code.callgraph import CallGraph, Path
from rocverify.code.device_reads import bound_arguments
from rocverify.code.index import names
from rocverify.code.model import (
    CAUTIOUS,
    NOTHING,
    CallSite,
    ContainerValue,
    ExternalValue,
    FunctionInfo,
    LiteralValue,
    Value,
    Values,
)
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
    0: Direction.ON_HOST,
    1: Direction.TO_DEVICE,
    2: Direction.TO_HOST,
    3: Direction.ON_DEVICE,
    4: Direction.OPEN,
}
_HIP_COPY = regex.compile(r"hip(?:Drv)?Memcpy(?:\w*)|hipGraph(?:Exec)?(?:Add)?Memcpy\w*")
_BY_NAME = (
    (regex.compile(r"DtoH|AtoH|FromSymbol"), Direction.TO_HOST),
    (regex.compile(r"HtoD|HtoA|ToSymbol"), Direction.TO_DEVICE),
    (regex.compile(r"DtoD|DtoA|AtoD|AtoA|Peer"), Direction.ON_DEVICE),
)
_DEPTH = 6


class TransferFinder:
    """Finds the copies that a call of an entry may make. `forbid` are further device-to-host names."""

    def __init__(self, graph: CallGraph, vocabulary: Transfers, forbid: tuple[str, ...] = ()) -> None:
        self._graph = graph
        self._to_host = (*forbid, *vocabulary.device_to_host)
        self._to_device = vocabulary.host_to_device
        self._copies = frozenset(vocabulary.copies)

    def transfers(self, entry: FunctionInfo) -> Iterator[Transfer]:
        """Every copy in the live code that the entry can reach, by whatever sort of call."""
        for site, path in self._graph.reachable_sites(entry, CAUTIOUS):
            found = self._classify(site)
            if found is not None:
                yield Transfer(site, path, *found)

    def _classify(self, site: CallSite) -> tuple[Direction, str] | None:
        for word in self._to_host:
            if names(site, word):
                return Direction.TO_HOST, word
        for word in self._to_device:
            if names(site, word):
                return Direction.TO_DEVICE, word
        if site.callee is not None or not isinstance(site.node, ast.Call):
            return None
        if site.short not in self._copies and not _HIP_COPY.fullmatch(site.short):
            return None
        if site.short in _KINDS or site.short == "hipMemcpyKind":  # the enumeration, not a function
            return None
        for pattern, direction in _BY_NAME:
            if pattern.search(site.short):
                return direction, site.short
        return self._by_kind(site, site.node), site.short

    def _by_kind(self, site: CallSite, node: ast.Call) -> Direction:
        arguments = [*node.args, *(k.value for k in node.keywords)]
        found = {d for a in arguments for d in self._directions(a, site.caller, _DEPTH)}
        if not found:
            found = set(_numbers(self._values(_last_or_kind(node), site.caller, _DEPTH)))
        if Direction.TO_HOST in found:
            return Direction.TO_HOST
        return found.pop() if len(found) == 1 else Direction.OPEN

    def _directions(self, node: ast.expr, info: FunctionInfo, depth: int) -> Iterator[Direction]:
        """The kinds that an argument can stand for."""
        for value in _flat(self._values(node, info, depth)):
            if isinstance(value, ExternalValue):
                direction = _KINDS.get(value.name.rpartition(".")[2])
                if direction is not None:
                    yield direction
        if isinstance(node, ast.Call) and len(node.args) == 1:  # hipMemcpyKind(2)
            called = self._values(node.func, info, depth)
            if any(isinstance(v, ExternalValue) and v.name.endswith(".hipMemcpyKind") for v in called):
                yield from _numbers(self._values(node.args[0], info, depth))

    def _values(self, node: ast.expr | None, info: FunctionInfo, depth: int) -> Values:
        """What an expression stands for, parameters being replaced by what callers pass."""
        if node is None:
            return NOTHING
        scope = self._graph.resolver.scope_of(info)
        found = self._graph.resolver.values(node, scope)
        if isinstance(node, ast.Name) and depth and any(a.arg == node.id for a in info.arguments):
            for caller, argument in self._passed(info, node.id):
                found |= self._values(argument, caller, depth - 1)
        return found

    def _passed(self, info: FunctionInfo, name: str) -> Iterator[tuple[FunctionInfo, ast.expr]]:
        """The arguments that calls in the host sources bind to a parameter."""
        for site in self._calls_of(info):
            if isinstance(site.node, ast.Call):
                bound = bound_arguments(info, site.node)
                yield from ((site.caller, argument) for parameter, argument in bound if parameter == name)

    def _calls_of(self, info: FunctionInfo) -> Iterator[CallSite]:
        for module in self._graph.table.loaded():
            for caller in list(module.functions):
                yield from (s for s in self._graph.sites(caller) if s.callee == info)


def _last_or_kind(node: ast.Call) -> ast.expr | None:
    """The argument that a bare number would stand in as the kind: by keyword, else the fourth or last."""
    for keyword in node.keywords:
        if keyword.arg == "kind":
            return keyword.value
    if len(node.args) < 4:
        return None
    return node.args[3] if len(node.args) in (4, 5) else node.args[-1]


def _numbers(values: Values) -> Iterator[Direction]:
    for value in values:
        if isinstance(value, LiteralValue) and isinstance(value.value, int):
            yield _NUMBERS.get(value.value, Direction.OPEN)


def _flat(values: Values) -> Iterator[Value]:
    for value in values:
        if isinstance(value, ContainerValue):
            yield from _flat(value.elements)
        else:
            yield value
