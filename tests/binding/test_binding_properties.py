"""Over arbitrary truths: binding ends, and what it left no check for it gives a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocverify.binding import bind
from rocverify.binding.reading import NEUTRAL
from rocverify.plan import Plan, parse_plan
from rocverify.settings import Settings

WORDS = st.sampled_from(
    [
        *("row softmax", "causal mask", "kernel", "kernels", "is compiled", "and loaded", "matches", "the"),
        *("CPU reference", "no", "to_host_vec", "GPU path", "softmax_device()", "calls", "mask_gpu()", "via"),
        *("kernels.toml", "exists", "is documented", "not", "faster", "stays on the GPU", "only", "uploaded"),
        *("float16", "wrapper", "is present", "for gfx1100", "(A-1)", "`", ",", "-", "all", "32"),
    ]
)
TRUTHS = st.one_of(st.lists(WORDS, min_size=1, max_size=10).map(" ".join), st.text(min_size=1, max_size=60))


@pytest.fixture
def empty_plan(project: Path) -> Plan:
    path = project / "09-01-PLAN.md"
    path.write_text("---\nmust_haves:\n  truths: [to be replaced]\n---\n")
    return parse_plan(path, project)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TRUTHS)
def test_any_truth(empty_plan: Plan, text: str) -> None:
    truth = replace(empty_plan.truths[0], text=text)
    (bound,) = bind(replace(empty_plan, truths=(truth,)), Settings())
    assert bool(bound.checks) != bool(bound.reason)
    assert len({spec.id for spec in bound.checks}) == len(bound.checks)
    assert all(spec.why for spec in bound.checks)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.from_regex(r"[a-z]{3,12}", fullmatch=True).filter(lambda w: w not in NEUTRAL), st.booleans())
def test_no_word_of_meaning_is_ignored(empty_plan: Plan, word: str, before: bool) -> None:
    """A truth that binds stops binding when any word is added that the catalogue does not know."""
    truth = "Row softmax kernel is compiled"
    text = f"{word} {truth}" if before else f"{truth} {word}"
    (bound,) = bind(replace(empty_plan, truths=(replace(empty_plan.truths[0], text=text),)), Settings())
    known = {"cleanly", "successfully", "kernels", "load", "loads", "loaded", "build", "builds", "built"}
    assert not bound.checks or word in known | {"compile", "compiles", "compiled", "unlisted"}


@pytest.mark.parametrize(
    "piece", ["a_b ", "no ", "f() calls ", "x/", "- ", "a", "row softmax ", "the ", "1.a"]
)
@pytest.mark.parametrize("length", [990, 9_000])
def test_long_truths_are_read_in_time(empty_plan: Plan, piece: str, length: int) -> None:
    truth = replace(empty_plan.truths[0], text=(piece * length)[:length])
    (bound,) = bind(replace(empty_plan, truths=(truth,)), Settings())
    assert bound.reason
