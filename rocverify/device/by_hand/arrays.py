"""NumPy arrays as kernel arguments: each lies in device memory of exactly its size while a kernel runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.errors import DeviceError, UsageError

Array = NDArray[Any]


class DeviceArray:
    """An array that stays on the device from launch to launch. Made by `Device.array` and `Device.empty`."""

    def __init__(self, memory: DeviceMemory, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.memory, self.shape, self.dtype = memory, shape, dtype
        self.nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self._address = memory.malloc(max(self.nbytes, 1), f"array {dtype.name}{list(shape)}")

    @property
    def address(self) -> int:
        """The device address. UsageError after `free`."""
        if not self._address:
            raise UsageError("the device array was freed")
        return self._address

    def numpy(self) -> Array:
        """A copy of what it holds now."""
        return (
            np.frombuffer(self.memory.read(self.address, self.nbytes), self.dtype).reshape(self.shape).copy()
        )

    def free(self) -> None:
        """Ends it; kernels that still use its address fault."""
        self.memory.free(self.address)
        self._address = 0

    def __repr__(self) -> str:
        state = f"at {self._address:#x}" if self._address else "freed"
        return f"DeviceArray({self.dtype.name}{list(self.shape)}, {state})"


@dataclass(eq=False, slots=True)
class _Held:
    """A host array's copy on the device. `writable` if any of the arguments that lie here may be written."""

    name: str
    content: NDArray[np.uint8]
    address: int
    writable: bool


class ArrayCopies:
    """The NumPy arrays of one launch in device memory. The same memory passed twice is one allocation."""

    def __init__(self, memory: DeviceMemory) -> None:
        self._memory = memory
        self._held: dict[tuple[int, int], _Held] = {}

    def place(self, name: str, array: Array) -> int:
        """Copies an array in and gives its device address; `name` is the argument's, for messages.

        Raises UsageError for what is not one piece of plain memory.
        """
        if array.dtype.hasobject:
            raise UsageError("holds Python objects, which a kernel cannot use", where=name)
        if not array.dtype.isnative:
            raise UsageError(
                "is of the other byte order",
                where=name,
                hint="convert it: x.astype(x.dtype.newbyteorder('='))",
            )
        content = _bytes_of(array)
        if content is None:
            raise UsageError(
                "is not contiguous",
                where=name,
                hint="pass numpy.ascontiguousarray(x), and copy what was written back",
            )
        if not content.size:
            return 0
        start = content.__array_interface__["data"][0]
        held = self._held.get((start, content.size))
        if held is not None:
            if array.flags.writeable and not held.writable:
                held.content, held.writable = content, True
            return held.address
        self._refuse_overlap(name, start, content.size)
        address = self._memory.malloc(content.size, f"{name}, {array.dtype.name}{list(array.shape)}")
        self._held[start, content.size] = _Held(name, content, address, array.flags.writeable)
        self._memory.write(address, content.data)
        return address

    def _refuse_overlap(self, name: str, start: int, size: int) -> None:
        for (other, length), held in self._held.items():
            if start < other + length and other < start + size:
                raise UsageError(
                    f"overlaps {held.name}, and is not the same array",
                    where=name,
                    hint="pass one array that has both, or keep them on the device (Device.array)",
                )

    def collect(self) -> None:
        """Copies what kernels wrote back. DeviceError where that was an array that is read-only."""
        written = [name for held in self._held.values() if (name := self._taken_back(held))]
        if written:
            raise DeviceError(
                f"the kernel wrote into {', '.join(written)}",
                hint="pass a writable array (x.copy()), or correct the kernel",
            )

    def _taken_back(self, held: _Held) -> str | None:
        now = np.frombuffer(self._memory.view(held.address, held.content.size), np.uint8)
        if held.writable:
            held.content[:] = now
            return None
        differs = np.flatnonzero(held.content != now)
        return f"{held.name}, which is read-only (at byte {differs[0]})" if differs.size else None

    def free(self) -> None:
        """Gives the device memory back."""
        for held in self._held.values():
            self._memory.free(held.address)
        self._held.clear()


def _bytes_of(array: Array) -> NDArray[np.uint8] | None:
    """The array's memory as bytes, shared with it; None where it is not one piece."""
    if array.flags.c_contiguous:
        flat = array.reshape(-1)
    elif array.flags.f_contiguous:
        flat = array.T.reshape(-1)
    else:
        return None
    return flat.view(np.uint8)


def as_array(value: Any) -> Array | None:
    """The NumPy array that shares memory with an array of whatever library; None for anything else."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "__array_interface__") and not isinstance(value, np.generic):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        try:
            return np.from_dlpack(value)
        except (BufferError, RuntimeError, TypeError, ValueError) as error:
            raise UsageError(f"a {type(value).__name__} that cannot be shared: {error}") from None
    return None


def shape_of(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    """A shape as NumPy takes it."""
    return (shape,) if isinstance(shape, int) else tuple(shape)


def dtype_of(dtype: DTypeLike) -> np.dtype[Any]:
    """A dtype whose elements are plain bytes."""
    found = np.dtype(dtype)
    if found.hasobject or not found.itemsize:
        raise UsageError(f"{found.name} has no elements that a kernel can use")
    return found
