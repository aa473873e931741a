"""Device memory that host code reads without a copy call: `np.asarray(x)` on what lies on the device.

Names that hold device memory are traced from where it is allocated (and from the entry's parameters
that the contract declares as device arrays), through assignments, arguments and returns. Handing such
a name to NumPy or ctypes, or asking it for a host array, brings data back as surely as hipMemcpy.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rocverify.code.arguments import bound_arguments
from rocverify.code.call_sites import CAUTIOUS, CallSite
from rocverify.code.callgraph import Path
from rocverify.code.index import CodeIndex
from rocverify.code.liveness import expressions_of, walk_block, walk_expression
from rocverify.code.names_python import parsed
from rocverify.code.places import Place
from rocverify.code.shapes import returned_expressions

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

Names = dict[Place, set[str]]


@dataclass(frozen=True, slots=True)
class DeviceRead:
    """A host read of device memory: what is read, by which call, and the way to it."""

    site: CallSite
    name: str
    path: Path


class DeviceReadFinder:
    """Looks for host reads of device memory below an entry."""

    def __init__(self, index: CodeIndex) -> None:
        self._index = index
        self._graph = index.graph

    def reads(self, entry: Place, device_parameters: frozenset[str]) -> Iterator[DeviceRead]:
        """The reads; `device_parameters` are those of the entry that hold device memory."""
        reachable = self._graph.paths(entry, CAUTIOUS)
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

    def _assignments(self, info: Place, names: Names) -> None:
        for statement in walk_block(self._body(info)):
            for target, value in _bindings(statement):
                if self._gives_device(value, info, names):
                    names[info] |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}

    def _gives_device(self, node: ast.expr, info: Place, names: Names) -> bool:
        if held_name(node, names[info]) is not None:
            return True
        begin, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
        return any(self._returns_device(s, names) for s in self._graph.sites_between(info, begin, end))

    def _body(self, place: Place) -> list[ast.stmt]:
        info = self._index.python.info_of(place)
        return [] if info is None else info.body

    def _returns_device(self, site: CallSite, names: Names) -> bool:
        if site.callee is None:
            return site.short.startswith(_ALLOCATORS) and site.short not in _HOST_VISIBLE
        held = names.get(site.callee, set())
        callee = self._index.python.info_of(site.callee)
        returned = () if callee is None else returned_expressions(callee)
        return any(held_name(e, held) is not None for e in returned)

    def _arguments(self, info: Place, names: Names) -> None:
        for site in self._graph.sites(info):
            if site.callee in names and not site.call.kind:
                for parameter, argument in bound_arguments(site.callee, site.call):
                    if _held(argument, names[info]) is not None:
                        names[site.callee].add(parameter)


def _held(text: str, held: set[str]) -> str | None:
    """The device name that an argument is, as it is written."""
    node = parsed(text)
    return None if node is None else held_name(node, held)


def held_name(node: ast.expr, held: set[str]) -> str | None:
    """The device name that an expression is, or is a handle of (`x.ptr`, `int(x)`)."""
    match node:
        case ast.Name(id=name) if name in held:
            return name
        case ast.Attribute(value=inner, attr=attribute) if attribute in _HANDLES:
            return held_name(inner, held)
        case ast.Call(func=ast.Name(id="int") | ast.Attribute(attr="c_void_p"), args=[inner]):
            return held_name(inner, held)
    return None


def _bindings(statement: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr]]:
    match statement:
        case ast.Assign(targets=targets, value=value):
            yield from (pair for target in targets for pair in _paired(target, value))
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield target, value
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield from ((i.optional_vars, i.context_expr) for i in items if i.optional_vars is not None)
    for expression in expressions_of(statement):
        for node in walk_expression(expression):
            if isinstance(node, ast.NamedExpr):
                yield node.target, node.value


def _paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """`a, b = x, y` binds each to its own."""
    match target, value:
        case (
            (ast.Tuple(elts=left) | ast.List(elts=left)),
            (ast.Tuple(elts=right) | ast.List(elts=right)),
        ) if len(left) == len(right) and not any(isinstance(e, ast.Starred) for e in (*left, *right)):
            for one, other in zip(left, right, strict=True):
                yield from _paired(one, other)
        case _:
            yield target, value


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
