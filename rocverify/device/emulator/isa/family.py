"""What the processors of a generation share, as data: one record a family.

A further family is a further record in families/, with the table of its microcode formats (encodings.py), the
groups of semantics that its instructions have (translate/semantics/tables.py) and the names that its
disassembler writes for them (spellings).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from rocverify.device.emulator.isa.encodings import Format


@dataclass(frozen=True, slots=True)
class InitialState:
    """Where a wave finds what the dispatcher gives it.

    packed_ids: whether v0 holds the work-item ids of all axes, ten bits each from x on; else v0, v1 and v2
    hold one each, as far as the descriptor asks for them. scratch_descriptor: whether scratch is a buffer
    whose resource, with its swizzling, comes in user SGPRs (private_segment_buffer, flat_scratch_init), and
    whose part for the wave begins at what the SGPR behind the workgroup ids holds; else the hardware knows
    where a wave's scratch lies. user_sgprs: what user SGPRs may hold, in order, with the number of registers
    of each, from the lowest bit of the descriptor's properties on. clamp_bits: whether the descriptor has
    DX10_CLAMP and IEEE_MODE; where it has not, NaN is clamped and a signalling NaN is as good as a quiet one.
    ttmp_ids: whether the ids of workgroup and wave lie in trap temporaries; else those of the workgroup that
    the descriptor asks for come in SGPRs, behind the user SGPRs.
    """

    packed_ids: bool
    scratch_descriptor: bool
    user_sgprs: tuple[tuple[str, int], ...] = (
        ("private_segment_buffer", 4),
        ("dispatch_ptr", 2),
        ("queue_ptr", 2),
        ("kernarg_segment_ptr", 2),
        ("dispatch_id", 2),
        ("flat_scratch_init", 2),
        ("private_segment_size", 1),
    )
    clamp_bits: bool = True
    ttmp_ids: bool = False

    def group_id_mask(self, descriptor_mask: int) -> int:
        """What the runtime is told of a workgroup's ids: bits 0 to 2 for those in SGPRs, bit 3 for trap
        temporaries."""
        return IDS_IN_TTMPS if self.ttmp_ids else descriptor_mask


IDS_IN_TTMPS = 1 << 3

Counter = tuple[tuple[int, int], ...]
"""Where SIMM16 has a counter: (lowest bit, bits) of each of its parts, the lowest part first."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """How code waits for memory. The emulator's memory operations complete at once; what waits say of a
    program's intent is read by the sanitizer.

    waits: instructions that wait for counters. stores: those of them that wait for all stores. loads: those
    that wait until as many loads as their counter says are left. near, far: what invalidates the caches of
    a workgroup, and of the device, with its scope where it has one. both: whether the far ones alone leave
    the near caches as they are. together: whether one counter has loads and stores.
    """

    waits: tuple[str, ...]
    stores: frozenset[str]
    loads: Mapping[str, Counter]
    near: frozenset[str]
    far: frozenset[str]
    both: bool
    together: bool = False

    def waits_for_stores(self, mnemonic: str, simm16: int) -> bool:
        """Whether a wait is for all stores."""
        if self.together:
            return self.loads_left(mnemonic, simm16) == 0
        return mnemonic in self.stores

    def loads_left(self, mnemonic: str, simm16: int) -> int | None:
        """How many loads may be on their way after a wait; None where it does not wait for loads."""
        count = place = 0
        for low, bits in self.loads.get(mnemonic, ()):
            count |= (simm16 >> low & (1 << bits) - 1) << place
            place += bits
        return count if place and count != (1 << place) - 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """What the processors of a generation share.

    wave_sizes: lanes. waves_per_simd: at most. simds: of a multiprocessor, as HIP counts multiprocessors: a
    compute unit, or the pair of them (WGP) of RDNA. paired: whether it is such a pair; in CU mode a workgroup
    stays within one half. vgprs: registers of a SIMD for a lane of the smallest wave; vgpr_granule: how many
    of them are given out at a time (waves twice as wide have half of both). agprs: whether waves have
    accumulation registers beside them. lds_bytes: of a workgroup, and of a compute unit; lds_granule: bytes
    given out at a time. formats: the microcode formats, None where none is there yet. initial: see
    InitialState. ordering: see Ordering; there where the emulator runs it. semantics: the groups of semantics
    that its instructions have; none where the emulator does not run it. spellings: the name that semantics
    have for an instruction (that of RDNA 3's manual), by the one that the family's assembler has.
    hardware_registers: those that s_getreg reads, by the disassembler's name (a number where it has none),
    each with the name of what it is. swizzle_sizes: whether a buffer resource says how large the elements are
    that it swizzles; else they are dwords. selects_bounds: whether it says how bounds are checked
    (OOB_SELECT). atomic_denormals: whether atomics on singles in memory keep them.
    matrix_denormals: whether matrix instructions keep denormals of halves and bfloats, and of their sums.
    zeroing: instructions whose result of 16 bits makes the other half of its register zero; those of others
    leave it as it is.
    """

    name: str
    wave_sizes: tuple[int, ...]
    waves_per_simd: int
    vgprs: int
    vgpr_granule: int
    paired: bool
    lds_granule: int
    initial: InitialState
    lds_bytes: int = 1 << 16
    formats: Sequence[Format] | None = None
    simds: int = 4
    agprs: bool = False
    swizzle_sizes: bool = False
    selects_bounds: bool = True
    atomic_denormals: bool = False
    zeroing: frozenset[str] = frozenset()
    matrix_denormals: bool = True
    ordering: Ordering | None = None
    semantics: tuple[str, ...] = ()
    spellings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    hardware_registers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def executed(self) -> bool:
        """Whether the emulator runs it."""
        return bool(self.semantics)

    @property
    def barriers(self) -> int:
        """Workgroups of more than one wave that a multiprocessor can hold."""
        return 32 if self.paired else 16
