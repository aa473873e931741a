"""docs/cheats.md and the attacks name each other."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks import (
    test_callers,
    test_further,
    test_hosted,
    test_hosts,
    test_kept_memory,
    test_loose,
    test_made_by_host,
    test_watched,
    test_wrappers,
)

_ROW = re.compile(
    r"^\| [^|]+ \| [^|]+ \| `(?P<file>test_\w+)\.py::(?P<test>\w+)(\[(?P<case>[^\]]+)\])?`", re.M
)
_FEWEST = 70


@pytest.fixture(scope="module")
def page(repo_root: Path) -> str:
    return (repo_root / "docs/cheats.md").read_text(encoding="utf-8")


def cases_of(test: object) -> Iterator[str]:
    """The ids of a parametrized test, as far as they are written or are texts."""
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            for value in mark.args[1]:
                named = getattr(value, "id", None)
                yield str(named or (value.values[0] if hasattr(value, "values") else value))


def test_every_row_names_a_test_that_is_there(page: str) -> None:
    rows = list(_ROW.finditer(page))
    assert len(rows) >= _FEWEST
    assert len(rows) == len(re.findall(r"^\| (?!---|cheat |attack |fault )", page, re.M)), (
        "a row of another form"
    )
    for row in rows:
        module = importlib.import_module(f"tests.attacks.{row['file']}")
        test = getattr(module, row["test"], None)
        assert callable(test), row[0]
        if row["case"] is not None:
            assert row["case"] in set(cases_of(test)), row[0]


def test_every_cheat_of_the_galleries_has_a_row(page: str) -> None:
    named = {row["case"] for row in _ROW.finditer(page)}
    galleries = (
        test_wrappers, test_hosts, test_callers, test_hosted, test_kept_memory, test_made_by_host,
        test_further, test_loose, test_watched,
    )  # fmt: skip
    cheats = [cheat for gallery in galleries for cheat in gallery.CHEATS]
    assert {cheat.name for cheat in cheats if cheat.verdict != "verified"} <= named
    assert set(test_hosts.ALONE) <= named
