"""Where names lie on the call path from an entry, and in which order the code reaches them."""

from __future__ import annotations

import builtins
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.code.call_sites import CAUTIOUS, CallSite
from rocverify.code.callgraph import Path as CallPath
from rocverify.code.launches import LaunchFinder
from rocverify.code.leading import Asked, Leading
from rocverify.code.places import Place

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


_FOREIGN = re.compile(r"__\w+__|hip[A-Z]\w*")


@dataclass(frozen=True, slots=True)
class FlowPoint:
    """A name on the call path: the chain of calls that leads to it, and the function it is, if of the
    project. For a kernel symbol the chain ends in the launch, and `launch` is the call that leads there from
    where the symbol is named."""

    name: str
    path: CallPath
    function: Place | None
    location: str
    launch: CallSite | None = None


class Flow:
    """What the calls below one entry lead to."""

    def __init__(self, ctx: CheckContext, entry: Place) -> None:
        self._ctx = ctx
        self._index = ctx.code
        self._entry = entry
        self._launches = LaunchFinder(ctx.code, ctx.settings.transfers.launches)
        self._leading = Leading(ctx.code, ctx.settings.transfers)

    def point(self, name: str) -> FlowPoint | None:
        """Where a function or kernel symbol lies on the path from the entry; None if it does not."""
        if self._entry.matches(name):
            return FlowPoint(name, (), self._entry, self._entry.location)
        path = self._index.graph.find(self._entry, lambda site: site.calls(name) or None)
        if path is not None:
            return FlowPoint(name, path, path[-1].callee, path[-1].location)
        use = self._launches.use_of([self._entry], name) if name in self.kernel_symbols else None
        if use is None:
            return None
        launch = next(site for site in use.path if site.caller == use.function)
        return FlowPoint(name, use.path, use.path[-1].callee, use.path[-1].location, launch)

    def mentioned(self, name: str) -> str:
        """Where what the entry may lead to has a name in its code without a call that is known to be of it
        (`path:line`): a value that is called, or a function handed on. Empty where nothing has."""
        bare = name.rpartition(".")[2]
        for place in self._index.graph.paths(self._entry, kinds=CAUTIOUS):
            inside = range(place.function.line, place.function.last_line + 1)
            for hit in self._index.search_word(place.path, bare).code:
                if hit.line in inside and hit.line != place.function.line:
                    return f"{place.path}:{hit.line}"
        return ""

    def follows(self, first: FlowPoint, second: FlowPoint) -> bool:
        """True if the second is called by the first, or wherever it is called the first may have been."""
        if not first.path or not second.path:
            return not first.path  # everything follows the entry; the entry follows nothing
        if first.launch is not None and first.launch == second.launch:
            return True
        calls_first, calls_second = self._calls(first), self._calls(second)
        if first.function is not None and self._index.graph.find(first.function, calls_second) is not None:
            return True
        order = self._leading.order_of_certain(self._entry, calls_first, calls_second)
        return order.may_be_kept

    def _calls(self, point: FlowPoint) -> Asked:
        """Tells the calls of what lies at a point."""
        if point.launch is not None:
            return lambda site: site == point.launch or None
        if point.function is not None:
            return self._index.graph.calling([point.function])
        return lambda site: site.calls(point.name) or None

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
