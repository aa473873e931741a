"""RDNA 2. Sources: AMD's "RDNA 2 Instruction Set Architecture"; LLVM's "User Guide for AMDGPU Backend"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rocverify.device.emulator.isa.encodings import GFX10
from rocverify.device.emulator.isa.family import Family, InitialState, Ordering

_DWORDS = {"dword": "b32", "dwordx2": "b64", "dwordx3": "b96", "dwordx4": "b128"}
_LOADS = {
    **_DWORDS, "ubyte": "u8", "sbyte": "i8", "ushort": "u16", "sshort": "i16", "ubyte_d16": "d16_u8",
    "ubyte_d16_hi": "d16_hi_u8", "sbyte_d16": "d16_i8", "sbyte_d16_hi": "d16_hi_i8", "short_d16": "d16_b16",
    "short_d16_hi": "d16_hi_b16",
}  # fmt: skip
_STORES = {
    **_DWORDS, "byte": "b8", "short": "b16", "byte_d16_hi": "d16_hi_b8", "short_d16_hi": "d16_hi_b16",
}  # fmt: skip
_ATOMICS = {
    "swap": "swap_b", "cmpswap": "cmpswap_b", "add": "add_u", "sub": "sub_u", "smin": "min_i",
    "umin": "min_u", "smax": "max_i", "umax": "max_u", "and": "and_b", "or": "or_b", "xor": "xor_b",
    "inc": "inc_u", "dec": "dec_u", "fcmpswap": "cmpswap_f", "fmin": "min_f", "fmax": "max_f",
}  # fmt: skip
_LDS = {
    **{f"read_{name}": f"load_{name}" for name in ("b32", "b64", "b96", "b128", "u8", "i8", "u16", "i16")},
    **{f"read_{name}_d16": f"load_{name}_d16" for name in ("u8", "i8", "u16")},
    **{f"read_{name}_d16_hi": f"load_{name}_d16_hi" for name in ("u8", "i8", "u16")},
    **{f"write_{name}": f"store_{name}" for name in ("b8", "b16", "b32", "b64", "b96", "b128")},
    **{f"write_{name}_d16_hi": f"store_{name}_d16_hi" for name in ("b8", "b16")},
    **{
        f"{old}{short}_b{bits}": f"{new}_2addr_{long}b{bits}"
        for old, new in (("read2", "load"), ("write2", "store"))
        for short, long in (("", ""), ("st64", "stride64_"))
        for bits in (32, 64)
    },
    **{f"wrxchg_rtn_b{bits}": f"storexchg_rtn_b{bits}" for bits in (32, 64)},
    **{
        f"wrxchg2{short}_rtn_b{bits}": f"storexchg_2addr_{long}rtn_b{bits}"
        for short, long in (("", ""), ("st64", "stride64_"))
        for bits in (32, 64)
    },
    "read_addtid_b32": "load_addtid_b32",
    "write_addtid_b32": "store_addtid_b32",
}  # fmt: skip
_NEGATED = {"andn1": "and_not0", "andn2": "and_not1", "orn1": "or_not0", "orn2": "or_not1"}
_OTHERS = {
    "s_ff1_i32_b32": "s_ctz_i32_b32",
    "s_ff1_i32_b64": "s_ctz_i32_b64",
    "s_flbit_i32": "s_cls_i32",
    "s_flbit_i32_b32": "s_clz_i32_u32",
    "s_flbit_i32_b64": "s_clz_i32_u64",
    "s_flbit_i32_i64": "s_cls_i32_i64",
    "s_inst_prefetch": "s_set_inst_prefetch_distance",
    "v_cvt_flr_i32_f32": "v_cvt_floor_i32_f32",
    "v_cvt_pknorm_i16_f16": "v_cvt_pk_norm_i16_f16",
    "v_cvt_pknorm_i16_f32": "v_cvt_pk_norm_i16_f32",
    "v_cvt_pknorm_u16_f16": "v_cvt_pk_norm_u16_f16",
    "v_cvt_pknorm_u16_f32": "v_cvt_pk_norm_u16_f32",
    "v_cvt_pkrtz_f16_f32": "v_cvt_pk_rtz_f16_f32",
    "v_cvt_rpi_i32_f32": "v_cvt_nearest_i32_f32",
    "v_ffbh_i32": "v_cls_i32",
    "v_ffbh_u32": "v_clz_i32_u32",
    "v_ffbl_b32": "v_ctz_i32_b32",
    "v_dot2c_f32_f16": "v_dot2acc_f32_f16",
    "v_fma_legacy_f32": "v_fma_dx9_zero_f32",
    "v_fmac_legacy_f32": "v_fmac_dx9_zero_f32",
    "v_mul_legacy_f32": "v_mul_dx9_zero_f32",
    "global_load_dword_addtid": "global_load_addtid_b32",
    "global_store_dword_addtid": "global_store_addtid_b32",
    "global_atomic_csub": "global_atomic_csub_u32",
    "buffer_atomic_csub": "buffer_atomic_csub_u32",
}


def _memory() -> Iterator[tuple[str, str]]:
    for space in ("global", "flat", "scratch", "buffer"):
        yield from ((f"{space}_load_{old}", f"{space}_load_{new}") for old, new in _LOADS.items())
        yield from ((f"{space}_store_{old}", f"{space}_store_{new}") for old, new in _STORES.items())
    for space in ("global", "flat", "buffer"):
        for old, new in _ATOMICS.items():
            yield f"{space}_atomic_{old}", f"{space}_atomic_{new}32"
            yield f"{space}_atomic_{old}_x2", f"{space}_atomic_{new}64"
    for prefix in ("s", "s_buffer"):
        for count in (1, 2, 4, 8, 16):
            yield f"{prefix}_load_dword{f'x{count}' if count > 1 else ''}", f"{prefix}_load_b{32 * count}"


def _logic() -> Iterator[tuple[str, str]]:
    for old, new in _NEGATED.items():
        for bits in (32, 64):
            yield f"s_{old}_saveexec_b{bits}", f"s_{new}_saveexec_b{bits}"
            if old.startswith("andn"):
                yield f"s_{old}_wrexec_b{bits}", f"s_{new}_wrexec_b{bits}"
            if old.endswith("2"):
                yield f"s_{old}_b{bits}", f"s_{new}_b{bits}"


OLD_SPELLINGS: Mapping[str, str] = {
    **dict(_memory()),
    **{f"ds_{old}": f"ds_{new}" for old, new in _LDS.items()},
    **dict(_logic()),
    **_OTHERS,
}
"""The names that manuals before RDNA 3's have for instructions."""

RDNA2 = Family(
    "gfx103",
    (32, 64),
    16,
    vgprs=1024,
    vgpr_granule=16,
    paired=True,
    lds_granule=1024,
    formats=GFX10,
    initial=InitialState(packed_ids=False, scratch_descriptor=True),
    ordering=Ordering(
        waits=("s_waitcnt", "s_waitcnt_depctr", "s_waitcnt_vscnt", "s_waitcnt_vmcnt", "s_waitcnt_expcnt",
               "s_waitcnt_lgkmcnt"),
        stores=frozenset({"s_waitcnt_vscnt"}),
        loads={"s_waitcnt": ((0, 4), (14, 2)), "s_waitcnt_vmcnt": ((0, 6),)},
        near=frozenset({"buffer_gl0_inv"}),
        far=frozenset({"buffer_gl1_inv"}),
        both=True,
    ),
    semantics=(
        "scalar", "clock", "scalar memory", "integer", "float", "conversion", "division", "transcendental",
        "packed", "mixed", "dot products", "bytes", "geometry", "compare", "lanes", "relative", "memory",
        "buffer", "LDS", "wave", "RDNA 2",
    ),
    spellings=OLD_SPELLINGS,
    hardware_registers={
        "HW_REG_SHADER_CYCLES": "cycles low",
        "HW_REG_HW_ID": "place",
        "4": "place",
        "HW_REG_HW_ID1": "place of the wave",
        "HW_REG_HW_ID2": "place of the workgroup",
    },
)  # fmt: skip
