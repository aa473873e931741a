"""What stands around a call in a Python source: where the lambda or generator goes that it is in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rocverify.code.languages.python_body import lambda_name
from rocverify.code.languages.surroundings import Around
from rocverify.code.syntax import Call

_LATER = frozenset({"partial", "Thread", "Timer", "Process", "map", "filter"})
"""What calls what it is given only once it is started, called or iterated."""
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)


def around_in_python(tree: ast.Module, call: Call, handed: str) -> Iterator[Around]:
    """What stands around a call, the innermost first. handed: the function that is given to it, if it is that
    which is called."""
    yield Around("call")
    parents = _parents(tree, call.at[0])
    node = next((n for n in parents if _is_it(n, call)), None)
    if node is None:
        return
    if handed and isinstance(node, ast.Call):
        given = [*node.args, *(k.value for k in node.keywords)]
        found = next((a for a in given if handed in (_name(a), _lambda(a))), None)
        if found is not None:
            yield from _destination(found, parents)
    elif isinstance(node, ast.Lambda):
        yield from _destination(node, parents)
    elif _is_discarded(node, parents):
        yield Around("dropped")
    current = parents.get(node)
    while current is not None and not isinstance(current, _SCOPES):
        if isinstance(current, ast.GeneratorExp) and _is_discarded(current, parents):
            yield Around("unrun", "nothing iterates over the generator that it is in")
        current = parents.get(current)


def _parents(tree: ast.Module, line: int) -> dict[ast.AST, ast.AST]:
    """What is below which node, of the outermost statement on a line."""
    around = [s for s in tree.body if s.lineno <= line <= (s.end_lineno or s.lineno)]
    found: dict[ast.AST, ast.AST] = dict.fromkeys(around, tree)
    stack: list[ast.AST] = list(around)
    while stack:
        current = stack.pop()
        for child in ast.iter_child_nodes(current):
            found[child] = current
            stack.append(child)
    return found


def _is_it(node: ast.AST, call: Call) -> bool:
    wanted = ast.Lambda if call.kind == "lambda" else ast.Call
    if not isinstance(node, wanted):
        return False
    return (node.end_lineno, node.end_col_offset) == call.at


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _lambda(node: ast.AST) -> str:
    """The name under which a lambda is a function of the project."""
    return lambda_name(node) if isinstance(node, ast.Lambda) else ""


def _is_discarded(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether nothing takes a value: it is a statement, or given to a name that nothing asks for."""
    parent = parents.get(node)
    if isinstance(parent, ast.Expr):
        return True
    name = _assigned(parent)
    return bool(name) and parent is not None and not _is_read(name, parent, parents)


def _assigned(statement: ast.AST | None) -> str:
    """The one name that a statement gives a value."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return _name(statement.targets[0]) if isinstance(statement.targets[0], ast.Name) else ""
    if isinstance(statement, ast.AnnAssign):
        return _name(statement.target) if isinstance(statement.target, ast.Name) else ""
    return ""


def _is_read(name: str, statement: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    scope: ast.AST = statement
    while scope in parents and not isinstance(scope, _SCOPES):
        scope = parents[scope]
    if isinstance(scope, ast.Module):
        return True
    return any(
        isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load) for n in ast.walk(scope)
    )


def _destination(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[Around]:
    """Where a lambda, or a function that is named as a value, goes."""
    parent = parents.get(node)
    position: int | str = 0
    if isinstance(parent, ast.keyword):
        position, node, parent = parent.arg or "", parent, parents.get(parent)
    if isinstance(parent, ast.Call) and node is not parent.func:
        if isinstance(position, int) and node in parent.args:
            position = parent.args.index(node)
        name = _name(parent.func)
        if name in _LATER:
            if _is_discarded(parent, parents):
                yield Around("unrun", f"nothing runs what {name} makes of it")
        elif name:
            yield Around("handed", name, position)
    elif _is_discarded(node, parents):
        yield Around("unrun", "nothing calls the function that it is in")
