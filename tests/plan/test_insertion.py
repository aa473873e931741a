"""Entries added to a plan's list: they are read as they were given, and nothing else changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocverify.errors import PlanError
from rocverify.plan import parse_plan
from rocverify.plan.insertion import with_entries

NAME = ".planning/phases/01-a/01-01-PLAN.md"
ENTRY = {"proves": "T1", "check": "absent", "names": ["old"], "paths": ["src"]}
HEAD = "phase: 01-a\nplan: 01\nmust_haves:\n  truths:\n    - It is so\n    - This too\n"
BLOCK = "rocverify:\n- proves: T2\n  check: absent  # why\n  names:\n  - new\n"
LISTS = {
    "none": "",
    "block": BLOCK,
    "deeper": "rocverify:\n    - proves: T2\n      check: absent\n      names: [new]\n",
    "then a comment": f"{BLOCK}# about what follows\n\nother: 1\n",
    "then a key": f"{BLOCK}other: 1\n",
    "flow": "rocverify: [{proves: T2, check: absent, names: [new]}]  # here\nother: 1\n",
    "flow on lines": "rocverify: [\n  {proves: T2, check: absent, names: [new]}\n]\n",
    "empty": "rocverify: []\n",
    "nothing": "rocverify:\nother: 1\n",
    "text in lines": "rocverify:\n  - proves: T2\n    check: command\n    run: |\n      ctest\nother: 1\n",
    "quoted": "rocverify:\n  - proves: T2\n    check: absent\n    names: ['new\n      er']\n\n\n",
}


def write(root: Path, front: str, ends: str = "\n", body: str = "<objective>\nx\n</objective>\n") -> Path:
    path = root / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"---\n{front}---\n{body}".replace("\n", ends).encode())
    return path


def front_of(text: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(text.removeprefix("\ufeff").split("---")[1])
    return read


def is_subsequence(lines: Sequence[str], of: Sequence[str]) -> bool:
    rest = iter(of)
    return all(line in rest for line in lines)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_stands_there_stays(tmp_path: Path, name: str, ends: str) -> None:
    path = write(tmp_path, HEAD + LISTS[name], ends)
    before = path.read_bytes().decode()
    after = with_entries(path, tmp_path, [ENTRY, ENTRY])
    old, new = front_of(before), front_of(after)
    assert new.pop("rocverify") == [*(old.pop("rocverify", None) or []), ENTRY, ENTRY]
    assert new == old
    if not name.startswith(("flow", "empty")):
        assert is_subsequence(before.splitlines(keepends=True), after.splitlines(keepends=True))
    assert after.count("\r\n") == (after.count("\n") if ends == "\r\n" else 0)
    assert after.endswith(before.partition(f"---{ends}<")[2])
    path.write_bytes(after.encode())
    assert len(parse_plan(path, tmp_path).explicit) >= 2


@pytest.mark.parametrize("front", ["rocverify: 3\n", "rocverify: {a: 1}\n", "rocverify: &a [*a]\n", "a: [\n"])
def test_what_cannot_be_added_to_is_told_with_the_lines(tmp_path: Path, front: str) -> None:
    path = write(tmp_path, HEAD + front)
    with pytest.raises(PlanError) as raised:
        with_entries(path, tmp_path, [ENTRY])
    assert raised.value.where is not None
    assert NAME in raised.value.where


def test_a_plan_without_frontmatter_gets_one(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.parent.mkdir(parents=True)
    body = "<success_criteria>\n- It is so\n</success_criteria>\n"
    path.write_text(f"\ufeff{body}", encoding="utf-8")
    before = parse_plan(path, tmp_path)
    text = with_entries(path, tmp_path, [{**ENTRY, "proves": "C1"}])
    assert text.startswith("\ufeff---\nrocverify:\n")
    path.write_text(text, encoding="utf-8")
    after = parse_plan(path, tmp_path)
    assert [m.text for m in after.must_haves] == [m.text for m in before.must_haves] == ["It is so"]
    assert after.explicit[0].proves == ("C1",)


TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12)
VALUE = st.recursive(
    st.one_of(TEXT, st.integers(-9, 9), st.booleans(), st.floats(-8, 8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(value=VALUE, name=st.sampled_from(sorted(LISTS)))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_is_read_as_it_was_given(tmp_path: Path, value: Any, name: str) -> None:
    entry = {**ENTRY, "value": value}
    path = write(tmp_path, HEAD + LISTS[name])
    assert front_of_whole(with_entries(path, tmp_path, [entry]))["rocverify"][-1] == entry


def front_of_whole(text: str) -> dict[str, Any]:
    front = text.removeprefix("---\n").partition("\n---\n<")[0]
    read: dict[str, Any] = yaml.safe_load(front)
    return read
