"""Truths about builds and tests bind commands; other sentences with such words stay unbound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rocverify.binding import BoundMustHave, bind
from rocverify.plan import parse_plan
from rocverify.settings import Settings

BindTruth = Callable[..., BoundMustHave]

CARGO = '[package]\nname = "engine"\n[features]\ndefault = ["cpu"]\ncpu = []\nrocm = []\n'


@pytest.fixture
def cargo(project: Path) -> None:
    (project / "Cargo.toml").write_text(CARGO)


@pytest.mark.usefixtures("cargo")
@pytest.mark.parametrize(
    ("truth", "params"),
    [
        ("`cargo test --features rocm` passes", {"run": ["cargo test --features rocm"], "gpu": "emulated"}),
        ("cargo test --features rocm passes", {"run": ["cargo test --features rocm"], "gpu": "emulated"}),
        ("The command `make check` succeeds", {"run": ["make check"]}),
        (
            "`cargo build` completes without errors and has no warnings",
            {"run": ["cargo build"], "no_warnings": ["all"]},
        ),
        ("ctest --test-dir build passes without a GPU", {"run": ["ctest --test-dir build"], "gpu": "hidden"}),
        (
            "No warnings of class unused_variables or dead_code remain",
            {"run": ["cargo build"], "no_warnings": ["unused_variables", "dead_code"]},
        ),
        (
            "The build script makes HSACO files when feature rocm is on",
            {"run": ["cargo build --features rocm"], "writes": ["*.hsaco"]},
        ),
        ("The build succeeds", {"run": ["cargo build"]}),
        ("A clean build completes successfully", {"run": ["cargo build"]}),
        ("The build passes without warnings", {"run": ["cargo build"], "no_warnings": ["all"]}),
        ("The build stays intact with feature rocm off", {"run": ["cargo build"]}),
        ("The build stays intact with the cpu feature off", {"run": ["cargo build --no-default-features"]}),
        ("Tests skip without a GPU", {"run": ["cargo test"], "gpu": "hidden", "max_skipped": 100_000}),
        ("All existing GPU tests pass after the change", {"run": ["cargo test"], "gpu": "emulated"}),
    ],
)
def test_bound(bind_truth: BindTruth, truth: str, params: dict[str, Any]) -> None:
    bound = bind_truth(truth)
    assert [(spec.kind, dict(spec.params)) for spec in bound.checks] == [("command", params)], bound.reason


@pytest.mark.usefixtures("cargo")
@pytest.mark.parametrize(
    "truth",
    [
        "make sure sprites pass",
        "The build menu works",
        "The atlas passes to the shader",
        "`upload_sprites` passes",
        "`the plugin build` passes",
        "The plugin build stays intact with shadows off",
        "The build script makes sprites when feature rocm is on",
        "No warnings of the player remain",
        "Tests skip the intro",
        "`cargo test` passes twice as fast",
        "`cargo test || true` passes",
        "The build stays intact with feature shadows off",
    ],
)
def test_not_bound(bind_truth: BindTruth, truth: str) -> None:
    assert bind_truth(truth).checks == ()


PLAN = """---
phase: 09-softmax
plan: 01
{front}---
<tasks>
<task type="auto">
  <name>One</name>
  <verify>
    {verify}
  </verify>
</task>
</tasks>
"""


def _plan(project: Path, front: str, verify: str) -> Path:
    path = project / ".planning/phases/09-softmax/09-01-PLAN.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PLAN.format(front=front, verify=verify))
    return path


MUST = "must_haves:\n  truths:\n    - The atlas is loaded\n"


def test_steps_are_must_haves_where_commands_are_allowed(project: Path) -> None:
    plan = parse_plan(_plan(project, MUST, "cargo test\n    make check"), project)
    assert [bound.must_have.tail for bound in bind(plan, Settings())] == ["T1"]
    bound = bind(plan, Settings(allow_commands=True))
    assert [one.must_have.tail for one in bound] == ["T1", "S1"]
    assert bound[1].checks[0].params["run"] == ["cargo test", "make check"]


def test_steps_in_words_are_none(project: Path) -> None:
    plan = parse_plan(_plan(project, MUST, "cargo test\n    and the atlas looks right"), project)
    assert len(bind(plan, Settings(allow_commands=True))) == 1


def test_a_step_of_a_plan_without_must_haves_is_bound_either_way(project: Path) -> None:
    plan = parse_plan(_plan(project, "", "ctest"), project)
    for allowed in (False, True):
        (bound,) = bind(plan, Settings(allow_commands=allowed))
        assert bound.must_have.tail == "S1"
        assert bound.checks[0].params == {"run": ["ctest"], "gpu": "emulated"}
