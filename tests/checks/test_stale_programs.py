"""Programs that are older than their sources decide nothing; those that the lines build do."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rocverify.commands.started import builds, logged_programs, named_programs
from rocverify.errors import RocverifyError
from rocverify.records import CheckVerdict
from rocverify.settings import Settings
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

FILES = {
    "src/a.h": "int twice(int);\n",
    "src/a.c": '#include "a.h"\nint main(int n, char **v) { (void)v; return twice(0) + n - 1; }\n',
    "src/b.c": "int twice(int a) { return 2 * a; }\n",
    "src/other.c": "int other(void) { return 3; }\n",
    "build/.keep": "",
}
BUILD = "cc {} -o build/a src/a.c src/b.c"
SHARED = (
    "cc -g -shared -fPIC -o build/libb.so src/b.c",
    "cc -g -o build/a src/a.c -Lbuild -lb -Wl,-rpath,'$ORIGIN'",
)


@pytest.fixture
def tree(project: Make) -> Callable[..., Project]:
    """The project, built by lines; what is `edited` is so after the build, everything else was before."""

    def make(*lines: str, edited: str = "") -> Project:
        made = project(FILES)
        made.settings = Settings(allow_commands=True, host_globs=("src/*.[ch]",))
        for line in lines:
            subprocess.run(line, shell=True, cwd=made.root, check=True)
        _set_back(made.root, edited)
        return made

    return make


def _set_back(root: Path, edited: str) -> None:
    now = time.time()
    for path in root.rglob("*"):
        at = root / edited == path
        age = 10 if at else 50 if "build" in path.parts else 100
        os.utime(path, (now - age, now - age))


def _refused(tree: Project, words: str, *lines: str) -> None:
    with pytest.raises(RocverifyError) as caught:
        tree.check("command", run=lines or ["build/a"])
    assert words in str(caught.value.message)


@pytest.mark.parametrize("source", ["src/a.c", "src/b.c"])
@pytest.mark.parametrize("line", ["build/a", "./build/a", "cd build && ./a", "X=1 timeout 9 build/a"])
def test_a_program_older_than_its_source_decides_nothing(
    tree: Callable[..., Project], source: str, line: str
) -> None:
    _refused(tree(BUILD.format("-g"), edited=source), f"build/a is older than {source}", line)


@pytest.mark.parametrize(
    "lines",
    [
        ["touch build/a && build/a"],
        ["touch build/a", "build/a"],
        ["cp -p build/a build/c; mv build/c build/a; build/a"],
        ["cp build/a /tmp/a && cp /tmp/a build/a && cd build && ./a"],
        ["strip build/a && build/a"],
        ["cp build/a build/c && build/c"],
        ["make -t -f src/a.c; build/a"],
        ["make --version && touch build/a && build/a"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("how", ["-g", ""], ids=["with -g", "without"])
def test_what_handles_a_program_has_not_built_it(
    tree: Callable[..., Project], lines: list[str], how: str
) -> None:
    _refused(tree(BUILD.format(how), edited="src/a.c"), "build/a is older than src/a.c", *lines)


def test_a_program_that_is_built_anew_in_the_lines_counts(tree: Callable[..., Project]) -> None:
    made = tree(BUILD.format(""), edited="src/a.c")
    for lines in ([BUILD.format(""), "touch build/a && build/a"], [f"sh -c '{BUILD.format('')}' && build/a"]):
        assert made.check("command", run=lines).verdict is CheckVerdict.PASSED


def test_a_program_that_fails_and_is_old_has_not_failed(tree: Callable[..., Project]) -> None:
    _refused(tree(BUILD.format("-g"), edited="src/b.c"), "build/a is older", "build/a 1")


def test_a_source_that_debug_information_does_not_name_does_not_count(tree: Callable[..., Project]) -> None:
    made = tree(BUILD.format("-g"), edited="src/other.c")
    assert made.check("command", run=["build/a"]).verdict is CheckVerdict.PASSED


def test_without_debug_information_every_source_counts(tree: Callable[..., Project]) -> None:
    _refused(tree(BUILD.format("-g0"), edited="src/other.c"), "build/a is older than src/other.c")


def test_a_program_newer_than_all_sources_decides(tree: Callable[..., Project]) -> None:
    for flag in ("-g", "-g0"):
        assert tree(BUILD.format(flag)).check("command", run=["build/a"]).verdict is CheckVerdict.PASSED


def test_what_the_lines_build_is_new(tree: Callable[..., Project]) -> None:
    made = tree(BUILD.format("-g"), edited="src/b.c")
    outcome = made.check("command", run=[BUILD.format("-g"), "build/a"])
    assert outcome.verdict is CheckVerdict.PASSED
    _refused(made, "build/a is older than src/b.c")  # and the tree's own is as old as before


def test_a_build_that_fails_has_failed(tree: Callable[..., Project]) -> None:
    made = tree(BUILD.format("-g"), edited="src/b.c")
    (made.root / "Makefile").write_text("all:\n\tfalse\n")
    assert made.check("command", run=["make && build/a"]).verdict is CheckVerdict.FAILED


def test_a_library_of_the_project_is_a_part_of_its_programs(tree: Callable[..., Project]) -> None:
    _refused(tree(*SHARED, edited="src/b.c"), "build/libb.so is older than src/b.c")
    made = tree(*SHARED, edited="src/other.c")
    assert made.check("command", run=["build/a"]).verdict is CheckVerdict.PASSED


def test_tools_of_the_system_are_no_programs_of_the_project(tree: Callable[..., Project]) -> None:
    made = tree(edited="src/a.c")
    assert made.check("command", run=["/bin/true && cat src/a.c"]).verdict is CheckVerdict.PASSED
    assert not list(named_programs("/bin/true src/a.c", made.root, made.root))


def test_what_ctest_ran_is_read_from_its_record(tree: Callable[..., Project]) -> None:
    root = tree(BUILD.format("-g")).root
    log = f'1/2 Testing: a\nCommand: "{root}/build/a" "x"\nOutput:\nCommand: "/bin/true"\n'
    assert list(logged_programs(log, root)) == ["build/a"]
    fake = f"mkdir -p build/Testing/Temporary; echo 'Command: \"{root}/build/a\"' > {{}}; grep -q int src/a.c"
    made = tree(BUILD.format("-g"), edited="src/a.c")
    _refused(made, "build/a is older", fake.format("build/Testing/Temporary/LastTest.log"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [("make all", True), ("cmake --build build && ctest", True), ("ctest --test-dir build", False)],
)
def test_lines_that_build(line: str, expected: bool) -> None:
    assert builds(line) is expected
