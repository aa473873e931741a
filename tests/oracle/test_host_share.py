"""When a result is called the host's, and when not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rocverify.device.trace.events import Category, TraceEvent
from rocverify.oracle.buffers import Layout
from rocverify.oracle.host_share import HostShare, computed_by_host, host_share

X = np.arange(1, 9, dtype=np.float32)
RESULT = 3 * X + 1
LAYOUTS = {"out": Layout(0, 1, 32, 32)}
ADDRESSES = {"x": 0x1000, "out": 0x2000}
DOWN = TraceEvent(1, "hipMemcpy", Category.D2H, "hipSuccess", bytes=32, src=0x1000)
UP = TraceEvent(2, "hipMemcpy", Category.H2D, "hipSuccess", bytes=32, dst=0x2000, call_site="a.py:7")
ASIDE = TraceEvent(0, "hipMemcpy", Category.D2D, "hipSuccess", bytes=32, src=0x1000, dst=0x9000)


def share(
    written: np.ndarray, left: np.ndarray = RESULT, events: tuple[TraceEvent, ...] = (DOWN, UP)
) -> HostShare:
    pieces = {"out": [(0, written.tobytes())]}
    return host_share({"out": left}, {"x": X}, LAYOUTS, pieces, events, ADDRESSES)


def test_what_the_host_computed_from_what_it_read() -> None:
    found = share(RESULT)
    assert found == HostShare(8, 8, "a.py:7")
    words = computed_by_host([found, HostShare()])
    assert words is not None
    assert "8 of 8 elements" in words
    assert "a.py:7" in words


@pytest.mark.parametrize(
    ("written", "left", "events"),
    [
        pytest.param(RESULT, RESULT, (UP,), id="nothing was read back"),
        pytest.param(RESULT, RESULT, (replace(DOWN, bytes=12), UP), id="a part was read back"),
        pytest.param(X, X, (DOWN, UP), id="an input was moved"),
        pytest.param(np.zeros_like(X), np.zeros_like(X), (DOWN, UP), id="one value everywhere"),
        pytest.param(X[::-1].copy(), RESULT, (DOWN, UP), id="a kernel has changed it all"),
    ],
)
def test_what_is_no_result_of_the_hosts(
    written: np.ndarray, left: np.ndarray, events: tuple[TraceEvent, ...]
) -> None:
    assert share(written, left, events).written == 0


def test_copies_on_the_device_are_followed() -> None:
    assert share(RESULT, events=(ASIDE, replace(DOWN, src=0x9000), UP)).written == 8


def test_a_kernel_that_changes_a_part_of_it_has_computed() -> None:
    left = np.where(np.arange(8) < 3, 0, RESULT).astype(np.float32)
    assert computed_by_host([share(RESULT, left)]) is None
    assert computed_by_host([]) is None
