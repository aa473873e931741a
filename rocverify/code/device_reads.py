"""Device memory that host code reads without a copy call: `np.asarray(x)` on what lies on the device.

Names that hold device memory are traced from where it is allocated (and from the entry's parameters
that the contract declares as device arrays), through assignments, arguments and returns. Handing such
a name to NumPy or ctypes, or asking it for a host array, brings data back as surely as hipMemcpy.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rocverify.code.callgraph import CallGraph, Path
from rocverify.code.liveness import expressions_of, walk_block, walk_expression
from rocverify.code.model import CAUTIOUS, CallSite, FunctionInfo
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

Names = dict[FunctionInfo, set[str]]


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

    def reads(self, entry: FunctionInfo, device_parameters: frozenset[str]) -> Iterator[DeviceRead]:
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
        self, entry: FunctionInfo, parameters: frozenset[str], reachable: Mapping[FunctionInfo, Path]
    ) -> Names:
        """The names that hold device memory, by function, to a fixed point."""
        names: Names = {info: set() for info in reachable}
        names[entry] |= {a.arg for a in entry.arguments if a.arg.removesuffix("_ptr") in parameters}
        for _ in range(_ROUNDS):
            before = sum(map(len, names.values()))
            for info in reachable:
                self._assignments(info, names)
                self._arguments(info, names)
            if sum(map(len, names.values())) == before:
                break
        return names

    def _assignments(self, info: FunctionInfo, names: Names) -> None:
        for statement in walk_block(info.body):
            for target, value in _bindings(statement):
                if self._gives_device(value, info, names):
                    names[info] |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}

    def _gives_device(self, node: ast.expr, info: FunctionInfo, names: Names) -> bool:
        if held_name(node, names[info]) is not None:
            return True
        return any(self._returns_device(site, names) for site in self._graph.sites_of(info, node))

    def _returns_device(self, site: CallSite, names: Names) -> bool:
        if site.callee is None:
            return site.short.startswith(_ALLOCATORS) and site.short not in _HOST_VISIBLE
        held = names.get(site.callee, set())
        return any(held_name(e, held) is not None for e in returned_expressions(site.callee))

    def _arguments(self, info: FunctionInfo, names: Names) -> None:
        for site in self._graph.sites(info):
            if site.callee in names and isinstance(site.node, ast.Call):
                for parameter, argument in bound_arguments(site.callee, site.node):
                    if held_name(argument, names[info]) is not None:
                        names[site.callee].add(parameter)


def bound_arguments(callee: FunctionInfo, node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Pairs of parameter and argument of a call of a project function, as far as positions tell."""
    offset = 1 if callee.owner is not None and isinstance(node.func, ast.Attribute) else 0
    yield from zip(callee.positional[offset:], node.args, strict=False)
    yield from ((k.arg, k.value) for k in node.keywords if k.arg is not None)


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
    node = site.node
    if site.callee is not None or not isinstance(node, ast.Call):
        return None
    given = [n for n in (held_name(a, held) for a in _all_arguments(node)) if n is not None]
    if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        receiver = held_name(node.func.value, held)
        if receiver is not None or (node.func.attr == "from_address" and given):
            return receiver or given[0]
    reads = site.name in _READERS or site.name.startswith("numpy.")
    return given[0] if given and reads and site.short not in _ASK_THE_DTYPE else None


def _all_arguments(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(k.value for k in node.keywords)]
