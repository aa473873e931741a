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
    pass
"""


@pytest.fixture
def tests_of(project: Make, own_cache: Path) -> Callable[..., Outcome]:
    """Runs the check on a project whose tests are given."""

    def check(
        text: str, *, nodes: tuple[str, ...] = ("tests/test_a.py",), ini: str = "", **more: object
    ) -> Outcome:
        made = project(
            {
                "tests/test_a.py": text,
                "kernels/kernels.toml": MANIFEST,
                "kernels/none.hip": 'extern "C" __attribute__((global)) void none() {}\n',
                "pytest.ini": f"[pytest]\n{ini}\n",
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


def test_deselected_by_the_projects_own_options_fails(tests_of: Callable[..., Outcome]) -> None:
    outcome = tests_of(GOOD, ini="addopts = -k one")
    assert "tests/test_a.py::test_two was deselected" in outcome.message
    assert outcome.evidence["counts"] == {"passed": 1, "deselected": 1}


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
    with pytest.raises(ValidationError, match="is no test of this project"):
        CHECKS["tests_pass"].params(nodes=[node])
