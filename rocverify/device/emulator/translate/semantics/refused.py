"""What the emulator refuses on purpose, and why: one table for translations, `rocverify inspect` and tests.

An instruction is known (it has a handler), listed here, or unknown: the last is a gap, which
tests/device/emulator/translate/semantics/test_completeness.py looks for in what the assembler knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_GRAPHICS = "it belongs to the graphics pipeline, which compute kernels do not have"
_DEBUGGER = "it serves debuggers and trap handlers, which the emulator does not run"
_ORDERED = "it orders or counts appends over the whole GPU (GDS), for graphics and without HIP's knowledge"

REFUSED: Mapping[str, str] = {
    r"exp|export|v_interp_\w+|(lds|ds)_(param|direct)_load|s_setkill|s_endpgm_ordered_ps_done": _GRAPHICS,
    r"image_bvh\w*|ds_bvh_\w+": "ray tracing needs the intersection unit, which is not modelled",
    r"image_\w+": "textures and images need resource and sampler descriptors, which are not modelled",
    r"tbuffer_\w+|buffer_(load|store)_(d16_)?(hi_)?format_\w+": (
        "typed buffers convert formats as images do, which is not modelled"
    ),
    r"(buffer_load|global_load|scratch_load|buffer_store)_lds_\w+": (
        "what goes straight between memory and LDS is not modelled"
    ),
    r"global_atomic_ordered_add_b64": _ORDERED,
    r"ds_ordered_count|ds_(add|sub)_gs_reg_rtn|ds_gws_(init|sema_\w+)": _ORDERED,
    r"s_cbranch_cdbg\w+|s_rfe_(restore_)?b64|s_sethalt|s_sendmsghalt": _DEBUGGER,
    r"s_cbranch_[gi]_fork|s_cbranch_join|s_setvskip|s_set_gpr_idx_(idx|mode)|v_screen_partition_\w+": (
        "no compiler emits it; what it does is not modelled"
    ),
    r"s_(buffer_|scratch_)?(store|atomic)_\w+|s_scratch_load_\w+": (
        "scalar stores, which no compiler emits, are not modelled"
    ),
    r"v_(exp|log)_legacy_f32|v_cvt_pkaccum_u8_f32": (
        "no compiler emits it; its results are not documented to the bit"
    ),
    r"s_sendmsg_rtn_b32": "it asks the driver for a value, which a model cannot know",
    r"s_subvector_loop_(begin|end)": "no compiler emits loops over half a wave; what they do is not modelled",
    r"s_barrier_(signal_isfirst|init|join|leave)|s_wakeup_barrier|s_get_barrier_state": (
        "barriers with a number, and what is in a barrier's state, are not modelled"
    ),
    r"s_buffer_load_[ui](8|16)": "compilers emit it for graphics alone; it is not modelled",
    r"(global|scratch)_(load|store)_block|global_load_tr_\w+": (
        "loads of blocks of registers, and those that transpose, are not modelled"
    ),
    r"s_atc_probe\w*": "it asks for a translation of virtual addresses, which the emulator does not have",
    r"v_illegal": "it is the encoding that is not an instruction",
}
"""Mnemonics as a disassembler writes them, by pattern; the first pattern that fits has the reason."""

_COMPILED = tuple((re.compile(pattern), reason) for pattern, reason in REFUSED.items())


def reason_of(mnemonic: str) -> str | None:
    """Why an instruction is refused on purpose; None if it is not in the table."""
    return next((reason for pattern, reason in _COMPILED if pattern.fullmatch(mnemonic)), None)


def no_semantics(mnemonic: str) -> str:
    """The message for an instruction without a handler."""
    reason = reason_of(mnemonic)
    return f"the emulator has no semantics for {mnemonic}" + (f": {reason}" if reason else "")
