"""What libyaml reads of frontmatter is what PyYAML's own parser reads, whose words are told of errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rocverify.plan import frontmatter

PIECES = (
    *("a", "key", "b: ", "k: v\n", "- ", "- x\n", "\n", "\n  ", "\n    ", '"', "'", ": ", "#", " # c"),
    *("[", "]", "{", "}", ",", "|", ">", "|-\n  x", "\t", "&a ", "*a", "!!str ", "é", "\u2028", "\x85"),
    *("日本", "? ", "~", "1.5", "0x1f", "true", "---", "...", "%", "@", "`", "\\n", "\r\n", "🎉", "<<: "),
)


def tree(node: yaml.Node) -> Any:
    """A node as plain data: its tag, its value, its line. Nothing, where a value or all might stand, has no
    line: nobody is told of it."""
    line = node.start_mark.line
    if isinstance(node, yaml.ScalarNode):
        return node.tag, line, node.value
    if isinstance(node, yaml.MappingNode):
        return node.tag, line, [(stands(key), stands(value)) for key, value in node.value]
    return node.tag, line, [tree(one) for one in node.value]


def stands(node: yaml.Node) -> Any:
    return "nothing" if isinstance(node, yaml.ScalarNode) and not node.value else tree(node)


def read(compose: Any, text: str) -> Any:
    """The tree, or the words of what is wrong."""
    try:
        root = compose(text)
        return None if root is None else stands(root)
    except yaml.YAMLError as error:
        return str(error)


def plainly(text: str) -> yaml.Node | None:
    root: yaml.Node | None = yaml.SafeLoader(text).get_single_node()
    return root


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_both_readers_agree(text: str) -> None:
    assert read(frontmatter.composed, text) == read(plainly, text)


def test_a_plan_is_read_by_libyaml(repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every plan of this repository, with PyYAML's own parser out of reach."""
    plans = sorted(repo_root.glob(".planning/phases/*/*-PLAN.md"))
    texts = [path.read_text(encoding="utf-8").split("---\n")[1] for path in plans]
    expected = [read(plainly, text) for text in texts]
    monkeypatch.delattr(yaml, "SafeLoader")
    assert [read(frontmatter.composed, text) for text in texts] == expected
    assert len(texts) >= 12
