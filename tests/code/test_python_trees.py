"""Walking Python's syntax trees the fast way, against what `ast` itself says of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest

from rocverify.code.languages.python_flow import block_completes, dead_statements, walk_expression
from rocverify.code.languages.python_tree import children, identifiers, nodes

HOW = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
MIXED = """
import a.b.c as d, e.f
from .g import h as i
from .. import *
@j(k=1)
async def l(m, /, n: o = 1, *p, q="r", **s) -> t:
    global u
    async with v as w, x: pass
    async for y in z: await aa
    return [ab := ac async for ad in ae if af], {**ag, "ah": "not one"}, {ai: aj for ak in al}
    return f"{am!r:>{an}}"
class ao(ap, metaclass=aq):
    ar: as_ = -at[au:av, ...]
    try: del aw.ax
    except* ay as az: raise ba from bb
match bc:
    case [bd, *be] | bf(bg, bh=1) | {"bi": bj, **bk}: bl += lambda bm: (yield bn)
    case None | 1 as bo if bp: nonlocal bq
"""


@pytest.fixture(scope="module")
def trees(repo_root: Path) -> list[ast.Module]:
    """Sources of every sort, and one statement of each."""
    paths = [
        p
        for folder in ("rocverify/code", "tests/fixtures", "kernels")
        for p in repo_root.glob(f"{folder}/**/*.py")
    ]
    return [ast.parse(MIXED), *(ast.parse(path.read_text(encoding="utf-8")) for path in paths)]


def test_children_are_those_of_ast_in_their_order(trees: list[ast.Module]) -> None:
    for node in (node for tree in trees for node in ast.walk(tree)):
        assert children(node) == [c for c in ast.iter_child_nodes(node) if not isinstance(c, HOW)]


def test_nodes_are_those_of_ast(trees: list[ast.Module]) -> None:
    for tree in trees:
        expected = {id(node) for node in ast.walk(tree) if not isinstance(node, HOW)}
        found = [id(node) for node in nodes(tree)]
        assert set(found) == expected
        assert len(found) == len(expected)


def test_identifiers_are_what_the_fields_of_the_nodes_say(trees: list[ast.Module]) -> None:
    for tree in trees:
        found = identifiers(tree)
        assert set(found) == {name for node in ast.walk(tree) for name in _names(node)}
        assert len(found) == len(set(found))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.alias):
        first, *_ = node.name.split(".")
        yield from (node.asname or first, node.name.split(".")[-1])
    elif isinstance(node, ast.Constant):
        yield from [node.value] if isinstance(node.value, str) and node.value.isidentifier() else []
    elif not isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        fields = (getattr(node, field, None) for field in ("id", "attr", "arg", "name"))
        yield from (value for value in fields if isinstance(value, str))


def test_expressions_are_walked_in_the_order_of_evaluation() -> None:
    node = ast.parse("f(a.b, *[c for c in d], k=e[g:h]) + (i if j else l and m)", mode="eval").body
    walked = [ast.unparse(part) for part in walk_expression(node)]
    names = [text for text in walked if text.isidentifier()]
    assert names == ["f", "a", "c", "c", "d", "e", "g", "h", "j", "i", "l", "m"]
    assert walked[:3] == ["f", "a", "a.b"]
    assert walked[-1] == ast.unparse(node)


@pytest.mark.parametrize("last", ["return 9", "pass"])
def test_a_long_chain_of_conditions_is_followed(last: str) -> None:
    """Asked anew on each level, 60 of them would take years."""
    arms = "".join(f"elif x == {n}:\n    return {n}\n" for n in range(1, 60))
    text = f"if x == 0:\n    return 0\n{arms}else:\n    {last}\nhit()\n"
    body = ast.parse(f"def f(x):\n{indent(text, '    ')}").body
    dead = [ast.unparse(statement) for statement in dead_statements(body)]
    assert dead == (["hit()"] if last == "return 9" else [])


@pytest.mark.parametrize("head", ["with x:", "while True:", "try:"])
def test_deep_blocks_are_followed(head: str) -> None:
    """What a `with` in a `with` raises may vanish in the outer one."""
    depth = 18
    lines = [f"{' ' * level}{head}" for level in range(depth)]
    tails = [f"{' ' * level}finally: y" for level in reversed(range(depth))] if head == "try:" else []
    body = ast.parse("\n".join([*lines, f"{' ' * depth}return", *tails, "hit()"]), mode="exec").body
    assert block_completes(body) is (head == "with x:")
