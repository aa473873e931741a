"""What is true of each target: one record per processor.

Sources: LLVM's AMDGPU usage guide (processors, wave sizes), the RDNA3 and RDNA3.5 ISA manuals (sizes of
LDS, scalar float instructions). A further target is a further record; a further generation brings its
table of encodings (encodings.py) along, and handlers where its instructions differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Target:
    """One processor. `family` names the table of microcode formats; `wave_sizes` are in lanes, LDS and
    scratch in bytes (of a workgroup and of a work-item), `workgroup_size` in work-items; `scalar_floats`
    says whether the scalar unit has float instructions."""

    name: str
    family: str
    wave_sizes: tuple[int, ...]
    lds_bytes: int
    scratch_bytes: int
    workgroup_size: int
    scalar_floats: bool


_RDNA3 = Target(
    name="gfx1100",
    family="gfx11",
    wave_sizes=(32, 64),
    lds_bytes=1 << 16,
    scratch_bytes=1 << 20,
    workgroup_size=1024,
    scalar_floats=False,
)
_RDNA35 = replace(_RDNA3, name="gfx1150", scalar_floats=True)

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        *(replace(_RDNA3, name=name) for name in ("gfx1100", "gfx1101", "gfx1102", "gfx1103")),
        *(replace(_RDNA35, name=name) for name in ("gfx1150", "gfx1151")),
    )
}
"""The processors that the emulator runs, by the name that compilers give them."""

SUPPORTED_TARGETS = tuple(TARGETS)
"""Their names, in order."""

MACHINES: Mapping[int, str] = {
    0x2C: "gfx900", 0x2F: "gfx906", 0x30: "gfx908", 0x3F: "gfx90a", 0x4C: "gfx942",
    0x33: "gfx1010", 0x34: "gfx1011", 0x35: "gfx1012", 0x36: "gfx1030", 0x37: "gfx1031",
    0x38: "gfx1032", 0x39: "gfx1033", 0x3E: "gfx1034", 0x3D: "gfx1035", 0x45: "gfx1036",
    0x41: "gfx1100", 0x46: "gfx1101", 0x47: "gfx1102", 0x44: "gfx1103", 0x43: "gfx1150",
    0x4A: "gfx1151", 0x48: "gfx1200", 0x4E: "gfx1201",
}  # fmt: skip
"""EF_AMDGPU_MACH (low byte of the ELF flags) of the processors whose number cannot change any more."""
