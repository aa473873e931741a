"""The counters by name: how many of what. record.py derives the rest."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class InstructionClasses:
    """Wave instructions by class; each is counted in one class only.

    `valu` are vector ALU instructions other than the next four; `vopd` pairs of two vector operations
    issued as one instruction; `wmma` are matrix instructions of RDNA, `mfma` those of CDNA, sparse ones too.
    `global` holds MUBUF too, `flat` what may go to any space (the bytes are
    counted where they went). `lds_permute` uses the LDS crossbar but no LDS memory. `wait` holds waits,
    delays and hints for the scheduler, `message` traps too, `cache` invalidations.
    """

    valu: int = 0
    transcendental: int = 0
    vopd: int = 0
    wmma: int = 0
    mfma: int = 0
    salu: int = 0
    smem: int = 0
    global_load: int = 0
    global_store: int = 0
    global_atomic: int = 0
    flat_load: int = 0
    flat_store: int = 0
    flat_atomic: int = 0
    scratch_load: int = 0
    scratch_store: int = 0
    lds_load: int = 0
    lds_store: int = 0
    lds_atomic: int = 0
    lds_permute: int = 0
    branch: int = 0
    barrier: int = 0
    wait: int = 0
    message: int = 0
    cache: int = 0
    end: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All wave instructions."""
        return sum(values_of(self))


@dataclass(frozen=True, slots=True)
class Flops:
    """Operations of the active lanes, by the type of the factors: a sum or product is one, a fused
    multiply-add two, and a WMMA of 16x16x16 8192 a wave. Those of the scalar ALU count once a wave. `f8`
    are floats of eight bits, of matrices. `int8` and `int4` are those of dot products and matrices; other
    integer arithmetic is not counted."""

    f8: int = 0
    f16: int = 0
    bf16: int = 0
    f32: int = 0
    f64: int = 0
    int8: int = 0
    int4: int = 0

    @property
    def total(self) -> int:
        """Floating-point operations of all types."""
        return self.f8 + self.f16 + self.bf16 + self.f32 + self.f64


PLAIN = (
    "valu_lanes", "valu_lane_slots", "special_functions",
    "global_accesses", "global_load_bytes", "global_store_bytes", "global_atomic_bytes",
    "global_load_segments", "global_store_segments", "global_atomic_segments", "global_atomic_lanes",
    "scalar_load_bytes", "scratch_accesses", "scratch_load_bytes", "scratch_store_bytes",
    "lds_accesses", "lds_load_bytes", "lds_store_bytes", "lds_atomic_bytes", "lds_atomic_lanes",
    "lds_passes", "lds_conflict_passes", "branches_taken", "branches_not_taken", "divergent_branches",
)  # fmt: skip

FIELDS = (
    *(f"instructions.{one.name}" for one in fields(InstructionClasses)),
    *(f"flops.{one.name}" for one in fields(Flops)),
    *PLAIN,
)
"""Every counter, with a dot where it is in a group."""

FIELD_INDEX = {name: index for index, name in enumerate(FIELDS)}


def values_of(group: Any) -> list[int]:
    """The values of a flat dataclass in order."""
    return [getattr(group, one.name) for one in fields(group)]
