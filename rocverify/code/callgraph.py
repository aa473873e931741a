"""Who calls whom, in live code, over the host sources; cycles and depth do no harm.

Edges of four kinds (`CallKind`). A proof that something happens follows the certain ones; a proof that
something never happens follows all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping

from rocverify.code.call_sites import CERTAIN, CallKind, CallSite
from rocverify.code.places import Names, Place

Path = tuple[CallSite, ...]
MOST_FUNCTIONS = 20_000
"""Functions that one question may lead through."""
Position = tuple[int, int]
"""A line, from 1, and a column in bytes."""


class CallGraph:
    """Call sites of functions, reachability and paths, computed on demand. `names`: how names resolve in the
    source at a path."""

    def __init__(self, names: Callable[[str], Names]) -> None:
        self._names = names
        self._sites: dict[Place, tuple[CallSite, ...]] = {}

    def sites(self, place: Place) -> tuple[CallSite, ...]:
        """The calls that the live code of a function makes, in the order of the code."""
        if place not in self._sites:
            names = self._names(place.path)
            found = (site for call in place.function.calls for site in names.sites(call, place))
            self._sites[place] = tuple(found)
        return self._sites[place]

    def sites_between(self, place: Place, begin: Position, end: Position) -> Iterator[CallSite]:
        """The calls of a function that end between two places of its text."""
        return (site for site in self.sites(place) if begin < site.call.at <= end)

    def paths(self, *entries: Place, kinds: frozenset[CallKind] = CERTAIN) -> Mapping[Place, Path]:
        """Every function that can be reached from one of the entries, those included, with a shortest path,
        the nearest first."""
        found: dict[Place, Path] = dict.fromkeys(entries, ())
        queue = deque(found)
        while queue and len(found) < MOST_FUNCTIONS:
            current = queue.popleft()
            for site in self.sites(current):
                if site.kind in kinds and site.callee is not None and site.callee not in found:
                    found[site.callee] = (*found[current], site)
                    queue.append(site.callee)
        return found

    def reachable_sites(
        self, entry: Place, kinds: frozenset[CallKind] = CERTAIN
    ) -> Iterator[tuple[CallSite, Path]]:
        """Every call site that can run after a call of the entry, with the path that leads to it."""
        for place, path in self.paths(entry, kinds=kinds).items():
            for site in self.sites(place):
                if site.kind in kinds:
                    yield site, (*path, site)

    def find(
        self,
        entry: Place,
        wanted: Callable[[CallSite], bool],
        kinds: frozenset[CallKind] = CERTAIN,
    ) -> Path | None:
        """A shortest path from the entry to a call site that is wanted; None if there is none."""
        found = [path for site, path in self.reachable_sites(entry, kinds) if wanted(site)]
        return min(found, key=len, default=None)
