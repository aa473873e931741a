"""Tests that pass because nobody looks: outcomes rewritten, bodies never entered, the runner replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.attacks.conftest import RunFiles
from tests.attacks.project import CORRECT, PHASE, TRUTH, plan_text

WRONG = "def test_affine():\n    assert 2 * 2 == 5\n"
_HONEST = """\
import numpy as np
from rocm.bindings import hip

from kernels.affine import affine
from kernels.gpu import checked


def test_affine():
    made = [checked(hip.hipMalloc(20)) for _ in range(3)]
    x, shift, out = made
    up, down = hip.hipMemcpyKind.hipMemcpyHostToDevice, hip.hipMemcpyKind.hipMemcpyDeviceToHost
    given = np.arange(5, dtype=np.float32)
    for pointer in (x, shift):
        checked(hip.hipMemcpy(pointer, given, 20, up))
    affine(x, shift, out, 1, 5)
    result = np.empty(5, np.float32)
    checked(hip.hipMemcpy(result, out, 20, down))
    assert result.tolist() == (3 * given).tolist()
"""
_REWRITES = """\
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome, report.longrepr = "passed", None
    return report
"""
_NEVER_CALLS = "def pytest_pyfunc_call(pyfuncitem):\n    return True\n"
_EXITS = "import atexit, os\natexit.register(lambda: os._exit(0))\n"
_SHADOW = """\
import json, os, sys

sys.stderr.write("a pytest of the project's own\\n")
raise SystemExit(0)
"""

# name: the files below tests/<name>/ besides the wrong test, and the check's parameters.
LIES: dict[str, tuple[dict[str, str], Mapping[str, Any]]] = {
    "outcomes rewritten by a conftest": ({"conftest.py": _REWRITES}, {}),
    "body never called by a conftest": ({"conftest.py": _NEVER_CALLS}, {}),
    "body never called by a conftest that is named": (
        {"conftest.py": _NEVER_CALLS},
        {"conftest": "tests/{name}/conftest.py"},
    ),
    "options of an ini": ({"pytest.ini": "[pytest]\naddopts = -p tests.evil --collect-only\n"}, {}),
    "skipped": ({"test_it.py": "import pytest\n\n\n@pytest.mark.skip\n" + WRONG}, {}),
    "expected to fail": ({"test_it.py": "import pytest\n\n\n@pytest.mark.xfail\n" + WRONG}, {}),
    "no test at all": ({"test_it.py": "X = 1\n"}, {}),
    "exits with zero": ({"test_it.py": "import os\n\n\ndef test_affine():\n    os._exit(0)\n"}, {}),
    "exits at import": ({"test_it.py": "import os\n\nos._exit(0)\n"}, {}),
    "ends with zero at the end": ({"test_it.py": _EXITS + WRONG}, {}),
    "asserts nothing": ({"test_it.py": "def test_affine():\n    pass\n"}, {"kernels": ["affine_kernel"]}),
    "launches nothing": (
        {"test_it.py": "def test_affine():\n    assert 'affine_kernel'\n"},
        {"kernels": ["affine_kernel"]},
    ),
    "asserts replaced": (
        {"test_it.py": "import builtins\n\nbuiltins.AssertionError = type('E', (Exception,), {})\n" + WRONG},
        {},
    ),
    "asserts only what is always so": ({"test_it.py": "def test_affine():\n    assert 1 + 1 == 2\n"}, {}),
    "the record rewritten": (
        {
            "test_it.py": "import os, glob\n\n\ndef test_affine():\n"
            "    for name, value in os.environ.items():\n"
            "        if 'RECORD' in name and os.path.isfile(value):\n"
            "            with open(value, 'a') as file:\n"
            '                file.write(\'{"nodeid": "tests/x::test_affine", "outcome": "passed"}\\n\')\n'
            "    assert 2 * 2 == 5\n"
        },
        {},
    ),
}
_IMPORTS = """\
import sys

import pytest


def test_affine():
    from rocverify.oracle.contract import F32

    assert F32.bits == 32
    for name in ("checks", "runner", "report.model", "device.process.client", "subject.process", "cli.main"):
        with pytest.raises(ModuleNotFoundError, match="belongs to the judge"):
            __import__(f"rocverify.{name}")
    judge = ("rocverify.checks", "rocverify.runner", "rocverify.subject", "rocverify.device")
    assert not [name for name in sys.modules if name.startswith(judge)]
    frame = sys._getframe()
    while frame is not None:
        texts = [value for value in frame.f_locals.values() if isinstance(value, (bytes, str))]
        assert not [text for text in texts if len(text) in (32, 64) and "key" in frame.f_locals]
        frame = frame.f_back
"""
_LAUNCHED_ELSEWHERE = """\
import threading, time

from kernels.gpu import affine_on, checked
from rocm.bindings import hip


def _again():
    made = [checked(hip.hipMalloc(20)) for _ in range(3)]
    while True:
        affine_on("affine_kernel", *made, 1, 5)
        time.sleep(0.01)


def affine(x, shift, out, rows, cols):
    affine_on("affine_kernel", x, shift, out, rows, cols)
    if threading.active_count() < 2:
        threading.Thread(target=_again, daemon=True).start()
"""
EVERYWHERE = {
    "tests/evil.py": _REWRITES,
    "conftest.py": _REWRITES,
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p tests.evil"\n',
    "pytest.py": _SHADOW,
    "sitecustomize.py": "import os\n\nos.environ['EVIL'] = 'yes'\n",
}
_MISSING: dict[str, str] = {}


def files() -> dict[str, str]:
    """A project with a folder of tests for each lie, and one that is honest."""
    truths: list[tuple[str, Mapping[str, Any]]] = []
    made: dict[str, str] = dict(EVERYWHERE)
    for title, (own, params) in {"honest": ({"test_it.py": _HONEST}, {}), **LIES}.items():
        name = title.replace(" ", "_")
        made |= {f"tests/{name}/{file}": text for file, text in {"test_it.py": WRONG, **own}.items()}
        filled = {k: v.format(name=name) if isinstance(v, str) else v for k, v in params.items()}
        check = {"check": "tests_pass", "nodes": [f"tests/{name}/test_it.py"], **filled}
        truths.append((f"The tests of {title} pass", check))
    made[f"{PHASE}/01-01-PLAN.md"] = plan_text(truths)
    return made


@pytest.mark.long
def test_tests_have_nothing_of_the_judge(run_files: RunFiles) -> None:
    check = {"check": "tests_pass", "nodes": ["tests/test_it.py"]}
    plan = plan_text([("The tests pass", check)])
    ran = run_files("tests_apart", {"tests/test_it.py": _IMPORTS, f"{PHASE}/01-01-PLAN.md": plan})
    assert ran.verdict("T1") == "verified", ran.output


@pytest.mark.long
def test_what_others_launch_meanwhile_is_not_the_tests(run_files: RunFiles) -> None:
    """A thread that a wrapper has left behind launches the kernel while the tests only wait."""
    waits = "import time\n\n\ndef test_affine():\n    time.sleep(0.5)\n"
    check = {"check": "tests_pass", "nodes": ["tests/test_it.py"], "kernels": ["affine_kernel"]}
    plan = plan_text([(TRUTH, CORRECT), ("The tests of affine_kernel pass", check)])
    files = {"kernels/affine.py": _LAUNCHED_ELSEWHERE, "tests/test_it.py": waits}
    ran = run_files("tests_launches", {**files, f"{PHASE}/01-01-PLAN.md": plan})
    assert ran.verdict("T2") == "failed", ran.output
    assert "no test launched affine_kernel: they launched no kernel at all" in ran.said("T2")


@pytest.mark.long
def test_honest_tests_pass_among_all_that(run_files: RunFiles) -> None:
    ran = run_files("tests", files())
    assert ran.verdict("T1") == "verified", ran.output


@pytest.mark.long
@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(
            f"T{number}",
            id=name.replace(" ", "_"),
            marks=[pytest.mark.xfail(reason=_MISSING[name], strict=True)] if name in _MISSING else [],
        )
        for number, name in enumerate(LIES, 2)
    ],
)
def test_a_wrong_test_does_not_pass(run_files: RunFiles, tail: str) -> None:
    ran = run_files("tests", files())
    assert ran.verdict(tail) in ("failed", "unverified"), ran.said(tail)
