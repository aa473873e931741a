"""The kernarg segment and the dispatch packet: what the runtime hands to a kernel.

Source: "User Guide for AMDGPU Backend" (hidden arguments, AQL kernel dispatch packet).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rocverify.device.emulator import abi
from rocverify.errors import DeviceError, UnsupportedInstructionError
from rocverify.toolchain.code_metadata import KernelMetadata

Triple = tuple[int, int, int]
AXES = "xyz"


@dataclass(frozen=True, slots=True)
class Geometry:
    """A launch: `grid` in workgroups, `block` in workitems, dynamic LDS in bytes; in a cooperative one all
    workgroups run at the same time."""

    grid: Triple
    block: Triple
    shared_bytes: int
    cooperative: bool = False

    @property
    def block_size(self) -> int:
        """Work-items of a workgroup."""
        return self.block[0] * self.block[1] * self.block[2]

    @property
    def group_count(self) -> int:
        """Workgroups of the grid."""
        return self.grid[0] * self.grid[1] * self.grid[2]

    @property
    def dimensions(self) -> int:
        """How many axes are used, at least one."""
        return max((i + 1 for i in range(3) if self.grid[i] * self.block[i] > 1), default=1)


_ALWAYS_ZERO = {"hidden_remainder", "hidden_global_offset"}
"""By axis: HIP launches whole workgroups, from 0."""

_NULL = {
    "hidden_none",
    "hidden_hostcall_buffer",
    "hidden_printf_buffer",
    "hidden_default_queue",
    "hidden_completion_action",
    "hidden_multigrid_sync_arg",
    "hidden_heap_v1",
    "hidden_queue_ptr",
}
"""Null unless the launch has such a thing (host_side.py): a kernel that needs one nevertheless faults where
it follows the pointer."""


NO_POINTERS: Mapping[str, int] = MappingProxyType({})


def kernarg_segment(
    metadata: KernelMetadata, explicit: bytes, geometry: Geometry, pointers: Mapping[str, int] = NO_POINTERS
) -> bytes:
    """The explicit arguments as given, with the hidden ones behind them; `pointers` are the addresses of what
    the launch provides, by the hidden argument's name.

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
    values = {**_hidden_values(geometry), **pointers}
    for arg in metadata.args:
        if arg.hidden:
            value = _hidden_value(metadata.name, arg.kind, values)
            if value >> 8 * arg.size:
                raise DeviceError(
                    f"the hidden argument {arg.kind} of {arg.size} byte(s) cannot hold {value}",
                    where=metadata.name,
                    hint="launch fewer workgroups, or recompile the kernel if it is damaged",
                )
            segment[arg.offset : arg.offset + arg.size] = value.to_bytes(arg.size, "little")
    return bytes(segment)


def _hidden_values(geometry: Geometry) -> dict[str, int]:
    values = {
        "hidden_grid_dims": geometry.dimensions,
        "hidden_dynamic_lds_size": geometry.shared_bytes,
        "hidden_private_base": abi.PRIVATE_APERTURE_HI,
        "hidden_shared_base": abi.SHARED_APERTURE_HI,
    }
    for axis, name in enumerate(AXES):
        values[f"hidden_block_count_{name}"] = geometry.grid[axis]
        values[f"hidden_group_size_{name}"] = geometry.block[axis]
    return values


def _hidden_value(kernel: str, kind: str, values: dict[str, int]) -> int:
    if kind in values:
        return values[kind]
    if kind in _NULL or kind.rpartition("_")[0] in _ALWAYS_ZERO:
        return 0
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
