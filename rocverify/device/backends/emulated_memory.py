"""What the emulator's backend does with memory: all of it is the client's own."""

from __future__ import annotations

from rocverify.device.backends.base import Range, Region
from rocverify.device.backends.in_part import InPart


class EmulatedMemory(InPart):
    """The memory that `self.memory` is, as a backend has it."""

    @property
    def device_region(self) -> Region:
        """Where device memory lies; size 0 where that is not known."""
        return Region(self.memory.region.start, self.memory.region.size)

    @property
    def shared_region(self) -> Region:
        """Where pinned and managed memory lies; offset 0 of `shared_file` is its start."""
        return Region(self.memory.shared_region.start, self.memory.shared_region.size)

    @property
    def shared_file(self) -> int:
        """The file descriptor of the shared memory; the backend keeps and closes it."""
        return self.memory.shared_file

    def memory_info(self) -> tuple[int, int]:
        """Free and total bytes of device memory."""
        return self.memory.capacity - self.memory.used, self.memory.capacity

    def malloc_shared(self, size: int, label: str) -> int:
        """Memory at the same address in the client, below `shared_region`, whole pages."""
        return self.memory.malloc(size, label, shared=True)

    def reserve_shared(self, size: int) -> int:
        """An offset in the shared file, for pages that the client is about to put there."""
        return self.memory.reserve_shared(size)

    def adopt(self, address: int, size: int, offset: int, label: str) -> None:
        """Maps what lies at an offset of the shared file at the client's own address: hipHostRegister."""
        self.memory.adopt(address, size, label, self.memory.shared_file, offset)

    def free(self, address: int) -> None:
        """Ends an allocation of any of these kinds; `address` is its base."""
        self.memory.free(address)

    def find(self, address: int) -> Range | None:
        """The live allocation that holds the byte."""
        return self.memory.find(address)

    def owns(self, address: int) -> bool:
        """Whether the address is device or shared memory, be it live, freed or never allocated."""
        return self.memory.owns(address)

    def explain(self, address: int) -> str:
        """What is known of an address, for messages."""
        return self.memory.explain(address)

    def read(self, address: int, size: int) -> bytes:
        """A copy of device memory."""
        return self.memory.read(address, size)

    def write(self, address: int, data: bytes | memoryview) -> None:
        """Copies bytes in."""
        self.memory.write(address, data)

    def view(self, address: int, size: int, *, writing: bool) -> memoryview | None:
        """Device memory itself where it can be seen (for copies in one step); None where it cannot."""
        return self.memory.view(address, size, writing=writing)

    def fill(self, address: int, pattern: bytes, count: int) -> None:
        """`count` repetitions of a pattern of 1, 2 or 4 bytes."""
        if len(set(pattern)) == 1:
            if pattern[0]:
                self.memory.fill(address, pattern[0], count * len(pattern))
            else:
                self.memory.zero(address, count * len(pattern))
            return
        view = self.memory.view(address, count * len(pattern), writing=True)
        step = min(count, (1 << 20) // len(pattern))
        block = pattern * step
        for at in range(0, len(view), len(block)):
            view[at : at + len(block)] = block[: len(view) - at]

    def copy(self, target: int, source: int, size: int) -> None:
        """Copies within device and shared memory."""
        self.memory.copy(target, source, size)

    def undefine(self, address: int, size: int) -> None:
        """What these bytes hold is no kernel's to read before it has written them."""
        self.memory.undefine(address, size)
