""" "X() calls Y()" in truths and key links, and the call chains that a plan's key links make."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rocverify.binding.via import parse_call
from rocverify.plan.model import Plan

VERB = (
    r"(?:directly\s+)?(?:calls|invokes|uses|launches|goes\s+through|(?:delegates|dispatches|forwards)\s+to)"
)
_NAME = r"`?(?P<{0}>[A-Za-z_][\w.:]*)`?(?:\(\s*\))?`?"
CALL = rf"{_NAME.format('caller')}\s+{VERB}\s+(?:the\s+)?{_NAME.format('callee')}"


def called_in(via: str) -> tuple[str, str] | None:
    """Caller and callee of a `via` that the key_link check reads as a call, else None."""
    call = parse_call(via)
    return (bare(call[0]), bare(call[1])) if call else None


def bare(name: str) -> str:
    """The last part of `module.f` or `module::f`."""
    return re.split(r"[.:]+", name)[-1]


def call_edges(plan: Plan) -> dict[str, list[str]]:
    """Who calls whom by the plan's key links, in their order."""
    edges: dict[str, list[str]] = {}
    for link in plan.key_links:
        call = called_in(link.via)
        if call and call[1] not in edges.setdefault(call[0], []):
            edges[call[0]].append(call[1])
    return edges


def chain_heads(edges: dict[str, list[str]]) -> list[str]:
    """The callers that nothing in the plan calls."""
    called = {callee for callees in edges.values() for callee in callees}
    return [caller for caller in edges if caller not in called]


def chains(edges: dict[str, list[str]], head: str) -> Iterator[tuple[str, ...]]:
    """Every call path from `head` to a function that calls nothing further, without `head` itself."""
    stack: list[tuple[str, ...]] = [(head,)]
    while stack:
        path = stack.pop()
        onward = [callee for callee in edges.get(path[-1], []) if callee not in path]
        if not onward and len(path) > 1:
            yield path[1:]
        stack += [(*path, callee) for callee in reversed(onward)]
