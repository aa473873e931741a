"""Where the flow of a Python function divides, and what its parts hold."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from rocverify.code.languages.python_flow import block_completes, live_branches, walk_block, walk_expression
from rocverify.code.languages.python_parts import begin_of, end_of
from rocverify.code.syntax import Branch

TextOf = Callable[[ast.AST | None], str]


def branches_of(node: ast.AST, text: TextOf, loop: ast.AST | None) -> Iterator[Branch]:
    """The branches that a statement or expression begins; `loop` is the nearest loop around it."""
    match node:
        case ast.If(test=test, body=body):
            for block in live_branches(node):
                yield from _block("if" if block is body else "else", text(test), node, block, node)
        case ast.IfExp(test=test, body=one, orelse=other):
            yield Branch("if", text(test), *_lines(node))
            yield from _arms(node, [one, other], text)
        case ast.BoolOp(values=values):
            yield from _arms(node, values, text)
        case ast.While(test=test, body=body):
            yield from _block("loop", text(test), node, body, node)
        case ast.For(iter=over, body=body) | ast.AsyncFor(iter=over, body=body):
            yield from _block("loop", text(over), node, body, node)
        case ast.Try() | ast.TryStar():
            yield from _try(node, text)
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            for item in items:
                inner = item.context_expr
                yield Branch("item", text(inner), *_lines(inner), begin_of(inner), end_of(inner), _of(node))
            managers = ", ".join(text(item.context_expr) for item in items)
            yield from _block("with", managers, node, body, node)
        case ast.Match(subject=subject, cases=cases):
            yield Branch("match", text(subject), *_lines(node))
            for case in cases:
                yield from _block("case", text(case.pattern), case.pattern, case.body, node)
        case ast.Return():
            yield Branch("leave", text(node), *_lines(node), begin_of(node), end_of(node))
        case ast.Yield():
            yield Branch("yield", text(node), *_lines(node), begin_of(node), end_of(node))
        case ast.stmt() if loop is not None and _stores_element(node):
            yield Branch("store", text(node), node.lineno, node.lineno, begin_of(loop), end_of(node))


def _try(node: ast.Try | ast.TryStar, text: TextOf) -> Iterator[Branch]:
    yield from _block("try", "", node, node.body, node)
    for handler in node.handlers:
        yield from _block("handler", text(handler.type), handler, handler.body, node)
    yield from _block("finally", "", node, node.finalbody, node)


def _arms(node: ast.expr, arms: Sequence[ast.expr], text: TextOf) -> Iterator[Branch]:
    for arm in arms:
        yield Branch("arm", text(arm), *_lines(arm), begin_of(arm), end_of(arm), _of(node))


def _block(
    kind: str, text: str, where: ast.AST, block: Sequence[ast.stmt], around: ast.AST
) -> Iterator[Branch]:
    """The record of a block of statements; of an empty one there is none."""
    if block:
        begin, end = begin_of(block[0]), end_of(block[-1])
        first = block[0].lineno if kind == "else" else _lines(where)[0]
        yield Branch(kind, text, first, end[0], begin, end, _of(around), _ends(block))


def _ends(block: Sequence[ast.stmt]) -> str:
    if block_completes(block):
        return "on"
    jumps = (ast.Return, ast.Continue, ast.Break)
    return "jump" if any(isinstance(statement, jumps) for statement in walk_block(block)) else "raise"


def _of(node: ast.AST) -> str:
    return "{}:{}-{}:{}".format(*begin_of(node), *end_of(node))


def _lines(node: ast.AST) -> tuple[int, int]:
    return begin_of(node)[0], end_of(node)[0]


def _stores_element(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Subscript()], value=value):
            return any(isinstance(n, ast.BinOp) for n in walk_expression(value))
        case ast.AugAssign(target=ast.Subscript()):
            return True
    return False
