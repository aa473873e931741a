"""Ways around a launch: places where the host code gets by without the kernel and computes itself.

    a handler (`except`, `catch`, `Err(..) =>`, `.unwrap_or_else(..)`) that swallows a failed launch
    a branch that is taken where a launch has failed, and computes on the host
    a branch that returns without a launch, after computing on the host
    `launch(x) if gpu else compute(x)`, `gpu ? launch(x) : compute(x)`

Computing means: numerical library calls, or arithmetic stored element by element in a loop, in that
branch or in what it calls. Checks that raise, and early returns that compute nothing, are no fallback. In
Rust and C++ errors are values: a handler that only tells of one, or returns one, is none either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rocverify.code.call_sites import CERTAIN, CallSite
from rocverify.code.callgraph import CallGraph, Path, Position
from rocverify.code.languages import is_python
from rocverify.code.launches import LaunchFinder
from rocverify.code.outcomes import arm_when_failed, failed_cases, given, gives_back
from rocverify.code.places import Place
from rocverify.code.syntax import Branch

_LIBRARIES = ("numpy.", "scipy.", "torch.", "jax.", "cupy.", "numba.", "pandas.")
_COMPILED = frozenset({"ndarray", "nalgebra", "rayon", "faer", "cblas", "blas", "Eigen", "arma", "xt", "mkl"})
_STANDARD = frozenset(
    {
        *("transform", "accumulate", "inner_product", "reduce", "transform_reduce", "partial_sum"),
        *("inclusive_scan", "exclusive_scan", "sort", "stable_sort", "partial_sort", "nth_element"),
    }
)
"""What the C++ standard library computes on the host."""
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
    FAILED = "computes on the host where a launch has failed"
    CHOSEN = "computes on the host, or not, by what a launch gave"
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
        """`path:line` of the fallback."""
        return f"{self.function.path}:{self.line}"


_Found = Iterator[tuple[FallbackKind, int, str]]


_ARMS = frozenset({"if", "else", "case", "handler"})
_ASKING = frozenset({"asked", "match"})


class FallbackFinder:
    """Looks for ways around the launches that an entry reaches."""

    def __init__(self, graph: CallGraph, launches: LaunchFinder) -> None:
        self._graph = graph
        self._launches = launches

    def fallbacks(self, entry: Place) -> Iterator[Fallback]:
        """The ways around, in every function between the entry and a launch."""
        for place, path in self._graph.paths(entry, kinds=CERTAIN).items():
            if self._launches.path(place) is not None:
                for kind, line, detail in self._in_function(place):
                    yield Fallback(kind, place, line, detail, path)

    def _in_function(self, place: Place) -> _Found:
        groups: dict[str, list[Branch]] = {}
        for branch in place.function.branches:
            if branch.of:
                groups.setdefault(branch.of, []).append(branch)
        for parts in groups.values():
            kinds = {part.kind for part in parts}
            if "try" in kinds:
                yield from self._in_try(place, parts)
            elif "with" in kinds:
                yield from self._in_with(place, parts)
            elif "arm" in kinds:
                yield from self._in_expression(place, parts)
            elif kinds <= _ARMS | _ASKING:
                arms = [part for part in parts if part.kind in _ARMS]
                asked = [part for part in parts if part.kind in _ASKING]
                yield from self._in_arms(place, arms, asked)

    # -- exceptions ----------------------------------------------------------------------------------

    def _in_try(self, place: Place, parts: list[Branch]) -> _Found:
        if not any(part.kind == "try" and self._launching(place, part) for part in parts):
            return
        for part in parts:
            if part.kind == "handler" and part.ends != "raise" and not self._launching(place, part):
                caught = f"except {part.text}".rstrip() if is_python(place.path) else f"on {part.text}"
                computing = self._computation(place, part)
                if computing or is_python(place.path):
                    does = f"computes on the host ({computing})" if computing else "goes on"
                    yield FallbackKind.HANDLER, part.line, f"{caught}: {does}"
            if part.kind == "finally" and _returns(place, part):
                yield FallbackKind.HANDLER, part.begin[0], "finally: returns"

    def _in_with(self, place: Place, parts: list[Branch]) -> _Found:
        body = next(part for part in parts if part.kind == "with")
        if not self._launching(place, body):
            return
        for item in parts:
            sites = self._within(place, item) if item.kind == "item" else []
            if any(site.name == "contextlib.suppress" for site in sites):
                yield FallbackKind.HANDLER, body.line, f"with {item.text}"
            for site in sites:
                handler = _swallowing_handler(site.callee) if site.callee else None
                if site.callee and handler:
                    detail = f"{site.short} catches what its block raises, at {site.callee.path}:{handler}"
                    yield FallbackKind.HANDLER, body.line, detail

    # -- branches ------------------------------------------------------------------------------------

    def _in_arms(self, place: Place, arms: list[Branch], asked: list[Branch]) -> _Found:
        """What an `if`, `match` or `switch` does. asked: what it decides by, if that is known."""
        if not arms:
            return
        if any(self._tells_of_a_launch(place, part) for part in asked):
            yield from self._by_outcome(place, arms, asked[0])
            return
        elsewhere = any(self._launching(place, arm) for arm in arms)
        last = max(arm.end for arm in arms)
        if not is_python(place.path) and self._surely_launched(place, min(arm.begin for arm in arms)):
            return
        for arm in arms:
            if self._launching(place, arm):
                if arm.kind == "if" and arm.ends == "jump" and _returns(place, arm):
                    yield from self._afterwards(place, last, FallbackKind.BRANCH)
                continue
            instead = elsewhere and arm.ends == "on" and not self._launches_after(place, last)
            if (instead or _returns(place, arm)) and (computing := self._computation(place, arm)):
                yield FallbackKind.BRANCH, arm.begin[0], computing

    def _by_outcome(self, place: Place, arms: list[Branch], asked: Branch) -> _Found:
        """The same where a launch's outcome decides."""
        if asked.kind == "match":
            failed, is_error = failed_cases(arms)
        else:
            told = list(given(place, asked))
            sites = [s for part in (asked, *told) for s in self._within(place, part) if self._reaches(s)]
            taken, is_error = arm_when_failed(asked, told, sites)
            kind = FallbackKind.FAILED if is_error else FallbackKind.CHOSEN
            failed = [arm for arm in arms if arm.kind == taken]
            if not failed and taken == "else" and any(_returns(place, arm) for arm in arms):
                yield from self._afterwards(place, max(arm.end for arm in arms), kind)
        kind = FallbackKind.FAILED if is_error else FallbackKind.CHOSEN
        for arm in failed:
            if arm.ends == "raise" or self._launching(place, arm) or gives_back(place, arm, asked):
                continue
            if computing := self._computation(place, arm):
                yield kind, arm.begin[0], computing

    def _afterwards(self, place: Place, begin: Position, kind: FallbackKind) -> _Found:
        """What a function does behind an `if` that has launched and returned."""
        end = (place.function.last_line + 1, 0)
        rest = Branch("rest", "", begin[0], end[0], begin, end)
        computing = None if self._launching(place, rest) else self._computation(place, rest)
        if computing:
            yield kind, begin[0], computing

    def _tells_of_a_launch(self, place: Place, asked: Branch) -> bool:
        """Whether a condition is a launch, or has a variable that says how one went."""
        return any(self._launching(place, part) for part in (asked, *given(place, asked)))

    def _surely_launched(self, place: Place, begin: Position) -> bool:
        """Whether a launch that nothing leaves out stands before a place."""
        sites = self._graph.sites_between(place, (0, 0), begin)
        return any(self._reaches(site) and not site.call.within for site in sites)

    def _launches_after(self, place: Place, end: Position) -> bool:
        """True if a launch follows a place in the function's code."""
        return any(site.call.at > end and self._reaches(site) for site in self._graph.sites(place))

    def _in_expression(self, place: Place, arms: list[Branch]) -> _Found:
        if not any(self._launching(place, arm) for arm in arms):
            return
        for arm in arms:
            computing = self._computing_sites(self._within(place, arm))
            if computing and not self._launching(place, arm):
                yield FallbackKind.BRANCH, arm.line, computing

    # -- what code does ------------------------------------------------------------------------------

    def _reaches(self, site: CallSite) -> bool:
        if site.kind not in CERTAIN:
            return False
        if self._launches.is_launch(site):
            return True
        return site.callee is not None and self._launches.path(site.callee) is not None

    def _within(self, place: Place, part: Branch) -> list[CallSite]:
        return list(self._graph.sites_between(place, part.begin, part.end))

    def _launching(self, place: Place, part: Branch) -> bool:
        return any(self._reaches(site) for site in self._within(place, part))

    def _computation(self, place: Place, part: Branch) -> str | None:
        """The first computation in a block, as text with its place; None if there is none."""
        loop = _stored_in(place, part)
        return loop or self._computing_sites(self._within(place, part))

    def _computing_sites(self, sites: list[CallSite]) -> str | None:
        for site in sites:
            if _is_numerical(site):
                return f"{site.short} at {site.location}"
            if site.callee is not None and site.kind in CERTAIN:
                found = self._computes(site.callee)
                if found is not None:
                    return f"{site.short} at {site.location}, {found}"
        return None

    def _computes(self, place: Place) -> str | None:
        for reached in self._graph.paths(place, kinds=CERTAIN):
            loop = _stored_in(reached)
            if loop is not None:
                return loop
            for site in self._graph.sites(reached):
                if _is_numerical(site):
                    return f"{site.short} at {site.location}"
        return None


def _swallowing_handler(manager: Place) -> int | None:
    """The line of a handler around a `yield` of a context manager that lets the block's errors vanish."""
    branches = manager.function.branches
    yields = [branch for branch in branches if branch.kind == "yield"]
    around = {b.of for b in branches if b.kind == "try" and any(map(b.holds, yields))}
    handlers = (b for b in branches if b.kind == "handler" and b.of in around and b.ends != "raise")
    return next((handler.line for handler in handlers), None)


def _is_numerical(site: CallSite) -> bool:
    if is_python(site.path):
        return site.name.startswith(_LIBRARIES) and site.short not in _HARMLESS
    scope, name = site.call.scope, site.call.name
    if site.callee is not None:
        return False
    if scope == ("std",):
        return name in _STANDARD
    return not _COMPILED.isdisjoint(scope[:1]) or name.startswith(("cblas_", "LAPACKE_"))


def _returns(place: Place, part: Branch) -> bool:
    """Whether a part returns, other than by an error."""
    leaving = (b for b in place.function.branches if b.kind == "leave" and b.ends != "raise")
    return any(part.holds(branch) for branch in leaving)


def _stored_in(place: Place, part: Branch | None = None) -> str | None:
    """Where a loop, in a part of a function or anywhere in it, computes and stores an element."""
    stores = (branch for branch in place.function.branches if branch.kind == "store")
    lines = (store.last_line for store in stores if part is None or part.holds(store))
    line = next(lines, None)
    return None if line is None else f"element by element at {place.path}:{line}"
