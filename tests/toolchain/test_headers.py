"""What is remembered of a compilation's headers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.store.digests import digest_texts
from rocverify.toolchain.headers import (
    HeaderState,
    header_state,
    parse_depfile,
    relative_to_root,
    search_path,
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("k.co: k.hip", ["k.hip"]),
        ("k.co: k.hip a.h \\\n  /usr/include/b.h \\\n  c.h\n", ["k.hip", "a.h", "/usr/include/b.h", "c.h"]),
        ("k.co: with\\ space.hip dollar$$.h hash\\#.h", ["with space.hip", "dollar$.h", "hash#.h"]),
        ("/a/b/out.co: k.hip\n", ["k.hip"]),
        ("", []),
    ],
)
def test_depfile(text: str, names: list[str]) -> None:
    assert parse_depfile(text) == names


def test_search_path_is_read_from_the_compilers_invocation() -> None:
    said = (
        "clang version 19\n"
        ' "/usr/bin/clang" "-cc1" "-triple" "amdgcn" "-Ijoined" "-I" "apart" "-idirafter" "/usr/include"\n'
        ' "-ignored" "-cc1"-less line\n'
        ' "/usr/bin/lld" "-I" "not this"\n'
    )
    assert search_path(said) == ["joined", "apart", "/usr/include"]
    assert search_path("nothing was said") == []


def test_paths_inside_the_root_are_relative(tmp_path: Path) -> None:
    assert relative_to_root(tmp_path, "kernels/../kernels/a.h") == "kernels/a.h"
    assert relative_to_root(tmp_path, str(tmp_path / "a.h")) == "a.h"
    assert relative_to_root(tmp_path, "/usr/lib/gcc/../include/x.h") == "/usr/lib/include/x.h"
    assert relative_to_root(tmp_path, "../outside.h") == str(tmp_path.parent / "outside.h")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in {
        "k.hip": '#include <a.h>\n#  include "b.h"\n#if __has_include(<maybe.h>)\n#endif\n',
        "second/a.h": '#include "beside.h"\n',
        "second/beside.h": "",
        "b.h": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def state_of(tree: Path) -> HeaderState:
    depfile = "k.co: k.hip second/a.h second/beside.h b.h"
    return header_state(tree, "k.hip", depfile, ["first", "second"])


def test_state_holds_until_something_changes(tree: Path) -> None:
    state = state_of(tree)
    assert set(state.files) == {"second/a.h", "second/beside.h", "b.h"}
    assert state.holds(tree)
    assert HeaderState.from_json(json.loads(json.dumps(state.to_json()))) == state


@pytest.mark.parametrize(
    "appears", ["first/a.h", "first/b.h", "first/maybe.h", "second/maybe.h", "first/beside.h"]
)
def test_header_that_appears_where_one_was_looked_for(tree: Path, appears: str) -> None:
    state = state_of(tree)
    (tree / appears).parent.mkdir(exist_ok=True)
    (tree / appears).write_text("")
    assert not state.holds(tree)


def test_file_that_no_one_looked_for_does_not_matter(tree: Path) -> None:
    state = state_of(tree)
    (tree / "second/unrelated.h").write_text("")
    (tree / "unrelated.h").write_text("")
    assert state.holds(tree)


@pytest.mark.parametrize("goes", ["b.h", "second/beside.h"])
def test_header_that_goes(tree: Path, goes: str) -> None:
    state = state_of(tree)
    (tree / goes).unlink()
    assert not state.holds(tree)


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_digests_of_different_lists_differ(one: list[str], other: list[str]) -> None:
    assert (digest_texts(one) == digest_texts(other)) == (one == other)
