"""CDNA 2 and 3. Sources: AMD's "Instinct MI200" and "Instinct MI300 Instruction Set Architecture"; LLVM's
"User Guide for AMDGPU Backend"; its GCNSubtarget.cpp (which results of 16 bits leave the other half)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rocverify.device.emulator.isa.encodings import GFX9
from rocverify.device.emulator.isa.families.rdna2 import OLD_SPELLINGS
from rocverify.device.emulator.isa.family import Family, InitialState, Ordering

# RDNA 2's, without fmin and fmax: these atomics have the later names here.
_OLD = {
    old: new
    for old, new in OLD_SPELLINGS.items()
    if not any(f"_atomic_{kind}" in old for kind in ("fmin", "fmax", "fcmpswap"))
}
_SUMS = {
    **{
        f"v_{name}_{t}": f"v_{name}_nc_{t}"
        for name in ("add", "sub", "subrev")
        for t in ("u32", "u16", "i32", "i16")
        if name != "subrev" or t.startswith("u")
    },
    "v_addc_co_u32": "v_add_co_ci_u32",
    "v_subb_co_u32": "v_sub_co_ci_u32",
    "v_subbrev_co_u32": "v_subrev_co_ci_u32",
}


def _zeroing() -> Iterator[str]:
    for name in (
        "add", "sub", "subrev", "mul", "max", "min", "rcp", "rsq", "sqrt", "log", "exp", "sin", "cos",
        "floor", "ceil", "trunc", "rndne", "fract", "frexp_mant", "ldexp",
    ):  # fmt: skip
        yield f"v_{name}_f16"
    for name in ("lshlrev_b16", "lshrrev_b16", "ashrrev_i16", "add_nc_u16", "sub_nc_u16", "subrev_nc_u16",
                 "mul_lo_u16", "max_u16", "min_u16", "max_i16", "min_i16", "cvt_f16_f32", "cvt_f16_u16",
                 "cvt_f16_i16", "frexp_exp_i16_f16", "mad_legacy_f16", "mad_legacy_u16", "mad_legacy_i16",
                 "fma_legacy_f16", "div_fixup_legacy_f16"):  # fmt: skip
        yield f"v_{name}"


_ZEROING = frozenset(_zeroing())
_SEMANTICS = (
    "scalar", "clock", "scalar memory", "integer", "float", "conversion", "division", "transcendental",
    "packed", "mixed", "dot products", "bytes", "geometry", "compare", "lanes", "relative", "memory",
    "buffer", "LDS", "wave", "RDNA 2", "CDNA", "MFMA",
)  # fmt: skip
_LOADS = {"s_waitcnt": ((0, 4), (14, 2))}


def _matrices() -> Iterator[tuple[str, str]]:
    """CDNA 2 does not name blocks; of bfloats it has those that it calls 1k as well as its own."""
    for result, element, depths in (
        ("f32", "f32", ((32, 1, 2), (16, 1, 4), (4, 1, 16), (32, 2, 1), (16, 4, 1))),
        ("f32", "f16", _HALVES),
        ("f32", "bf16", _HALVES),
        ("f64", "f64", ((16, 4, 1), (4, 4, 4))),
        ("i32", "i8", _HALVES[:3]),
    ):
        for rows, depth, blocks in depths:
            size = f"{rows}x{rows}x{depth}"
            new = f"v_mfma_{result}_{size}{f'_{blocks}b' if blocks > 1 else ''}_{element}"
            yield f"v_mfma_{result}_{size}{element}{'_1k' if element == 'bf16' else ''}", new


_HALVES = ((32, 4, 2), (16, 4, 4), (4, 4, 16), (32, 8, 1), (16, 16, 1))

_ORDERING = Ordering(
    waits=("s_waitcnt",),
    stores=frozenset(),
    loads=_LOADS,
    near=frozenset(),
    far=frozenset({"buffer_wbinvl1_vol"}),
    both=False,
    together=True,
)

CDNA2 = Family(
    "gfx90a",
    (64,),
    8,
    vgprs=512,
    vgpr_granule=8,
    paired=False,
    lds_granule=512,
    agprs=True,
    selects_bounds=False,
    formats=GFX9,
    initial=InitialState(packed_ids=True, scratch_descriptor=True),
    zeroing=_ZEROING,
    ordering=_ORDERING,
    semantics=_SEMANTICS,
    matrix_denormals=False,
    spellings={**_OLD, **_SUMS, **dict(_matrices())},
    hardware_registers={"HW_REG_HW_ID": "place"},
)

CDNA3 = replace(
    CDNA2,
    name="gfx942",
    atomic_denormals=True,
    initial=InitialState(packed_ids=True, scratch_descriptor=False),
    ordering=replace(
        _ORDERING,
        near=frozenset({"buffer_inv sc0"}),
        far=frozenset({"buffer_inv sc1", "buffer_inv sc0 sc1"}),
    ),
    semantics=(*_SEMANTICS, "CDNA 3"),
    matrix_denormals=True,
    spellings={**_OLD, **_SUMS},
    hardware_registers={"HW_REG_HW_ID": "place", "HW_REG_XCC_ID": "die"},
)
