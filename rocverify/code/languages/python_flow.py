"""Which statements and expressions can run at all, by simple constant folding.

Dead is: what follows `return`, `raise`, `continue`, `break` or an endless loop in its block; the
untaken side of a condition that is constant (`if False:`, `if 0:`, `while not True:`,
`if TYPE_CHECKING:`, `x if True else y`, `False and f()`). Everything else counts as live.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import chain

from rocverify.code.languages.python_parts import path_of
from rocverify.code.languages.python_tree import children

_STOPS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPLETES = "_rocverify_completes"
_NORETURN = frozenset({"sys.exit", "os._exit", "os.abort", "exit", "quit"})


def constant_truth(node: ast.expr) -> bool | None:
    """The truth of a condition that does not depend on anything; None if it does."""
    match node:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.Name(id="__debug__"):
            return True
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            truth = constant_truth(operand)
            return None if truth is None else not truth
        case ast.BoolOp(op=op, values=values):
            return _bool_op(op, [constant_truth(v) for v in values])
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return None if any(isinstance(e, ast.Starred) for e in elements) else bool(elements)
        case ast.Dict(keys=keys):
            return False if not keys else None
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compare(left, op, right)
    return None


def _bool_op(op: ast.boolop, truths: list[bool | None]) -> bool | None:
    deciding = isinstance(op, ast.Or)
    if deciding in truths:
        return deciding
    return None if None in truths else not deciding


def _compare(left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool | None:
    """Equality and order of two literal numbers, strings or None."""
    if not (isinstance(left, ast.Constant) and isinstance(right, ast.Constant)):
        return None
    a, b = left.value, right.value
    if isinstance(op, ast.Eq | ast.Is):
        return bool(a == b)
    if isinstance(op, ast.NotEq | ast.IsNot):
        return bool(a != b)
    if not (isinstance(a, int | float) and isinstance(b, int | float)):
        return None
    orders = {ast.Lt: a < b, ast.LtE: a <= b, ast.Gt: a > b, ast.GtE: a >= b}
    return orders.get(type(op))


def live_statements(block: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of one block (not of the blocks inside them) that can run."""
    for statement in block:
        yield statement
        if not completes(statement):
            return


def completes(statement: ast.stmt) -> bool:
    """False if control never gets past the statement. What is found stays with the node: each statement
    around it asks again."""
    known = vars(statement)
    if _COMPLETES not in known:
        known[_COMPLETES] = _completes(statement)
    return known[_COMPLETES] is True


def _completes(statement: ast.stmt) -> bool:
    match statement:
        case _ if isinstance(statement, _STOPS):
            return False
        case ast.Expr(value=ast.Call(func=function)):
            return ".".join(path_of(function)) not in _NORETURN
        case ast.Assert(test=test):
            return constant_truth(test) is not False
        case ast.If():
            return any(block_completes(b) for b in live_branches(statement))
        case ast.While(test=test):
            return constant_truth(test) is not True or _breaks(statement.body)
        case ast.With() | ast.AsyncWith():
            return block_completes(statement.body) or not _ends_in_jump(statement.body)
        case ast.Try() | ast.TryStar():
            return _try_completes(statement)
        case ast.Match():
            return _match_completes(statement)
    return True


def _ends_in_jump(block: list[ast.stmt]) -> bool:
    """A `with` whose body ends in return cannot be passed; one that raises may be (suppress)."""
    last = list(live_statements(block))[-1]
    return isinstance(last, ast.Return | ast.Continue | ast.Break)


def _try_completes(statement: ast.Try | ast.TryStar) -> bool:
    if not block_completes(statement.finalbody):
        return False
    body = chain(statement.body, statement.orelse)
    return block_completes(body) or any(block_completes(h.body) for h in statement.handlers)


def _match_completes(statement: ast.Match) -> bool:
    catches_all = any(
        case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
        for case in statement.cases
    )
    return not catches_all or any(block_completes(case.body) for case in statement.cases)


def block_completes(block: Iterable[ast.stmt]) -> bool:
    """True if control can run off the end of the block."""
    return all(map(completes, block))


def _breaks(block: Iterable[ast.stmt]) -> bool:
    """True if a live `break` leaves the loop whose body this is."""
    for statement in live_statements(block):
        if isinstance(statement, ast.Break):
            return True
        if isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            blocks: list[list[ast.stmt]] = [statement.orelse]
        elif isinstance(statement, _SCOPES):
            continue
        else:
            blocks = list(live_blocks(statement))
        if any(_breaks(b) for b in blocks):
            return True
    return False


def live_branches(statement: ast.If) -> list[list[ast.stmt]]:
    """The sides of an `if` that can be taken (an absent else is an empty block)."""
    truth = constant_truth(statement.test)
    return [b for b, dead in ((statement.body, False), (statement.orelse, True)) if truth is not dead]


def live_blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks inside a compound statement that can be entered, in source order."""
    match statement:
        case ast.If():
            yield from live_branches(statement)
        case ast.While(test=test, body=body, orelse=orelse):
            if constant_truth(test) is not False:
                yield body
            if constant_truth(test) is not True:
                yield orelse
        case ast.For() | ast.AsyncFor():
            yield from _for_blocks(statement)
        case ast.Try() | ast.TryStar():
            yield statement.body
            yield from (handler.body for handler in statement.handlers)
            if block_completes(statement.body):
                yield statement.orelse
            yield statement.finalbody
        case ast.With() | ast.AsyncWith():
            yield statement.body
        case ast.Match():
            yield from (c.body for c in statement.cases if not _never(c.guard))


def _never(guard: ast.expr | None) -> bool:
    return guard is not None and constant_truth(guard) is False


def _for_blocks(statement: ast.For | ast.AsyncFor) -> Iterator[list[ast.stmt]]:
    """A loop over a literal that is empty never runs its body."""
    if constant_truth(statement.iter) is not False:
        yield statement.body
    yield statement.orelse


def walk_block(block: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Every live statement of a block and of the blocks inside it, in source order, of this scope only."""
    for statement in live_statements(block):
        yield statement
        for inner in live_blocks(statement):
            yield from walk_block(inner)


def expressions_of(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions that a statement itself evaluates here: not those of blocks inside it.

    For definitions these are decorators, defaults, bases and annotations that run at definition.
    """
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = statement.args
        yield from statement.decorator_list
        yield from arguments.defaults
        yield from (d for d in arguments.kw_defaults if d is not None)
    elif isinstance(statement, ast.ClassDef):
        yield from (*statement.decorator_list, *statement.bases, *(k.value for k in statement.keywords))
    elif isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            yield item.context_expr
            if item.optional_vars is not None:
                yield item.optional_vars
    elif isinstance(statement, ast.Try | ast.TryStar):
        yield from (h.type for h in statement.handlers if h.type is not None)
    elif isinstance(statement, ast.Match):
        yield statement.subject
        yield from (c.guard for c in statement.cases if c.guard is not None)
    else:
        yield from (child for child in children(statement) if isinstance(child, ast.expr))


def walk_expression(node: ast.expr) -> list[ast.expr]:
    """The live sub-expressions in evaluation order, the node itself last; lambdas are not entered."""
    stack, found = [node], []
    while stack:  # not by recursion: a sum of a thousand strings nests a thousand deep
        current = stack.pop()
        found.append(current)
        stack += live_children(current)
    found.reverse()
    return found


def live_children(node: ast.expr) -> Iterable[ast.expr]:
    """The sub-expressions right below one that can be evaluated; lambdas are not entered."""
    if isinstance(node, ast.Lambda | ast.IfExp | ast.BoolOp):
        return _live_parts(node)
    return () if isinstance(node, ast.Name | ast.Constant) else _plain_children(node)


def _live_parts(node: ast.Lambda | ast.IfExp | ast.BoolOp) -> Iterator[ast.expr]:
    match node:
        case ast.Lambda():
            yield from node.args.defaults
            yield from (d for d in node.args.kw_defaults if d is not None)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            truth = constant_truth(test)
            yield test
            yield from (e for e, dead in ((body, False), (orelse, True)) if truth is not dead)
        case ast.BoolOp(op=op, values=values):
            stop = isinstance(op, ast.Or)
            for value in values:
                yield value
                if constant_truth(value) is stop:
                    return


def _plain_children(node: ast.AST) -> Iterator[ast.expr]:
    for child in children(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.keyword | ast.comprehension | ast.FormattedValue):
            yield from _plain_children(child)


def dead_statements(block: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The outermost statements that can never run, here and in every scope inside."""
    statements = list(block)
    live = list(live_statements(statements))
    yield from statements[len(live) :]
    for statement in live:
        entered = [id(b) for b in live_blocks(statement)]
        for inner in _all_blocks(statement):
            if isinstance(statement, _SCOPES) or id(inner) in entered:
                yield from dead_statements(inner)
            else:
                yield from inner


def _all_blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        if block := getattr(statement, name, None):
            yield block
    for clause in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield clause.body
