"""Who calls whom over the host sources, in every language; cycles and depth do no harm.

Edges of several kinds (`CallKind`). A proof that something happens follows the certain ones; a proof that
something never happens follows all but the dead. What does not resolve is told apart from what is not there:
a call that may be meant is neither yes nor no.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rocverify.code.call_sites import CAUTIOUS, CERTAIN, CallKind, CallSite
from rocverify.code.places import Names, Place
from rocverify.code.syntax import Call, Unit

Path = tuple[CallSite, ...]
MOST_FUNCTIONS = 20_000
"""Functions that one question may lead through."""
Position = tuple[int, int]
"""A line, from 1, and a column in bytes."""
Wanted = Callable[[CallSite], bool | None]
"""True for a call that is looked for, False for one that may be, None for any other."""


@dataclass(frozen=True, slots=True)
class Chain:
    """How a search turned out: the `path` to a call that is made; else one to a call that only may be meant
    (`doubtful`), or a call that can never run (`dead`: place and reason). `broken` is a file on the way that
    could not be parsed whole, as `path:line`."""

    path: Path = ()
    doubtful: Path = ()
    dead: tuple[str, str] | None = None
    broken: str = ""

    @property
    def steps(self) -> tuple[str, ...]:
        """The calls of the path as they are written, with their places."""
        return tuple(f"{site.call.name} ({site.location})" for site in self.path)

    @property
    def maybe(self) -> str:
        """Where it cannot be told whether the call is made (`path:line`); empty where it can."""
        return next((site.location for site in self.doubtful if site.kind not in CERTAIN), "")


class CallGraph:
    """Call sites of functions, reachability and paths, computed on demand. `names`: how names resolve in the
    source at a path."""

    def __init__(self, names: Callable[[str], Names], doubts: Callable[[CallSite], str]) -> None:
        """doubts: why a call that is written may not be made; empty where nothing speaks against it."""
        self._names = names
        self._doubts = doubts
        self._looked_at: set[tuple[Place, Call, Place | None]] = set()
        self._sites: dict[Place, tuple[CallSite, ...]] = {}
        self._calls: dict[tuple[Place, Call], tuple[CallSite, ...]] = {}
        self._called: dict[str, dict[Place, list[CallSite]]] = {}

    def sites(self, place: Place) -> tuple[CallSite, ...]:
        """The calls that the live code of a function makes, in the order of the code."""
        return tuple(site for site in self._all_sites(place) if site.kind is not CallKind.DEAD)

    def _all_sites(self, place: Place) -> tuple[CallSite, ...]:
        """The same with those that can never run."""
        if place not in self._sites:
            calls = place.function.calls
            self._sites[place] = tuple(site for call in calls for site in self.sites_of(call, place))
        return self._sites[place]

    def sites_of(self, call: Call, place: Place) -> tuple[CallSite, ...]:
        """What one call of a function may call, or would call if it could run."""
        key = (place, call)
        if key not in self._calls:
            self._calls[key] = self.names(place).sites(call, place)
        return self._calls[key]

    def calls_in(self, unit: Unit) -> Mapping[Place, list[CallSite]]:
        """The calls that the live code of a source makes, by the functions that they call."""
        if unit.path not in self._called:
            self._called[unit.path] = {}
            for site in (s for f in unit.functions for s in self.sites(Place(unit, f))):
                if site.callee is not None:
                    self._called[unit.path].setdefault(site.callee, []).append(site)
        return self._called[unit.path]

    def names(self, place: Place) -> Names:
        """How names resolve where a function is."""
        return self._names(place.path)

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

    # -- searches ------------------------------------------------------------------------------------

    def calling(self, wanted: Sequence[Place]) -> Wanted:
        """Tells the calls of one of these functions."""
        asked = frozenset(wanted)

        def told(site: CallSite) -> bool | None:
            if site.callee in asked:
                return True
            if site.callee is None and not site.name.startswith("?"):
                return None  # what another library has
            return self._names(site.path).may_be(site.call, site.caller, list(wanted))

        return told

    def find(self, entry: Place, wanted: Wanted) -> Path | None:
        """A shortest path of certain calls from the entry to one that is looked for; None for none."""
        return self._sure([entry], wanted).path or None

    def chain(self, starts: Sequence[Place], targets: Sequence[Place]) -> Chain:
        """The shortest path from any of the functions to a call of one of the others."""
        unbuilt = next((place.function.dead for place in targets), "")
        return self.search(starts, self.calling(targets), unbuilt)

    def search(self, starts: Sequence[Place], wanted: Wanted, unbuilt: str = "") -> Chain:
        """The shortest path from any of the functions to a call that is looked for; else what may be one.
        unbuilt: why no build has what is looked for, if none has: then only what is not built calls it."""
        sure = self._sure(starts, wanted, unbuilt)
        if sure.path or sure.doubtful:
            return sure
        other = _Walk(self._all_sites, wanted, CAUTIOUS - {CallKind.IMPORT}, unbuilt).run(starts)
        return replace(sure, doubtful=other.doubtful, broken=sure.broken or other.broken)

    def _sure(self, starts: Sequence[Place], wanted: Wanted, unbuilt: str = "") -> Chain:
        """A search along certain calls; those on its path about which there are doubts are no longer so."""
        while True:
            found = _Walk(self._all_sites, wanted, CERTAIN, unbuilt).run(starts)
            if not any(self._is_doubted(site) for site in found.path):
                return found

    def _is_doubted(self, site: CallSite) -> bool:
        """Whether a certain call may not be made; from then on it is one that may be."""
        key = (site.caller, site.call, site.callee)
        if key in self._looked_at:
            return False
        self._looked_at.add(key)
        if not self._doubts(site):
            return False
        sites = (self._as_doubted(one, key) for one in self._all_sites(site.caller))
        self._sites[site.caller] = tuple(sites)
        return True

    def _as_doubted(self, site: CallSite, key: tuple[Place, Call, Place | None]) -> CallSite:
        same = (site.caller, site.call, site.callee) == key and site.kind in CERTAIN
        return replace(site, kind=CallKind.MAYBE) if same else site


class _Walk:
    """One walk over the calls of some kinds. A path on which one is not certain is no more than doubtful."""

    def __init__(
        self,
        sites: Callable[[Place], tuple[CallSite, ...]],
        wanted: Wanted,
        kinds: frozenset[CallKind],
        unbuilt: str = "",
    ) -> None:
        self._sites = sites
        self._wanted = wanted
        self._kinds = kinds
        self._unbuilt = unbuilt
        self._doubtful: Path = ()
        self._dead: tuple[str, str] | None = None

    def run(self, starts: Sequence[Place]) -> Chain:
        found: dict[Place, Path] = dict.fromkeys(starts, ())
        queue = deque(found)
        broken = ""
        while queue:
            place = queue.popleft()
            if place.unit.broken is not None:
                broken = broken or f"{place.path}:{place.unit.broken}"
            for site in self._sites(place):
                way = (*found[place], site)
                if self._is_it(way):
                    return Chain(way)
                if site.kind in self._kinds and site.callee is not None and site.callee not in found:
                    if len(found) == MOST_FUNCTIONS:  # what lies behind is not seen
                        self._doubt(way)
                        queue.clear()
                        break
                    found[site.callee] = way
                    queue.append(site.callee)
        return Chain(doubtful=self._doubtful, dead=self._dead, broken=broken)

    def _is_it(self, way: Path) -> bool:
        """Whether a path surely ends in what is looked for; what it may be is kept."""
        site = way[-1]
        dead = site.kind is CallKind.DEAD
        told = self._wanted(site) if dead or site.kind in self._kinds else None
        unbuilt = "" if site.caller.function.dead else self._unbuilt
        if told is None:
            return False
        if dead or unbuilt:
            self._dead = self._dead or (
                site.location,
                site.call.dead or f"what is called there is not: {unbuilt}",
            )
        elif told and all(step.kind in CERTAIN for step in way):
            return True
        else:
            self._doubt(way)
        return False

    def _doubt(self, way: Path) -> None:
        certain = all(step.kind in CERTAIN for step in way)
        last = replace(way[-1], kind=CallKind.MAYBE) if certain else way[-1]
        self._doubtful = self._doubtful or (*way[:-1], last)
