"""What a call in Python means, for analyses over the records: the resolver of the call graph tells."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from rocverify.code.model import CallKind, CallSite, FunctionInfo
from rocverify.code.places import Place
from rocverify.code.syntax import Call

if TYPE_CHECKING:
    from rocverify.code.index import CodeIndex


class PythonNames:
    """Names of the Python sources of one project, by the graph of its index."""

    def __init__(self, index: CodeIndex) -> None:
        self._index = index

    def resolved(self, call: Call, place: Place) -> list[Place]:
        """The functions that a call is sure to mean; of several that a name may stand for, none."""
        found = self._of_kind(call, place, CallKind.CALL)
        names = {place.function.name for place in found}
        return found if len(found) < 2 or names <= {"__new__", "__init__", "__post_init__"} else []

    def perhaps(self, call: Call, place: Place) -> list[Place]:
        """The functions that it may mean, and those that are handed over to what it calls."""
        sure = {one.key for one in self.resolved(call, place)}
        return [p for kind in CallKind for p in self._of_kind(call, place, kind) if p.key not in sure]

    def may_be(self, call: Call, place: Place, wanted: list[Place]) -> bool | None:
        """True for a call of one of the wanted functions, False for one that may be, None for any other."""
        asked = {one.key for one in wanted}
        if {one.key for one in self.resolved(call, place)} & asked:
            return True
        if {one.key for one in self.perhaps(call, place)} & asked:
            return False
        unknown = any(site.name.startswith("?") for site in self._sites(call, place))
        return False if unknown and any(one.function.name == call.name for one in wanted) else None

    def place_of(self, info: FunctionInfo) -> Place | None:
        """The record of a function of the graph; None for a lambda."""
        unit = self._index.unit(info.path)
        same = (f for f in unit.functions if f.line == info.line and f.name == info.name)
        return next((Place(unit, function) for function in same), None)

    def info_of(self, place: Place) -> FunctionInfo | None:
        """The function of the graph that a record is of."""
        functions = self._index.modules.by_path(place.unit.path).functions
        name, line = place.function.name, place.function.line
        return next((info for info in functions if info.name == name and info.line == line), None)

    def _of_kind(self, call: Call, place: Place, kind: CallKind) -> list[Place]:
        callees = (s.callee for s in self._sites(call, place) if s.kind is kind and s.callee is not None)
        found = (self.place_of(info) for info in dict.fromkeys(callees))
        return [one for one in found if one is not None]

    def _sites(self, call: Call, place: Place) -> list[CallSite]:
        info = self.info_of(place)
        return [s for s in self._index.calls(info) if _is_of(s, call)] if info is not None else []


def _is_of(site: CallSite, call: Call) -> bool:
    node = site.node
    if not isinstance(node, ast.Call) or (node.func.end_lineno or node.lineno) != call.line:
        return False
    written = node.func
    name = written.attr if isinstance(written, ast.Attribute) else getattr(written, "id", "")
    return name == call.name
