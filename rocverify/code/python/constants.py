"""Folding a module's own switches: `USE_KERNEL = False` at the top makes `if USE_KERNEL:` dead.

Only a name that the module binds exactly once, at its top, to True, False, None or a number, and that
nothing in the module rebinds, shadows or declares global, is folded, and only inside conditions.
"""

from __future__ import annotations

import ast
from collections import Counter

from rocverify.code.languages.python_tree import nodes


def fold_constants(tree: ast.Module) -> ast.Module:
    """The tree, with such names in conditions replaced by their constants (in place)."""
    switches = _switches(tree)
    if switches:
        for node in nodes(tree):
            if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
                node.test = _Substitute(switches).visit(node.test)
            elif isinstance(node, ast.BoolOp):
                node.values = [_Substitute(switches).visit(v) for v in node.values]
    return tree


def _switches(tree: ast.Module) -> dict[str, ast.Constant]:
    candidates = {}
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant() as value)
            ):
                if value.value is None or isinstance(value.value, bool | int | float):
                    candidates[name] = value
    if not candidates:
        return {}
    bound = _times_bound(tree)
    return {name: value for name, value in candidates.items() if bound[name] == 1}


def _times_bound(tree: ast.Module) -> Counter[str]:
    """How often each name is bound anywhere in the module, by whatever means."""
    counts: Counter[str] = Counter()
    for node in nodes(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                counts[name] += 1
            case ast.arg(arg=name):
                counts[name] += 1
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                counts[name] += 1
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                counts.update(names)
            case ast.alias(name=name, asname=asname):
                counts[asname or name.partition(".")[0]] += 1
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                counts[name] += 1
    return counts


class _Substitute(ast.NodeTransformer):
    """Replaces the switches inside one condition; calls and lambdas in it are left alone."""

    def __init__(self, switches: dict[str, ast.Constant]) -> None:
        self._switches = switches

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._switches.get(node.id)
        return node if value is None else ast.copy_location(ast.Constant(value.value), node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return node
