"""defined: definitions that are built, in three languages; what is only declared or written about is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rocverify.errors import RocverifyError, SourceError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

FILES = {
    "src/a.rs": """
        pub fn kept() {}
        // pub fn old() {}
        pub struct Engine;
        impl Engine { pub fn step(&self) {} }
        #[cfg(feature = "never_there")]
        mod inner { pub fn lost() {} }
        #[cfg(test)]
        fn only_tests() {}
        pub use crate::b::moved;
    """,
    "src/b.cpp": """
        int declared(int x);
        int kept(int x) { return declared(x); }
        #if 0
        int old(int x) { return x; }
        #endif
        struct Engine { void step() {} };
    """,
    "kernels/c.py": '''
        """old() was here."""
        def kept(): ...
        class Engine:
            def step(self): ...
            def lost(self): ...
            del lost
        def gone(): ...
        del gone
        def nothing(): ...
        nothing = None
        def perhaps(): ...
        if kept():
            del perhaps
    ''',
}
PASSES = [
    ("src/a.rs", "kept", False),
    ("src/a.rs", "Engine::step", False),
    ("src/a.rs", "Engine", False),
    ("src/a.rs", "old", True),
    ("src", "kept", False),
    ("src/b.cpp", "kept", False),
    ("src/b.cpp", "declared", True),
    ("kernels/c.py", "Engine.step", False),
    ("kernels/c.py", "old", True),
]
FAILS = [
    ("src/a.rs", "old", False, "only in a comment"),
    ("src/a.rs", "kept", True, "still defines kept (line 2)"),
    ("src/a.rs", "only_tests", False, ""),
    ("src/b.cpp", "declared", False, "only uses the name"),
    ("src/b.cpp", "old", False, "can never run"),
    ("kernels/c.py", "old", False, "comment or docstring"),
    ("kernels/c.py", "kept", True, "still defines"),
    ("kernels/c.py", "gone", False, "defines gone and takes it back on line 9"),
    ("kernels/c.py", "nothing", False, "takes it back on line 11"),
    ("kernels/c.py", "Engine.lost", False, "takes it back on line 7"),
]
OPEN = [
    ("src/b.cpp", "old", True, "still written there"),
    ("src/a.rs", "only_tests", True, "still written there"),
    ("src/a.rs", "moved", True, "re-exported"),
    ("src/a.rs", "step", True, "a method step is still there"),
    ("kernels/c.py", "perhaps", False, "may be deleted again"),
]


@pytest.mark.parametrize(("path", "name", "absent"), PASSES)
def test_passes(project: Make, path: str, name: str, absent: bool) -> None:
    outcome = project(FILES).check("defined", names=[name], path=path, absent=absent)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message


@pytest.mark.parametrize(("path", "name", "absent", "said"), FAILS)
def test_fails(project: Make, path: str, name: str, absent: bool, said: str) -> None:
    outcome = project(FILES).check("defined", names=[name], path=path, absent=absent)
    assert outcome.verdict is CheckVerdict.FAILED, outcome.message
    assert said in outcome.message


@pytest.mark.parametrize(("path", "name", "absent", "said"), OPEN)
def test_decides_nothing(project: Make, path: str, name: str, absent: bool, said: str) -> None:
    with pytest.raises(RocverifyError, match=said):
        project(FILES).check("defined", names=[name], path=path, absent=absent)


def test_a_file_that_is_not_there(project: Make) -> None:
    with pytest.raises(SourceError):
        project({}).check("defined", names=["f"], path="src/none.rs")


def test_what_could_not_be_parsed_decides_nothing(project: Make) -> None:
    made = project({"src/a.rs": "fn broken( { fn lost() {}\n"})
    with pytest.raises(RocverifyError, match="cannot be told"):
        made.check("defined", names=["lost"], path="src/a.rs")
