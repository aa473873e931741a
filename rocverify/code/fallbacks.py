"""Ways around a launch: places where the host code gets by without the kernel and computes itself.

    an `except` handler (or contextlib.suppress, or `return` in `finally`) that swallows a failed launch
    a branch that returns without a launch, after computing on the host
    `launch(x) if gpu else compute(x)`

Computing means: numerical library calls, or arithmetic stored element by element in a loop, in that
branch or in what it calls. Checks that raise, and early returns that compute nothing, are no fallback.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rocverify.code.call_sites import CERTAIN, CallSite
from rocverify.code.callgraph import Path
from rocverify.code.index import CodeIndex
from rocverify.code.launches import LaunchFinder
from rocverify.code.liveness import (
    block_completes,
    expressions_of,
    live_branches,
    live_statements,
    walk_block,
    walk_expression,
)
from rocverify.code.places import Place

_LIBRARIES = ("numpy.", "scipy.", "torch.", "jax.", "cupy.", "numba.", "pandas.")
_HARMLESS = frozenset(
    {
        *("dtype", "prod", "shape", "ndim", "size", "issubdtype", "iinfo", "finfo", "result_type"),
        *("can_cast", "errstate", "isscalar", "empty", "empty_like", "ascontiguousarray", "default_rng"),
        *("asarray", "testing", "typing", "array_equal", "allclose", "isfinite", "all", "any"),
    }
)


class FallbackKind(StrEnum):
    """How the kernel is got around."""

    HANDLER = "swallows a failed launch"
    BRANCH = "returns without a launch, after computing on the host"


@dataclass(frozen=True, slots=True)
class Fallback:
    """One way around a launch. `path` leads to the function that has it, `detail` shows the code."""

    kind: FallbackKind
    function: Place
    line: int
    detail: str
    path: Path

    @property
    def location(self) -> str:
        return f"{self.function.path}:{self.line}"


class FallbackFinder:
    """Looks for ways around the launches that an entry reaches."""

    def __init__(self, index: CodeIndex, launches: LaunchFinder) -> None:
        self._index = index
        self._graph = index.graph
        self._launches = launches

    def fallbacks(self, entry: Place) -> Iterator[Fallback]:
        """The ways around, in every function between the entry and a launch."""
        for info, path in self._graph.paths(entry, CERTAIN).items():
            if self._launches.path(info) is not None:
                for kind, line, detail in self._in_function(info):
                    yield Fallback(kind, info, line, detail, path)

    def _in_function(self, info: Place) -> Iterator[tuple[FallbackKind, int, str]]:
        for statement in walk_block(self._body(info)):
            match statement:
                case ast.Try() | ast.TryStar():
                    yield from self._in_try(info, statement)
                case ast.With() | ast.AsyncWith():
                    yield from self._in_with(info, statement)
                case ast.If():
                    yield from self._in_arms(info, live_branches(statement), statement)
                case ast.Match():
                    yield from self._in_arms(info, [c.body for c in statement.cases], statement)
            yield from self._in_expressions(info, statement)

    # -- exceptions ----------------------------------------------------------------------------------

    def _in_try(self, info: Place, node: ast.Try | ast.TryStar) -> Iterator[tuple[FallbackKind, int, str]]:
        if not self._launching_block(info, node.body):
            return
        for handler in node.handlers:
            if _leaves_normally(handler.body) and not self._launching_block(info, handler.body):
                caught = "except" if handler.type is None else f"except {ast.unparse(handler.type)}"
                computing = self._computation(info, handler.body)
                detail = (
                    f"{caught}: computes on the host ({computing})" if computing else f"{caught}: goes on"
                )
                yield FallbackKind.HANDLER, handler.lineno, detail
        if any(isinstance(s, ast.Return) for s in walk_block(node.finalbody)):
            yield FallbackKind.HANDLER, node.finalbody[0].lineno, "finally: returns"

    def _in_with(
        self, info: Place, node: ast.With | ast.AsyncWith
    ) -> Iterator[tuple[FallbackKind, int, str]]:
        if not self._launching_block(info, node.body):
            return
        for item in node.items:
            sites = self._within(info, item.context_expr)
            if any(site.name == "contextlib.suppress" for site in sites):
                detail = f"with {ast.unparse(item.context_expr)}"
                yield FallbackKind.HANDLER, node.lineno, detail
            for site in sites:
                handler = _swallowing_handler(self._body(site.callee)) if site.callee else None
                if site.callee and handler:
                    detail = f"{site.short} catches what its block raises, at {site.callee.path}:{handler}"
                    yield FallbackKind.HANDLER, node.lineno, detail

    # -- branches ------------------------------------------------------------------------------------

    def _in_arms(
        self, info: Place, arms: list[list[ast.stmt]], node: ast.stmt
    ) -> Iterator[tuple[FallbackKind, int, str]]:
        elsewhere = any(self._launching_block(info, arm) for arm in arms)
        for arm in arms:
            if not arm or self._launching_block(info, arm):
                continue
            returns = any(isinstance(s, ast.Return) for s in walk_block(arm))
            instead = elsewhere and block_completes(arm) and not self._launches_after(info, node)
            if (returns or instead) and (computing := self._computation(info, arm)):
                yield FallbackKind.BRANCH, arm[0].lineno, computing

    def _launches_after(self, info: Place, node: ast.stmt) -> bool:
        """True if a launch follows the statement in the function's code."""
        end = node.end_lineno or node.lineno
        return any(site.line > end and self._reaches(site) for site in self._graph.sites(info))

    def _in_expressions(self, info: Place, statement: ast.stmt) -> Iterator[tuple[FallbackKind, int, str]]:
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                arms = _arms_of(node)
                if any(self._launching_expression(info, arm) for arm in arms):
                    for arm in arms:
                        computing = self._computing_sites(self._within(info, arm))
                        if computing and not self._launching_expression(info, arm):
                            yield FallbackKind.BRANCH, arm.lineno, computing

    # -- what code does ------------------------------------------------------------------------------

    def _reaches(self, site: CallSite) -> bool:
        if site.kind not in CERTAIN:
            return False
        if site.callee is not None:
            return self._launches.path(site.callee) is not None
        return self._launches.is_launch(site)

    def _launching_block(self, info: Place, block: list[ast.stmt]) -> bool:
        return any(
            self._reaches(s) for statement in live_statements(block) for s in self._sites(info, statement)
        )

    def _launching_expression(self, info: Place, node: ast.expr) -> bool:
        return any(self._reaches(site) for site in self._within(info, node))

    def _sites(self, info: Place, statement: ast.stmt) -> list[CallSite]:
        return self._within(info, statement)

    def _within(self, info: Place, node: ast.stmt | ast.expr) -> list[CallSite]:
        begin, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
        return list(self._graph.sites_between(info, begin, end))

    def _body(self, place: Place) -> list[ast.stmt]:
        info = self._index.python.info_of(place)
        return [] if info is None else info.body

    def _computation(self, info: Place, block: list[ast.stmt]) -> str | None:
        """The first computation in a block, as text with its place; None if there is none."""
        loop = _stores_in_loop(block)
        if loop is not None:
            return f"element by element at {info.path}:{loop}"
        sites = [s for statement in live_statements(block) for s in self._sites(info, statement)]
        return self._computing_sites(sites)

    def _computing_sites(self, sites: list[CallSite]) -> str | None:
        for site in sites:
            if _is_numerical(site):
                return f"{site.short} at {site.location}"
            if site.callee is not None and site.kind in CERTAIN:
                found = self._computes(site.callee)
                if found is not None:
                    return f"{site.short} at {site.location}, {found}"
        return None

    def _computes(self, info: Place) -> str | None:
        for reached in self._graph.paths(info, CERTAIN):
            loop = _stores_in_loop(self._body(reached))
            if loop is not None:
                return f"element by element at {reached.path}:{loop}"
            for site in self._graph.sites(reached):
                if _is_numerical(site):
                    return f"{site.short} at {site.location}"
        return None


def _swallowing_handler(body: list[ast.stmt]) -> int | None:
    """The line of a handler around a `yield` of a context manager that lets the block's errors vanish."""
    for statement in walk_block(body):
        if isinstance(statement, ast.Try | ast.TryStar) and _yields(statement.body):
            for handler in statement.handlers:
                if _leaves_normally(handler.body):
                    return handler.lineno
    return None


def _yields(block: list[ast.stmt]) -> bool:
    expressions = (e for s in walk_block(block) for e in expressions_of(s))
    return any(isinstance(n, ast.Yield) for e in expressions for n in walk_expression(e))


def _is_numerical(site: CallSite) -> bool:
    return site.name.startswith(_LIBRARIES) and site.short not in _HARMLESS


def _leaves_normally(block: list[ast.stmt]) -> bool:
    """True if control can leave the block other than by an exception."""
    jumps = (ast.Return, ast.Continue, ast.Break)
    return block_completes(block) or any(isinstance(s, jumps) for s in walk_block(block))


def _arms_of(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    return list(node.values) if isinstance(node, ast.BoolOp) else []


def _stores_in_loop(block: list[ast.stmt]) -> int | None:
    """The line of an element that a loop stores after arithmetic; None if there is no such loop."""
    for loop in walk_block(block):
        if isinstance(loop, ast.For | ast.AsyncFor | ast.While):
            for statement in walk_block(loop.body):
                if _is_element_store(statement):
                    return statement.lineno
    return None


def _is_element_store(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Subscript()], value=value):
            return any(isinstance(n, ast.BinOp) for n in walk_expression(value))
        case ast.AugAssign(target=ast.Subscript()):
            return True
    return False
