"""Shares of the long suite: what is drawn, and what the other parametrizations become."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shares import drawn, mark_drawn


@dataclass
class Item:
    nodeid: str
    shares: int | None = None
    fast: int = 0
    added: list[str] = field(default_factory=list)

    def get_closest_marker(self, _name: str) -> pytest.Mark | None:
        return None if self.shares is None else pytest.mark.drawn(self.shares, fast=self.fast).mark

    def add_marker(self, marker: Any) -> None:
        self.added.append(marker.name)


def marked(items: list[Item], by: str) -> list[list[str]]:
    mark_drawn(cast("list[pytest.Item]", items), by)
    return [item.added for item in items]


@given(st.integers(0, 60), st.integers(1, 9), st.text())
def test_one_of_so_many_in_a_row_is_drawn(count: int, shares: int, by: str) -> None:
    taken = drawn(count, shares, by)
    assert [number // shares for number in taken] == list(range(-(-count // shares)))
    assert all(number < count for number in taken)
    assert taken == drawn(count, shares, by)


def test_everything_is_drawn_in_the_end() -> None:
    assert {number for by in range(200) for number in drawn(10, 4, str(by))} == set(range(10))


def test_the_first_stay_in_the_fast_suite() -> None:
    added = marked([Item(f"a.py::one[{number}]", 2, fast=2) for number in range(6)], "7")
    assert added[:2] == [[], []]
    for row in (added[2:4], added[4:]):
        assert sorted(marks for (marks,) in row) == ["exhaustive", "long"]


def test_what_is_drawn_is_long_and_the_others_are_exhaustive() -> None:
    items = [
        *(Item(f"a.py::one[{number}]", None if number == 2 else 3) for number in range(7)),
        *(Item(f"a.py::two[{number}]", 2) for number in range(4)),
        Item("a.py::three"),
        Item("a.py::four", 5),
    ]
    added = marked(items, "7")
    assert added[2] == added[11] == []
    assert added[12] == ["long"]
    one = [marks for number, marks in enumerate(added[:7]) if number != 2]
    for row in (one[:3], one[3:], added[7:9], added[9:11]):
        assert sorted(marks for (marks,) in row) == ["exhaustive"] * (len(row) - 1) + ["long"]
