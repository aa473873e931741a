"""A wrapper that waits for what its kernel reports: it is right, and without its kernel it never returns."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import MakeProject
from tests.attacks.project import CORRECT, KERNEL, PHASE, plan_text
from tests.attacks.test_hosted import _HOSTED, _PINNED
from tests.attacks.test_kept_memory import _FLAG, _WITH_PAGE
from tests.attacks.test_wrappers import instead

_WAITED = "    checked(hip.hipDeviceSynchronize())\n"
_POLLED = "    note('called')\n    while page[3] != 0:\n        pass\n    note('returned')\n"
_PAGE = _FLAG.split("\n", 1)[1]
_NOTES = """\
from pathlib import Path


def note(word):
    with (Path(__file__).parent / "calls.txt").open("a") as file:
        file.write(word + "\\n")


"""
_CHECKS = [
    CORRECT,
    {"check": "no_host_roundtrip", "entry": "kernels.affine:affine"},
    {
        "check": "wrapper_present",
        "source": "kernels/affine.hip",
        "wrapper": "kernels.affine:affine",
        "symbol": "affine_kernel",
    },
    {
        "check": "resources",
        "source": "kernels/affine.hip",
        "contract": CORRECT["contract"],
        "limits": {"vgprs": 64},
    },
]


_TRUTHS = [
    "What affine returns agrees with the reference",
    "The results of affine stay on the device: no device-to-host copy",
    "affine launches affine_kernel",
    "affine_kernel needs 64 VGPRs at most",
]


@pytest.mark.long
def test_a_wrapper_that_polls_is_right_and_is_waited_for_once(make_project: MakeProject) -> None:
    body = KERNEL.index("  if (i < rows")
    polling = _HOSTED + _PINNED + _NOTES + "_kept = {}\n" + instead(_WITH_PAGE.split(_WAITED)[0] + _POLLED)
    files = {
        "kernels/affine.hip": KERNEL[:body].replace("const float* shift", "unsigned* page") + _PAGE + "\n}\n",
        "kernels/affine.py": polling,
        "rocverify.toml": "call_timeout_s = 5\n",
        f"{PHASE}/01-01-PLAN.md": plan_text(list(zip(_TRUTHS, _CHECKS, strict=True))),
    }
    project = make_project(files)
    ran = project.run("--", "--rocverify-workers=1")
    assert [ran.verdict(f"T{number}") for number in (1, 2, 3, 4)] == ["verified"] * 4, ran.output
    words = project.read("kernels/calls.txt").split()
    assert words.count("called") == words.count("returned") + 1
