"""Which class an instruction is counted under, and the arithmetic that it does: tables by mnemonic."""

from __future__ import annotations

from typing import NamedTuple

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import EXEC, OperandKind
from rocverify.device.emulator.isa.targets import TARGETS
from rocverify.device.emulator.translate.lowering.flow import BRANCHES
from rocverify.device.emulator.translate.semantics.cdna import CACHES as CDNA_CACHES
from rocverify.device.emulator.translate.semantics.matrix_cdna import PRODUCTS
from rocverify.device.emulator.translate.semantics.matrix_rdna4 import PRODUCTS as RDNA4_PRODUCTS
from rocverify.device.emulator.translate.semantics.rdna4 import CACHES
from rocverify.device.emulator.translate.semantics.scalar import SAVEEXEC
from rocverify.device.emulator.translate.semantics.special import NOTHING_TO_DO

CONDITIONAL_BRANCHES = frozenset(BRANCHES - {"s_branch"})
JUMPS = frozenset({"s_setpc_b64", "s_swappc_b64", "s_call_b64"})
LANE_CLASSES = frozenset({"valu", "transcendental", "vopd"})
"""Classes of which active lanes are counted. WMMA takes no notice of EXEC."""

MEMORY_FAMILIES = frozenset({"global", "flat", "scratch", "buffer", "tbuffer", "ds"})

TRANSCENDENTAL = frozenset(
    {f"v_{name}_{t}" for name in ("exp", "log", "sin", "cos") for t in ("f16", "f32")}
    | {f"v_{name}_{t}" for name in ("rcp", "rsq", "sqrt") for t in ("f16", "f32", "f64")}
    | {"v_rcp_iflag_f32"}
)
"""What the transcendental unit computes (a quarter of the VALU's rate on RDNA3)."""

SMEM_BYTES = {
    f"s_{kind}_b{bits}": bits // 8 for kind in ("load", "buffer_load") for bits in (32, 64, 128)
} | {f"s_{kind}_b{bits}": bits // 8 for kind in ("load", "buffer_load") for bits in (96, 256, 512)}

WMMA_OPERATIONS = 2 * 16 * 16 * 16


class Arithmetic(NamedTuple):
    """Operations of one instruction: a field of Flops, and how many a lane does (a wave for WMMA)."""

    dtype: str
    operations: int


_TYPES = {
    "iu8": "int8", "i8": "int8", "iu4": "int4", "xf32": "f32", "fp8": "f8", "bf8": "f8",
}  # fmt: skip
"""Fields of Flops, where the type of the factors has another name."""
WMMA = {
    **{
        f"v_wmma_{result}_16x16x16_{element}": Arithmetic(_TYPES.get(element, element), WMMA_OPERATIONS)
        for result, element in (
            ("f32", "f16"), ("f16", "f16"), ("f32", "bf16"), ("bf16", "bf16"), ("i32", "iu8"), ("i32", "iu4"),
        )
    },
    **{
        name: Arithmetic(_TYPES.get(product.a.name, product.a.name), product.operations)
        for name, product in RDNA4_PRODUCTS.items()
    },
}  # fmt: skip
MFMA = {
    name: Arithmetic(_TYPES.get(product.a.name, product.a.name), product.operations)
    for name, product in PRODUCTS.items()
}


def _arithmetic() -> dict[str, Arithmetic]:
    table = {
        f"v_{name}_{t}": Arithmetic(t, operations)
        for t in ("f16", "f32", "f64")
        for names, operations in (
            (("add", "sub", "subrev", "mul"), 1),
            (("fma", "fmac", "fmamk", "fmaak", "div_fmas"), 2),
        )
        for name in names
    }
    table |= {f"v_pk_{name}_f16": Arithmetic("f16", 2) for name in ("add", "mul")}
    table |= {f"v_pk_{name}_f16": Arithmetic("f16", 4) for name in ("fma", "fmac")}
    table |= {f"v_{name}_f32": Arithmetic("f32", 1) for name in ("mul_dx9_zero", "mul_legacy", "mullit")}
    table |= {f"v_{name}_f32": Arithmetic("f32", 2) for name in ("fma_dx9_zero", "fmac_dx9_zero", "fma_mix")}
    table |= {f"v_fma_mix{half}_f16": Arithmetic("f32", 2) for half in ("lo", "hi")}
    for name, dtype, operations in (
        ("dot2_f32_f16", "f16", 4),
        ("dot2acc_f32_f16", "f16", 4),
        ("dot2c_f32_f16", "f16", 4),
        ("dot2_f16_f16", "f16", 4),
        ("dot2_f32_bf16", "bf16", 4),
        ("dot2acc_f32_bf16", "bf16", 4),
        ("dot2_bf16_bf16", "bf16", 4),
        ("dot4_i32_iu8", "int8", 8),
        ("dot4_u32_u8", "int8", 8),
        ("dot8_i32_iu4", "int4", 16),
        ("dot8_u32_u4", "int4", 16),
    ):
        table[f"v_{name}"] = Arithmetic(dtype, operations)
    return table


ARITHMETIC = _arithmetic()
"""By mnemonic. A sum or product is one operation, a fused multiply-add two, a dot product of n pairs 2n.
The type is that of the factors, except that v_fma_mix computes in f32. Comparisons, minima, conversions,
rounding, scaling by powers of two and the fix-ups of a division are none; neither are float atomics."""

SCALAR_ARITHMETIC = {
    f"s_{name}_{t}": Arithmetic(t, operations)
    for t in ("f16", "f32")
    for names, operations in ((("add", "sub", "mul"), 1), (("fmac", "fmamk", "fmaak"), 2))
    for name in names
}
"""Floating point on the scalar ALU, which targets from gfx1150 on have: once a wave."""

_WAITS = [wait for one in TARGETS.values() if one.family.ordering for wait in one.family.ordering.waits]
_NAMED = {
    **dict.fromkeys((*NOTHING_TO_DO, *_WAITS), "wait"),
    **dict.fromkeys(("s_sleep", "s_sleep_var", "s_wakeup", "s_sethalt"), "wait"),
    **dict.fromkeys(
        (
            "buffer_gl0_inv",
            "buffer_gl1_inv",
            "s_dcache_inv",
            "s_gl1_inv",
            "s_icache_inv",
            *CACHES,
            *CDNA_CACHES,
        ),
        "cache",
    ),
    **dict.fromkeys((*BRANCHES, *JUMPS), "branch"),
    **dict.fromkeys(("s_barrier", "ds_gws_barrier"), "barrier"),
    **dict.fromkeys(("s_sendmsg", "s_sendmsghalt", "s_sendmsg_rtn_b32", "s_sendmsg_rtn_b64"), "message"),
    **dict.fromkeys(("s_trap", "s_ttracedata", "s_ttracedata_imm"), "message"),
    **dict.fromkeys(("s_endpgm", "s_endpgm_saved"), "end"),
    **dict.fromkeys([f"ds_gws_{name}" for name in ("init", "sema_v", "sema_p", "sema_br")], "other"),
    "ds_gws_sema_release_all": "other",
    "ds_nop": "wait",
    **dict.fromkeys(("ds_bpermute_b32", "ds_permute_b32", "ds_swizzle_b32"), "lds_permute"),
    **dict.fromkeys(SMEM_BYTES, "smem"),
    **dict.fromkeys(TRANSCENDENTAL, "transcendental"),
    **dict.fromkeys(WMMA, "wmma"),
    **dict.fromkeys(MFMA, "mfma"),
    "s_barrier_signal": "barrier",
    "v_nop": "valu",
    "s_version": "salu",
}

_SPACES = {
    "global": "global", "buffer": "global", "tbuffer": "global", "flat": "flat", "scratch": "scratch",
    "ds": "lds",
}  # fmt: skip
_DIRECTIONS = {"load": "load", "store": "store"}


def class_of(inst: Instruction) -> str:
    """A field of InstructionClasses."""
    if inst.second is not None:
        return "vopd"
    known = _NAMED.get(inst.mnemonic)
    if known is not None:
        return known
    family, _, rest = inst.mnemonic.partition("_")
    if family in _SPACES:
        return f"{_SPACES[family]}_{_DIRECTIONS.get(rest.partition('_')[0], 'atomic')}"
    return {"v": "valu", "s": "salu"}.get(family, "other")


def is_memory(inst: Instruction) -> bool:
    """Whether the instruction's accesses are counted."""
    return inst.mnemonic not in _NAMED and inst.mnemonic.partition("_")[0] in MEMORY_FAMILIES


def arithmetic_of(inst: Instruction) -> list[Arithmetic]:
    """What each active lane computes; both halves of a VOPD pair."""
    halves = [inst] if inst.second is None else [inst, inst.second]
    names = [half.mnemonic.replace("v_dual_", "v_", 1) for half in halves]
    return [ARITHMETIC[name] for name in names if name in ARITHMETIC]


_EXEC_OPERATIONS = frozenset(
    f"s_{name}_{form}_b{bits}" for name in SAVEEXEC for form in ("saveexec", "wrexec") for bits in (32, 64)
)


def may_write_exec(inst: Instruction) -> bool:
    """Whether EXEC may be another after the instruction: it names it where destinations stand, or writes
    it unnamed."""
    if inst.mnemonic in _EXEC_OPERATIONS or inst.mnemonic.startswith("v_cmpx_"):
        return True
    places = inst.operands[: 2 if inst.mnemonic.startswith("v_") else 1]
    return any(o.kind is OperandKind.SGPR and o.index < EXEC + 2 and o.index + o.count > EXEC for o in places)
