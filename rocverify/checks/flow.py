"""Where names lie on the call path from an entry, and in which order the code reaches them."""

from __future__ import annotations

import builtins
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.code.call_sites import CERTAIN, CallSite
from rocverify.code.callgraph import Path as CallPath
from rocverify.code.launches import LaunchFinder
from rocverify.code.places import Place

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


_FOREIGN = re.compile(r"__\w+__|hip[A-Z]\w*")


@dataclass(frozen=True, slots=True)
class FlowPoint:
    """A name on the call path: the chain of calls that leads to it, and the function it is, if of the
    project. For a kernel symbol the chain ends in the launch."""

    name: str
    path: CallPath
    function: Place | None
    location: str
    launches: bool = False


class FlowOrder:
    """The call tree below one entry, walked once in the order in which the code runs."""

    def __init__(self, ctx: CheckContext, entry: Place) -> None:
        self._ctx = ctx
        self._index = ctx.code
        self._entry = entry
        self._launches = LaunchFinder(ctx.code, ctx.settings.transfers.launches)

    def place(self, name: str) -> FlowPoint | None:
        """Where a function or kernel symbol lies on the path from the entry; None if it does not."""
        if self._entry.matches(name):
            return FlowPoint(name, (), self._entry, self._entry.location)
        for site, path in self._walk:
            if site.calls(name):
                return FlowPoint(name, path, site.callee, site.location)
        if name in self.kernel_symbols:
            use = self._launches.use_of([self._entry], name)
            if use is not None:
                return FlowPoint(name, use.path, use.path[-1].callee, use.path[-1].location, launches=True)
        return None

    def follows(self, first: FlowPoint, second: FlowPoint) -> bool:
        """True if the second is called by the first, or first called no earlier than the first is."""
        if first.function is not None and self._calls(first.function, second):
            return True
        if not first.path or not second.path:
            return not first.path  # everything follows the entry; the entry follows nothing
        return self._position(first) <= self._position(second)

    def _calls(self, function: Place, place: FlowPoint) -> bool:
        if place.launches and place.function is None:
            return self._launches.use_of([function], place.name) is not None
        graph = self._index.graph
        wanted = (
            (lambda site: site.calls(place.name) or None)
            if place.function is None
            else graph.calling([place.function])
        )
        return graph.find(function, wanted) is not None

    def _position(self, place: FlowPoint) -> int:
        sites = [site for site, _ in self._walk]
        return sites.index(place.path[-1]) if place.path[-1] in sites else len(sites)

    @cached_property
    def _walk(self) -> list[tuple[CallSite, CallPath]]:
        """Call sites in the order of a run that takes every branch, each function entered once."""
        order: list[tuple[CallSite, CallPath]] = []
        entered = {self._entry}
        stack: list[tuple[CallSite, CallPath]] = []

        def push(info: Place, path: CallPath) -> None:
            sites = [s for s in self._index.graph.sites(info) if s.kind in CERTAIN]
            stack.extend((site, (*path, site)) for site in reversed(sites))

        push(self._entry, ())
        while stack:
            site, path = stack.pop()
            order.append((site, path))
            if site.callee is not None and site.callee not in entered:
                entered.add(site.callee)
                push(site.callee, path)
        return order

    # -- existence -------------------------------------------------------------------------------

    def exists(self, name: str) -> bool:
        """True for a function, class, kernel, parameter or other name that the code really has, or that
        is not the project's to have: Python's special names, HIP's functions, the names of transfers
        (a docstring may well say that there is no to_host_vec())."""
        bare = name.rpartition(".")[2]
        if bare in self._index.modules.identifiers or name in self.kernel_symbols or bare in self._foreign:
            return True
        return _FOREIGN.fullmatch(bare) is not None or hasattr(builtins, name)

    @cached_property
    def _foreign(self) -> frozenset[str]:
        transfers = self._ctx.settings.transfers
        return frozenset((*transfers.device_to_host, *transfers.host_to_device, *transfers.copies))

    @cached_property
    def kernel_symbols(self) -> frozenset[str]:
        """Kernels that the HIP sources of the project define."""
        return frozenset(name for path in self._kernel_sources for name in self._index.kernels(path))

    @cached_property
    def _kernel_sources(self) -> tuple[str, ...]:
        root, globs = self._ctx.root, self._ctx.settings.kernel_globs
        files = {p for glob in globs for p in root.glob(glob) if p.is_file()}
        return tuple(sorted(_inside(root, files)))


def _inside(root: Path, files: set[Path]) -> list[str]:
    return [p.relative_to(root).as_posix() for p in files if p.resolve().is_relative_to(root)]
