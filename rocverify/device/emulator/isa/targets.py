"""What is true of each generation of processors and of each processor: the one table of hardware facts.

A family (family.py) is what processors of a generation share; a target is a processor. Both are data: a
further target is a further record here, a further family one in families/.

Sources: LLVM's "User Guide for AMDGPU Backend" (processors, wave sizes, EF_AMDGPU_MACH) and
AMDGPUBaseInfo.cpp (register files, granules, waves of a SIMD); AMD's ISA manuals of Vega, MI200, MI300, RDNA1
to RDNA4 (LDS, scalar float instructions); Mesa, ac_gpu_info.c (LDS is given out in 1024 bytes from gfx10.3
on).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rocverify.device.emulator.isa.families.cdna import CDNA2, CDNA3
from rocverify.device.emulator.isa.families.rdna2 import RDNA2
from rocverify.device.emulator.isa.families.rdna3 import RDNA3
from rocverify.device.emulator.isa.families.rdna4 import RDNA4
from rocverify.device.emulator.isa.family import Family, InitialState


@dataclass(frozen=True, slots=True)
class Target:
    """One processor. machine: EF_AMDGPU_MACH, the low byte of the ELF flags. scratch_bytes: of a work-item.
    scalar_floats: whether the scalar unit has float instructions. product: the name of a GPU that has it.
    executed: whether the emulator runs it."""

    name: str
    machine: int
    family: Family
    vgprs: int
    vgpr_granule: int
    lds_bytes: int
    lds_granule: int
    product: str = ""
    scalar_floats: bool = False
    executed: bool = False
    scratch_bytes: int = 1 << 20

    @property
    def wave_sizes(self) -> tuple[int, ...]:
        """In lanes, the smallest first."""
        return self.family.wave_sizes


_OLD_START = InitialState(packed_ids=False, scratch_descriptor=True)

_GCN = Family("gfx9", (64,), 10, vgprs=256, vgpr_granule=4, paired=False, lds_granule=512, initial=_OLD_START)
_CDNA4 = Family(
    "gfx950", (64,), 8, vgprs=512, vgpr_granule=8, paired=False, lds_granule=512, agprs=True,
    initial=InitialState(packed_ids=True, scratch_descriptor=False),
)  # fmt: skip
_RDNA1 = Family(
    "gfx101", (32, 64), 20, vgprs=1024, vgpr_granule=8, paired=True, lds_granule=512, initial=_OLD_START
)


@dataclass(frozen=True, slots=True)
class _Own:
    """In what a processor differs from its family."""

    machine: int
    product: str = ""
    # Half as many registers again, as the large GPUs of RDNA 3 and 4 have them.
    more_registers: bool = False
    scalar_floats: bool = False
    lds: tuple[int, int] = (0, 0)


def _records(family: Family, **own: _Own) -> dict[str, Target]:
    return {
        name: Target(
            name,
            one.machine,
            family,
            vgprs=family.vgprs * 3 // 2 if one.more_registers else family.vgprs,
            vgpr_granule=family.vgpr_granule * 3 // 2 if one.more_registers else family.vgpr_granule,
            lds_bytes=one.lds[0] or family.lds_bytes,
            lds_granule=one.lds[1] or family.lds_granule,
            product=one.product or f"AMD Radeon Graphics ({name})",
            scalar_floats=one.scalar_floats,
            executed=family.executed,
        )
        for name, one in own.items()
    }


PROCESSORS: Mapping[str, Target] = {
    **_records(_GCN, gfx900=_Own(0x2C), gfx906=_Own(0x2F), gfx908=_Own(0x30, "AMD Instinct MI100")),
    **_records(CDNA2, gfx90a=_Own(0x3F, "AMD Instinct MI250X")),
    **_records(CDNA3, gfx942=_Own(0x4C, "AMD Instinct MI300X")),
    **_records(_CDNA4, gfx950=_Own(0x4F, "AMD Instinct MI350X", lds=(160 * 1024, 1280))),
    **_records(_RDNA1, gfx1010=_Own(0x33), gfx1011=_Own(0x34), gfx1012=_Own(0x35)),
    **_records(
        RDNA2,
        gfx1030=_Own(0x36, "AMD Radeon RX 6800 XT"),
        gfx1031=_Own(0x37),
        gfx1032=_Own(0x38),
        gfx1033=_Own(0x39),
        gfx1034=_Own(0x3E),
        gfx1035=_Own(0x3D),
        gfx1036=_Own(0x45),
    ),
    **_records(
        RDNA3,
        gfx1100=_Own(0x41, "AMD Radeon RX 7900 XTX", more_registers=True),
        gfx1101=_Own(0x46, "AMD Radeon RX 7800 XT", more_registers=True),
        gfx1102=_Own(0x47, "AMD Radeon RX 7600"),
        gfx1103=_Own(0x44, "AMD Radeon 780M Graphics"),
        gfx1150=_Own(0x43, scalar_floats=True),
        gfx1151=_Own(0x4A, "AMD Radeon 8060S Graphics", more_registers=True, scalar_floats=True),
        gfx1152=_Own(0x55, scalar_floats=True),
        gfx1153=_Own(0x58, scalar_floats=True),
    ),
    **_records(
        RDNA4,
        gfx1200=_Own(0x48, more_registers=True, scalar_floats=True),
        gfx1201=_Own(0x4E, "AMD Radeon RX 9070 XT", more_registers=True, scalar_floats=True),
    ),
}
"""Every processor that is known here, by the name that compilers give it."""

TARGETS: Mapping[str, Target] = {name: target for name, target in PROCESSORS.items() if target.executed}
"""The processors that the emulator runs."""

SUPPORTED_TARGETS = tuple(TARGETS)
"""Their names, in order."""

MACHINES: Mapping[int, str] = {target.machine: name for name, target in PROCESSORS.items()}
"""Names by EF_AMDGPU_MACH."""


def processor(target: str) -> Target | None:
    """The record of a target such as `gfx90a` or `gfx90a:sramecc+:xnack-`; None for one not known here."""
    return PROCESSORS.get(target.partition(":")[0])
