"""RDNA 3 and 3.5. Sources: AMD's ISA manuals of both; LLVM's "User Guide for AMDGPU Backend"."""

from __future__ import annotations

from rocverify.device.emulator.isa.encodings import GFX11
from rocverify.device.emulator.isa.family import Family, InitialState, Ordering

RDNA3 = Family(
    "gfx11",
    (32, 64),
    16,
    vgprs=1024,
    vgpr_granule=16,
    paired=True,
    lds_granule=1024,
    formats=GFX11,
    initial=InitialState(packed_ids=True, scratch_descriptor=False),
    swizzle_sizes=True,
    ordering=Ordering(
        waits=("s_waitcnt", "s_waitcnt_depctr", "s_waitcnt_vscnt", "s_waitcnt_vmcnt", "s_waitcnt_expcnt",
               "s_waitcnt_lgkmcnt"),
        stores=frozenset({"s_waitcnt_vscnt"}),
        loads={"s_waitcnt": ((10, 6),), "s_waitcnt_vmcnt": ((0, 6),)},
        near=frozenset({"buffer_gl0_inv"}),
        far=frozenset({"buffer_gl1_inv"}),
        both=True,
    ),
    semantics=(
        "scalar", "scalar float", "clock", "scalar memory", "integer", "float", "conversion", "division",
        "transcendental", "packed", "mixed", "dot products", "bytes", "geometry", "WMMA", "compare", "lanes",
        "relative", "memory", "buffer", "LDS", "wave",
    ),
    # HIP's headers ask for HW_ID by its number, which gfx11 has no name for.
    hardware_registers={
        "HW_REG_SHADER_CYCLES": "cycles low",
        "HW_REG_SHADER_CYCLES_LO": "cycles low",
        "HW_REG_SHADER_CYCLES_HI": "cycles high",
        "HW_REG_HW_ID": "place",
        "4": "place",
        "HW_REG_HW_ID1": "place of the wave",
        "HW_REG_HW_ID2": "place of the workgroup",
    },
)  # fmt: skip
