"""Races as people are told them: of two accesses that race in either order, one finding."""

from __future__ import annotations

import pytest

from rocverify.device.emulator.sanitize.findings import Finding, Site, told_once


def _site(line: int, access: str) -> Site:
    return Site(access, f"ds_{access}_b32", line * 8, f"k.hip:{line}", (0, 0, 0), (line, 0, 0), 0)


def _race(
    detail: str,
    here: int,
    other: int,
    count: int = 1,
    *,
    kernel: str = "k",
    space: str = "lds",
    kind: str = "race",
) -> Finding:
    sides = {"RAW": ("load", "store"), "WAR": ("store", "load"), "WAW": ("store", "store")}[detail]
    words = (
        f"{detail} in LDS"
        + {"RAW": ": a read after a write", "WAR": ": a write after a read", "WAW": ""}[detail]
    )
    first, second = _site(here, sides[0]), _site(other, sides[1])
    return Finding(kind, detail, kernel, words, count, first, second, space)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", ["race", "lockstep"])
def test_both_sides_are_one(turned: bool, kind: str) -> None:
    both = [_race("WAR", 8, 10, 3, kind=kind), _race("RAW", 10, 8, 4, kind=kind)]
    (told,) = told_once(both[::-1] if turned else both)
    assert (told.source, told.count) == ("k.hip:10" if turned else "k.hip:8", 7)
    assert told.message == "RAW and WAR in LDS: a read and a write, in either order"


def test_what_is_found_in_launch_after_launch_is_one() -> None:
    launch = [_race("WAR", 8, 10), _race("RAW", 10, 8)]
    (told,) = told_once([*launch, *launch])
    assert (told.count, told.message) == (4, "RAW and WAR in LDS: a read and a write, in either order")


def test_two_writes_are_one_however_they_are_turned() -> None:
    (told,) = told_once([_race("WAW", 8, 10), _race("WAW", 10, 8), _race("WAW", 8, 10)])
    assert (told.source, told.count, told.message) == ("k.hip:8", 3, "WAW in LDS, in either order")


@pytest.mark.parametrize(
    "other",
    [
        _race("RAW", 10, 9),
        _race("RAW", 10, 8, kernel="another"),
        _race("RAW", 10, 8, space="global"),
        _race("RAW", 10, 8, kind="lockstep"),
    ],
)
def test_what_differs_stays_apart(other: Finding) -> None:
    findings = [_race("WAR", 8, 10), other]
    assert told_once(findings) == findings


def test_what_has_one_side_stays_as_it_is() -> None:
    alone = [Finding("uninitialized", "store", "k", "never written", 1, _site(8, "store")) for _ in range(2)]
    assert told_once(alone) == alone
