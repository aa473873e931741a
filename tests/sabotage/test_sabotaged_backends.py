"""Sabotage of the attention backends: fallbacks, refusals, transfers, and tests that test nothing."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.attention_places import (
    ATTENTION,
    CAUSAL_CALL,
    NO_DROPOUT,
    NOCAUSAL_CALL,
    TESTS,
    TRAINING,
    first,
    only,
)
from tests.sabotage.sabotage import Edit, Sabotage, check, every

GPU_ONLY = only("06-02 and T3")
REFUSALS = only("T2 and unsupported_config")

REFUSED_LATE = """\
        if config.dropout:
            raise UnsupportedConfigError(self.name, "no dropout", ())
"""
SKIPPED = """\
if not Path("/dev/kfd").exists() or True:
    pytest.skip("no GPU", allow_module_level=True)
"""
TAIL = "    tail = (*_extents(config), *_dropout(config, state))\n"

SABOTAGES = (
    Sabotage(
        "a failed launch falls back to NumPy silently",
        (Edit(ATTENTION, "allow_cpu_fallback: bool = False", "allow_cpu_fallback: bool = True"),),
        failed={"06-02/T3": "backend_selected*2 tests_pass"},
        says={
            "06-02/T3/backend_selected": ("it falls back, or ignores the error", "let a failed launch raise")
        },
        run="plan 06-02",
        options=only("T3"),
    ),
    Sabotage(
        "the backend computes with NumPy and launches for show",
        (
            Edit(
                ATTENTION,
                CAUSAL_CALL,
                CAUSAL_CALL + '        _on_the_cpu(config, q, k, v, out, None, reason="")\n',
            ),
        ),
        failed={"06-02/T3": "backend_selected"},
        says={"06-02/T3/backend_selected": ("gives the right result without", "something else computes it")},
        run="plan 06-02",
        options=only(first("T3", "backend_selected")),
    ),
    Sabotage(
        "a fallback is not recorded",
        (Edit(ATTENTION, "reference.device, fallback=reason)", "reference.device)"),),
        failed={"06-02/T3": "tests_pass"},
        says={"06-02/T3/tests_pass": ("test_a_fallback_is_asked_for_and_recorded failed",)},
        run="plan 06-02",
        options=only("T3 and tests_pass"),
    ),
    Sabotage(
        "the other layout is converted on the host",
        (
            Edit(
                ATTENTION,
                CAUSAL_CALL,
                f"{CAUSAL_CALL}        upload(_downloaded(t.out.ptr, t.out.shape, HOST_TYPES[t.out.dtype]), "
                "t.out.ptr)\n",
            ),
        ),
        failed={"06-03/T3": "backend_selected"},
        says={
            "06-03/T3/backend_selected": (
                "to the host (hipMemcpy): a part of the result may be computed there",
                "called by download (kernels/runtime.py:",
                "FlashAttentionBackend.forward_causal",
            )
        },
        run="plan 06-03",
        options=only("T3 and backend_selected"),
    ),
    Sabotage(
        "dropout is not refused",
        (Edit(ATTENTION, NO_DROPOUT, ""),),
        failed={"08-03/T2": "unsupported_config"},
        says={"08-03/T2/unsupported_config": ("launched flash_attention_nocausal_kernel_d32 at",)},
        run="plan 08-03",
        options=REFUSALS,
    ),
    Sabotage(
        "dropout is refused after the launch",
        (Edit(ATTENTION, NO_DROPOUT, ""), Edit(ATTENTION, NOCAUSAL_CALL, NOCAUSAL_CALL + REFUSED_LATE)),
        failed={"08-03/T2": "unsupported_config"},
        says={"08-03/T2/unsupported_config": ("before it raised UnsupportedConfigError",)},
        run="plan 08-03",
        options=REFUSALS,
    ),
    Sabotage(
        "a refusal does not say who can",
        (
            Edit(
                ATTENTION,
                "raise UnsupportedConfigError(self.name, reason, others)",
                "raise UnsupportedConfigError(self.name, reason, ())",
            ),
        ),
        failed={"06-02/T2": "unsupported_config"},
        says={"06-02/T2/unsupported_config": ("does not say 'pipeline'",)},
        run="plan 06-02",
        options=only("T2"),
    ),
    Sabotage(
        "the flash backend takes any head_dim",
        (
            Edit(
                ATTENTION,
                "config.head_dim > MAX_HEAD_DIM or config.head_dim % HEAD_DIM_STEP",
                "config.head_dim > 2 * MAX_HEAD_DIM",
            ),
        ),
        failed={"06-02/T2": "unsupported_config*2"},
        run="plan 06-02",
        options=only("T2"),
    ),
    Sabotage(
        "every integration test is skipped",
        (Edit(TESTS, "LAYOUTS = {", 'pytestmark = pytest.mark.skip("no GPU")\nLAYOUTS = {'),),
        failed={"06-03/T4": "tests_pass", "06-03/T5": "tests_pass"},
        says={"06-03/T4/tests_pass": ("was skipped: Skipped: no GPU",)},
        run="plan 06-03",
        options=only("tests_pass"),
    ),
    Sabotage(
        "a module is skipped where there is no GPU",
        (Edit(TESTS, "LAYOUTS = {", SKIPPED + "LAYOUTS = {"),),
        failed={"06-03/T4": "tests_pass", "06-03/T5": "tests_pass"},
        says={"06-03/T4/tests_pass": ("was skipped: Skipped: no GPU",)},
        run="plan 06-03",
        options=only("tests_pass"),
    ),
    Sabotage(
        "the mask of dropout is another one backward",
        (Edit(TRAINING, TAIL, "    state = DropoutState(state.seed, state.offset + 1)\n" + TAIL),),
        failed={"08-02/T1": "correctness"},
        run="plan 08-02",
        options=only(first("T1", "correctness")),
    ),
    Sabotage(
        "dK and dV are swapped",
        (Edit(TRAINING, '(*read, "dk", "dv")', '(*read, "dv", "dk")'),),
        failed={"08-02/T1": "correctness"},
        says={"08-02/T1/correctness": ("the result matches this mistake: dK and dV swapped",)},
        run="plan 08-02",
        options=only(first("T1", "correctness")),
    ),
    Sabotage(
        "what dropout keeps is not scaled up",
        (Edit(TRAINING, "keep_scale = 1 / (1 - threshold / 2**32)", "keep_scale = 1.0"),),
        failed={"08-03/T1": "correctness"},
        says={"08-03/T1/correctness": ("this mistake: what is kept not scaled up",)},
        run="plan 08-03",
        options=only(first("T1", "correctness")),
    ),
)


@every(SABOTAGES)
def test_sabotaged_backends(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
