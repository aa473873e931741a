"""absent: what is in no code passes, what is in any fails with its place; comments are no code."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rocverify.errors import RocverifyError, SourceError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

NOTEBOOK = """{"cells": [
  {"cell_type": "markdown", "source": ["old_words"]},
  {"cell_type": "code", "outputs": ["old_output"], "source": ["# old_remark\\n", "old_cell(1)\\n"]}
]}"""
FILES = {
    "kernels/a.hip": "// old_shuffle(x)\n__global__ void k() { new_shuffle(1); }\n",
    "kernels/sub/b.hip": "#ifdef NEVER\nold_shuffle(2);\n#endif\n__global__ void m() {}\n",
    "src/lib.rs": "// TODO: later\nfn f() { old_shuffle_v2(); }\n",
    "src/old.cu": "void older_shuffle() {}\n",
    "src/old.cxx": "void oldest_shuffle() {}\n",
    "CMakeLists.txt": "# old_flag\nadd_compile_definitions(OLD_FLAG=1)\n",
    "pyproject.toml": "[tool.engine]\nold_setting = 1 # old_comment\n",
    "notes.ipynb": NOTEBOOK,
    "src/main.rs": "fn main() { old_shuffle(3); }\n",
}


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        (["old_shuffle"], ["kernels/"]),
        (["old_shuffle"], ["kernels/**/*.hip"]),
        (["old_shuffle", "nothing_else"], ["src/lib.rs"]),
        (["old_shuffle("], ["src/lib.rs"]),
        (["nowhere_at_all"], []),
        (["old_flag", "old_comment", "old_words", "old_remark", "old_output"], []),
    ],
)
def test_what_is_in_no_code_passes(project: Make, names: list[str], paths: list[str]) -> None:
    assert project(FILES).check("absent", names=names, paths=paths).verdict is CheckVerdict.PASSED


@pytest.mark.parametrize(
    ("names", "paths", "where"),
    [
        (["old_shuffle"], [], "src/main.rs:1"),
        (["old_shuffle"], ["src"], "src/main.rs:1"),
        (["nothing", "new_shuffle"], ["kernels"], "kernels/a.hip:2"),
        (["TODO"], ["src/lib.rs"], "src/lib.rs:1"),
        (["older_shuffle"], [], "src/old.cu:1"),
        (["OLD_FLAG"], [], "CMakeLists.txt:2"),
        (["old_setting"], [], "pyproject.toml:2"),
        (["old_cell"], [], "notes.ipynb:2"),
        ([r"old_cell\("], ["*.ipynb"], "notes.ipynb:2"),
        (["oldest_shuffle"], [], "src/old.cxx:1"),
        ([r"shuffle_v\d"], ["src/*.rs"], "src/lib.rs:2"),
    ],
)
def test_what_is_in_code_fails_with_its_place(
    project: Make, names: list[str], paths: list[str], where: str
) -> None:
    outcome = project(FILES).check("absent", names=names, paths=paths)
    assert outcome.verdict is CheckVerdict.FAILED
    assert [finding.location for finding in outcome.findings] == [where]


def test_where_there_is_nothing_to_look_into_nothing_is_shown(project: Make) -> None:
    made = project({"a.txt": "x\n"})
    with pytest.raises(RocverifyError, match="no source file"):
        made.check("absent", names=["x_y"])
    with pytest.raises(SourceError):
        made.check("absent", names=["x_y"], paths=["src/"])
    with pytest.raises(RocverifyError, match="is not a path"):
        made.check("absent", names=["x_y"], paths=["the whole code"])
