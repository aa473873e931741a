"""Plans that prove nothing: bindings beside the words, patterns that always match, demands left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.attacks.conftest import MakeProject
from tests.attacks.project import CORRECT, PHASE, TRUTH, WRAPPER, Project, plan_text

README = "# Affine\n\nIt works.\n"
COMPILED = {"check": "kernel_compiled", "source": "kernels/affine.hip"}
PRESENT = {"check": "artifact", "path": "README.md"}

# "and the result is right"
CYRILLIC = "\u0438 \u0440\u0435\u0437\u0443\u043b\u044c\u0442\u0430\u0442 \u0432\u0435\u0440\u0435\u043d"
CHINESE = "\u4e14\u7ed3\u679c\u6b63\u786e"

# Truth and binding: none of them may be verified by what is bound.
TRUTHS: dict[str, tuple[str, Mapping[str, Any] | None]] = {
    "a readme proves correctness": ("affine agrees with the reference in every case", PRESENT),
    "a readme proves compilation": ("The kernel is compiled and loaded", PRESENT),
    "a readme proves transfers": ("No data is copied back to the host in affine()", PRESENT),
    "a build proves correctness": ("What affine returns agrees with the reference", COMPILED),
    "one type for all three": (
        "affine agrees with the reference in float32, float16 and bfloat16",
        {**CORRECT, "cases": 2},
    ),
    "words that are not ASCII": (f"The kernel is compiled {CYRILLIC}", None),
    "words in another script": (f"The kernel is compiled {CHINESE}", None),
    "sizes that are not reached": (
        "affine agrees with the reference at 100,000 rows",
        {**CORRECT, "cases": 2},
    ),
    "another kernel than the one named": ("`affine_backward_kernel` agrees with the reference", CORRECT),
}
ARTIFACTS: dict[str, Mapping[str, Any]] = {
    "met in dead code only": {"path": "kernels/dead.hip", "contains": "fused_affine_kernel"},
    "met in a comment only": {"path": "kernels/dead.hip", "contains": "tiled over LDS"},
    "a pattern that anything matches": {"path": "kernels/affine.hip", "contains": "e"},
    "white space": {"path": "kernels/affine.hip", "contains": r"\s"},
    "parts of a text in brackets": {"path": "kernels/never.py", "contains": "never(x, x)"},
    "a name that is part of another": {"path": "kernels/dead.hip", "contains": "other()"},
    "one of two forbidden texts": {"path": "kernels/dead.hip", "not_contains": "nowhere, other_kernel"},
    "a folder outside": {"path": "../secret.txt"},
    "a link that leads outside": {"path": "kernels/link.hip"},
}
LINKS: dict[str, Mapping[str, Any]] = {
    "a lie beside an import": {
        "from": "kernels/affine.py",
        "to": "kernels/gpu.py",
        "via": "the fused kernel is launched on two streams",
        "pattern": "from kernels.gpu import",
    },
    "a letter": {"from": "kernels/affine.py", "to": "kernels/gpu.py", "via": "calls", "pattern": "e"},
    "a call that is not there": {
        "from": "kernels/affine.py",
        "to": "kernels/gpu.py",
        "via": "affine() calls launch_twice()",
    },
    "a call behind if False": {
        "from": "kernels/never.py",
        "to": "kernels/gpu.py",
        "via": "never() calls affine_on()",
    },
}
RUST = {"from": "src/apply.rs", "to": "src/gpu/rope.rs"}
LINKS |= {
    "one callee of two": {**RUST, "via": "apply() calls launch() and store()"},
    "a call in a twin for tests": {**RUST, "via": "twin() calls launch()"},
    "a call of a module of the same name": {**RUST, "via": "other() calls launch()"},
    "a call in a loop that never begins": {**RUST, "via": "never() calls launch()"},
    "a call of a variable": {**RUST, "via": "hidden() calls launch()"},
}
APPLY = """\
use crate::cpu::rope;
pub fn apply() { crate::gpu::rope::launch(); }
#[cfg(test)]
fn twin() { crate::gpu::rope::launch(); }
#[cfg(not(test))]
fn twin() {}
fn other() { rope::launch(); }
fn never() { while false { crate::gpu::rope::launch(); } }
fn hidden(launch: fn()) { launch(); }
"""
ROPE = "pub fn launch() {}\npub fn store() {}\n"
DEAD = """\
#include <hip/hip_runtime.h>
// tiled over LDS
#ifdef NEVER
extern "C" __global__ void fused_affine_kernel(float* out) { out[0] = 1; }
#endif
extern "C" __global__ void other_kernel(float* out) { out[0] = 1; }
"""
NEVER = """\
from kernels.gpu import affine_on


def never(x):
    if False:
        affine_on(x)
"""

_MISSING: dict[str, str] = {}


def cases() -> list[Any]:
    """Every lie with the must-have that tells it, in order."""
    tails = [
        *((name, f"T{n}") for n, name in enumerate(TRUTHS, 1)),
        *((name, f"A{n}") for n, name in enumerate(ARTIFACTS, 1)),
        *((name, f"L{n}") for n, name in enumerate(LINKS, 1)),
    ]
    return [
        pytest.param(
            tail,
            id=name.replace(" ", "_"),
            marks=[pytest.mark.xfail(reason=_MISSING[name], strict=True)] if name in _MISSING else [],
        )
        for name, tail in tails
    ]


@pytest.fixture(scope="session")
def lies(run_files: Any) -> Any:
    """The one run of a plan with all of them."""
    plan = plan_text(
        list(TRUTHS.values()), artifacts=list(ARTIFACTS.values()), key_links=list(LINKS.values())
    )
    files = {
        f"{PHASE}/01-01-PLAN.md": plan,
        "README.md": README,
        "kernels/dead.hip": DEAD,
        "kernels/never.py": NEVER,
        "src/apply.rs": APPLY,
        "src/cpu/rope.rs": ROPE,
        "src/gpu/rope.rs": ROPE,
        "../secret.txt": "hunter2\n",
    }
    return run_files("plans", files, {"kernels/link.hip": "../../secret.txt"})


@pytest.mark.parametrize("tail", cases())
def test_a_lie_is_not_verified(lies: Any, tail: str) -> None:
    assert lies.verdict(tail) in ("failed", "unverified"), lies.said(tail)
    assert lies.said(tail).strip(), "and it is said why"


def test_the_same_shapes_of_claim_are_verified_where_they_hold(make_project: MakeProject) -> None:
    project = make_project(
        {
            f"{PHASE}/01-01-PLAN.md": plan_text(
                [("The kernel affine_kernel is compiled", COMPILED)],
                artifacts=[{"path": "kernels/affine.hip", "contains": "__global__[^;{]*affine_kernel"}],
                key_links=[
                    {"from": "kernels/affine.py", "to": "kernels/gpu.py", "via": "affine() calls affine_on()"}
                ],
            )
        }
    )
    ran = project.run()
    assert [ran.verdict(tail) for tail in ("T1", "A1", "L1")] == ["verified"] * 3, ran.output


ROADMAP = """\
# Roadmap

- [ ] **Phase 1: Affine** - twice and a shift

## Phase Details

### Phase 1: Affine
**Goal**: affine on the GPU
**Requirements**: AFF-01, AFF-02
**Success Criteria** (what must be TRUE):
1. affine agrees with the reference
2. Nothing is copied to the host

**Plans**: 2 plans

Plans:
- [ ] 01-01: the kernel
- [ ] 01-02: no copies
"""


@pytest.fixture
def demanding(make_project: MakeProject) -> Project:
    """A phase of which the roadmap wants more than its one plan proves."""
    project = make_project()
    project.write(".planning/ROADMAP.md", ROADMAP)
    project.write(
        f"{PHASE}/01-01-PLAN.md",
        plan_text([("The kernel is compiled (AFF-01)", COMPILED)], requirements=["AFF-01", "AFF-02"]),
    )
    return project


def test_a_requirement_that_nothing_proves_is_not_passed(demanding: Project) -> None:
    ran = demanding.run()
    assert (ran.code, ran.verdict()) == (3, "verified"), ran.output
    assert "AFF-02" in ran.output


def test_criteria_and_a_plan_that_was_deleted_are_missed(demanding: Project) -> None:
    ran = demanding.run(selection="phase 01")
    assert (ran.code, ran.verdict()) == (3, "verified"), ran.output
    for words in ("SC-1", "SC-2", "AFF-02", "01-02"):
        assert words in ran.output


def test_a_phase_whose_folder_was_deleted_is_missed(make_project: MakeProject) -> None:
    project = make_project({f"{PHASE}/01-01-PLAN.md": plan_text([("The kernel is compiled", COMPILED)])})
    listed = "- [x] **Phase 01: Affine**\n- [x] **Phase 02: Gone**\n"
    project.write(".planning/ROADMAP.md", f"# Roadmap\n\n{listed}")
    ran = project.run(selection="all")
    assert (ran.code, ran.verdict()) == (3, "verified"), ran.output
    assert "unproved: phase 02: phase 02 Gone" in ran.output
    assert ".planning/ROADMAP.md:4 lists the phase, and .planning/phases has no folder" in ran.output
    assert not (project.root / ".planning/phases/02").exists()


def test_a_phase_that_only_the_roadmap_has_is_an_error_that_says_so(make_project: MakeProject) -> None:
    project = make_project()
    project.write(
        ".planning/ROADMAP.md", "# Roadmap\n\n- [x] **Phase 01: Affine**\n- [x] **Phase 02: Gone**\n"
    )
    ran = project.run(selection="phase 02")
    assert (ran.code, ran.report) == (2, None), ran.output
    assert ".planning/ROADMAP.md:4: the roadmap lists phase '02'" in ran.output


def test_a_pattern_that_matches_the_empty_text_is_vacuous(make_project: MakeProject) -> None:
    artifact = {"path": "kernels/affine.hip", "contains": ".*"}
    ran = make_project({f"{PHASE}/01-01-PLAN.md": plan_text([], artifacts=[artifact])}).run()
    assert ran.code == 1
    assert "is vacuous: it matches any text" in ran.output


def test_a_plan_without_must_haves_is_not_passed(make_project: MakeProject) -> None:
    project = make_project({f"{PHASE}/01-01-PLAN.md": plan_text([])})
    assert project.run().code == 3


def test_deselecting_is_not_passing(make_project: MakeProject) -> None:
    project = make_project({f"{PHASE}/01-01-PLAN.md": plan_text([("The kernel is compiled", COMPILED)])})
    ran = project.run("--", "-k", "nothing_of_this_name")
    assert ran.code == 3, ran.output


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("grep -q affine_kernel kernels/affine.hip || true", "|| true"),
        ('! grep -A100 "pub fn affine" kernels/affine.py | grep to_host', "grep"),
        ("make test | tee log.txt", "its exit status is that of 'tee'"),
    ],
)
def test_a_verify_line_that_cannot_fail_fails_the_plan(
    make_project: MakeProject, line: str, words: str
) -> None:
    task = f'<tasks>\n<task type="auto">\n<name>One</name>\n<verify>{line}</verify>\n</task>\n</tasks>\n'
    plan = plan_text([("The kernel is compiled", COMPILED)]).replace("<output>", f"{task}\n<output>")
    ran = make_project({f"{PHASE}/01-01-PLAN.md": plan}).run()
    assert ran.code == 1, ran.output
    assert words in ran.output


@pytest.mark.parametrize(
    "setting", ["cases_per_dtype = 1", 'gate = "lenient"', "kernel_globs = []\nhost_globs = []"]
)
def test_settings_do_not_make_a_wrong_kernel_right(make_project: MakeProject, setting: str) -> None:
    project = make_project({f"{PHASE}/01-01-PLAN.md": plan_text([(TRUTH, CORRECT)])})
    project.write("rocverify.toml", setting + "\n")
    project.write("kernels/affine.py", WRAPPER.replace("rows, cols)\n", "rows, 1)\n", 2))
    assert project.run().verdict() in ("failed", "unverified")
