"""Where the memories of clients lie: one stride of addresses each, far from programs, libraries, stacks
and the shadows of address sanitizers, so that the same addresses are free in every client."""

from __future__ import annotations

import threading

from rocverify.errors import DeviceError

FIRST = 0x2000_0000_0000
STRIDE = 1 << 40
MOST = 48

_taken: set[int] = set()
_lock = threading.Lock()


def take() -> int:
    """The number of a free stride; DeviceError if all are in use."""
    with _lock:
        free = next((number for number in range(MOST) if number not in _taken), None)
        if free is None:
            raise DeviceError(
                f"{MOST} programs use this device already", hint="let some of them end before others start"
            )
        _taken.add(free)
        return free


def give_back(number: int) -> None:
    """The stride's memory is gone."""
    with _lock:
        _taken.discard(number)


def start(number: int) -> int:
    """The first address of a stride."""
    return FIRST + number * STRIDE
