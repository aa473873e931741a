"""artifact: what was promised is there, in code."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rocverify.errors import PlanError, RocverifyError, SourceError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

SOURCE = """\
'''Mentions commented_out and rope_gpu_kernel.'''
from kernels.other import helper

def rope_gpu_kernel():
    return helper()  # uses secret_name

if False:
    def dead_function(): ...

__all__ = ["rope_gpu_kernel", "phantom"]
"""
PATH = "kernels/rope.py"


def test_a_delivered_artifact_passes_with_evidence(project: Make) -> None:
    outcome = project({PATH: SOURCE}).check(
        "artifact", path=PATH, contains=r"rope_gpu_kernel\(", exports=["rope_gpu_kernel"], min_lines=10
    )
    assert outcome.verdict is CheckVerdict.PASSED
    assert outcome.evidence["lines"] == 10
    assert outcome.evidence["exports"] == {"rope_gpu_kernel": f"function at {PATH}:4"}
    assert outcome.evidence["contains"]["code"] == ["4: def rope_gpu_kernel():"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"min_lines": 11}, "has 10 lines, the plan asks for 11"),
        ({"contains": "commented_out"}, r"matches only comments or docstrings of kernels/rope.py \(line 1\)"),
        ({"contains": "secret_name"}, r"matches only comments or docstrings .* \(line 5\)"),
        ({"contains": "dead_function"}, r"can never run \(line 8\)"),
        ({"contains": "nowhere"}, "matches nothing"),
        ({"contains": ".*"}, "vacuous"),
        ({"contains": r"\w+"}, "vacuous"),
        ({"exports": ["helper"]}, r"does not define helper; it only uses the name \(line 2\)"),
        ({"exports": ["phantom"]}, "does not define phantom, though __all__ lists it"),
        ({"exports": ["dead_function"]}, r"only in code that can never run \(line 8\)"),
        ({"exports": ["commented_out"]}, r"only in a comment or docstring \(line 1\)"),
        ({"exports": ["nowhere"]}, "does not define nowhere$"),
    ],
)
def test_what_is_missing_fails_and_says_why(project: Make, params: dict[str, object], message: str) -> None:
    outcome = project({PATH: SOURCE}).check("artifact", path=PATH, **params)
    assert outcome.verdict is CheckVerdict.FAILED
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(outcome.message)
    assert outcome.findings[0].location is not None
    assert outcome.findings[0].location.startswith(PATH)


def test_all_gaps_are_told_at_once(project: Make) -> None:
    outcome = project({PATH: SOURCE}).check(
        "artifact", path=PATH, min_lines=99, contains="nowhere", exports=["a1", "b1"]
    )
    assert len(outcome.findings) == 4


def test_an_empty_file_is_no_artifact(project: Make) -> None:
    assert project({PATH: ""}).check("artifact", path=PATH).verdict is CheckVerdict.FAILED


@pytest.mark.parametrize(
    "path", ["kernels/none.py", "../outside.py", "src/", "a/*.rs", "/etc/hosts", "x.py or y.py"]
)
def test_what_is_no_file_of_the_project_is_a_source_error(project: Make, path: str) -> None:
    with pytest.raises(SourceError):
        project({PATH: SOURCE}).check("artifact", path=path)


def test_a_link_out_of_the_project_is_a_source_error(project: Make) -> None:
    made = project({PATH: SOURCE})
    (made.root / "kernels" / "link.py").symlink_to("/etc/hosts")
    with pytest.raises(SourceError, match="outside"):
        made.check("artifact", path="kernels/link.py")


def test_a_hostile_pattern_ends(project: Make) -> None:
    made = project({"a.txt": "a" * 400_000 + "\n"})
    assert made.check("artifact", path="a.txt", contains=r"(a|a|aa)+$b").verdict is CheckVerdict.FAILED


def test_an_expression_of_another_dialect_is_an_error_of_the_plan(project: Make) -> None:
    with pytest.raises(PlanError, match="not a regular expression of RE2"):
        project({"a.txt": "b\n"}).check("artifact", path="a.txt", contains=r"(?<!x)a")


def test_a_markdown_documents_text_is_its_content(project: Make) -> None:
    made = project({"FLOW.md": "# Flow\n\n```\n# rope_kernel\n```\n<!-- hidden_kernel -->\n"})
    assert made.check("artifact", path="FLOW.md", contains="rope_kernel").verdict is CheckVerdict.PASSED
    assert made.check("artifact", path="FLOW.md", contains="hidden_kernel").verdict is CheckVerdict.FAILED


def test_several_texts_may_be_in_several_files_of_a_folder(project: Make) -> None:
    made = project({"src/a.rs": "fn rope() {}\n", "src/b.rs": "fn soft() {}\n"})
    assert made.check("artifact", path="src/", contains="rope, soft").verdict is CheckVerdict.PASSED
    assert made.check("artifact", path="src/", contains="rope, hard").verdict is CheckVerdict.FAILED


@pytest.mark.parametrize(
    "path", ["word" * 100, "some " * 100, "src/**x/*.rs", "src/***", "{,}", "src/" + "{a,b}" * 40 + ".rs"]
)
def test_no_text_in_place_of_a_path_is_more_than_no_path(project: Make, path: str) -> None:
    with pytest.raises(RocverifyError, match=r"not a path|not a glob|too many|matches no file"):
        project({PATH: SOURCE}).check("artifact", path=path)


@pytest.mark.long
def test_a_kernel_of_the_manifest_that_does_not_compile_was_not_delivered(project: Make) -> None:
    manifest = '[[kernel]]\nsource = "kernels/a.hip"\nsymbols = ["a"]\nenv = "A_HSACO"\n'
    kernel = 'extern "C" __global__ void a(float* x) { x[0] = 1; }\n'
    made = project({"kernels/a.hip": kernel, "kernels/kernels.toml": manifest})
    assert made.check("artifact", path="kernels/a.hip").verdict is CheckVerdict.PASSED
    made.edit("kernels/a.hip", "x[0] = 1", "x[0] = y")
    outcome = made.check("artifact", path="kernels/a.hip", contains="__global__")
    assert outcome.verdict is CheckVerdict.FAILED
    assert "kernels/a.hip does not compile for gfx1100: use of undeclared identifier 'y'" in outcome.message
    made.write("kernels/kernels.toml", manifest.replace("kernels/a.hip", "kernels/other.hip"))
    assert made.check("artifact", path="kernels/a.hip").verdict is CheckVerdict.PASSED


@pytest.mark.parametrize(
    ("path", "defined"),
    [
        (f"{PATH}::rope_gpu_kernel", True),
        (f"{PATH}:rope_gpu_kernel()", True),
        (f"{PATH}::no_such_kernel", False),
        (f"{PATH}::dead_function", False),
    ],
)
def test_a_symbol_of_a_file(project: Make, path: str, defined: bool) -> None:
    outcome = project({PATH: SOURCE}).check("artifact", path=path)
    assert (outcome.verdict is CheckVerdict.PASSED) == defined
    assert defined or path.rpartition(":")[2] in outcome.message
