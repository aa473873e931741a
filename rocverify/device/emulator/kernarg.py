"""The kernarg segment and the dispatch packet: what the runtime hands to a kernel.

Source: "User Guide for AMDGPU Backend" (hidden arguments, AQL kernel dispatch packet).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from rocverify.device.emulator import abi
from rocverify.errors import DeviceError, UnsupportedInstructionError
from rocverify.toolchain.codeobject import KernelMetadata

Triple = tuple[int, int, int]
AXES = "xyz"


@dataclass(frozen=True, slots=True)
class Geometry:
    """A launch: `grid` in workgroups, `block` in workitems, dynamic LDS in bytes."""

    grid: Triple
    block: Triple
    shared_bytes: int

    @property
    def block_size(self) -> int:
        return self.block[0] * self.block[1] * self.block[2]

    @property
    def group_count(self) -> int:
        return self.grid[0] * self.grid[1] * self.grid[2]

    @property
    def dimensions(self) -> int:
        return max((i + 1 for i in range(3) if self.grid[i] * self.block[i] > 1), default=1)


_BY_AXIS: dict[str, Callable[[Geometry, int], int]] = {
    "hidden_block_count": lambda g, axis: g.grid[axis],
    "hidden_group_size": lambda g, axis: g.block[axis],
    "hidden_remainder": lambda g, axis: 0,
    "hidden_global_offset": lambda g, axis: 0,
}
_PLAIN: dict[str, Callable[[Geometry], int]] = {
    "hidden_grid_dims": lambda g: g.dimensions,
    "hidden_dynamic_lds_size": lambda g: g.shared_bytes,
    "hidden_private_base": lambda g: abi.PRIVATE_APERTURE_HI,
    "hidden_shared_base": lambda g: abi.SHARED_APERTURE_HI,
    # Not provided: a kernel that needs one of these meets a null pointer and faults there.
    "hidden_none": lambda g: 0,
    "hidden_hostcall_buffer": lambda g: 0,
    "hidden_printf_buffer": lambda g: 0,
    "hidden_default_queue": lambda g: 0,
    "hidden_completion_action": lambda g: 0,
    "hidden_multigrid_sync_arg": lambda g: 0,
    "hidden_heap_v1": lambda g: 0,
    "hidden_queue_ptr": lambda g: 0,
}


def kernarg_segment(metadata: KernelMetadata, explicit: bytes, geometry: Geometry) -> bytes:
    """The explicit arguments as given, with the hidden ones behind them.

    Raises DeviceError when the caller's bytes end before the kernel's last argument.
    """
    needed = max((arg.offset + arg.size for arg in metadata.explicit_args), default=0)
    if len(explicit) < needed:
        raise DeviceError(
            f"{len(explicit)} bytes of arguments for a kernel that takes {needed}",
            where=metadata.name,
            hint="pass every argument of the kernel, in order, with its size",
        )
    segment = bytearray(max(metadata.kernarg_size, needed))
    segment[:needed] = explicit[:needed]
    for arg in metadata.args:
        if arg.hidden:
            value = _hidden_value(metadata.name, arg.kind, geometry)
            segment[arg.offset : arg.offset + arg.size] = value.to_bytes(arg.size, "little")
    return bytes(segment)


def _hidden_value(kernel: str, kind: str, geometry: Geometry) -> int:
    stem, _, axis = kind.rpartition("_")
    if axis in AXES and stem in _BY_AXIS:
        return _BY_AXIS[stem](geometry, AXES.index(axis))
    if kind in _PLAIN:
        return _PLAIN[kind](geometry)
    raise UnsupportedInstructionError(
        f"hidden argument {kind} is not supported", where=kernel, hint="run on a GPU (--device amd)"
    )


def dispatch_packet(metadata: KernelMetadata, geometry: Geometry, kernel_object: int, kernarg: int) -> bytes:
    """The 64 bytes of hsa_kernel_dispatch_packet_t."""
    sizes = [g * b for g, b in zip(geometry.grid, geometry.block, strict=True)]
    return struct.pack(
        "<HHHHHHIIIIIQQQQ",
        2,  # HSA_PACKET_TYPE_KERNEL_DISPATCH
        geometry.dimensions,
        *geometry.block,
        0,
        *sizes,
        metadata.scratch_bytes,
        metadata.lds_bytes + geometry.shared_bytes,
        kernel_object,
        kernarg,
        0,
        0,
    )
