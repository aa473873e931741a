"""What RDNA 4 has and RDNA 3 has not: minima that pass NaN on, scalar products and transcendental functions,
scalar loads of less than a dword, further atomics, barriers in two halves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics import floats, scalar_float, smem, transcendental
from rocverify.device.emulator.translate.semantics.buffer import buffer_atomic
from rocverify.device.emulator.translate.semantics.lanes import permute_within_rows
from rocverify.device.emulator.translate.semantics.memory import ATOMICS, lds_atomic, vector_atomic
from rocverify.device.emulator.translate.semantics.packed import packed
from rocverify.device.emulator.translate.semantics.scalar import sop2, without_scc
from rocverify.device.emulator.translate.semantics.special import nothing
from rocverify.device.emulator.translate.semantics.vector import valu

K = WaveBuilder

CACHES = (
    "global_inv", "global_wb", "global_wbinv", "s_prefetch_inst", "s_prefetch_inst_pc_rel",
    "s_prefetch_data", "s_prefetch_data_pc_rel", "s_buffer_prefetch_data",
)  # fmt: skip
"""What concerns caches alone."""

SIGNAL = "s_barrier_signal"
"""The first half of a barrier, which has to stand right before the second one: see split_barriers.py."""


def least(k: K, a: Value, b: Value) -> Value:
    """-0 is below +0; NaN where there is one, a quiet one."""
    return floats.canonical(k, floats.exact(k, "minimum", a, b))


def greatest(k: K, a: Value, b: Value) -> Value:
    """+0 is above -0; NaN where there is one, a quiet one."""
    return floats.canonical(k, floats.exact(k, "maximum", a, b))


def _extremes() -> Iterator[tuple[str, Handler]]:
    for name, compute in (("minimum", least), ("maximum", greatest)):
        for t in ("f16", "f32", "f64"):
            yield f"v_{name}_{t}", valu(t, f"{t} {t}", compute)
        yield f"v_pk_{name}_f16", packed("f16", 2, compute)
        for t in ("f16", "f32"):
            yield f"s_{name}_{t}", scalar_float.operation(t, f"{t} {t}", compute)
    for name, inner, outer in (
        ("minimum3", least, least),
        ("maximum3", greatest, greatest),
        ("minimummaximum", least, greatest),
        ("maximumminimum", greatest, least),
    ):
        for t in ("f16", "f32"):
            yield f"v_{name}_{t}", valu(t, f"{t} {t} {t}", _nested(inner, outer))


def _nested(inner: Callable[..., Value], outer: Callable[..., Value]) -> Callable[..., Value]:
    return lambda k, a, b, c: outer(k, inner(k, a, b), c)


def _functions() -> Iterator[tuple[str, Handler]]:
    """The transcendental functions of one scalar."""
    computed = {
        "f32": {**transcendental.SINGLE, **floats.SINGLE_FUNCTIONS},
        "f16": {**transcendental.HALF, **floats.HALF_FUNCTIONS},
    }
    for t, functions in computed.items():
        for name in ("exp", "log", "rcp", "rsq", "sqrt"):
            yield f"v_s_{name}_{t}", scalar_float.modified(t, functions[name])


def _atomics() -> Iterator[tuple[str, Handler]]:
    """`ds_` has two forms of each; in memory, a hint says whether the old value is returned."""
    shared = {
        "cond_sub_u32": ATOMICS["cond_sub"],
        "sub_clamp_u32": ATOMICS["csub"],
        "min_num_f32": ATOMICS["min_num"],
        "max_num_f32": ATOMICS["max_num"],
        "pk_add_f16": ATOMICS["pk_add_f16"],
        "pk_add_bf16": ATOMICS["pk_add_bf16"],
    }
    for name, operation in shared.items():
        for space in ("global", "flat"):
            yield f"{space}_atomic_{name}", vector_atomic(space, operation, 32)
        yield f"buffer_atomic_{name}", buffer_atomic(operation, 32)
    for name, operation in shared.items():
        yield from _in_lds(name, operation, 32)
    for which in ("min", "max"):
        yield from _in_lds(f"{which}_num_f64", ATOMICS[f"{which}_num"], 64)


def _in_lds(name: str, operation: int, bits: int) -> Iterator[tuple[str, Handler]]:
    stem, _, kind = name.rpartition("_")
    yield f"ds_{name}", lds_atomic(operation, bits, returns=False)
    yield f"ds_{stem}_rtn_{kind}", lds_atomic(operation, bits, returns=True)


def _permlane(across: bool) -> Handler:
    """v_permlane16_var_b32 and v_permlanex16_var_b32: each lane has its own select, four bits."""

    def handle(k: K, inst: Instruction) -> None:
        permute_within_rows(k, inst, k.vgpr(inst.operands[2].index, 0xF), across)

    return handle


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(CACHES, nothing),
    SIGNAL: nothing,
    "s_sleep_var": nothing,
    **dict(_extremes()),
    **dict(_functions()),
    **dict(_atomics()),
    "s_add_nc_u64": sop2("b64", without_scc(lambda k, a, b: k.b.add(a, b))),
    "s_sub_nc_u64": sop2("b64", without_scc(lambda k, a, b: k.b.sub(a, b))),
    "s_mul_u64": sop2("b64", without_scc(lambda k, a, b: k.b.mul(a, b))),
    "s_load_b96": smem.scalar_load(3),
    "s_buffer_load_b96": smem.scalar_buffer_load(3),
    **{
        f"s_load_{'i' if signed else 'u'}{8 * size}": smem.narrow_scalar_load(size, signed)
        for size in (1, 2)
        for signed in (False, True)
    },
    "v_permlane16_var_b32": _permlane(across=False),
    "v_permlanex16_var_b32": _permlane(across=True),
}
