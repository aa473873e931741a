"""Kernel descriptors: what the dispatcher reads to start the waves of a kernel.

Source: "User Guide for AMDGPU Backend" in LLVM's documentation (kernel descriptor).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocverify.errors import CodeObjectError

if TYPE_CHECKING:
    from rocverify.device.emulator.isa.family import InitialState
    from rocverify.toolchain.code_metadata import KernelMetadata

DESCRIPTOR_BYTES = 64


@dataclass(frozen=True, slots=True)
class KernelDescriptor:
    """The 64 bytes that tell the dispatcher how to start a wave (`.kd` symbol).

    Sizes are bytes; `entry` is the virtual address of the first instruction.
    """

    address: int
    group_segment_fixed_size: int
    private_segment_fixed_size: int
    kernarg_size: int
    entry: int
    rsrc1: int
    rsrc2: int
    properties: int

    @classmethod
    def parsed(cls, raw: bytes, address: int) -> KernelDescriptor:
        """From the descriptor's bytes, which lie at a virtual address. What its bits mean depends on the
        family: see the properties that take its initial state."""
        group, private, kernarg, _, offset, _, _, rsrc1, rsrc2, properties, _, _ = struct.unpack(
            "<IIIIq20sIIIHHI", raw
        )
        return cls(address, group, private, kernarg, address + offset, rsrc1, rsrc2, properties)

    @property
    def float_mode(self) -> int:
        """MODE[7:0]: rounding of f32 and f16/f64, then their denormal modes, two bits each."""
        return self.rsrc1 >> 12 & 0xFF

    def initial_mode(self, initial: InitialState) -> int:
        """MODE[9:0] as a wave starts: float mode, then DX10_CLAMP and IEEE, or what holds without them."""
        if not initial.clamp_bits:
            return self.float_mode | 1 << 8
        return self.float_mode | (self.rsrc1 >> 21 & 1) << 8 | (self.rsrc1 >> 23 & 1) << 9

    @property
    def user_sgpr_count(self) -> int:
        """How many SGPRs hold values when a wave begins, before those of the system."""
        return self.rsrc2 >> 1 & 0x1F

    @property
    def group_id_mask(self) -> int:
        """Bits 0, 1, 2: whether the workgroup id x, y, z follows the user SGPRs."""
        return self.rsrc2 >> 7 & 0b111

    @property
    def wave32(self) -> bool:
        """Whether its waves have 32 lanes, not 64."""
        return bool(self.properties >> 10 & 1)

    @property
    def uses_dynamic_stack(self) -> bool:
        """Whether it needs scratch of a size that is not known before."""
        return bool(self.properties >> 11 & 1)

    @property
    def workitem_axes(self) -> int:
        """For how many axes a wave is given work-item ids: from 1 for x alone to 3."""
        return min((self.rsrc2 >> 11 & 0b11) + 1, 3)

    @property
    def private_segment(self) -> bool:
        """Whether the wave is given scratch."""
        return bool(self.rsrc2 & 1)

    @property
    def workgroup_info(self) -> bool:
        """Whether an SGPR behind the workgroup ids has facts of the dispatch."""
        return bool(self.rsrc2 >> 10 & 1)

    def user_sgprs(self, initial: InitialState) -> tuple[tuple[str, int], ...]:
        """What the user SGPRs hold, in order, with the number of registers each takes."""
        return tuple(entry for bit, entry in enumerate(initial.user_sgprs) if self.properties >> bit & 1)


def check_descriptor(descriptor: KernelDescriptor, metadata: KernelMetadata) -> None:
    """CodeObjectError unless descriptor, which a GPU obeys, and metadata say the same of a kernel."""
    pairs = {
        "LDS bytes": (descriptor.group_segment_fixed_size, metadata.lds_bytes),
        "scratch bytes": (descriptor.private_segment_fixed_size, metadata.scratch_bytes),
        "lanes a wave": (32 if descriptor.wave32 else 64, metadata.wavefront_size),
    }
    for what, (said, told) in pairs.items():
        if said != told:
            raise CodeObjectError(
                f"contradicts itself: {said} {what} in its descriptor, {told} in its metadata",
                where=metadata.name,
                hint="recompile the kernel",
            )
