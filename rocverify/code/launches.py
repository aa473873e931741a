"""Kernel launches as the host code makes them: whether a function reaches one, and of which kernel."""

from __future__ import annotations

from dataclasses import dataclass

from rocverify.code.call_sites import CERTAIN, CallSite
from rocverify.code.callgraph import Path
from rocverify.code.index import CodeIndex
from rocverify.code.places import Place


@dataclass(frozen=True, slots=True)
class SymbolUse:
    """Where the host code names a kernel symbol on its way to a launch: `path` leads to the launch."""

    symbol: str
    location: str
    function: Place
    path: Path


class LaunchFinder:
    """Finds launches in live code. `functions` are the names of HIP's launch functions."""

    def __init__(self, index: CodeIndex, functions: tuple[str, ...]) -> None:
        self._index = index
        self._functions = frozenset(functions)
        self._paths: dict[Place, Path | None] = {}

    def is_launch(self, site: CallSite) -> bool:
        """True for a call of HIP's launch function; a project function of that name is none."""
        return site.callee is None and site.short in self._functions

    def path(self, entry: Place) -> Path | None:
        """A shortest chain of certain calls from a function to a launch."""
        if entry not in self._paths:
            self._paths[entry] = self._index.graph.find(entry, lambda site: self.is_launch(site) or None)
        return self._paths[entry]

    def launching(self, entry: Place) -> frozenset[Place]:
        """The functions on the way from the entry from which a launch is reached."""
        reachable = self._index.graph.paths(entry, kinds=CERTAIN)
        return frozenset(place for place in reachable if self.path(place) is not None)

    def use_of(self, entry: Place, symbol: str) -> SymbolUse | None:
        """Where a function, or one that it calls on the way to a launch, names the kernel symbol.

        None if no launch is reached or nothing on the way forms that name.
        """
        for place, path in self._index.graph.paths(entry, kinds=CERTAIN).items():
            launch = self.path(place)
            if launch is None:
                continue
            line = self._index.python.line_forming(symbol, place)
            if line is not None:
                return SymbolUse(symbol, f"{place.path}:{line}", place, (*path, *launch))
        return None
