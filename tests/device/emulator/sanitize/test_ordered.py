"""What the machine code of each family tells of order between waves, and between workgroups."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bugs.emulated import emulate

SOURCE = Path(__file__).with_name("ordered.hip")
WORDS = "--arg i32[1]:zeros --arg i32[1]:zeros --arg i32[1]:zeros"
TARGETS = ("gfx1030", "gfx1100", "gfx1201")


@pytest.mark.drawn(3, fast=1)
@pytest.mark.parametrize("target", TARGETS[::-1])
@pytest.mark.parametrize(("kernel", "races"), [("handed_on", 0), ("fenced", 0), ("relaxed", 1)])
def test_workgroups_are_in_order_by_acquire_and_release(target: str, kernel: str, races: int) -> None:
    seen = emulate(SOURCE, f"{kernel} --grid 2 --block 64 {WORDS}", "--sanitize", "--target", target)
    assert len(seen.findings) == races


@pytest.mark.drawn(3, fast=1)
@pytest.mark.parametrize("target", TARGETS[::-1])
def test_waves_are_in_order_by_barriers_alone(target: str) -> None:
    command = "{} --grid 1 --block 256 --arg f32[256]:zeros"
    assert emulate(SOURCE, command.format("unsynchronised"), "--sanitize", "--target", target).findings
    assert not emulate(SOURCE, command.format("synchronised"), "--sanitize", "--target", target).findings
