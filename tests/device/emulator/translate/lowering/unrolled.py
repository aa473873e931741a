"""A kernel without loops, of any length: what an unrolled one looks like."""

from __future__ import annotations

import random
from collections.abc import Iterator

_START = (
    "s_load_b64 s[4:5], s[0:1], 0x0",
    "v_lshlrev_b32 v1, 2, v0",
    "s_mov_b32 s8, 0x3f000000",
    "s_mov_b32 s9, 7",
)
_END = ("global_store_b32 v1, v2, s[4:5]", "s_endpgm")
_WAIT = "s_waitcnt vmcnt(0) lgkmcnt(0)"
_VECTOR = (
    "v_fma_f32 {d}, {a}, {b}, {c}",
    "v_mul_f32 {d}, {a}, {b}",
    "v_add_f32 {d}, {a}, {b}",
    "v_fmac_f32 {d}, {a}, s8",
    "v_max_f32 {d}, {a}, {b}",
    "v_add_nc_u32 {d}, {a}, {b}",
    "v_lshl_add_u32 {d}, {a}, 3, {b}",
    "v_and_b32 {d}, 0xff00ff, {a}",
    "v_xor_b32 {d}, {a}, {b}",
    "v_mul_lo_u32 {d}, {a}, {b}",
    "v_cvt_f32_u32 {d}, {a}",
    "v_cmp_lt_f32 vcc_lo, {a}, {b}",
    "v_cndmask_b32 {d}, {a}, {b}, vcc_lo",
    "v_exp_f32 {d}, {a}",
)
_SCALAR = ("s_add_u32 s9, s9, 5", "s_lshl_b32 s10, s9, 1", "s_xor_b32 s9, s10, s9")
LOAD_EVERY, STORE_EVERY, BRANCH_EVERY = 25, 100, 500


def unrolled(count: int) -> str:
    """The assembly of a kernel of `count` instructions: vector and scalar arithmetic, a load every 25, a
    store every 100, a forward branch every 500 that is never taken. Its first argument points to 64 KiB."""
    lines = [*_START, _WAIT, *(f"v_cvt_f32_u32 v{n}, v0" for n in range(2, 32))]
    lines += list(_steps(count - len(lines) - len(_END)))
    return "\n".join([*lines, *_END])


def _steps(count: int) -> Iterator[str]:
    chosen = random.Random(count)
    for number in range(count):
        if number % BRANCH_EVERY == BRANCH_EVERY // 2:
            yield f"s_cbranch_execz L{number}\nL{number}:"
        elif number % LOAD_EVERY == LOAD_EVERY - 2:
            yield f"global_load_b32 v{chosen.randrange(2, 32)}, v1, s[4:5] offset:{4 * chosen.randrange(64)}"
        elif number % LOAD_EVERY == LOAD_EVERY - 1:
            yield _WAIT
        elif number % STORE_EVERY == STORE_EVERY // 2:
            yield f"global_store_b32 v1, v{chosen.randrange(2, 32)}, s[4:5] offset:{4 * chosen.randrange(64)}"
        elif number % 9 == 4:
            yield chosen.choice(_SCALAR)
        else:
            names = {name: f"v{chosen.randrange(2, 32)}" for name in "dabc"}
            yield chosen.choice(_VECTOR).format(**names)
