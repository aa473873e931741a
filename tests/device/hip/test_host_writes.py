"""What a host writes is noted where it changes something, and carried on by copies of the device."""

from __future__ import annotations

from typing import cast

from rocverify.device.backends.base import Backend
from rocverify.device.hip.host_writes import MOST_BYTES, HostWrites


class Memory:
    """Some bytes at address 0."""

    def __init__(self, size: int) -> None:
        self.content = bytearray(size)

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.content[address : address + size])


def noted(memory: Memory) -> HostWrites:
    return HostWrites(cast(Backend, memory))


def test_a_write_that_changes_nothing_is_none() -> None:
    memory = Memory(64)
    memory.content[8:12] = b"abcd"
    writes = noted(memory)
    held = writes.held([(8, 4), (16, 4)])
    memory.content[16:20] = b"wxyz"
    writes.wrote([(8, 4), (16, 4)], held)
    assert writes.within(0, 64) == [(16, b"wxyz")]


def test_a_write_of_which_nothing_was_known_before_counts() -> None:
    memory = Memory(16)
    memory.content[0:2] = b"ab"
    writes = noted(memory)
    writes.wrote([(0, 2)])
    assert writes.within(0, 16) == [(0, b"ab")]


def test_beyond_the_limit_nothing_is_asked_and_nothing_said() -> None:
    writes = noted(Memory(8))
    assert writes.held([(0, MOST_BYTES + 1)]) == {}
    writes.wrote([(0, MOST_BYTES + 1)])
    assert writes.within(0, 8) == []
