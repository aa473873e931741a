"""Signals of processes that tests start."""

from __future__ import annotations

import signal


def heed_interrupts() -> None:
    """For `preexec_fn`: the process takes SIGINT as in a terminal, also where the test suite itself runs in
    the background of a shell, whose children ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
