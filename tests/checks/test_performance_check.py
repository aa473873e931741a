"""performance: figures are exact, limits bind, and what was not measured never passes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from rocverify.checks.context import CheckContext
from rocverify.checks.registry import CHECKS
from rocverify.checks.support.measuring import time_on_device
from rocverify.errors import DeviceUnavailableError, SourceError, SubjectError, UsageError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

RAW = "kernels.contracts.rope:Rope"
DIMS = {"seq": 6, "heads": 4, "head_dim": 64}
# Each of the elements is read and written once as float32; each pair's cosine and sine is read once.
BYTES = 6 * 4 * 64 * 4 * 2 + 6 * 4 * 32 * 4 * 2
PATH = "kernels/rope.py"
CALL = "    launch(CODE_OBJECT, symbol, rotary_geometry(seq, heads, head_dim), arguments, stream)\n"
ROPE: dict[str, Any] = {"contract": RAW, "dims": DIMS}


def failing(rope: Project, **params: Any) -> str:
    outcome = rope.check("performance", **{**ROPE, **params})
    assert outcome.verdict is CheckVerdict.FAILED
    assert "the plan's limits or the baseline" in str(outcome.hint)
    return "\n".join(f.message for f in outcome.findings)


def test_exact_counts_within_their_limits(rope: Project) -> None:
    limits = {"global_bytes": BYTES, "launches": 1, "allocated_bytes": 0, "lds_conflict_ratio": 0.0}
    outcome = rope.check("performance", **ROPE, kernels=["rope_kernel"], max=limits, min={"flops.f32": 1})
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    measured = outcome.evidence["measured"]
    assert measured["global_bytes"] == BYTES
    assert measured["kernels"] == ["rope_kernel"]
    assert measured["footprint_bytes"] == 6 * 4 * 64 * 4 + 2 * 6 * 32 * 4
    assert f"global_bytes {BYTES:,.6g} (at most {BYTES:,.6g})" in outcome.message


def test_each_line_has_its_part_of_the_counts(rope: Project) -> None:
    outcome = rope.check("performance", **ROPE, max={"global_bytes": BYTES})
    seen = CHECKS["performance"].seen(outcome.evidence)
    lines = seen.line_counts()
    assert sum(size for _, size in lines.values()) == BYTES
    assert 0 < sum(count for count, _ in lines.values()) <= outcome.evidence["measured"]["wave_instructions"]
    files = {name.rpartition(":")[0] for name in lines}
    assert files == set(seen.files_counted()) >= {"kernels/rope.hip", "kernels/storage.h"}
    assert next(iter(seen.costs().values()))["global_bytes"] == BYTES


@pytest.mark.drawn(2, fast=2)
@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"max": {"global_bytes": BYTES - 1}}, f"global_bytes is {BYTES:,.6g}, at most"),
        ({"min": {"instructions.wmma": 1}}, "instructions.wmma is 0, at least 1 is allowed"),
        (
            {"max": {"launches": 1}, "kernels": ["rope_kernel_f16"]},
            "the call launched rope_kernel, rope_kernel_f16 was to be measured",
        ),
        (
            {
                "ratio": {
                    "of": "kernels.contracts.rope:RopeInterleaved",
                    "metric": "global_bytes",
                    "at_most": 0.9,
                }
            },
            "global_bytes is 1 of that of kernels.contracts.rope:RopeInterleaved",
        ),
        (
            {"sweep": {"dims": {"seq": [2, 4, 8]}, "metric": "global_bytes", "power_at_most": 0.9}},
            "global_bytes grows with power 1.000 of seq",
        ),
    ],
)
def test_beyond_a_limit(rope: Project, params: dict[str, Any], said: str) -> None:
    assert said in failing(rope, **params)


def test_a_ratio_and_a_sweep_that_hold(rope: Project) -> None:
    ratio = {"of": "kernels.contracts.rope:RopeInterleaved", "metric": "global_bytes", "at_most": 1.0}
    sweep = {"dims": {"seq": [2, 4, 8]}, "metric": "wave_instructions", "power_at_most": 1.0}
    outcome = rope.check("performance", **ROPE, ratio=ratio, sweep=sweep)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert [length for length, _ in outcome.evidence["sweep"]["points"]] == [2, 4, 8]


def test_memory_that_grows_with_the_square_is_seen_without_running_a_kernel(rope: Project) -> None:
    sweep = {
        "dims": {"seq": [16, 64, 1024]},
        "metric": "footprint_bytes",
        "power_at_most": 1.05,
        "executed": False,
    }
    assert rope.check("performance", contract=RAW, sweep=sweep).verdict is CheckVerdict.PASSED
    rope.edit(PATH, "import ctypes\n", "import ctypes\n\nfrom rocm.bindings import hip\n")
    rope.edit(PATH, CALL, f"    _, scores = hip.hipMalloc(seq * seq * 4)\n{CALL}    hip.hipFree(scores)\n")
    outcome = rope.check("performance", contract=RAW, sweep=sweep)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "footprint_bytes grows with power 1." in outcome.message


def test_a_fast_kernel_that_is_wrong_fails(rope: Project) -> None:
    rope.edit(PATH, "rotary_geometry(seq, heads, head_dim), arg", "rotary_geometry(1, heads, head_dim), arg")
    assert "the measured call is wrong" in failing(rope, max={"global_bytes": BYTES})


@pytest.mark.long
def test_what_launches_nothing_is_not_measured(rope: Project) -> None:
    rope.edit(PATH, CALL, "")
    with pytest.raises(SubjectError, match="launched nothing that could be counted") as raised:
        rope.check("performance", **ROPE, max={"global_bytes": BYTES})
    sweep = {"dims": {"seq": [2, 4]}, "metric": "footprint_bytes", "power_at_most": 1.1, "executed": False}
    assert "kernels.rope" in str(raised.value.hint)
    with pytest.raises(SubjectError, match="launched nothing"):
        rope.check("performance", contract=RAW, sweep=sweep)


@pytest.mark.long
def test_a_metric_that_there_is_not_decides_nothing(rope: Project) -> None:
    with pytest.raises(UsageError, match="no metric 'bytes'"):
        rope.check("performance", **ROPE, max={"bytes": 1})
    sweep = {"dims": {"seq": [2, 4]}, "metric": "global_bytes", "power_at_most": 1.1, "executed": False}
    with pytest.raises(UsageError, match="no metric 'global_bytes'"):
        rope.check("performance", contract=RAW, sweep=sweep)


@pytest.mark.long
def test_growth_since_a_baseline(rope: Project) -> None:
    with pytest.raises(SourceError) as absent:
        rope.check("performance", **ROPE, baseline="baseline.json")
    assert "baseline.json" in str(absent.value)
    rope.write("baseline.json", "{}")
    with pytest.raises(SourceError, match="holds no figures for") as missing:
        rope.check("performance", **ROPE, baseline="baseline.json")
    entry = json.loads(str(missing.value.hint).removeprefix("add what is measured now: "))
    assert set(entry) == {f"{RAW} float32 seq=6 heads=4 head_dim=64"}
    rope.write(
        "baseline.json", json.dumps({f"{RAW} float32 seq=6 heads=4 head_dim=64": {"global_bytes": BYTES}})
    )
    assert rope.check("performance", **ROPE, baseline="baseline.json").verdict is CheckVerdict.PASSED
    stale = {f"{RAW} float32 seq=6 heads=4 head_dim=64": {"global_bytes": BYTES * 2}}
    rope.write("baseline.json", json.dumps(stale))
    assert f"write {BYTES:,} into baseline.json" in failing(rope, baseline="baseline.json")
    old = {f"{RAW} float32 seq=6 heads=4 head_dim=64": {"global_bytes": BYTES / 2, "launches": 1}}
    rope.write("baseline.json", json.dumps(old))
    assert "global_bytes has grown by 100.0% since the baseline" in failing(rope, baseline="baseline.json")
    assert (
        rope.check("performance", **ROPE, baseline="baseline.json", tolerance=1).verdict
        is CheckVerdict.PASSED
    )


def test_a_baseline_may_have_figures_of_each_target(rope: Project) -> None:
    key = f"{RAW} float32 seq=6 heads=4 head_dim=64"
    figures = {key: {"global_bytes": BYTES / 2}, f"{key} on gfx1030": {"global_bytes": 1}}
    rope.write("baseline.json", json.dumps(figures))
    assert "has grown by 100.0%" in failing(rope, baseline="baseline.json")
    rope.write("baseline.json", json.dumps({**figures, f"{key} on gfx1100": {"global_bytes": BYTES}}))
    assert rope.check("performance", **ROPE, baseline="baseline.json").verdict is CheckVerdict.PASSED


def test_device_time_without_a_gpu_could_not_run(rope: Project) -> None:
    with pytest.raises(DeviceUnavailableError, match="device time needs a GPU"):
        rope.check("performance", **ROPE, time={"max_median_us": 5})


def test_device_time_is_taken_between_events_around_real_launches(rope: Project) -> None:
    """The emulator's clock says nothing of a GPU; that calls are made and counted shows here."""
    context = CheckContext(rope.root, rope.settings, seed=1)
    try:
        timed = time_on_device(context, RAW, None, DIMS, repeats=5)
        assert timed.repeats == 5
        assert timed.kernels == ("rope_kernel",)
        assert 0 < timed.low_us <= timed.median_us <= timed.high_us
        rope.edit(PATH, CALL, "")
        with pytest.raises(SubjectError, match="nothing was timed"):
            time_on_device(context, RAW, None, DIMS, repeats=5)
    finally:
        context.close()


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"kernels": ["rope_kernel"]},
        {"sweep": {"dims": {"seq": [2]}, "metric": "m", "power_at_most": 1}},
        {"sweep": {"dims": {"seq": [2, 4], "heads": [1]}, "metric": "m", "power_at_most": 1}},
        {"sweep": {"dims": {"seq": [4, 2]}, "metric": "m", "power_at_most": 1}},
        {"ratio": {"of": RAW, "metric": "m"}},
    ],
)
def test_parameters_that_decide_nothing_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CHECKS["performance"].params(contract=RAW, **params)
