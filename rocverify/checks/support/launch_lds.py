"""Dynamic LDS of a launch against what the kernel indexes: both expressions, from the sources.

Judged is only what shows on both sides. A size that is no constant and no sum or product of parameters, a
value that may be checked anywhere, an index behind a condition: no finding.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from rocverify.code.bounds import Bound, Bounds
from rocverify.code.host_values import HostValues
from rocverify.code.index import CodeIndex
from rocverify.code.launches import LaunchSite
from rocverify.code.shared_memory import UNBOUNDED, SharedAccess, names_in
from rocverify.records import Finding

_ROOMY = re.compile(r"max|cap|limit|upper|pad|align|round|stride|total|size|bytes", re.IGNORECASE)
"""Names of values that are there to be no smaller than others."""
_THREAD = "threadIdx.x"


def wrong_lds(code: CodeIndex, site: LaunchSite, source: str, kernel: str) -> Iterator[Finding]:
    """The first access of the kernel that the launch's dynamic LDS is too small for, if one shows."""
    judge = _Judge(code, site, source, kernel)
    for access in code.shared_accesses(source, kernel):
        message = judge.message(access)
        if message:
            yield Finding(message, judge.where, kernel, site.function)
            return


class _Judge:
    """One launch of one kernel."""

    def __init__(self, code: CodeIndex, site: LaunchSite, source: str, kernel: str) -> None:
        self._site = site
        self._source = source
        self._kernel = kernel
        find = code.units_with
        self._values = HostValues(find, lambda path: code.mask(path).code)
        self._bounds = Bounds(code.names(site.place.unit.path), self._values, find)
        declared = [f for f in code.unit(source).functions if f.kernel and not f.declared and not f.dead]
        named = [f for f in declared if f.name == kernel]
        names = [p.name for p in named[0].parameters] if len(named) == 1 else []
        self._handed = dict(zip(names, site.given, strict=True)) if len(names) == len(site.given) else {}
        self._size = self._values.number(site.shared, site.shared_at)

    @property
    def where(self) -> str:
        """Where the size is written."""
        return f"{self._site.shared_at.unit.path}:{self._line}"

    @property
    def _line(self) -> int:
        values = [v.line for v in self._site.shared_at.function.values if v.name == self._site.shared]
        return values[0] if len(values) == 1 else self._site.shared_line

    def message(self, access: SharedAccess) -> str:
        """What is wrong; empty where nothing shows."""
        names = names_in(access.extent)
        if self._size is None:
            return self._of_others(access) if names else ""
        bounds = {name: self._bound(name) for name in names}
        most = {name: bound.most for name, bound in bounds.items() if bound is not None}
        if len(most) < len(names):
            return ""
        needed = access.bytes_needed(most)
        if needed <= self._size:
            return ""
        wanted = "" if needed == math.inf else f", which takes {needed:,.0f} bytes"
        return f"{self._given()}; {self._reached(access)}{wanted}{self._limits(bounds)}"

    def _bound(self, name: str) -> Bound | None:
        """The bound of what is handed over for a parameter, or of a thread's index."""
        block = self._site.block
        if name == _THREAD:
            return Bound(block[0] - 1) if block else None
        handed = self._handed.get(name, "")
        number = self._values.number(handed, self._site.place)
        if number is not None:
            return Bound(number, self._site.where)
        parameter = self._values.parameter(handed, self._site.place)
        return self._bounds.of(parameter, self._site.place) if parameter else None

    def _of_others(self, access: SharedAccess) -> str:
        """Where the size is computed from other parameters than those that nothing bounds in the kernel."""
        given = self._values.origins(self._site.shared, self._site.shared_at)
        if not given or self._site.shared_at.key != self._site.place.key:
            return ""
        for name in sorted(access.parameters):
            origin = self._values.parameter(self._handed.get(name, ""), self._site.place)
            if not origin or origin in given or any(_ROOMY.search(one) for one in given):
                continue
            bound = self._bounds.of(origin, self._site.place)
            related = self._bounds.related(origin, given, self._site.place)
            if bound is not None and bound.most == UNBOUNDED and not related:
                return f"{self._given()}, which does not grow with {origin}; {self._reached(access)}"
        return ""

    def _given(self) -> str:
        site = self._site
        values = [v.text for v in site.shared_at.function.values if v.name == site.shared]
        text = f"{site.shared} = {values[0]}" if len(values) == 1 else site.shared
        number = "" if self._size is None or text == str(self._size) else f" ({self._size:,} bytes)"
        way = f" ({' → '.join(site.steps)})" if site.steps else ""
        return f"{site.function} gives {self._kernel} dynamic LDS of `{text}`{number} at {self.where}{way}"

    def _reached(self, access: SharedAccess) -> str:
        return f"the kernel indexes {access.shown} at {self._source}:{access.line}"

    def _limits(self, bounds: dict[str, Bound | None]) -> str:
        said = []
        for name, bound in sorted(bounds.items()):
            if bound is None or name == _THREAD:
                continue
            if bound.most == math.inf:
                said.append(f"nothing limits {name}")
            else:
                said.append(f"{name} may be {bound.most:,.0f} ({bound.where})")
        return f"; {', '.join(said)}" if said else ""
