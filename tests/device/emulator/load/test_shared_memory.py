"""Memory at a given address, memory that other processes map too, and ranges that they register."""

from __future__ import annotations

import gc
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.emulator.load.address_space import PAGE, Mapping
from rocverify.device.emulator.load.memory import DeviceMemory, Span
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.sanitize.memory import SanitizedMemory
from rocverify.device.emulator.sanitize.sanitizer import Sanitizer
from rocverify.errors import DeviceError, OutOfDeviceMemoryError
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.compiling import compiled

ARENA, SHARED, FOREIGN = 0x7A00_0000_0000, 0x7A00_4000_0000, 0x7B00_0000_0000
ARENA_BYTES, SHARED_BYTES = 1 << 30, 1 << 26
SOURCE = Path(__file__).parents[1] / "sanitize" / "sanitized.hip"


@pytest.fixture(params=[DeviceMemory, SanitizedMemory])
def memory(request: pytest.FixtureRequest) -> Iterator[DeviceMemory]:
    made = request.param(ARENA_BYTES, at=ARENA, shared=Span(SHARED, SHARED_BYTES))
    yield made
    made.close()


@pytest.fixture
def foreign() -> Iterator[int]:
    """A file in memory of two pages, as another process would have it."""
    fd = os.memfd_create("foreign")
    os.ftruncate(fd, 2 * PAGE)
    yield fd
    os.close(fd)


def seen_elsewhere(memory: DeviceMemory, address: int, size: int) -> bytes:
    """What another process reads at an address of the shared region."""
    with mmap.mmap(memory.shared_file, SHARED_BYTES, flags=mmap.MAP_SHARED) as view:
        return view[address - SHARED : address - SHARED + size]


def test_the_arena_lies_where_it_was_asked_for(memory: DeviceMemory) -> None:
    assert memory.region == Span(ARENA, ARENA_BYTES)
    assert memory.malloc(100) in memory.region
    assert memory.shared_region == Span(SHARED, SHARED_BYTES)


def test_an_address_that_is_taken_is_refused() -> None:
    taken = Mapping(PAGE)
    with pytest.raises(DeviceError, match="something else lies there"):
        DeviceMemory(1 << 20, at=taken.start)
    with pytest.raises(DeviceError, match="something else lies there"):
        DeviceMemory(1 << 20, shared=Span(taken.start, 1 << 20))


def test_memory_that_nobody_uses_leaves_its_addresses() -> None:
    for _ in range(3):
        made = DeviceMemory(ARENA_BYTES, at=ARENA, shared=Span(SHARED, SHARED_BYTES))
        del made
        gc.collect()


def test_what_is_written_to_shared_memory_is_seen_elsewhere(memory: DeviceMemory) -> None:
    address = memory.malloc(5000, "pinned", shared=True)
    assert address % PAGE == 0
    assert address in memory.shared_region
    memory.write(address, b"here")
    assert seen_elsewhere(memory, address, 4) == b"here"
    with mmap.mmap(memory.shared_file, SHARED_BYTES, flags=mmap.MAP_SHARED) as view:
        view[address - SHARED : address - SHARED + 5] = b"there"
    assert memory.read(address, 5) == b"there"


def test_freed_shared_memory_is_given_back(memory: DeviceMemory) -> None:
    address = memory.malloc(1 << 20, shared=True)
    memory.fill(address, 7, 1 << 20)
    assert os.fstat(memory.shared_file).st_blocks * 512 >= 1 << 20
    memory.free(address)
    assert os.fstat(memory.shared_file).st_blocks == 0
    assert "of the freed" in memory.explain(address)


def test_zeroing_a_part_keeps_the_rest(memory: DeviceMemory) -> None:
    address = memory.malloc(8 * PAGE, shared=True)
    memory.fill(address, 7, 8 * PAGE)
    memory.zero(address + 10, 6 * PAGE)
    assert memory.read(address, 8 * PAGE) == b"\7" * 10 + bytes(6 * PAGE) + b"\7" * (2 * PAGE - 10)


def test_a_full_shared_region_says_so(memory: DeviceMemory) -> None:
    with pytest.raises(OutOfDeviceMemoryError):
        memory.malloc(SHARED_BYTES, shared=True)
    assert memory.malloc(SHARED_BYTES) in memory.region


def test_without_a_shared_region() -> None:
    memory = DeviceMemory(1 << 20)
    assert memory.shared_region == Span(0, 0)
    for use in (lambda: memory.malloc(16, shared=True), lambda: memory.reserve_shared(16)):
        with pytest.raises(DeviceError, match="no shared region"):
            use()


def test_a_registered_range(memory: DeviceMemory, foreign: int) -> None:
    os.pwrite(foreign, b"host", PAGE)
    memory.adopt(FOREIGN, 100, "registered", foreign, PAGE)
    assert memory.owns(FOREIGN + 99)
    assert not memory.owns(FOREIGN + 100)
    assert memory.read(FOREIGN, 4) == b"host"
    memory.write(FOREIGN, b"kernel")
    assert os.pread(foreign, 6, PAGE) == b"kernel"
    with pytest.raises(DeviceError, match="something else lies there"):
        memory.adopt(FOREIGN, 100, "again", foreign, 0)
    memory.free(FOREIGN)
    assert os.pread(foreign, 6, PAGE) == b"kernel"
    with pytest.raises(DeviceError, match="is not registered"):
        memory.release(FOREIGN)
    with pytest.raises(DeviceError):
        memory.read(FOREIGN, 4)
    memory.adopt(FOREIGN, 100, "again", foreign, 0)


@pytest.mark.parametrize(
    ("address", "size", "offset"), [(FOREIGN + 8, 8, 0), (FOREIGN, 0, 0), (FOREIGN, 8, 8)]
)
def test_only_whole_pages_are_registered(
    memory: DeviceMemory, foreign: int, address: int, size: int, offset: int
) -> None:
    with pytest.raises(DeviceError, match="do not begin a page"):
        memory.adopt(address, size, "", foreign, offset)


def test_pages_that_are_reserved_are_nobody_elses(memory: DeviceMemory) -> None:
    first, second = memory.reserve_shared(10), memory.reserve_shared(PAGE + 1)
    assert first >= SHARED_BYTES
    assert second >= first + PAGE
    assert memory.reserve_shared(1) >= second + 2 * PAGE
    os.pwrite(memory.shared_file, b"mine", second)
    memory.adopt(FOREIGN, PAGE + 1, "registered", memory.shared_file, second)
    assert memory.read(FOREIGN, 4) == b"mine"
    memory.free(FOREIGN)
    assert os.pread(memory.shared_file, 4, second) == b"mine"


@pytest.mark.parametrize("sanitized", [False, True])
def test_kernels_reach_all_of_it(
    toolchain: Toolchain, translations: Path, foreign: int, sanitized: bool
) -> None:
    """`copied` from shared to registered memory, of which nothing was ever written on the device."""
    kind = SanitizedMemory if sanitized else DeviceMemory
    machine = Machine(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        cache_dir=translations,
        memory=kind(ARENA_BYTES, at=ARENA, shared=Span(SHARED, SHARED_BYTES)),
        instruments=[Sanitizer()] if sanitized else [],
    )
    memory = machine.memory
    source = memory.malloc(4 * 32, "pinned", shared=True)
    with mmap.mmap(memory.shared_file, SHARED_BYTES, flags=mmap.MAP_SHARED) as view:
        view[source - SHARED : source - SHARED + 4 * 32] = bytes(range(4 * 32))
    memory.adopt(FOREIGN, 4 * 32, "registered", foreign, 0)
    kernel = machine.load(compiled(translations, SOURCE, "clang-19", "-O1")).kernel("copied")
    kernarg = struct.pack("<QQ", source, FOREIGN)
    for _ in range(2):
        stats = machine.launch(kernel, (1, 1, 1), (32, 1, 1), 0, kernarg)
        assert not (stats.findings.found if stats.findings else ())
        kernarg = struct.pack("<QQ", FOREIGN, source)
    assert os.pread(foreign, 4 * 32, 0) == bytes(range(4 * 32))
    machine.close()
    memory.close()


@pytest.mark.long
def test_more_than_two_gigabytes() -> None:
    memory, size = DeviceMemory(), (1 << 31) + 64
    address = memory.malloc(size)
    memory.write(address + size - 4, b"last")
    assert memory.view(address, size)[-4:] == b"last"
    assert memory.read(address, size)[-5:] == b"\0last"
