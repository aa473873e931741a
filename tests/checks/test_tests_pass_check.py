"""tests_pass: green tests pass; what failed, was skipped, deselected, empty or absent does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from rocverify.checks.base import Outcome
from rocverify.checks.registry import CHECKS
from rocverify.errors import RocverifyError, SourceError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]
MANIFEST = '[[kernel]]\nsource = "kernels/none.hip"\nsymbols = ["none"]\nenv = "NONE_HSACO"\n'
GOOD = """\
import os

def test_one():
    assert os.environ["ROCVERIFY_DEVICE"] == "emulator"
    assert os.environ["ROCVERIFY_SEED"] == "11"
    assert os.environ["ROCVERIFY_TARGET"] == "gfx1100"

def test_two():
    assert os.path.exists("pytest.ini")
"""


@pytest.fixture
def tests_of(project: Make, own_cache: Path) -> Callable[..., Outcome]:
    """Runs the check on a project whose tests are given."""

    def check(
        text: str,
        *,
        nodes: tuple[str, ...] = ("tests/test_a.py",),
        options: str = "",
        files: Mapping[str, str] | None = None,
        **more: object,
    ) -> Outcome:
        made = project(
            {
                **(files or {}),
                "tests/test_a.py": text,
                "kernels/kernels.toml": MANIFEST,
                "kernels/none.hip": 'extern "C" __attribute__((global)) void none() {}\n',
                "pytest.ini": f"[pytest]\n{options}\n",
            }
        )
        made.settings = made.settings.model_copy(update={"device": "emulator", "cache_dir": str(own_cache)})
        return made.check("tests_pass", nodes=nodes, **more)

    return check


def test_green_tests_on_the_runs_device(tests_of: Callable[..., Outcome]) -> None:
    outcome = tests_of(GOOD, nodes=("tests/test_a.py",), min_passed=2)
    assert outcome.verdict is CheckVerdict.PASSED, outcome
    assert outcome.message == "2 tests passed, none skipped: tests/test_a.py"
    assert outcome.evidence["counts"] == {"passed": 2}


@pytest.mark.drawn(2, fast=3)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"{GOOD}\ndef test_bad():\n    assert 1 == 2, 'off by one'\n",
            "tests/test_a.py::test_bad failed: test_a.py:12: AssertionError: off by one",
        ),
        (
            f"import pytest\n{GOOD}\n@pytest.mark.skip(reason='no GPU')\ndef test_gpu(): pass\n",
            "tests/test_a.py::test_gpu was skipped: Skipped: no GPU",
        ),
        (
            f"import pytest\n{GOOD}\n@pytest.mark.xfail(reason='known')\ndef test_x(): assert False\n",
            "tests/test_a.py::test_x was expected to fail, and did: known",
        ),
        (
            f"import pytest\n{GOOD}\n@pytest.mark.xfail(reason='known')\ndef test_x(): pass\n",
            "tests/test_a.py::test_x was expected to fail, and passed: known",
        ),
        ("def helper(): pass\n", "tests/test_a.py names no test that pytest can run"),
        ("import nothing_of_this_name\n", "tests/test_a.py could not run: "),
        (
            "import pytest\n@pytest.fixture\ndef device(): raise OSError('gone')\ndef test_d(device): pass\n",
            "tests/test_a.py::test_d could not run: test_a.py:3: OSError: gone",
        ),
        (
            "import pytest\npytest.skip('not here', allow_module_level=True)\n",
            "tests/test_a.py was skipped: Skipped: not here",
        ),
    ],
    ids=["failed", "skipped", "xfailed", "xpassed", "empty", "import", "fixture", "module"],
)
def test_anything_but_green_fails(tests_of: Callable[..., Outcome], text: str, expected: str) -> None:
    outcome = tests_of(text)
    assert outcome.verdict is CheckVerdict.FAILED
    assert outcome.message.startswith(expected)
    assert outcome.hint is not None
    assert "pytest tests/test_a.py" in outcome.hint


@pytest.mark.long
def test_the_projects_own_options_count_where_the_plan_names_them(tests_of: Callable[..., Outcome]) -> None:
    assert tests_of(GOOD, options="addopts = -k one").evidence["counts"] == {"passed": 2}
    outcome = tests_of(GOOD, options="addopts = -k one", ini="pytest.ini")
    assert "tests/test_a.py::test_two was deselected" in outcome.message
    assert outcome.evidence["counts"] == {"passed": 1, "deselected": 1}
    assert len(outcome.evidence["loaded"]["pytest.ini"]) == 64


GREEN = """\
import pytest

@pytest.fixture
def answer(): return 42

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    report.outcome = "passed"
"""
BAD = "def test_bad():\n    assert 1 == 2\n"


def test_a_conftest_that_nobody_named_changes_nothing(tests_of: Callable[..., Outcome]) -> None:
    files = {"tests/conftest.py": GREEN, "conftest.py": GREEN}
    outcome = tests_of(BAD, files=files)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "test_bad failed" in outcome.message


@pytest.mark.long
def test_a_conftest_that_the_plan_names_is_loaded_and_shown(tests_of: Callable[..., Outcome]) -> None:
    text = "def test_it(answer):\n    assert answer == 42\n"
    files = {"tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef answer(): return 42\n"}
    outcome = tests_of(text, files=files, conftests=("tests/conftest.py",))
    assert outcome.verdict is CheckVerdict.PASSED
    assert (outcome.evidence["asserts"], list(outcome.evidence["loaded"])) == (1, ["tests/conftest.py"])


@pytest.mark.long
def test_plugins_that_a_test_file_asks_for_are_refused(tests_of: Callable[..., Outcome]) -> None:
    with pytest.raises(RocverifyError, match=r"the tests load tests\.evil of the project"):
        tests_of(f"pytest_plugins = ['tests.evil']\n{BAD}", files={"tests/evil.py": GREEN})


def test_a_body_that_is_never_called_has_not_passed(tests_of: Callable[..., Outcome]) -> None:
    files = {"tests/conftest.py": "def pytest_pyfunc_call(pyfuncitem): return True\n"}
    outcome = tests_of(BAD, files=files, conftests=("tests/conftest.py",))
    assert outcome.verdict is CheckVerdict.FAILED
    assert "test_bad passed without being called" in outcome.message


LOOKING = """\
import subprocess
import unittest

import numpy as np
import pytest

from compare import same
from ops.close import assert_close, checked, double

def test_by_numpy(): np.testing.assert_allclose([2.0], [double(1.0)])
def test_by_helper(): same(double(2), 4)
def test_by_a_helper_of_the_project(): assert_close(double(2), 4)
def test_by_raising():
    if double(2) != 4:
        raise AssertionError("wrong")
def test_by_failing():
    if double(2) != 4:
        pytest.fail("wrong")
def test_raises():
    with pytest.raises(TypeError):
        double(None)
def test_by_a_program(): subprocess.run(["true"], check=True)

class TestUnit(unittest.TestCase):
    def test_unit(self): self.assertEqual(double(2), 4)
"""
SILENT = """\
import numpy as np
from ops.close import checked, double

def assert_nothing(x): return x
def test_runs(): checked(double(2))
def test_true(): assert True
def test_constant(): assert 1 + 1 == 2
def test_tuple(): assert (double(2) == 5, "never looked at")
def test_named(): assert_nothing(double(2))
def test_empty():
    for one in []:
        assert double(one) == 2
def test_looks(): assert double(2) == 4
"""
BESIDE = {
    "ops/close.py": "def double(x):\n    return x + x\n\ndef checked(x):\n    assert x\n    return x\n\n"
    "def assert_close(x, y):\n    if x != y:\n        raise ValueError\n",
    "tests/compare.py": "def same(x, y):\n    assert x == y\n",
}


def test_whatever_looks_at_a_result_counts(tests_of: Callable[..., Outcome]) -> None:
    outcome = tests_of(LOOKING, files=BESIDE)
    assert outcome.verdict is CheckVerdict.PASSED, outcome
    assert outcome.evidence["counts"] == {"passed": 8}


def test_asserts_are_counted_for_each_test(tests_of: Callable[..., Outcome]) -> None:
    with pytest.raises(RocverifyError, match=r"::test_runs passed, but asserts nothing \(nor 5 more\)"):
        tests_of(SILENT, files=BESIDE)
    assert tests_of(SILENT, files=BESIDE, nodes=("tests/test_a.py::test_looks",)).evidence["asserts"] == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "import os, stat\ndef test_a():\n    for fd in map(int, os.listdir('/proc/self/fd')):\n"
            "        try:\n            if stat.S_ISREG(os.fstat(fd).st_mode): os.write(fd, b'x\\t{}\\n')\n"
            "        except OSError: pass\n",
            "record is not its recorder's",
        ),
        ("import os\ndef test_a(): pass\ndef test_b(): os._exit(0)\n", "before pytest had finished"),
    ],
    ids=["forged", "ended"],
)
def test_a_record_that_is_not_the_recorders_decides_nothing(
    tests_of: Callable[..., Outcome], text: str, said: str
) -> None:
    with pytest.raises(RocverifyError, match=said):
        tests_of(text)


LAUNCHING = """\
import ctypes
import os
from rocm.bindings import hip

def test_launch():
    with open(os.environ["NONE_HSACO"], "rb") as file:
        code, module = hip.hipModuleLoadData(file.read())
    assert code == hip.hipError_t.hipSuccess
    code, function = hip.hipModuleGetFunction(module, b"none")
    (code,) = hip.hipModuleLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, None, None, ())
    assert code == hip.hipError_t.hipSuccess
    hip.hipDeviceSynchronize()
"""


def test_the_device_tells_whether_tests_launched_a_kernel(tests_of: Callable[..., Outcome]) -> None:
    outcome = tests_of(LAUNCHING, kernels=("none",))
    assert outcome.verdict is CheckVerdict.PASSED, outcome
    assert outcome.evidence["launched"] == {"none": 1}
    without = tests_of(GOOD, kernels=("none",))
    assert without.verdict is CheckVerdict.FAILED
    assert "no test launched none: they launched no kernel at all" in without.message


def test_a_node_that_does_not_exist_fails(tests_of: Callable[..., Outcome]) -> None:
    outcome = tests_of(GOOD, nodes=("tests/test_a.py::test_one", "tests/test_a.py::test_three"))
    assert outcome.verdict is CheckVerdict.FAILED
    assert "tests/test_a.py::test_three names no test" in "\n".join(f.message for f in outcome.findings)


def test_fewer_than_asked_for_fails(tests_of: Callable[..., Outcome]) -> None:
    assert "2 tests passed, at least 3 must" in tests_of(GOOD, min_passed=3).message


def test_an_absent_file_is_a_gap(tests_of: Callable[..., Outcome]) -> None:
    with pytest.raises(SourceError):
        tests_of(GOOD, nodes=("tests/test_b.py",))


def test_a_session_that_does_not_end_decides_nothing(tests_of: Callable[..., Outcome]) -> None:
    with pytest.raises(RocverifyError, match="did not end within 1 s"):
        tests_of("import time\ndef test_forever(): time.sleep(60)\n", timeout_s=1)


@pytest.mark.parametrize("node", ["--co", "/etc/test_a.py", "../test_a.py", "tests", "-k x"])
def test_what_is_no_node_is_refused(node: str) -> None:
    with pytest.raises(ValidationError, match="is not a test of this project"):
        CHECKS["tests_pass"].params(nodes=[node])
