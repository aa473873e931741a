"""Allocations that hold a tile cost what is written of them, and are as others once they are freed."""

from __future__ import annotations

import numpy as np
import pytest

from rocverify.device.emulator.load.address_space import PAGE
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.emulator.load.repeated import repeat, written
from rocverify.errors import DeviceError

SIZE = (5 << 30) + 100
TILE = np.random.default_rng(3).integers(0, 256, 257 * PAGE, np.uint8).tobytes()


@pytest.fixture
def memory():
    made = DeviceMemory(1 << 34)
    yield made
    made.close()


def test_what_is_written_is_told(memory: DeviceMemory) -> None:
    base = memory.malloc(SIZE, alignment=PAGE)
    repeat(memory, base, SIZE, TILE)
    assert written(memory, base, SIZE) == []
    for at in (0, 1 << 32, SIZE - 50):
        assert memory.read(base + at, 50) == bytes(TILE[(at + i) % len(TILE)] for i in range(50))
    assert written(memory, base, SIZE) == []  # reading changes nothing
    for at in (5, 1 << 32, SIZE - 3):
        memory.write(base + at, b"xyz")
    found = written(memory, base, SIZE)
    assert [at for at, _ in found] == [0, 1 << 32, SIZE // PAGE * PAGE]
    assert found[0][1][5:8] == found[1][1][:3] == found[2][1][-3:] == b"xyz"
    assert len(found[2][1]) == SIZE % PAGE


def test_freed_memory_is_zeros_again(memory: DeviceMemory) -> None:
    base = memory.malloc(SIZE, alignment=PAGE)
    repeat(memory, base, SIZE, TILE)
    memory.write(base, b"xyz")
    behind = memory.malloc(PAGE)
    memory.write(behind, b"kept")
    memory.free(base)
    again = DeviceMemory.malloc(memory, (9 << 30) - (1 << 20))  # goes round: into the same addresses
    assert again <= base < again + (9 << 30) or again > base
    assert memory.read(again, 100) == bytes(100)
    assert memory.read(behind, 4) == b"kept"


def test_a_zeroed_array_is_zeros(memory: DeviceMemory) -> None:
    base = memory.malloc(SIZE, alignment=PAGE)
    repeat(memory, base, SIZE, TILE)
    memory.zero(base, SIZE)
    for at in (0, 1 << 31, SIZE - 8):
        assert memory.read(base + at, 8) == bytes(8)


def test_only_whole_pages_repeat(memory: DeviceMemory) -> None:
    base = memory.malloc(SIZE, alignment=PAGE)
    with pytest.raises(DeviceError, match="whole pages"):
        repeat(memory, base, SIZE, TILE[:-1])
