"""command: exit codes, tests and warnings of a project's commands, run over its tree and not in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from rocverify.checks.base import Outcome
from rocverify.checks.registry import CHECKS
from rocverify.commands.runners import ctest_writes_records
from rocverify.errors import CommandRefusedError, RocverifyError, UsageError
from rocverify.records import CheckVerdict
from rocverify.settings import Settings, load_settings
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

FILES = {
    "test_a.py": """
        import unittest
        class Both(unittest.TestCase):
            def test_one(self): pass
            def test_two(self): pass
    """,
    "skips.py": """
        import unittest
        class Both(unittest.TestCase):
            def test_one(self): pass
            @unittest.skip("no GPU")
            def test_two(self): pass
    """,
    "a.c": "int f(void) { int unused = 1; return 0; }\n",
}


@pytest.fixture
def allowed(project: Make) -> Project:
    made = project(FILES)
    made.settings = Settings(allow_commands=True)
    return made


def _says(outcome: Outcome, verdict: CheckVerdict, *words: str) -> None:
    assert outcome.verdict is verdict, outcome.message
    for word in words:
        assert word in outcome.message


def test_it_does_not_run_unless_allowed(project: Make) -> None:
    made = project({})
    with pytest.raises(CommandRefusedError, match="touch ran"):
        made.check("command", run=["touch ran"])
    assert not (made.root / "ran").exists()


def test_the_project_cannot_allow_itself(tmp_path: Path) -> None:
    (tmp_path / "rocverify.toml").write_text("allow_commands = true\n")
    with pytest.raises(UsageError, match="allow_commands: only the command line"):
        load_settings(tmp_path)


def test_it_sees_the_tree_and_leaves_it_alone(allowed: Project) -> None:
    outcome = allowed.check(
        "command", run=["test -f a.c", "rm a.c; mkdir out; echo 1 > out/k.hsaco"], writes=["out/*.hsaco"]
    )
    _says(outcome, CheckVerdict.PASSED)
    assert (allowed.root / "a.c").is_file()
    assert not (allowed.root / "out").exists()


def test_what_a_failing_line_says_is_its_own(allowed: Project) -> None:
    outcome = allowed.check(
        "command", run=["echo before", "echo no such thing >&2; test -f b.c", "echo after"]
    )
    _says(
        outcome, CheckVerdict.FAILED, "`echo no such thing >&2; test -f b.c` ended with exit status 1, not 0"
    )
    assert outcome.evidence["output"] == "no such thing\n"


def test_a_line_that_fails_without_a_word_is_said_to(allowed: Project) -> None:
    outcome = allowed.check("command", run=["test -f a.c && echo there", "grep -q absent a.c"])
    _says(outcome, CheckVerdict.FAILED, "exit status 1, not 0; it said nothing")
    assert outcome.evidence["output"] == ""


def test_folders_may_be_made_anew(allowed: Project) -> None:
    """As Cargo does with what it built before."""
    built = allowed.root / "target/debug"
    built.mkdir(parents=True)
    (built.parent / "CACHEDIR.TAG").write_text("")
    outcome = allowed.check("command", run=["test ! -e target", "mkdir -p target/debug/deps && rm -r target"])
    _says(outcome, CheckVerdict.PASSED)
    assert built.is_dir()


def test_a_copy_does_as_well(allowed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocverify.commands.sandbox.can_overlay", lambda _: False)
    monkeypatch.setattr("rocverify.commands.sandbox.can_unshare", lambda: False)
    outcome = allowed.check("command", run=["test -f a.c", "rm a.c", "echo 1 > k.hsaco"], writes=["*.hsaco"])
    _says(outcome, CheckVerdict.PASSED)
    assert "with the network" in outcome.evidence["apart"]
    assert sorted(path.name for path in allowed.root.iterdir()) == sorted(FILES)


def test_a_command_that_fails_fails(allowed: Project) -> None:
    _says(allowed.check("command", run=["exit 3"]), CheckVerdict.FAILED, "exit status 3, not 0")
    _says(allowed.check("command", run=["exit 3"], exit_code=3), CheckVerdict.PASSED)


def test_a_pipe_does_not_hide_a_failure(allowed: Project) -> None:
    _says(allowed.check("command", run=["false | cat"]), CheckVerdict.FAILED)


@pytest.mark.parametrize(
    "line",
    [
        *["false || true", "false; true", "make || exit 0 # ok", "make || /bin/true", "(make || true)"],
        *["{ make; exit 0; }", "make &", "make || echo 'it failed'"],
    ],
)
def test_what_could_not_fail_is_refused(allowed: Project, line: str) -> None:
    with pytest.raises(ValidationError, match="could not fail"):
        allowed.check("command", run=[line])


def test_what_is_not_installed_decides_nothing(allowed: Project) -> None:
    with pytest.raises(RocverifyError, match="could not be run"):
        allowed.check("command", run=["no-such-program-anywhere"])


def test_tests_are_counted(allowed: Project) -> None:
    outcome = allowed.check("command", run=["python -m unittest test_a"], min_passed=2)
    _says(outcome, CheckVerdict.PASSED, "2 tests passed")
    short = allowed.check("command", run=["python -m unittest test_a"], min_passed=3)
    _says(short, CheckVerdict.FAILED, "2 tests passed, at least 3 must")


@pytest.mark.parametrize(
    "line",
    [
        "sh say.sh",
        "python -m unittest test_a && sh say.sh",
        "PATH=.:$PATH pytest",
        "./pytest",
        "python say.py",
    ],
)
def test_what_a_script_prints_is_not_counted(allowed: Project, line: str) -> None:
    said = "echo '12 passed in 0.01s'\n"
    for name, text in {"say.sh": said, "pytest": f"#!/bin/sh\n{said}"}.items():
        (allowed.root / name).write_text(text)
        (allowed.root / name).chmod(0o755)
    (allowed.root / "say.py").write_text("print('Ran 9 tests in 0.001s\\n\\nOK')")
    outcome = allowed.check("command", run=[line])
    _says(outcome, CheckVerdict.PASSED, "exit status only")
    with pytest.raises(RocverifyError, match="only the exit status is known"):
        allowed.check("command", run=[line], min_passed=1)


@pytest.mark.long
def test_counts_of_pytest_are_its_own(allowed: Project) -> None:
    text = "def test_b(): print('\\n99 passed in 0.1s')\ndef test_c(): pass\n"
    (allowed.root / "test_b.py").write_text(text)
    run = ["python -m pytest -s test_b.py | cat", "python -m unittest test_a"]
    outcome = allowed.check("command", run=run, min_passed=4)
    _says(outcome, CheckVerdict.PASSED, "4 tests passed")
    _says(allowed.check("command", run=run, min_passed=5), CheckVerdict.FAILED, "4 tests passed")


CTEST = """
cmake_minimum_required(VERSION 3.20)
project(engine NONE)
enable_testing()
add_test(NAME one COMMAND ${CMAKE_COMMAND} -E echo "100% tests passed, 0 tests failed out of 99")
add_test(NAME two COMMAND ${CMAKE_COMMAND} -E true)
"""


@pytest.mark.skipif(not ctest_writes_records(), reason="no CTest of 3.21 or later")
def test_counts_of_ctest_are_its_own(allowed: Project) -> None:
    (allowed.root / "CMakeLists.txt").write_text(CTEST)
    run = ["cmake -S . -B b && ctest -V --test-dir b"]
    outcome = allowed.check("command", run=run, min_passed=2)
    _says(outcome, CheckVerdict.PASSED, "2 tests passed")
    counted = {"runner": "ctest", "passed": 2, "failed": 0, "skipped": 0, "filtered": 0}
    assert outcome.evidence["tests"] == [counted]
    again = allowed.check("command", run=run, min_passed=3)
    _says(again, CheckVerdict.FAILED, "2 tests passed, at least 3 must")


@pytest.mark.long
def test_a_module_that_is_not_installed_decides_nothing(allowed: Project) -> None:
    test = allowed.root / "test_m.py"
    test.write_text("import nothing_of_this_name\n\ndef test_m(): pass\n")
    with pytest.raises(RocverifyError, match=r"needs what is not here.*nothing_of_this_name"):
        allowed.check("command", run=["python -m pytest test_m.py"])
    (allowed.root / "engine").mkdir()
    (allowed.root / "engine/own.py").write_text("")
    test.write_text("import own\n\ndef test_m(): pass\n")
    _says(allowed.check("command", run=["python -m pytest test_m.py"]), CheckVerdict.FAILED, "exit status")


def test_a_build_that_did_nothing_shows_nothing(allowed: Project) -> None:
    (allowed.root / "Makefile").write_text("a.o: a.c\n\ttouch a.o\n")
    (allowed.root / "a.o").write_text("")
    with pytest.raises(RocverifyError, match="had nothing to do"):
        allowed.check("command", run=["make"])
    _says(allowed.check("command", run=["make -B"]), CheckVerdict.PASSED)


def test_skipped_is_not_passed(allowed: Project) -> None:
    with pytest.raises(RocverifyError, match="1 test skipped or ignored"):
        allowed.check("command", run=["python -m unittest skips"])
    outcome = allowed.check("command", run=["python -m unittest skips"], min_skipped=1)
    _says(outcome, CheckVerdict.PASSED, "1 skipped")


def test_no_test_is_no_pass(allowed: Project) -> None:
    outcome = allowed.check(
        "command",
        run=["echo 'test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out' | cat"],
    )
    _says(outcome, CheckVerdict.FAILED, "ran no test")


def test_warnings_count_by_class(allowed: Project) -> None:
    line = "cc -Wall -c a.c"
    _says(
        allowed.check("command", run=[line], no_warnings=["unused-variable"]),
        CheckVerdict.FAILED,
        "unused-variable",
    )
    _says(allowed.check("command", run=[line], no_warnings=["unused-function"]), CheckVerdict.PASSED)
    _says(allowed.check("command", run=[line], no_warnings=["all"]), CheckVerdict.FAILED)


def test_its_environment_is_scrubbed(allowed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    outcome = allowed.check("command", run=['test -z "$SECRET_TOKEN"', 'test -z "$(ls -A ~)"'])
    _says(outcome, CheckVerdict.PASSED)


def test_there_is_no_network(allowed: Project) -> None:
    outcome = allowed.check("command", run=["cat /proc/net/dev"])
    if "no network" in outcome.evidence["apart"]:
        listed = allowed.check("command", run=["test $(tail -n +3 /proc/net/dev | wc -l) = 1"])
        _says(listed, CheckVerdict.PASSED)


def test_time_and_output_have_limits(allowed: Project) -> None:
    with pytest.raises(RocverifyError, match=r"did not end within 0\.3 s"):
        allowed.check("command", run=["sleep 60"], timeout_s=0.3)
    with pytest.raises(RocverifyError, match="8,000,000 bytes"):
        allowed.check("command", run=["yes"])


def test_what_it_leaves_running_is_ended(allowed: Project) -> None:
    _says(allowed.check("command", run=["sleep 60 & exit 0"]), CheckVerdict.PASSED)


@pytest.mark.parametrize("line", ["true", "echo '5 passed in 0.01s'", "printf '5 passed in 0.01s\\n'"])
def test_lines_that_only_say_something_are_refused(line: str) -> None:
    with pytest.raises(ValidationError, match="runs nothing"):
        CHECKS["command"].params(run=[line])


@pytest.mark.parametrize(
    "line",
    [
        *("ctest --version", "cargo test --help", "ctest --test-dir build -N", "ctest --show-only=json-v1"),
        *(
            "pytest --collect-only -q",
            "python -m pytest tests --co",
            "make -n check",
            "/usr/bin/make --dry-run",
            "cd build && ctest -N",
            "cmake --version && make -q",
            "cargo test -- --list",
            "echo building && ninja -n",
        ),
    ],
)
def test_lines_that_only_ask_are_refused(line: str) -> None:
    with pytest.raises(ValidationError, match="only asks a tool about itself"):
        CHECKS["command"].params(run=[line])
    assert CHECKS["command"].params(run=[line, "make"])
    assert CHECKS["command"].params(run=[line], contains=["a_test"])


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("make 2>&1", {}),
        ("./engine --version-check", {}),
        ("pytest -n 2 tests", {}),
        ("make -j2 needed", {}),
        ("ctest --test-dir build --no-tests=error", {}),
        ("cmake --version && make", {}),
        ("make && echo done", {}),
        ("echo x | ./read", {}),
        ("echo $(./say)", {}),
        ("./a || echo wrong", {"not_contains": ["wrong"]}),
    ],
)
def test_lines_that_can_fail_are_taken(line: str, more: dict[str, list[str]]) -> None:
    assert CHECKS["command"].params(run=[line], **more)


@pytest.mark.parametrize(("gpu", "devices"), [("hidden", 0), ("emulated", 1)])
def test_how_many_devices_a_command_sees(allowed: Project, gpu: str, devices: int) -> None:
    allowed.write(
        "count.py",
        """
        import ctypes, sys
        count = ctypes.c_int(-1)
        ctypes.CDLL("libamdhip64.so").hipGetDeviceCount(ctypes.byref(count))
        sys.exit(max(count.value, 0))
        """,
    )
    outcome = allowed.check("command", run=["python3 count.py"], gpu=gpu, exit_code=devices)
    _says(outcome, CheckVerdict.PASSED, f"GPU {gpu}")
