"""Plans that prove nothing: bindings beside the words, vacuous patterns, dead code, rewritten outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import MakeProject
from tests.attacks.project import CORRECT, KERNEL, PHASE, TRUTH, Ran, plan_text

DEAD = (
    "#ifdef NEVER\n"
    'extern "C" __global__ void affine_half_kernel(const float* x, float* out) { out[0] = x[0]; }\n'
    "#endif\n"
)
README = {"check": "artifact", "path": "README.md"}
GREEN = (
    "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
    "    report = (yield).get_result()\n    report.outcome, report.longrepr = 'passed', None\n"
)
BAD = "def test_affine():\n    assert 1 == 2\n"


def checked_tests(name: str, **more: Any) -> dict[str, Any]:
    return {"check": "tests_pass", "nodes": [f"tests/{name}/test_affine.py"], **more}


TRUTHS: list[tuple[str, dict[str, Any] | None, str, str]] = [
    (
        "What affine returns agrees with the reference",
        README,
        "unverified",
        "asks for correctness, bound are artifact",
    ),
    ("The affine kernel is compiled", README, "unverified", "asks for kernel_compiled, bound are artifact"),
    ("Callers get what they asked for", README, "unverified", "no word of it is about README.md"),
    (
        "affine() is right in all three types",
        CORRECT,
        "unverified",
        "it says 3 element types, tried: float32",
    ),
    ("affine() agrees with the reference in float16", CORRECT, "unverified", "float16 not tried"),
    ("affine() agrees with the reference for 70,000 rows", CORRECT, "unverified", "70000 is in no parameter"),
    ("The affine kernel is compiled 并且快两倍", None, "unverified", "nothing would decide"),
    ("The affine kernel is compiled и вдвое быстрее", None, "unverified", "nothing would decide"),
    ("The tests with a conftest pass", checked_tests("conftest"), "failed", "test_affine failed"),
    (
        "The tests with a plugin pass",
        checked_tests("plugin"),
        "unverified",
        "load tests.plugin.green of the project",
    ),
    (
        "The tests that nobody calls pass",
        checked_tests("uncalled", conftest="tests/uncalled/conftest.py"),
        "failed",
        "passed without being called",
    ),
    (
        "The tests of the kernel pass",
        checked_tests("nothing", kernels=["affine_kernel"]),
        "failed",
        "no test launched affine_kernel: they launched no kernel at all",
    ),
]
ARTIFACTS: list[tuple[dict[str, Any], str, str]] = [
    ({"path": "kernels/affine.hip", "contains": "affine_half_kernel"}, "failed", "no build compiles it"),
    ({"path": "kernels/affine.hip", "exports": ["affine_half_kernel"]}, "failed", "can never run"),
    ({"path": "kernels/affine.py", "contains": "e"}, "failed", "files of any language"),
    ({"path": "kernels/affine.py", "contains": r"\n\s*\n"}, "failed", "nothing but white space"),
    ({"path": "kernels/affine.py", "contains": "affine_on"}, "verified", "has 'affine_on' in code"),
]
LINK = {"from": "kernels/unused.py", "to": "kernels/gpu.py"}
LINKS: list[tuple[dict[str, Any], str, str]] = [
    (
        {**LINK, "pattern": "import affine_on", "via": "every row goes through the tuned kernel"},
        "unverified",
        "is prose: nothing shows the use",
    ),
    (
        {
            "from": "kernels/affine.py",
            "to": "kernels/gpu.py",
            "pattern": r"affine_on\(",
            "via": "the fast way",
        },
        "verified",
        "'the fast way' is prose: not checked",
    ),
]
FILES = {
    "README.md": "Affine.\n",
    "kernels/affine.hip": KERNEL + DEAD,
    "kernels/unused.py": "from kernels.gpu import affine_on\n\n\ndef affine(x):\n    return x\n",
    "tests/conftest/conftest.py": GREEN,
    "tests/conftest/test_affine.py": BAD,
    "tests/plugin/green.py": GREEN,
    "tests/plugin/test_affine.py": f"pytest_plugins = ['tests.plugin.green']\n\n\n{BAD}",
    "tests/uncalled/conftest.py": "def pytest_pyfunc_call(pyfuncitem):\n    return True\n",
    "tests/uncalled/test_affine.py": BAD,
    "tests/nothing/test_affine.py": "def test_affine():\n    assert 2 == 1 + 1\n",
    f"{PHASE}/01-01-PLAN.md": plan_text(
        [(text, check) for text, check, _, _ in TRUTHS],
        artifacts=[artifact for artifact, _, _ in ARTIFACTS],
        key_links=[link for link, _, _ in LINKS],
    ),
}
EXPECTED = [
    *((f"T{n}", verdict, says) for n, (_, _, verdict, says) in enumerate(TRUTHS, 1)),
    *((f"A{n}", verdict, says) for n, (_, verdict, says) in enumerate(ARTIFACTS, 1)),
    *((f"L{n}", verdict, says) for n, (_, verdict, says) in enumerate(LINKS, 1)),
]


@pytest.mark.long
def test_a_gallery_of_plans_that_prove_nothing(make_project: MakeProject) -> None:
    ran = make_project(FILES).run()
    wrong = [
        (tail, ran.verdict(tail), ran.said(tail))
        for tail, verdict, says in EXPECTED
        if ran.verdict(tail) != verdict or says not in ran.said(tail)
    ]
    assert wrong == []


def verify(line: str) -> str:
    task = f'<tasks>\n<task type="auto">\n<name>One</name>\n<verify>\n{line}\n</verify>\n</task>\n</tasks>\n'
    return plan_text([(TRUTH, CORRECT)]) + task


def demands(ran: Ran) -> dict[str, tuple[str, str]]:
    assert ran.report is not None, ran.output
    parts = (*ran.report["plans"], *ran.report["phases"])
    return {d["id"]: (d["verdict"], d["reason"]) for part in parts for d in part["demands"]}


ROADMAP = (
    "# Roadmap\n\n### Phase 01: Affine\n\n**Requirements**: AFF-01, AFF-02\n**Success Criteria**:\n"
    "1. affine is right\n2. affine is right in float16\n\nPlans:\n- [ ] 01-01: one\n- [ ] 01-02: two\n"
)


def test_the_plan_that_held_a_requirement_is_deleted(make_project: MakeProject) -> None:
    proved = {"check": "kernel_compiled", "source": "kernels/affine.hip", "proves": ["T1", "SC-1", "SC-2"]}
    truth = ("The affine kernel is compiled (AFF-01)", proved)
    project = make_project(
        {
            ".planning/ROADMAP.md": ROADMAP,
            f"{PHASE}/01-01-PLAN.md": plan_text([truth], requirements=["AFF-01"]),
        }
    )
    ran = project.run(selection="phase 01")
    assert ran.code == 3, ran.output
    found = demands(ran)
    assert found["AFF-01"] == ("verified", "")
    assert "no must-have proves it" in found["AFF-02"][1]
    assert "has no file of that number" in found["01-02"][1]
    assert "tries less than it says: float16 not tried" in found["SC-2"][1]


def test_a_line_of_verify_that_cannot_fail(make_project: MakeProject) -> None:
    lines = (
        '! grep -A100 "pub fn affine" kernels/affine.py | grep hipMemcpy\npytest tests/test_affine.py || true'
    )
    project = make_project(
        {f"{PHASE}/01-01-PLAN.md": verify(lines).replace("correctness", "kernel_compiled")}
    )
    project.edit(
        f"{PHASE}/01-01-PLAN.md", "contract: kernels.contracts.affine:Affine", "source: kernels/affine.hip"
    )
    project.edit(f"{PHASE}/01-01-PLAN.md", TRUTH, "The affine kernel is compiled")
    ran = project.run()
    assert ran.code == 1
    assert "'pub fn affine' is not in kernels/affine.py" in ran.output
    assert "it ends in '|| true'" in ran.output
