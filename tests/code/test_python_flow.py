"""What can run and what cannot, judged by running it."""

from __future__ import annotations

import ast
from textwrap import dedent, indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.code.languages.python_flow import constant_truth, dead_statements, walk_block

DEAD = [
    "return\nhit()",
    "raise ValueError\nhit()",
    "if False:\n    hit()",
    "if 0:\n    hit()",
    "if not True:\n    hit()",
    "if '':\n    hit()",
    "if None:\n    hit()",
    "if x and False:\n    hit()",
    "if ():\n    hit()",
    "if 1 == 2:\n    hit()",
    "if True:\n    return\nhit()",
    "if x:\n    return\nelse:\n    raise ValueError\nhit()",
    "while True:\n    pass\nhit()",
    "while False:\n    hit()",
    "while True:\n    if x:\n        return\nhit()",
    "for i in y:\n    continue\n    hit()",
    "for i in y:\n    break\n    hit()",
    "for i in []:\n    hit()",
    "assert False\nhit()",
    "try:\n    return\nfinally:\n    x\nhit()",
    "try:\n    x\nfinally:\n    return\nhit()",
    "with x:\n    return\nhit()",
    "match x:\n    case _:\n        return\nhit()",
    "import sys\nsys.exit(1)\nhit()",
    "if TYPE_CHECKING:\n    hit()",
    "True or hit()",
    "False and hit()",
    "0 if True else hit()",
]
LIVE = [
    "hit()",
    "if x:\n    return\nhit()",
    "while True:\n    break\nhit()",
    "while True:\n    for i in y:\n        break\n    else:\n        break\nhit()",
    "try:\n    return\nexcept ValueError:\n    pass\nhit()",
    "try:\n    x\nexcept ValueError:\n    hit()",
    "try:\n    x\nfinally:\n    hit()",
    "with x:\n    raise ValueError\nhit()",
    "for i in y:\n    return\nhit()",
    "match x:\n    case 1:\n        return\nhit()",
    "if x or hit():\n    pass",
    "x if y else hit()",
    "[hit() for i in y]",
    "if 1 < 2:\n    hit()",
    "f'{hit()}'",
]


def calls_of(body: str) -> set[str]:
    tree = ast.parse(f"def f(x, y):\n{indent(dedent(body), '    ')}")
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    from rocverify.code.languages.python_flow import expressions_of, walk_expression

    return {
        node.func.id
        for statement in walk_block(function.body)
        for expression in expressions_of(statement)
        for node in walk_expression(expression)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


@pytest.mark.parametrize("body", DEAD)
def test_dead_calls_are_not_seen(body: str) -> None:
    assert "hit" not in calls_of(body)


@pytest.mark.parametrize("body", LIVE)
def test_live_calls_are_seen(body: str) -> None:
    assert "hit" in calls_of(body)


ATOMS = st.sampled_from(["True", "False", "None", "0", "1", "''", "'a'", "()", "1.5", "[]", "{}"])
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda a: f"(not {a})"),
        st.tuples(inner, st.sampled_from(["and", "or", "==", "!="]), inner).map(lambda t: f"({' '.join(t)})"),
    ),
    max_leaves=6,
)


@given(CONDITIONS)
@settings(max_examples=300, deadline=None)
def test_folding_agrees_with_python(condition: str) -> None:
    folded = constant_truth(ast.parse(condition, mode="eval").body)
    assert folded is None or folded is bool(eval(condition, {}, {}))


@given(st.lists(st.sampled_from(DEAD + LIVE), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_what_never_runs_is_never_called_live(bodies: list[str]) -> None:
    """A body is executed for real: whatever ran must have been live."""
    body = "\n".join(b for b in bodies if "while True" not in b and "sys" not in b)
    if not body:
        return
    called: list[str] = []
    scope = {"hit": lambda: called.append("hit"), "TYPE_CHECKING": False}
    exec(f"def f(x, y):\n{indent(body, '    ')}", scope)
    for arguments in ((0, [1]), (1, [1]), (2, [])):
        try:
            scope["f"](*arguments)  # type: ignore[operator]
        except (ValueError, AssertionError, AttributeError, TypeError):
            continue
    if called:
        assert "hit" in calls_of(body)


def test_dead_statements_are_found_in_every_scope() -> None:
    tree = ast.parse("class C:\n    def f(self):\n        return\n        x\nif 0:\n    y\n")
    assert [ast.unparse(s) for s in dead_statements(tree.body)] == ["x", "y"]
