"""What is told of accesses outside of memory: where, how far from what, and how many in the whole launch."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bugs.emulated import emulate

SOURCE = Path(__file__).with_name("strays.hip")
COMMAND = "strays --grid 4 --block 64 --arg f32[1024]:zeros --arg i32:1000"


def test_all_accesses_that_stray_are_counted() -> None:
    """Of workgroup 0, whose work-items begin at element 1000, 40 stray, and all 64 of the three others."""
    seen = emulate(SOURCE, COMMAND, "--sanitize")
    fault = seen.document["fault"]
    assert (seen.code, fault["kind"], fault["accesses"]) == (1, "global", 40 + 3 * 64)
    assert fault["source_line"].endswith("strays.hip:6")
    (also,) = fault["more"]
    assert re.fullmatch(r"also a load at .*strays\.hip:8", also)
    assert seen.findings == []  # of what waves would have written that ended by a fault, nothing is said


def test_without_the_sanitizer_the_lanes_of_one_instruction_are_counted() -> None:
    fault = emulate(SOURCE, COMMAND, "--grid", "1").document["fault"]
    assert (fault["accesses"], fault["more"]) == (8, [])


def test_the_lane_the_distance_and_the_index_are_told() -> None:
    fault = emulate(SOURCE, COMMAND, "--sanitize").document["fault"]
    assert (fault["workgroup"], fault["workitem"]) == ([0, 0, 0], [24, 0, 0])
    assert "1 byte(s) past the end of allocation" in fault["message"]
    assert "of 4096 bytes" in fault["message"]
    assert "in elements of 4 byte(s) that is index 1024 of 1024" in fault["message"]


def test_an_index_before_the_array_is_negative() -> None:
    command = "strays --grid 1 --block 64 --arg f32[1024]:zeros --arg i32:-3"
    fault = emulate(SOURCE, command, "--sanitize").document["fault"]
    assert "12 byte(s) before allocation" in fault["message"]
    assert "that is index -3 of 1024" in fault["message"]
    assert fault["accesses"] == 3
