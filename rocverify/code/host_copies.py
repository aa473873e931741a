"""Copies to the host that a function of a Rust or C++ host reaches, over the records of
`rocverify.code.syntax`."""

from __future__ import annotations

from collections.abc import Collection

from rocverify.code.call_sites import CallSite
from rocverify.code.callgraph import CallGraph, Chain
from rocverify.code.directions import Direction, direction_of
from rocverify.code.places import Place
from rocverify.code.syntax import Call, Unit
from rocverify.settings import Transfers


def copies_to_host(
    graph: CallGraph, start: Unit, entry: str, transfers: Transfers, forbid: tuple[str, ...] = ()
) -> Chain:
    """The shortest chain of calls from `entry` to a copy to the host. What only may be one (a copy whose
    direction is a variable, a call that does not resolve) is the chain's `maybe`."""
    words = (*transfers.device_to_host, *forbid)

    def is_copy(site: CallSite) -> bool | None:
        return _copies(site.call, words, transfers.copies, Direction.TO_HOST)

    return graph.search([Place(start, function) for function in start.functions_of(entry)], is_copy)


def copies_back(call: Call, transfers: Transfers) -> bool | None:
    """Whether a call copies to the host; False where it may (no direction shows), None for others."""
    return _copies(call, transfers.device_to_host, transfers.copies, Direction.TO_HOST)


def uploads(call: Call, transfers: Transfers) -> bool | None:
    """The same of copies to the device."""
    return _copies(call, transfers.host_to_device, transfers.copies, Direction.TO_DEVICE)


def _copies(call: Call, words: Collection[str], copies: Collection[str], wanted: Direction) -> bool | None:
    name = call.name.rstrip("!")
    if call.kind:
        return None
    if name in words:
        return True
    if not call.arguments:
        return None
    found = direction_of(name, call.arguments, copies, lambda text: (text,))
    return True if found is wanted else False if found is Direction.OPEN else None


def described(entry: str, chain: Chain) -> str:
    """`a() -> b() -> to_host_vec() at src/a.rs:12`."""
    calls = " -> ".join(f"{name}()" for name in (entry, *(site.call.name for site in chain.path)))
    return f"{calls} at {chain.path[-1].location}" if chain.path else calls
