"""What a pass does not say is told: what no case tries, whose the reference is; and failures are replayed."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from tests.attacks.conftest import MakeProject
from tests.attacks.project import CORRECT, PHASE, TRUTH, Ran, manifest_text, plan_text
from tests.attacks.test_callers import CHEATS as CALLERS

pytestmark = pytest.mark.long

_BROKEN_FLAG = """\
from kernels.gpu import affine_on


def affine(x, shift, out, rows, cols, fast=False):
    affine_on("no_such_kernel" if fast else "affine_kernel", x, shift, out, rows, cols)
"""
_REPLAYED = ("stream_ignored", "result_not_waited_for", "rows_taken_to_follow_one_another")


def correctness(ran: Ran, number: int = 0) -> Mapping[str, Any]:
    assert ran.report is not None, ran.output
    checks = [c for p in ran.report["plans"] for c in p["checks"] if c["kind"] == "correctness"]
    return dict(checks[number])


def test_a_flag_that_no_case_passes_is_listed(make_project: MakeProject) -> None:
    project = make_project({"kernels/affine.py": _BROKEN_FLAG})
    ran = project.run()
    assert ran.verdict() == "verified", ran.said()
    assert correctness(ran)["evidence"]["not_tried"] == ["the parameter fast: no case passes it"]
    assert "not tried: the parameter fast" in project.read(f"{PHASE}/01-01-SUMMARY.md")


def test_a_size_that_no_case_reaches_is_listed(make_project: MakeProject) -> None:
    claim = (f"{TRUTH} for any number of rows, however large", CORRECT)
    project = make_project({f"{PHASE}/01-01-PLAN.md": plan_text([(TRUTH, CORRECT), claim])})
    project.edit("kernels/contracts/affine.py", "boundary(1, 300)", "boundary(1, 1 << 26)")
    ran = project.run()
    (words,) = correctness(ran)["evidence"]["sizes_not_tried"][:1]
    assert words.startswith("x with more than 2,147,483,648 elements"), ran.said()
    assert "4,294,967,296" in words
    assert (ran.verdict("T1"), ran.verdict("T2")) == ("verified", "unverified"), ran.said("T2")
    assert words in ran.said("T2")


def test_a_reference_that_came_with_its_kernel_is_told(make_project: MakeProject) -> None:
    """Both have the same mistake: nothing else tells that the pass is worth little."""
    project = make_project()
    project.edit("kernels/affine.hip", "2.0f * x[i]", "3.0f * x[i]")
    project.edit("kernels/contracts/affine.py", "return 2 * x + shift\n", "return 3 * x + shift\n")
    git = ["git", "-C", str(project.root), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], check=True)
    ran = project.run()
    assert ran.verdict() == "verified", ran.said()
    origin = correctness(ran)["evidence"]["reference"]
    assert (origin["from"], origin["came_with_kernel"]) == ("the project", True)
    summary = " ".join(project.read(f"{PHASE}/01-01-SUMMARY.md").split())
    assert "with the kernel" in summary
    assert "not with the kernel" not in summary


_RELU = """\
from rocverify.references import elementwise
from rocverify.oracle.contract import F32, Dims, In, Out, boundary, choices, contract


@contract(source="kernels/affine.hip", symbol="affine_kernel", wrapper="kernels.affine:affine")
class Affine:
    x = In("rows cols", F32)
    shift = In("cols", F32)
    out = Out("rows cols", F32)
    dims = Dims(rows=boundary(1, 300), cols=choices(1, 5, 32, 33, 64))
    reference = staticmethod(elementwise.relu)

    def call(self, wrapper, arrays, dims):
        wrapper(arrays.x, arrays.shift, arrays.out, dims.rows, dims.cols)

    def wrong(self, x):
        return {"silu": elementwise.silu(x), "the absolute value": abs(x)}
"""


@pytest.mark.parametrize(("kernel", "verdict"), [("x[i] < 0 ? 0 : x[i]", "verified"), ("x[i]", "failed")])
def test_a_reference_of_rocverify_is_named_and_not_blamed(
    make_project: MakeProject, kernel: str, verdict: str
) -> None:
    project = make_project({"kernels/contracts/affine.py": _RELU})
    project.edit("kernels/affine.hip", "2.0f * x[i] + shift[i % cols]", kernel)
    ran = project.run()
    assert ran.verdict() == verdict, ran.said()
    assert correctness(ran)["evidence"]["reference"] == {"from": "rocverify.references"}


_SUM = """\
from rocverify.oracle.contract import F32, Dims, In, InOut, boundary, choices, contract


@contract(source="kernels/affine.hip", symbol="affine_kernel", wrapper="kernels.affine:affine")
class Affine:
    x = In("rows cols", F32)
    shift = In("cols", F32)
    out = InOut("cols", F32)
    dims = Dims(rows=boundary(1, 300), cols=choices(1, 5, 32, 33, 64))

    def call(self, wrapper, arrays, dims):
        wrapper(arrays.x, arrays.shift, arrays.out, dims.rows, dims.cols)

    def reference(self, x, shift, out):
        return out + x.sum(0) + shift

    def magnitude(self, x, shift, out):
        return abs(out) + abs(x).sum(0) + abs(shift)

    def wrong(self, x, shift, out):
        return {"no shift": out + x.sum(0), "nothing added": out}
"""
_ADDED = "atomicAdd(&out[i % cols], x[i] + (i < cols ? shift[i] : 0.0f))"


def test_sums_of_atomics_are_right_and_their_spread_is_told(make_project: MakeProject) -> None:
    manifest = manifest_text(more='flags = ["-O3"]\n')
    project = make_project({"kernels/contracts/affine.py": _SUM, "kernels/kernels.toml": manifest})
    project.edit("kernels/affine.hip", "out[i] = 2.0f * x[i] + shift[i % cols]", _ADDED)
    ran = project.run()
    assert ran.verdict() == "verified", ran.said()
    seen = correctness(ran)["evidence"]["dtypes"]["float32"]
    (spread,) = seen["order_spread"]
    assert spread["output"] == "out"
    assert spread["elements"] > 0
    assert spread["relative"] > 0
    assert seen["repeat"]["problem"] is None


def test_memory_that_calls_keep_is_shown_where_no_plan_forbids_it(make_project: MakeProject) -> None:
    (cheat,) = (cheat for cheat in CALLERS if cheat.name == "tables_leaked")
    text, check = cheat.truth()
    assert check.pop("forbid_leaks") is True
    project = make_project({f"{PHASE}/01-01-PLAN.md": plan_text([(text, check)]), **cheat.files()})
    ran = project.run()
    assert ran.verdict() == "verified", ran.said()
    (leak,) = correctness(ran)["evidence"]["leaks"]
    assert leak["place"] == "kernels/tables_leaked.py:10"
    words = f"device memory: {leak['calls']} of {leak['of']} calls keep what they allocate at"
    assert words in project.read(f"{PHASE}/01-01-SUMMARY.md")


def test_each_sort_of_failure_is_replayed_by_the_command_that_names_it(make_project: MakeProject) -> None:
    cheats = [cheat for cheat in CALLERS if cheat.name in _REPLAYED]
    assert len(cheats) == len(_REPLAYED)
    truths = [(TRUTH, CORRECT), *(cheat.truth() for cheat in cheats)]
    files = {f"{PHASE}/01-01-PLAN.md": plan_text(truths)}
    for cheat in cheats:
        files |= cheat.files()
    project = make_project(files)
    first = project.run("--seed", "77")
    for number in range(1, len(truths)):
        check = correctness(first, number)
        found = re.search(r"rocverify run (plan \S+ --seed .*)", check["hint"])
        assert found is not None, check["hint"]
        plan, one, *words = shlex.split(found[1])
        again = project.run(*words, selection=f"{plan} {one}")
        assert again.code == 1, again.output
        replayed = correctness(again, number)
        assert replayed["verdict"] == "failed"
        smallest = check["evidence"]["smallest_case"]
        assert replayed["evidence"]["cases"] == 1
        assert replayed["evidence"]["failing_case"] == replayed["evidence"]["smallest_case"] == smallest


def test_a_case_that_is_right_proves_nothing_and_one_of_another_contract_is_refused(
    make_project: MakeProject,
) -> None:
    project = make_project()
    ran = project.run("--case", "float32/rows=3,cols=5/plain/1")
    assert (ran.verdict(), correctness(ran)["verdict"]) == ("unverified", "not_run"), ran.output
    assert "right in the one case" in ran.said()
    for text in ("float32/rows=3,cols=6/plain/1", "float32/rows/plain/1", "float32", '{"dtype": 1}'):
        refused = project.run("--case", text)
        assert refused.code == 2, refused.output
        assert "--case is not a case of kernels.contracts.affine:Affine" in refused.output
