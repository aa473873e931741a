"""Device memory of the emulator: one reserved arena, every allocation known to the byte.

A device address is the host address of the same byte, so that translated code needs no mapping. The
arena is reserved, not committed: pages cost memory once touched, and freed pages are given back.
Addresses are handed out upwards and not reused before the arena has gone round once, so that a use
after free meets no live allocation. Between allocations lies a gap that belongs to nobody.

Beside the arena there may be a shared region: a file in memory that other processes map at the same
address (pinned and managed memory), and ranges of such files at addresses of another process's own choice
(registered memory).
"""

from __future__ import annotations

import bisect
import ctypes
from dataclasses import dataclass, field

from rocverify.device.emulator.load.address_space import PAGE, Mapping
from rocverify.device.emulator.load.allocations import Allocation, Allocations
from rocverify.device.emulator.load.shared_file import SharedFile
from rocverify.errors import DeviceError, OutOfDeviceMemoryError

ALIGNMENT = 256
"""Bytes that every allocation is aligned to, as hipMalloc does."""

GAP = 4096
"""Bytes after every allocation that belong to nobody."""

ARENA_BYTES = 1 << 36

POISONED = 1 << 26
"""Bytes of an allocation's start, and of its end, that hold a pattern until they are written."""

__all__ = ["ALIGNMENT", "ARENA_BYTES", "GAP", "Allocation", "DeviceMemory", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """A range of addresses: `start`, and `size` in bytes."""

    start: int
    size: int

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.start + self.size


_NO_SPAN = Span(0, 0)


@dataclass(slots=True)
class _Arena:
    """Address space that allocations are placed in, each at a multiple of `step`; `next` is where the search
    for room begins."""

    mapping: Mapping
    step: int
    next: int = field(init=False)
    span: Span = field(init=False)

    def __post_init__(self) -> None:
        self.next = self.mapping.start
        self.span = Span(self.mapping.start, self.mapping.size)


class DeviceMemory(Allocations):
    """Allocations by address. All methods are thread-safe; sizes and offsets are bytes.

    `at` is the arena's address, a multiple of the page size; None leaves it to the system. `shared` is where
    the shared region is to lie. DeviceError if either range is taken.
    """

    def __init__(
        self, arena_bytes: int = ARENA_BYTES, *, at: int | None = None, shared: Span | None = None
    ) -> None:
        super().__init__()
        self._arena = _Arena(Mapping(arena_bytes, at=at), ALIGNMENT)
        self._shared = None if shared is None else SharedFile(shared.size)
        self._shared_arena: _Arena | None = None
        if shared is not None and self._shared is not None:
            self._shared_arena = _Arena(Mapping(shared.size, at=shared.start, fd=self._shared.fd), PAGE)
        self._adopted: dict[int, Mapping] = {}

    @property
    def region(self) -> Span:
        """The arena."""
        return self._arena.span

    @property
    def arena_mapping(self) -> Mapping:
        """The arena's address space."""
        return self._arena.mapping

    @property
    def shared_region(self) -> Span:
        """Where pinned and managed memory lies; of no size where there is none."""
        return _NO_SPAN if self._shared_arena is None else self._shared_arena.span

    @property
    def shared_file(self) -> int:
        """The descriptor of the file whose offset 0 lies at the start of the shared region; it stays this
        object's. DeviceError where there is no shared region."""
        return self._shared_memory().fd

    def _shared_memory(self) -> SharedFile:
        if self._shared is None:
            raise DeviceError("this device memory has no shared region", hint="make it with shared=Span(...)")
        return self._shared

    @property
    def capacity(self) -> int:
        """Bytes that the arena holds in all."""
        return self._arena.mapping.size

    def malloc(self, size: int, label: str = "", *, shared: bool = False, alignment: int = ALIGNMENT) -> int:
        """Reserves `size` bytes, zeroed where fresh; returns the address, aligned to `alignment`, a power of
        two. With `shared` they lie in the shared region and begin a page."""
        if size <= 0:
            raise DeviceError(f"an allocation of {size} bytes was asked for", hint="ask for one byte or more")
        with self._lock:
            if shared:
                self._shared_memory()
            arena = self._shared_arena if shared and self._shared_arena is not None else self._arena
            base = self._place(arena, size, max(arena.step, alignment))
            return self._add(base, size, label).base

    def _place(self, arena: _Arena, size: int, step: int) -> int:
        needed = -(-(size + GAP) // arena.step) * arena.step
        for start in (arena.next, arena.mapping.start):
            base = self._first_hole(arena, -(-start // step) * step, needed, step)
            if base is not None:
                arena.next = base + needed
                return base
        raise OutOfDeviceMemoryError(
            f"{size} bytes do not fit beside the {self.used} in use",
            hint="free what is no longer needed, or verify smaller shapes",
        )

    def _first_hole(self, arena: _Arena, start: int, needed: int, step: int) -> int | None:
        for base in self._bases[max(bisect.bisect_right(self._bases, start) - 1, 0) :]:
            allocation = self._live[base]
            if allocation.end + GAP <= start:
                continue
            if base - start >= needed:
                break
            start = -(-(allocation.end + GAP) // step) * step
        return start if start + needed <= arena.mapping.end else None

    def free(self, address: int) -> None:
        """Ends the allocation that begins at `address`; its pages go back to the host."""
        with self._lock:
            if address in self._adopted:
                self.release(address)
            else:
                self._discard(self._remove(address))

    def reserve_shared(self, size: int) -> int:
        """An offset in the shared file, of pages that another process is about to fill and that `adopt` then
        takes over. DeviceError where there is no shared region or no more room."""
        with self._lock:
            return self._shared_memory().reserve(size)

    def adopt(self, address: int, size: int, label: str, fd: int, offset: int) -> None:
        """Has kernels and copies reach a part of a file in memory at `address`, where another process has the
        same pages. Address and offset are multiples of the page size; `fd` may be closed afterwards.

        DeviceError if anything lies there in this process.
        """
        if size <= 0 or address % PAGE or offset % PAGE:
            raise DeviceError(
                f"{size} bytes at {address:#x} from offset {offset} do not begin a page",
                hint=f"register whole pages of {PAGE} bytes",
            )
        with self._lock:
            self._adopted[address] = Mapping(size, at=address, fd=fd, offset=offset)
            self._add(address, size, label)

    def release(self, address: int) -> None:
        """Ends what `adopt` began at an address; the other process keeps its pages."""
        with self._lock:
            if address not in self._adopted:
                raise DeviceError(
                    f"{self.explain(address)} is not registered", hint="pass the address that was registered"
                )
            self._remove(address)
            self._adopted.pop(address).close()

    def _discard(self, allocation: Allocation) -> None:
        shared = self._shared_arena
        arena = shared if shared is not None and allocation.base in shared.span else self._arena
        arena.mapping.discard(allocation.base, allocation.end)

    def owns(self, address: int) -> bool:
        """Whether the address is device or shared memory, be it live, freed or never allocated."""
        return address in self.region or address in self.shared_region or self.find(address) is not None

    def read(self, address: int, size: int) -> bytes:
        """A copy of `size` bytes; DeviceError outside a live allocation."""
        if not size:
            return b""
        self.check_range(address, size)
        # string_at takes 31 bits, and is quicker.
        return ctypes.string_at(address, size) if size < 1 << 31 else bytes(self.view(address, size))

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Copies bytes in; DeviceError outside a live allocation."""
        view = memoryview(data).cast("B")
        if view.nbytes:
            self.view(address, view.nbytes, writing=True)[:] = view

    def fill(self, address: int, byte: int, count: int) -> None:
        """Sets `count` bytes; DeviceError outside a live allocation."""
        if count:
            self.check_range(address, count)
            ctypes.memset(address, byte, count)

    def zero(self, address: int, count: int) -> None:
        """Sets `count` bytes to zero; a great many cost no more than a few."""
        if count < 2 * PAGE or address not in self.region:
            self.fill(address, 0, count)
            return
        self.check_range(address, count)
        first, last = self._arena.mapping.discard(address, address + count)
        self.fill(address, 0, first - address)
        self.fill(last, 0, address + count - last)

    def poison(self, address: int, count: int, pattern: int) -> None:
        """Has bytes that nobody has written hold a dword's pattern; of a great many only the first and the
        last, since every page that is written costs memory."""
        self.check_range(address, count)
        block = pattern.to_bytes(4, "little") * (PAGE // 4)
        parts = [(0, count)] if count <= 2 * POISONED else [(0, POISONED), (count - POISONED, POISONED)]
        for first, size in parts:
            for at in range(first, first + size, PAGE):
                ctypes.memmove(address + at, block, min(PAGE, first + size - at))

    def copy(self, target: int, source: int, size: int) -> None:
        """Copies `size` bytes within device memory; DeviceError outside a live allocation."""
        if size:
            self.check_range(target, size)
            self.check_range(source, size)
            ctypes.memmove(target, source, size)

    def view(self, address: int, size: int, *, writing: bool = False) -> memoryview:  # noqa: ARG002
        """A view, `writing` if all of it is to be written; it does not keep the allocation alive."""
        self.check_range(address, size)
        return memoryview((ctypes.c_uint8 * size).from_address(address)).cast("B")

    def undefine(self, address: int, size: int) -> None:
        """What these bytes hold is no kernel's to read before it has written them. Memory of this kind does
        not keep account of that; the sanitizer's does."""

    def close(self) -> None:
        """Gives all address space back at once; the memory is of no use afterwards."""
        with self._lock:
            for address in list(self._adopted):
                self.release(address)
            if self._shared is not None and self._shared_arena is not None:
                self._shared_arena.mapping.close()
                self._shared.close()
            self._arena.mapping.close()
