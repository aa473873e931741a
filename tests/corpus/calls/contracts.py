"""Contracts of calls.hip: recursion, function pointers, virtual functions, a switch."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import F32, I32, U32, Dims, In, InOut, Launch, Out, boundary, choices, contract
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/calls/calls.hip"
COUNTS = boundary(1, 140)


@contract(source=SOURCE, symbol="ackermann")
class Ackermann:
    """For m of at most 2 there are closed forms."""

    m, n = In("count", U32), In("count", U32)
    out = Out("count", U32)
    dims = Dims(count=COUNTS)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"m": rng.integers(0, 3, dims.count), "n": rng.integers(0, 5, dims.count)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.count, 64), 64, arrays.m, arrays.n, arrays.out, dims.count)

    def reference(self, m: Any, n: Any) -> Any:
        return np.select([m == 0, m == 1], [n + 1, n + 2], 2 * n + 3)


@contract(source=SOURCE, symbol="quick_sort")
class QuickSort:
    """Rows sorted in place, recursively."""

    rows = InOut("count length", I32)
    dims = Dims(count=COUNTS, length=choices(2, 5, 12))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"rows": rng.integers(-9, 9, (dims.count, dims.length))}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.count, 64), 64, arrays.rows, dims.count, dims.length)

    def reference(self, rows: Any) -> Any:
        return np.sort(rows, axis=1)


@contract(source=SOURCE, symbol="tree_walk")
class TreeWalk:
    """Search trees whose nodes lie anywhere: walked in order, their values are sorted."""

    nodes = In("40 3", I32)
    roots = In("count", I32)
    out = Out("count", U32)
    dims = Dims(count=boundary(1, 90))
    trees = 4

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        places = rng.permutation(40).reshape(self.trees, 10)
        nodes = np.full((40, 3), -1)
        for tree in places:
            nodes[tree, 2] = rng.permutation(100)[:10]
            for node in tree[1:]:
                _insert(nodes, tree[0], node)
        return {"nodes": nodes, "roots": rng.choice([-1, *places[:, 0]], dims.count)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.count, 64), 64, arrays.nodes, arrays.roots, arrays.out, dims.count)

    def reference(self, nodes: Any, roots: Any) -> Any:
        hashes = {-1: 7}
        for root in set(roots.tolist()) - {-1}:
            folded = 7
            for value in sorted(nodes[_below(nodes, root), 2].tolist()):
                folded = (folded * 31 + value) % 2**32
            hashes[root] = folded
        return np.array([hashes[root] for root in roots.tolist()], np.uint32)


def _insert(nodes: Any, root: int, node: int) -> None:
    """Hangs a node into the search tree of `root`."""
    at = root
    while True:
        side = int(nodes[node, 2] > nodes[at, 2])
        if nodes[at, side] < 0:
            nodes[at, side] = node
            return
        at = nodes[at, side]


def _below(nodes: Any, root: int) -> list[int]:
    """The node and all below it, in any order."""
    found = [root]
    for node in found:
        found += [int(child) for child in nodes[node, :2] if child >= 0]
    return found


@contract(source=SOURCE, symbol="function_table")
class FunctionTable:
    """One of four functions, applied twice."""

    which = In("count", I32)
    x, y = In("count", F32), In("count", F32)
    out = Out("count", F32)
    dims = Dims(count=COUNTS)
    kinds = (Kind.PLAIN, Kind.HEAVY)
    rounding = {F32: 20.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"which": rng.integers(0, 4, dims.count)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        read = (arrays.which, arrays.x, arrays.y)
        return launch(blocks(dims.count, 64), 64, *read, arrays.out, dims.count)

    def reference(self, which: Any, x: Any, y: Any) -> Any:
        return _apply(which, _apply(which, x, y, _FUNCTIONS), y, _FUNCTIONS)

    def magnitude(self, which: Any, x: Any, y: Any) -> Any:
        x, y = abs(x), abs(y)
        return _apply(which, _apply(which, x, y, _SIZES), y, _SIZES)


_FUNCTIONS = (
    lambda x, y: x * 4 + y,
    np.maximum,
    lambda x, y: x * y,
    lambda x, y: np.maximum(x, 0) - (y * 4 + x),
)
_SIZES = (*_FUNCTIONS[:3], lambda x, y: 2 * x + 4 * y)


def _apply(which: Any, x: Any, y: Any, functions: Any) -> Any:
    return np.choose(which, [function(x, y) for function in functions])


@contract(source=SOURCE, symbol="virtual_calls")
class VirtualCalls:
    """Areas and corners of three classes."""

    kind, size = In("count", I32), In("count", I32)
    out = Out("count", I32)
    dims = Dims(count=COUNTS)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"kind": rng.integers(0, 3, dims.count), "size": rng.integers(1, 100, dims.count)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.count, 64), 64, arrays.kind, arrays.size, arrays.out, dims.count)

    def reference(self, kind: Any, size: Any) -> Any:
        return np.choose(kind, [size**2 * 10 + 4, 40 * (size - 1) + 8, 30 * size**2])


@contract(source=SOURCE, symbol="interpreter")
class Interpreter:
    """Programs of a stack machine."""

    programs = In("count length", I32)
    out = Out("count", I32)
    dims = Dims(count=COUNTS, length=choices(2, 16, 40))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        programs = rng.integers(-100, 100, (dims.count, dims.length))
        programs[:, ::2] = rng.choice([*range(10), 20, 21, 22, -5, 1000], programs[:, ::2].shape)
        return {"programs": programs}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        grid = blocks(dims.count, 64)
        return launch(grid, 64, arrays.programs, arrays.out, dims.count, dims.length)

    def reference(self, programs: Any) -> Any:
        return np.array([_interpreted(program) for program in programs.tolist()], np.int32)


def _signed(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def _interpreted(program: list[int]) -> int:
    """The accumulator at the end; division rounds to zero."""
    stack, top, value = [0] * 8, 0, 1
    steps = iter(zip(program[::2], program[1::2], strict=True))
    for operation, argument in steps:
        match operation:
            case 0:
                value += argument
            case 1:
                value *= argument
            case 2:
                value ^= argument
            case 3:
                value = value << (argument & 7) | 1
            case 4:
                stack[top], top = value, (top + 1) % 8
            case 5:
                top = (top - 1) % 8
                value -= stack[top]
            case 6 if value & 1:
                next(steps, None)
            case 6:
                pass
            case 7:
                value = (abs(value) // 3) * (1 if value >= 0 else -1) + argument
            case 8:
                value = stack[argument & 7]
            case 20:
                value = 5 - value
            case 21:
                value += 5
            case _:
                value = ~value
        value = _signed(value)
    return value
