"""Every instruction that the translator knows has a model: none is taken on trust."""

from __future__ import annotations

from rocverify.device.emulator.isa.families.rdna3 import RDNA3
from rocverify.device.emulator.translate.semantics.tables import handlers
from tests.device.emulator.translate.semantics import (
    models_buffer,
    models_bytewise,
    models_dots,
    models_geometry,
    models_lanes,
    models_masks,
    models_matrix,
    models_memory,
    models_modes,
    models_packed,
    models_relative,
    models_salu_float,
    models_scalar,
)
from tests.device.emulator.translate.semantics.cases import Case
from tests.device.emulator.translate.semantics.models_float import MODELS as FLOAT
from tests.device.emulator.translate.semantics.models_integer import MODELS as INTEGER
from tests.device.emulator.translate.semantics.test_conversions import MODELS as CONVERSIONS

HANDLERS = handlers(RDNA3)

WITHOUT_EFFECT = {
    "s_nop", "s_waitcnt", "s_waitcnt_depctr", "s_waitcnt_vscnt", "s_waitcnt_vmcnt", "s_waitcnt_expcnt",
    "s_waitcnt_lgkmcnt", "s_delay_alu", "s_clause", "s_setprio", "s_set_inst_prefetch_distance",
    "s_icache_inv", "s_wait_idle", "s_wait_event", "s_code_end", "buffer_gl0_inv", "buffer_gl1_inv", "ds_nop",
    "s_dcache_inv", "s_gl1_inv", "v_nop", "s_version", "s_ttracedata", "s_ttracedata_imm",
    "s_incperflevel", "s_decperflevel", "s_wakeup", "s_singleuse_vdst", "v_pipeflush",
}  # fmt: skip
"""Caches are not modelled, so there is nothing to see."""

NOT_ON_GFX11 = {
    "v_fmac_f64", "v_xnor_b16", "v_subrev_nc_u16", "s_memtime", "s_memrealtime",
}  # fmt: skip
"""Names that gfx11 does not have; the tables are shared with targets that do, or spell them so."""

PROVEN_BY_KERNELS = {
    "s_sendmsg", "s_getpc_b64", "v_div_scale_f32", "v_div_scale_f64", "v_div_fmas_f32", "v_div_fmas_f64",
    "v_div_fixup_f16", "v_div_fixup_f32", "v_div_fixup_f64", "s_sendmsg_rtn_b64",
}  # fmt: skip
"""Steps that mean something only together: golden/division, halves and calls compare what they give; and the
clock, which test_cases.py reads."""

SPELLED_ALIKE = {
    name for name in HANDLERS if name.startswith("v_cmp") and name.split("_")[2] in ("f", "t", "tru")
} | {name for name in HANDLERS if name.startswith("s_") and "_wrexec_" in name and "and_not" not in name}
"""Comparisons that are constant (16-bit ones do not exist), and *_wrexec forms that gfx11 lacks."""


def all_cases() -> list[Case]:
    """The modelled cases, but for those that memory, modes and matrices have models of their own for."""
    return [
        *models_dots.wide_cases(), *models_dots.narrow_cases(), *models_dots.integer_cases(),
        *models_bytewise.cases(), *models_relative.vector_cases(), *models_relative.scalar_cases(),
        *models_salu_float.cases(), *models_salu_float.conversion_cases(),
        *models_salu_float.packing_cases(), *models_packed.accumulating_cases(),
        *models_scalar.cases(),
        *models_masks.integer_cases(), *models_masks.float_cases("f16"), *models_masks.float_cases("f32"),
        *models_masks.float_cases("f64"),
        *models_lanes.dpp_cases(), *models_lanes.lane_cases(), *models_lanes.permutation_cases(),
        *models_lanes.dual_cases(), *models_packed.float_cases(), *models_packed.integer_cases(),
        *models_packed.mixed_cases(), *models_packed.conversion_cases(),
        *models_packed.dot_cases(), *models_packed.half_cases(), *models_packed.half_moves(),
    ]  # fmt: skip


def _modelled() -> set[str]:
    cases = [*all_cases(), *models_scalar.saveexec_cases(32), *models_scalar.saveexec_cases(64)]
    matrices = {kind.mnemonic for kind in models_matrix.KINDS}
    return (
        {case.mnemonic for case in cases}
        | matrices
        | {*models_bytewise.VALU, *models_geometry.MODELS}
        | {*FLOAT, *INTEGER, *CONVERSIONS}
        | models_memory.modelled()
        | models_modes.modelled()
        | models_buffer.modelled()
        | models_memory.modelled_elsewhere()
    )


def test_every_handler_has_a_model() -> None:
    excused = WITHOUT_EFFECT | NOT_ON_GFX11 | PROVEN_BY_KERNELS | SPELLED_ALIKE
    unproven = set(HANDLERS) - _modelled() - excused
    assert not unproven, f"{len(unproven)} of {len(HANDLERS)} handlers have no model: {sorted(unproven)}"


def test_what_has_no_effect_is_listed_where_it_is_handled() -> None:
    assert set(HANDLERS) >= WITHOUT_EFFECT
