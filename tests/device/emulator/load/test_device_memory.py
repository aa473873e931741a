"""Device memory: no two allocations meet, nothing outside a live one is reached, messages tell why."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.device.emulator.load.memory import ALIGNMENT, GAP, DeviceMemory
from rocverify.errors import DeviceError, OutOfDeviceMemoryError

SMALL_ARENA = 1 << 22


@pytest.fixture(scope="module")
def memory() -> DeviceMemory:
    return DeviceMemory(1 << 26)


Steps = st.lists(st.one_of(st.integers(1, 1 << 18), st.integers(-20, -1)), min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(Steps)
def test_live_allocations_never_overlap(steps: list[int]) -> None:
    """A positive step allocates so many bytes, a negative one frees some live allocation."""
    memory, live = DeviceMemory(SMALL_ARENA), dict[int, int]()
    for step in steps:
        if step > 0:
            try:
                base = memory.malloc(step)
            except OutOfDeviceMemoryError:
                assert sum(live.values()) + (len(live) + 1) * (GAP + 2 * ALIGNMENT) + step > SMALL_ARENA // 3
                continue
            assert base % ALIGNMENT == 0
            assert all(base >= b + s + GAP or base + step + GAP <= b for b, s in live.items())
            live[base] = step
        elif live:
            base = sorted(live)[step % len(live)]
            memory.free(base)
            del live[base]
        assert [(a.base, a.size) for a in memory.allocations()] == sorted(live.items())
    assert memory.used == sum(live.values())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=12), st.data())
def test_contents_stay_apart(sizes: list[int], data: st.DataObject) -> None:
    memory = DeviceMemory(SMALL_ARENA)
    blocks = [(memory.malloc(size), bytes([i % 251]) * size) for i, size in enumerate(sizes)]
    for base, content in blocks:
        memory.write(base, content)
    for base, content in blocks:
        start = data.draw(st.integers(0, len(content) - 1))
        assert memory.read(base + start, len(content) - start) == content[start:]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 4096), st.integers(-8, 4104), st.integers(1, 4104))
def test_a_range_is_reached_only_inside(size: int, offset: int, count: int) -> None:
    memory = DeviceMemory(SMALL_ARENA)
    base = memory.malloc(size, "thing")
    if offset >= 0 and offset + count <= size:
        assert memory.check_range(base + offset, count).base == base
        assert len(memory.read(base + offset, count)) == count
        return
    for reach in (memory.check_range, memory.read):
        with pytest.raises(DeviceError):
            reach(base + offset, count)
    with pytest.raises(DeviceError):
        memory.write(base + offset, b"x" * count)
    with pytest.raises(DeviceError):
        memory.fill(base + offset, 1, count)


def test_messages_name_the_allocation(memory: DeviceMemory) -> None:
    base = memory.malloc(100, "weights")
    assert "1 byte(s) past the end of" in memory.explain(base + 100)
    assert "(weights) of 100 bytes" in memory.explain(base + 100)
    assert "3 byte(s) before" in memory.explain(base - 3)
    assert "byte 5 of" in memory.explain(base + 5)
    memory.free(base)
    assert "byte 7 of the freed" in memory.explain(base + 7)
    assert "belongs to no allocation" in memory.explain(0x1000)


def test_freeing_twice_or_elsewhere_is_an_error(memory: DeviceMemory) -> None:
    base = memory.malloc(16)
    with pytest.raises(DeviceError):
        memory.free(base + 4)
    memory.free(base)
    with pytest.raises(DeviceError):
        memory.free(base)
    with pytest.raises(DeviceError):
        memory.free(0)


@pytest.mark.parametrize("size", [0, -1])
def test_nothing_is_no_allocation(memory: DeviceMemory, size: int) -> None:
    with pytest.raises(DeviceError):
        memory.malloc(size)


def test_a_full_arena_says_so_and_recovers() -> None:
    memory = DeviceMemory(SMALL_ARENA)
    with pytest.raises(OutOfDeviceMemoryError):
        memory.malloc(SMALL_ARENA)
    for _ in range(40):
        memory.free(memory.malloc(SMALL_ARENA // 2))


def test_fresh_and_reused_pages_are_no_leak_of_old_bytes() -> None:
    """Whole pages of a freed allocation go back to the host; the next owner finds zeros there."""
    memory = DeviceMemory(1 << 20)
    for _ in range(8):
        base = memory.malloc(1 << 17)
        inner = -base % 4096
        assert memory.read(base + inner, 1 << 16) == bytes(1 << 16)
        memory.fill(base, 0xAB, 1 << 17)
        memory.free(base)


def test_both_neighbours_of_an_address_are_known_the_nearer_first(memory: DeviceMemory) -> None:
    first, second = memory.malloc(256, "first"), memory.malloc(256, "second")
    near, far = memory.neighbours(first + 256 + 11)
    assert near.words().startswith("12 byte(s) past the end of ")
    assert "(first)" in near.words()
    assert far.words().startswith(f"{second - first - 267} byte(s) before ")
    assert "(second)" in far.words()
    assert memory.neighbours(second - 1)[0].allocation.base == second
