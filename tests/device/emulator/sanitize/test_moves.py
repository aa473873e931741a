"""DPP and permlane moves from lanes that are off or not there, by the ISA's words: with bound_ctrl the lane
gets zero, without it keeps what it had, and with fi it reads the register of a lane that is off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bugs.emulated import Seen, emulate

SOURCE = Path(__file__).with_name("moves.hip")


@pytest.mark.parametrize(
    ("kernel", "lanes", "count"),
    [("row_kept", 32, 2), ("off_kept", 8, 1), ("masked", 32, 16), ("perm_kept", 8, 8)],
)
def test_a_lane_that_keeps_what_nobody_wrote_is_found(kernel: str, lanes: int, count: int) -> None:
    (finding,) = run(kernel, lanes).findings
    assert (finding["kind"], finding["detail"], finding["count"]) == ("uninitialized", "store", count)


@pytest.mark.parametrize(
    ("kernel", "lanes", "result"),
    [
        ("row_zero", 32, [0, *range(7)]),
        ("off_zero", 8, [1, 2, 3, 4, 5, 6, 7, 0]),
        ("off_fetched", 8, [1, 2, 3, 4, 5, 6, 7, 8]),
        ("perm_zero", 8, [0] * 8),
        ("perm_fetched", 8, [8, 9, 10, 11, 12, 13, 14, 15]),
    ],
)
def test_zero_and_what_is_fetched_are_defined(kernel: str, lanes: int, result: list[int]) -> None:
    seen = run(kernel, lanes)
    assert (seen.code, seen.findings, seen.array(2)[:8]) == (0, [], result)


def run(kernel: str, lanes: int) -> Seen:
    command = f"{kernel} --grid 1 --block 32 --arg f32[32]:out --arg f32[32]:range --arg f32[32]:out"
    return emulate(SOURCE, f"{command} --arg i32:{lanes} --sanitize")
