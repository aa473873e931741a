"""Small questions about pieces of syntax that name resolution and the call graph both ask."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rocverify.code.languages.python_flow import expressions_of, walk_block, walk_expression
from rocverify.code.python.model import NOTHING, FunctionInfo, LiteralValue, Values

_PROPERTIES = frozenset({"property", "cached_property", "functools.cached_property"})


def is_property(info: FunctionInfo) -> bool:
    """True for a method that is called by reading an attribute."""
    if isinstance(info.node, ast.Lambda | ast.Module):
        return False
    return any(ast.unparse(d) in _PROPERTIES for d in info.node.decorator_list)


def literal_values(value: object) -> Values:
    """The value of a constant; nothing where it is of a type that is not followed."""
    if value is None or isinstance(value, str | bytes | bool | int | float):
        return frozenset({LiteralValue(value, type(value).__name__)})
    return NOTHING


def is_arm(node: ast.expr, whole: ast.expr) -> bool:
    """Whether an expression is one of the results of a conditional expression, `and` or `or`."""
    if isinstance(whole, ast.IfExp):
        return node is whole.body or node is whole.orelse
    return isinstance(whole, ast.BoolOp) and any(node is v for v in whole.values)


def returned_expressions(info: FunctionInfo) -> Iterator[ast.expr]:
    """What live return (and yield) statements of the function give."""
    for statement in walk_block(info.body):
        if isinstance(statement, ast.Return) and statement.value is not None:
            yield statement.value
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                if isinstance(node, ast.Yield) and node.value is not None:
                    yield node.value


def assignments_to(info: FunctionInfo, first: str, name: str) -> Iterator[ast.expr]:
    """The expressions that a function assigns to the attribute `name` of the variable `first`."""
    for statement in walk_block(info.body):
        match statement:
            case ast.Assign(targets=chosen, value=value):
                pass
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                chosen = [target]
            case _:
                continue
        if any(_is_attribute_of(target, first, name) for target in chosen):
            yield value


def _is_attribute_of(node: ast.expr, base: str, name: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == base
    )
