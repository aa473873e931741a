"""What outputs of builds and test runners say, as those programs write them."""

from __future__ import annotations

import pytest

from rocverify.commands.counts import Ran, read_output

CARGO = """\
   Compiling engine v0.1.0 (/work/engine)
warning: unused variable: `x`
 --> src/lib.rs:3:9
  |
3 |     let x = 1;
  |         ^ help: if this is intentional, prefix it with an underscore: `_x`
  |
  = note: `#[warn(unused_variables)]` on by default

warning: unused variable: `y`
 --> src/lib.rs:4:9
  |
4 |     let y = 1;
  |         ^

warning: `engine` (lib) generated 2 warnings
    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.52s
     Running unittests src/lib.rs (target/debug/deps/engine-1)

running 3 tests
test a ... ok
test b ... ok
test c ... ignored

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests engine

running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
CTEST = """\
Test project /work/engine/build
    Start 1: rope
1/3 Test #1: rope .............................   Passed    0.11 sec
    Start 2: softmax
2/3 Test #2: softmax ..........................***Skipped   0.01 sec
    Start 3: norm
3/3 Test #3: norm .............................***Failed    0.01 sec
[  PASSED  ] 4 tests.

67% tests passed, 1 tests failed out of 3
"""
PYTEST = "..s\n=========== 2 passed, 1 skipped, 3 deselected, 1 warning in 0.12s ===========\n"
PYTEST_QUIET = "F.E\n1 failed, 1 passed, 1 error in 1.20s\n"
UNITTEST = "..s\n----\nRan 3 tests in 0.001s\n\nOK (skipped=1)\n"
GOOGLE = "[==========] 3 tests ran.\n[  PASSED  ] 2 tests.\n[  SKIPPED ] 1 test, listed below:\n"


@pytest.mark.parametrize(
    ("output", "tests"),
    [
        (CARGO, Ran("cargo", 2, 0, 1)),
        (CTEST, Ran("ctest", 1, 1, 1)),
        ("No tests were found!!!\n", Ran("ctest")),
        (PYTEST, Ran("pytest", 2, 0, 1, 3)),
        (PYTEST_QUIET, Ran("pytest", 1, 2, 0)),
        ("no tests ran in 0.01s\n", Ran("pytest")),
        (UNITTEST, Ran("unittest", 2, 0, 1)),
        (GOOGLE, Ran("gtest", 2, 0, 1)),
        (f"\x1b[32m{PYTEST_QUIET.splitlines()[1]}\x1b[0m\n", Ran("pytest", 1, 2, 0)),
    ],
)
def test_tests_by_runner(output: str, tests: Ran) -> None:
    assert read_output(output).tests == (tests,)


def test_other_words_are_no_tests() -> None:
    said = read_output("5 passed the border in 3 days\ntest result: fine\nAll done: 3 files in 0.5s.\n")
    assert not said.tests
    assert not said.warnings


def test_warnings_of_rustc_have_the_class_that_is_said_once() -> None:
    assert read_output(CARGO).warnings == {"unused_variables": 2}


def test_warnings_of_clang() -> None:
    said = read_output(
        "a.c:1:5: warning: unused variable 'x' [-Wunused-variable]\n"
        "a.c:2:5: warning: unused variable 'y' [-Wunused-variable]\n"
        "k.hip:9: warning: loop not unrolled [-Wpass-failed=transform-warning]\n"
        "a.c:3:5: warning: no class here\n"
    )
    assert said.warnings == {
        "unused-variable": 2,
        "pass-failed=transform-warning": 1,
        "no class here": 1,
    }


def test_a_build_with_nothing_to_do_is_seen() -> None:
    assert read_output("make: Nothing to be done for 'all'.\n").idle
    assert read_output("ninja: no work to do.\n").idle
    assert not read_output("cc -c a.c\n").idle
