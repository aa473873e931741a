"""The arguments of a launch, from the bytes of its kernarg segment and what the code object says of them.

Nothing but bytes is left of the types that the caller used: a value is told by its size. What a wrong wrapper
passes shows in values and in the number of bytes: a missing argument leaves the last ones out or cut, one too
many leaves bytes behind, a pointer that was passed as four bytes leads nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from rocverify.device.trace.events import LaunchArgument
from rocverify.toolchain.code_metadata import KernelArg, KernelMetadata

_POINTERS = frozenset({"global_buffer", "dynamic_shared_pointer", "image", "sampler", "queue", "pipe"})
_UNSIGNED = {1: "c_ubyte", 2: "c_ushort", 4: "c_uint", 8: "c_ulong"}
_ALIGNMENT = 8


@dataclass(frozen=True, slots=True)
class PackedArguments:
    """A launch's arguments before somebody asks for them."""

    kernel: KernelMetadata
    data: bytes

    def decoded(self) -> tuple[LaunchArgument, ...]:
        """One for each argument that the bytes reach; one more for bytes that no argument takes."""
        found, end = [], 0
        for arg in self.kernel.explicit_args:
            if arg.offset >= len(self.data):
                break
            found.append(_argument(arg, self.data[arg.offset : arg.offset + arg.size]))
            end = arg.offset + arg.size
        rest = self.data[end:]
        if len(rest) >= _ALIGNMENT or rest.strip(b"\0"):
            found.append(_value(rest))
        return tuple(found)


def _argument(arg: KernelArg, data: bytes) -> LaunchArgument:
    if arg.kind in _POINTERS and len(data) == arg.size:
        return LaunchArgument("c_void_p", len(data), int.from_bytes(data, "little"))
    return _value(data)


def _value(data: bytes) -> LaunchArgument:
    ctype = _UNSIGNED.get(len(data))
    if ctype is None:
        return LaunchArgument("bytes", len(data), data.hex())
    return LaunchArgument(ctype, len(data), int.from_bytes(data, "little"))
