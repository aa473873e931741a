"""RDNA 4. Sources: AMD's "RDNA4 Instruction Set Architecture"; LLVM's "User Guide for AMDGPU Backend"."""

from __future__ import annotations

from collections.abc import Iterator

from rocverify.device.emulator.isa.encodings import GFX12
from rocverify.device.emulator.isa.families.rdna3 import RDNA3
from rocverify.device.emulator.isa.family import Family, InitialState, Ordering

_OTHERS = {
    "s_add_co_i32": "s_add_i32",
    "s_add_co_u32": "s_add_u32",
    "s_add_co_ci_u32": "s_addc_u32",
    "s_addk_co_i32": "s_addk_i32",
    "s_sub_co_i32": "s_sub_i32",
    "s_sub_co_u32": "s_sub_u32",
    "s_sub_co_ci_u32": "s_subb_u32",
    "v_mad_co_i64_i32": "v_mad_i64_i32",
    "v_mad_co_u64_u32": "v_mad_u64_u32",
    "s_barrier_wait": "s_barrier",
}


def _extremes() -> Iterator[tuple[str, str]]:
    """Minima and maxima that prefer numbers to NaN."""
    for which in ("min", "max"):
        for t in ("f16", "f32", "f64"):
            yield f"v_{which}_num_{t}", f"v_{which}_{t}"
        for t in ("f16", "f32"):
            yield f"s_{which}_num_{t}", f"s_{which}_{t}"
        yield f"v_dual_{which}_num_f32", f"v_dual_{which}_f32"
        yield f"v_pk_{which}_num_f16", f"v_pk_{which}_f16"
    for name in ("min3", "max3", "med3", "minmax", "maxmin"):
        for t in ("f16", "f32"):
            yield f"v_{name}_num_{t}", f"v_{name}_{t}"


RDNA4 = Family(
    "gfx12",
    (32, 64),
    16,
    vgprs=1024,
    vgpr_granule=16,
    paired=True,
    lds_granule=1024,
    formats=GFX12,
    initial=InitialState(packed_ids=True, scratch_descriptor=False, clamp_bits=False, ttmp_ids=True),
    swizzle_sizes=True,
    atomic_denormals=True,
    ordering=Ordering(
        waits=(
            "s_wait_alu", "s_wait_bvhcnt", "s_wait_dscnt", "s_wait_expcnt", "s_wait_kmcnt", "s_wait_loadcnt",
            "s_wait_loadcnt_dscnt", "s_wait_samplecnt", "s_wait_storecnt", "s_wait_storecnt_dscnt",
            "s_waitcnt",
        ),
        stores=frozenset({"s_wait_storecnt", "s_wait_storecnt_dscnt"}),
        loads={"s_wait_loadcnt": ((0, 6),), "s_wait_loadcnt_dscnt": ((8, 6),)},
        near=frozenset({"global_inv SCOPE_SE"}),
        far=frozenset({"global_inv SCOPE_DEV", "global_inv SCOPE_SYS"}),
        both=False,
    ),
    semantics=(
        "scalar", "scalar float", "clock", "scalar memory", "integer", "float", "conversion", "division",
        "transcendental", "packed", "mixed", "dot products", "bytes", "geometry", "compare", "lanes",
        "relative", "memory", "buffer", "LDS", "wave", "RDNA 4", "floats of 8 bits", "WMMA of RDNA 4",
    ),
    spellings={**dict(_extremes()), **_OTHERS},
    hardware_registers=RDNA3.hardware_registers,
)  # fmt: skip
