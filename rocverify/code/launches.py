"""Kernel launches as the host code makes them: whether a function reaches one, and of which kernel."""

from __future__ import annotations

from dataclasses import dataclass

from rocverify.code.callgraph import Path
from rocverify.code.index import CodeIndex
from rocverify.code.model import CERTAIN, CallSite, FunctionInfo
from rocverify.code.strings import names_text


@dataclass(frozen=True, slots=True)
class SymbolUse:
    """Where the host code names a kernel symbol on its way to a launch: `path` leads to the launch."""

    symbol: str
    location: str
    function: FunctionInfo
    path: Path


class LaunchFinder:
    """Finds launches in live code. `functions` are the names of HIP's launch functions."""

    def __init__(self, index: CodeIndex, functions: tuple[str, ...]) -> None:
        self._index = index
        self._functions = frozenset(functions)
        self._paths: dict[FunctionInfo, Path | None] = {}

    def is_launch(self, site: CallSite) -> bool:
        """True for a call of HIP's launch function; a project function of that name is none."""
        return site.callee is None and site.short in self._functions

    def path(self, entry: FunctionInfo) -> Path | None:
        """A shortest chain of certain calls from a function to a launch."""
        if entry not in self._paths:
            self._paths[entry] = self._index.graph.find(entry, self.is_launch)
        return self._paths[entry]

    def launching(self, entry: FunctionInfo) -> frozenset[FunctionInfo]:
        """The functions on the way from the entry from which a launch is reached."""
        reachable = self._index.graph.paths(entry, CERTAIN)
        return frozenset(info for info in reachable if self.path(info) is not None)

    def use_of(self, entry: FunctionInfo, symbol: str) -> SymbolUse | None:
        """Where a function, or one that it calls on the way to a launch, names the kernel symbol.

        None if no launch is reached or nothing on the way forms that name.
        """
        for info, path in self._index.graph.paths(entry, CERTAIN).items():
            launch = self.path(info)
            if launch is None:
                continue
            line = names_text(self._index.graph.resolver, info, symbol)
            if line is not None:
                return SymbolUse(symbol, f"{info.path}:{line}", info, (*path, *launch))
        return None
