"""key_link: one file really uses another."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from rocverify.binding.structural import via_parameters
from rocverify.errors import PlanError, RocverifyError, SourceError, UsageError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

FILES = {
    "kernels/rope.py": """\
        '''apply_rope_device() calls rope_gpu_kernel(); see only_in_docstring.'''
        from rocm.bindings import hip
        from kernels.wrap import rope_gpu_kernel, unused, Wrapper
        KERNELS = ["kernels/rope.hip"]
        OTHER = ["kernels/other.hip"]

        def apply_rope_device(x):
            '''Calls documented_only().'''
            helper(x)

        def helper(x):
            rope_gpu_kernel(x)
            return
            unused(x)

        def direct(x, w):
            # unused(x)
            w.launch(x)

        def typed(x, w: Wrapper):
            w.launch(x)
        """,
    "kernels/wrap.py": """\
        from rocm.bindings import hip
        def rope_gpu_kernel(x):
            '''Launches.'''
            hip.hipModuleLaunchKernel("rope_kernel")
        def unused(x): ...
        def documented_only(): ...
        class Wrapper:
            def launch(self, x): ...
        """,
    "kernels/kernels.toml": """\
        # source = "kernels/gone.hip"
        [[kernel]]
        source = "kernels/rope.hip"
        symbols = ["rope_kernel"]
        """,
    "kernels/rope.hip": """\
        #include "pair.h"
        // second_kernel
        __device__ void inner(float* x) { rotate_pair(x); }
        extern "C" __global__ void rope_kernel(float* x) { inner(x); }
        extern "C" __global__ void second_kernel(float* x) { }
        """,
    "kernels/pair.h": "__device__ void rotate_pair(float* x) { x[0] = 1; }\n",
    "src/rope.rs": """\
        pub fn apply_rope_device(x: &T) { helper(x); }
        fn helper(x: &T) { rope_gpu_kernel(x) }
        """,
    "src/kernels.rs": "pub fn rope_gpu_kernel(x: &T) {}\npub fn unused() {}\n",
    "Makefile": "all:\n\techo\n",
    "build.rs": '// rope.hip\nconst KERNELS: &[&str] = &["kernels/rope.hip"];\n',
}

ROPE, WRAP, TOML, HIP, HEADER = (
    "kernels/rope.py",
    "kernels/wrap.py",
    "kernels/kernels.toml",
    "kernels/rope.hip",
    "kernels/pair.h",
)


@pytest.mark.parametrize(
    ("source", "target", "claim"),
    [
        (TOML, HIP, {"pattern": r"rope\.hip|position_embeddings\.hip"}),
        (TOML, HIP, {"via": "KERNELS list includes rope.hip"}),
        (TOML, HIP, {"via": "manifest lists kernels/rope.hip"}),
        (ROPE, HIP, {"via": "KERNELS list includes rope.hip"}),
        ("build.rs", HIP, {"via": "KERNELS list includes rope.hip"}),
        (ROPE, WRAP, {"via": "apply_rope_device() calls rope_gpu_kernel()", "pattern": "rope_gpu_kernel"}),
        (ROPE, WRAP, {"via": "helper calls rope_gpu_kernel directly"}),
        (ROPE, WRAP, {"caller": "helper", "callee": "rope_gpu_kernel"}),
        (ROPE, WRAP, {"via": "`typed()` calls `Wrapper.launch()`"}),
        (ROPE, HIP, {"via": "apply_rope_device() launches rope_kernel"}),
        (HIP, HEADER, {"via": "rope_kernel() calls rotate_pair()"}),
        ("src/rope.rs", "src/kernels.rs", {"via": "apply_rope_device() calls rope_gpu_kernel()"}),
        (ROPE, "kernels", {"pattern": "rope_gpu_kernel"}),
        (ROPE, WRAP, {"via": "wrapper import", "pattern": "rope_gpu_kernel"}),
    ],
)
def test_a_real_link_passes(project: Make, source: str, target: str, claim: dict[str, str]) -> None:
    outcome = project(FILES).check("key_link", from_path=source, to_path=target, **via_parameters(claim))
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message


@pytest.mark.parametrize(
    ("source", "target", "claim", "message"),
    [
        (ROPE, WRAP, {"pattern": "only_in_docstring"}, r"only comments or docstrings .*\(line 1\)"),
        (ROPE, WRAP, {"pattern": "class Wrapper"}, "matches nothing in kernels/rope.py"),
        (ROPE, WRAP, {"pattern": ".*"}, "vacuous"),
        (TOML, HIP, {"pattern": r"gone\.hip"}, "only comments"),
        (
            TOML,
            HIP,
            {"via": "KERNELS list includes gone.hip"},
            r"does not list gone\.hip; .*comment \(line 1\)",
        ),
        (ROPE, HIP, {"via": "KERNELS list includes other.hip"}, r"does not list other\.hip"),
        ("build.rs", HIP, {"via": "KERNELS list includes position.hip"}, "does not list"),
        (
            ROPE,
            WRAP,
            {"via": "apply_rope_device() calls documented_only()"},
            "only in a comment or docstring",
        ),
        (ROPE, WRAP, {"via": "helper() calls unused()"}, r"the call at kernels/rope\.py:14 can never run"),
        (ROPE, WRAP, {"via": "direct() calls unused()"}, "only in a comment or docstring"),
        (ROPE, WRAP, {"via": "apply_rope_device() calls nothing_there()"}, "wrap.py does not define"),
        (ROPE, WRAP, {"via": "absent() calls rope_gpu_kernel()"}, "rope.py defines no function absent"),
        (ROPE, WRAP, {"via": "unused() calls rope_gpu_kernel()"}, "rope.py defines no function unused"),
        (
            ROPE,
            WRAP,
            {"via": "helper() calls rope_gpu_kernel() and unused()"},
            r"the call at .* can never run",
        ),
        (ROPE, WRAP, {"via": "helper() calls rope_gpu_kernel(), then unused()"}, "can never run"),
        (WRAP, ROPE, {"via": "rope_gpu_kernel() calls helper()"}, "does not call helper"),
        (ROPE, HIP, {"via": "apply_rope_device() launches second_kernel"}, "nothing on the way names"),
        (ROPE, HIP, {"via": "direct() launches rope_kernel"}, "direct reaches no kernel launch"),
        (ROPE, HIP, {"via": "apply_rope_device() launches inner()"}, "not a __global__ kernel"),
        (HIP, HEADER, {"via": "second_kernel() calls rotate_pair()"}, "does not call"),
        ("src/rope.rs", "src/kernels.rs", {"via": "helper() calls unused()"}, "does not call"),
    ],
)
def test_a_link_that_is_not_there_fails(
    project: Make, source: str, target: str, claim: dict[str, str], message: str
) -> None:
    outcome = project(FILES).check("key_link", from_path=source, to_path=target, **via_parameters(claim))
    assert outcome.verdict is CheckVerdict.FAILED
    assert re.search(message, outcome.message), outcome.message


def test_the_path_is_reported_with_its_lines(project: Make) -> None:
    outcome = project(FILES).check(
        "key_link", from_path=ROPE, to_path=WRAP, caller="apply_rope_device", callee="rope_gpu_kernel"
    )
    assert outcome.evidence["call_path"] == [
        "apply_rope_device calls helper (kernels/rope.py:9)",
        "helper calls rope_gpu_kernel (kernels/rope.py:12)",
    ]


@pytest.mark.parametrize(
    ("source", "target"), [("none.py", WRAP), (ROPE, "none.py"), (ROPE, "../x"), ("kernels/*.rs", ROPE)]
)
def test_an_absent_end_is_a_source_error(project: Make, source: str, target: str) -> None:
    with pytest.raises(SourceError):
        project(FILES).check("key_link", from_path=source, to_path=target, pattern="rope")


@pytest.mark.parametrize(
    ("source", "target"), [("Makefile", WRAP), ("src/rope.rs", WRAP), ("build.rs", WRAP)]
)
def test_a_language_that_cannot_be_followed_is_no_failure(project: Make, source: str, target: str) -> None:
    with pytest.raises(RocverifyError, match="cannot be followed") as error:
        project(FILES).check("key_link", from_path=source, to_path=target, caller="a_b", callee="c_d")
    assert not isinstance(error.value, UsageError | SourceError)


@pytest.mark.parametrize(("source", "via"), [(ROPE, None), (ROPE, "the wrapper uses it")])
def test_a_link_that_claims_nothing_checkable_is_a_plan_error(
    project: Make, source: str, via: str | None
) -> None:
    with pytest.raises(PlanError):
        project(FILES).check("key_link", from_path=source, to_path=WRAP, via=via)


def test_a_pattern_that_only_the_target_has_is_no_link(project: Make) -> None:
    outcome = project(FILES).check("key_link", from_path=TOML, to_path=WRAP, pattern="rope_gpu_kernel")
    assert outcome.verdict is CheckVerdict.FAILED


def test_a_call_that_cannot_be_resolved_decides_nothing(project: Make) -> None:
    claim = {"caller": "direct", "callee": "Wrapper.launch"}
    with pytest.raises(RocverifyError, match=r"the call at kernels/rope.py:18 may be it"):
        project(FILES).check("key_link", from_path=ROPE, to_path=WRAP, **claim)


def test_a_via_in_prose_is_shown_as_not_checked(project: Make) -> None:
    made = project(FILES)
    outcome = made.check(
        "key_link", from_path=ROPE, to_path=WRAP, pattern="rope_gpu_kernel", via="the helper"
    )
    assert outcome.verdict is CheckVerdict.PASSED
    assert outcome.message.endswith("'the helper' is prose: not checked")


def test_prose_beside_a_pattern_that_matches_only_an_import_shows_nothing(project: Make) -> None:
    lie = {"pattern": "import rope_gpu_kernel", "via": "unused is applied to each row"}
    with pytest.raises(RocverifyError, match=r"matches only imports \(line 3\)"):
        project(FILES).check("key_link", from_path=ROPE, to_path=WRAP, **lie)
    said = {"pattern": "import rope_gpu_kernel", "via": "it imports the wrapper"}
    assert project(FILES).check("key_link", from_path=ROPE, to_path=WRAP, **said).verdict == "passed"


def test_a_further_callee_that_is_elsewhere_is_not_checked(project: Make) -> None:
    claim = via_parameters({"via": "helper() calls rope_gpu_kernel() and elsewhere()"})
    with pytest.raises(RocverifyError, match="does not define elsewhere, so the call of it was not checked"):
        project(FILES).check("key_link", from_path=ROPE, to_path=WRAP, **claim)


def test_a_type_as_caller_means_its_methods(project: Callable[..., Project]) -> None:
    text = (
        "struct Pipe;\nimpl Pipe { fn run(&self) { go(); } fn idle(&self) {} }\nfn go() {}\nfn other() {}\n"
    )
    made = project({"src/pipe.rs": text})
    link = {"from_path": "src/pipe.rs", "to_path": "src/pipe.rs", "via": "Pipe calls it", "caller": "Pipe"}
    assert made.check("key_link", **link, callee="go").verdict is CheckVerdict.PASSED
    assert made.check("key_link", **link, callee="other").verdict is CheckVerdict.FAILED


def test_a_class_of_python_as_caller_means_its_methods(project: Callable[..., Project]) -> None:
    text = (
        "class Pipe:\n    def run(self): go()\n    def idle(self, x): x.maybe()\n"
        "def go(): ...\ndef other(): ...\nclass Sink:\n    def maybe(self): ...\n"
    )
    made = project({"kernels/pipe.py": text})
    ends = {"from_path": "kernels/pipe.py", "to_path": "kernels/pipe.py", "caller": "Pipe"}
    passed = made.check("key_link", **ends, via="Pipe calls it", callee="go")
    assert passed.verdict is CheckVerdict.PASSED, passed.message
    failed = made.check("key_link", **ends, via="Pipe calls it", callee="other")
    assert failed.verdict is CheckVerdict.FAILED
    assert "no method of Pipe calls other" in failed.message
    with pytest.raises(RocverifyError, match="may be it"):
        made.check("key_link", **ends, via="Pipe calls it", callee="Sink.maybe")


LISTS = {
    "build.rs": 'const ROPE: &str = "kernels/rope.hip";\nconst KERNELS: &[(&str, &str)] = &[\n    '
    '("kernels/softmax.hip", "SOFTMAX"), // ("kernels/scan.hip", "SCAN"),\n    (ROPE, "ROPE"),\n];\n'
    'fn other() { build("kernels/sort.hip") }\n',
    "a.cpp": 'static const char* kKernels[] = {"kernels/softmax.hip", /* "kernels/scan.hip" */ "b.hip"};\n'
    'void other() { build("kernels/sort.hip"); }\n',
    "a.py": 'KERNELS = {"softmax": "kernels/softmax.hip",\n    # "kernels/scan.hip"\n}\n'
    'KERNELS_MORE = []\nKERNELS += ["b.hip"]\ndef other(): build("kernels/sort.hip")\n',
    "to.hip": "",
}


@pytest.mark.parametrize(
    ("path", "via", "listed"),
    [
        ("build.rs", "KERNELS lists softmax.hip", True),
        ("build.rs", "KERNELS lists rope.hip", True),
        ("build.rs", "KERNELS lists scan.hip", False),
        ("build.rs", "KERNELS lists sort.hip", False),
        ("build.rs", "build lists sort.hip", True),
        ("a.cpp", "kKernels lists kernels/softmax.hip", True),
        ("a.cpp", "kKernels lists scan.hip", False),
        ("a.cpp", "kKernels lists sort.hip", False),
        ("a.py", "KERNELS lists softmax.hip", True),
        ("a.py", "KERNELS lists b.hip", True),
        ("a.py", "KERNELS lists scan.hip", False),
        ("a.py", "KERNELS lists sort.hip", False),
        ("a.py", "manifest lists sort.hip", True),
        ("a.py", "manifest lists ort.hip", False),
    ],
)
def test_lists_in_each_language(project: Make, path: str, via: str, listed: bool) -> None:
    outcome = project(LISTS).check(
        "key_link", from_path=path, to_path="to.hip", **via_parameters({"via": via})
    )
    assert (outcome.verdict is CheckVerdict.PASSED) is listed, outcome.message
