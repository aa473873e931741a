"""Device memory that host code reads without a copy call: `np.asarray(x)` on what lies on the device.

Names that hold device memory are traced from where it is allocated (and from the entry's parameters
that the contract declares as device arrays), through assignments, arguments and returns. Handing such
a name to NumPy or ctypes, or asking it for a host array, brings data back as surely as hipMemcpy.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rocverify.code.arguments import bound_arguments, parsed
from rocverify.code.call_sites import CAUTIOUS, CallSite
from rocverify.code.callgraph import CallGraph, Path
from rocverify.code.places import Place
from rocverify.code.syntax import Value

_ALLOCATORS = ("hipMalloc", "hipExtMalloc")
_HOST_VISIBLE = frozenset({"hipMallocHost", "hipMallocManaged"})
_READERS = frozenset(
    {
        *("builtins.bytes", "builtins.bytearray", "builtins.memoryview", "builtins.list"),
        *("ctypes.string_at", "ctypes.memmove", "array.array", "struct.unpack_from"),
    }
)
_ASK_THE_DTYPE = frozenset({"dtype", "ndim", "shape", "size", "isscalar", "issubdtype", "result_type"})
_METHODS = frozenset({"cpu", "numpy", "tolist", "item", "get", "tobytes", "from_address", "__array__"})
_HANDLES = frozenset({"ptr", "data_ptr", "data", "address", "value", "__cuda_array_interface__"})
_ROUNDS = 8
_ROOT = re.compile(r"[.\[ ]")
_GIVING = re.compile(r"\A(?:return|yield)\b\s*")

Names = dict[Place, set[str]]


@dataclass(frozen=True, slots=True)
class DeviceRead:
    """A host read of device memory: what is read, by which call, and the way to it."""

    site: CallSite
    name: str
    path: Path


class DeviceReadFinder:
    """Looks for host reads of device memory below an entry."""

    def __init__(self, graph: CallGraph) -> None:
        self._graph = graph

    def reads(self, entry: Place, device_parameters: frozenset[str]) -> Iterator[DeviceRead]:
        """The reads; `device_parameters` are those of the entry that hold device memory."""
        reachable = self._graph.paths(entry, kinds=CAUTIOUS)
        names = self._device_names(entry, device_parameters, reachable)
        for info, path in reachable.items():
            held = names[info]
            if not held:
                continue
            for site in dict.fromkeys(self._graph.sites(info)):
                read = _read_by(site, held)
                if read is not None:
                    yield DeviceRead(site, read, (*path, site))

    def _device_names(
        self, entry: Place, parameters: frozenset[str], reachable: Mapping[Place, Path]
    ) -> Names:
        """The names that hold device memory, by function, to a fixed point."""
        names: Names = {info: set() for info in reachable}
        given = [parameter.name.lstrip("*") for parameter in entry.function.parameters]
        names[entry] |= {name for name in given if name.removesuffix("_ptr") in parameters}
        for _ in range(_ROUNDS):
            before = sum(map(len, names.values()))
            for info in reachable:
                self._assignments(info, names)
                self._arguments(info, names)
            if sum(map(len, names.values())) == before:
                break
        return names

    def _assignments(self, place: Place, names: Names) -> None:
        for value in place.function.values:
            if self._gives_device(value, place, names):
                names[place].add(_ROOT.split(value.name.lstrip("*"))[0])

    def _gives_device(self, value: Value, place: Place, names: Names) -> bool:
        if _held(value.text, names[place]) is not None:
            return True
        sites = self._graph.sites_between(place, value.begin, value.end)
        return any(self._returns_device(site, names) for site in sites)

    def _returns_device(self, site: CallSite, names: Names) -> bool:
        if site.callee is None:
            return site.short.startswith(_ALLOCATORS) and site.short not in _HOST_VISIBLE
        held = names.get(site.callee, set())
        given = (b.text for b in site.callee.function.branches if b.kind in ("leave", "yield"))
        return any(_held(_GIVING.sub("", text), held) is not None for text in given)

    def _arguments(self, info: Place, names: Names) -> None:
        for site in self._graph.sites(info):
            if site.callee in names and not site.call.kind:
                for parameter, argument in bound_arguments(site.callee, site.call):
                    if _held(argument, names[info]) is not None:
                        names[site.callee].add(parameter)


def _held(text: str, held: set[str]) -> str | None:
    """The device name that an argument is, as it is written."""
    node = parsed(text)
    return None if node is None else _held_by(node, held)


def _held_by(node: ast.expr, held: set[str]) -> str | None:
    """The device name that an expression is, or is a handle of (`x.ptr`, `int(x)`)."""
    match node:
        case ast.Name(id=name) if name in held:
            return name
        case ast.Attribute(value=inner, attr=attribute) if attribute in _HANDLES:
            return _held_by(inner, held)
        case ast.Call(func=ast.Name(id="int") | ast.Attribute(attr="c_void_p"), args=[inner]):
            return _held_by(inner, held)
    return None


def _read_by(site: CallSite, held: set[str]) -> str | None:
    """The device name that a call reads on the host; None if it reads none."""
    call = site.call
    if site.callee is not None or call.kind:
        return None
    given = [name for name in (_held(text, held) for text in call.arguments) if name is not None]
    if call.name in _METHODS:
        receiver = _held(call.on, held)
        if receiver is not None or (call.name == "from_address" and given):
            return receiver or given[0]
    reads = site.name in _READERS or site.name.startswith("numpy.")
    return given[0] if given and reads and site.short not in _ASK_THE_DTYPE else None
