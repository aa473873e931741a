"""documented: the docstring tells the flow that the code really has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest

from rocverify.checks.support.prose import arrow_chains, mentioned_names
from rocverify.errors import RocverifyError, SourceError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

CODE = """\
from rocm.bindings import hip

def upload(x):
    return hip.hipMemcpyHtoD(x, x, 1)

def launch(x):
    hip.hipModuleLaunchKernel(b"rope_kernel")

def rope_gpu_kernel(x):
    launch(x)

def elsewhere(x): ...

def apply(x):
    {doc}
    upload(x)
    rope_gpu_kernel(x)
"""
HIP = 'extern "C" __global__ void rope_kernel(float* x) {}\n'
GOOD = "'''GPU RoPE execution flow: `upload`, then rope_gpu_kernel() -> launch() -> rope_kernel.'''"


def files(doc: str, code: str = CODE) -> dict[str, str]:
    return {"kernels/a.py": code.format(doc=doc), "kernels/rope.hip": HIP}


FLOW = ["upload", "rope_gpu_kernel", "launch", "rope_kernel"]


def test_a_true_docstring_passes(project: Make) -> None:
    outcome = project(files(GOOD)).check(
        "documented", entry="kernels.a:apply", flow=FLOW, title="gpu rope  execution flow"
    )
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert outcome.evidence["call_paths"]["launch"] == (
        "apply → rope_gpu_kernel (kernels/a.py:17) → launch (kernels/a.py:10)"
    )


@pytest.mark.parametrize(
    ("doc", "flow", "message"),
    [
        ("pass", FLOW, "has no docstring"),
        ("'''Uploads and launches rope_gpu_kernel.'''", FLOW, "does not mention upload"),
        ("'''rope_gpu_kernel_old, upload, launch, rope_kernel'''", FLOW, "does not mention rope_gpu_kernel$"),
        (GOOD, ["upload", "elsewhere"], "does not mention elsewhere"),
        ("'''upload, then elsewhere.'''", ["upload", "elsewhere"], "elsewhere is not on the call path"),
        ("'''upload, then vanished.'''", ["upload", "vanished"], "vanished does not exist"),
        (GOOD, ["rope_gpu_kernel", "upload"], "puts rope_gpu_kernel before upload"),
        (GOOD, ["rope_kernel", "upload"], "puts rope_kernel before upload"),
        ("'''upload, and vanished() too.'''", ["upload"], "names vanished, which does not exist"),
        ("'''upload, and `vanished_kernel` too.'''", ["upload"], "names vanished_kernel"),
        ("'''launch() -> upload()'''", ["upload"], "docstring puts launch before upload"),
        ("'''upload; elsewhere() -> launch()'''", ["upload"], "puts elsewhere on the path"),
    ],
)
def test_a_docstring_that_is_not_true_fails(project: Make, doc: str, flow: list[str], message: str) -> None:
    outcome = project(files(doc)).check("documented", entry="kernels.a:apply", flow=flow)
    assert outcome.verdict is CheckVerdict.FAILED
    assert any(re.search(message, f.message) for f in outcome.findings), outcome.findings


STEPS = """\
from rocm.bindings import hip

def launch(name):
    hip.hipModuleLaunchKernel(name)

def first(x):
    launch(b"rope_kernel")

def second(x):
    {second}

def run(f):
    f(1)

def apply(x):
    '''{flow}'''
    {body}
"""


@pytest.mark.parametrize(
    ("body", "second", "flow", "holds"),
    [
        ("first(x)\n    second(x)", "pass", ["first", "second"], True),
        ("second(x)\n    first(x)", "pass", ["first", "second"], False),
        ("second(x)", "first(x)", ["first", "second"], False),
        ("second(x)", "first(x)", ["second", "first"], True),
        ("run(first)\n    second(x)", "pass", ["first", "second"], True),
        ("second(x)\n    run(first)", "pass", ["first", "second"], False),
        ("run(lambda y: first(y))\n    second(x)", "pass", ["first", "second"], True),
        ("if x:\n        first(x)\n    else:\n        second(x)", "pass", ["first", "second"], True),
        ("for y in x:\n        second(y)\n        first(y)", "pass", ["first", "second"], False),
        ("first(x)\n    second(x)", "launch(b'norm_kernel')", ["rope_kernel", "norm_kernel"], True),
        ("second(x)\n    first(x)", "launch(b'norm_kernel')", ["rope_kernel", "norm_kernel"], False),
        ("first(x)\n    second(x)", "launch(b'norm_kernel')", ["rope_kernel", "second", "norm_kernel"], True),
        ("(first if x else second)(x)\n    second(x)", "pass", ["first", "second"], True),
    ],
)
def test_the_order_of_the_flow_is_that_of_the_code(
    project: Make, body: str, second: str, flow: list[str], holds: bool
) -> None:
    code = STEPS.format(body=body, second=second, flow=", ".join(flow))
    kernels = "".join(
        f'extern "C" __global__ void {name}_kernel(float* x) {{}}\n' for name in ("rope", "norm")
    )
    made = project({"kernels/a.py": code, "kernels/rope.hip": kernels})
    outcome = made.check("documented", entry="kernels.a:apply", flow=flow)
    assert (outcome.verdict is CheckVerdict.PASSED) is holds, outcome.message


def test_a_comment_is_no_docstring(project: Make) -> None:
    outcome = project(files("# GPU RoPE execution flow: upload")).check(
        "documented", entry="kernels.a:apply", flow=["upload"]
    )
    assert outcome.message == "apply has no docstring"


def test_a_wrong_title_fails(project: Make) -> None:
    outcome = project(files(GOOD)).check("documented", entry="kernels.a:apply", flow=FLOW, title="CPU flow")
    assert "does not contain 'CPU flow'" in outcome.message


def test_a_call_that_was_commented_out_takes_the_rest_of_the_flow_with_it(project: Make) -> None:
    code = CODE.replace("    rope_gpu_kernel(x)\n", "    # rope_gpu_kernel(x)\n")
    outcome = project(files(GOOD, code)).check("documented", entry="kernels.a:apply", flow=FLOW)
    missing = {f.entity for f in outcome.findings}
    assert {"rope_gpu_kernel", "launch", "rope_kernel"} <= missing


def test_a_docstring_may_say_what_does_not_happen(project: Make) -> None:
    doc = "'''upload; never to_host_vec() nor hipMemcpyDtoH(); see `__init__` and print().'''"
    outcome = project(files(doc)).check("documented", entry="kernels.a:apply", flow=["upload"])
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message


def test_an_absent_entry_is_a_source_error(project: Make) -> None:
    with pytest.raises(SourceError, match="defines no function nope"):
        project(files(GOOD)).check("documented", entry="kernels.a:nope", flow=["upload"])


def test_this_repositorys_own_flow_is_true(rope: Project) -> None:
    outcome = rope.check(
        "documented",
        entry="kernels.position_embeddings:apply_position_embeddings_device",
        flow=["angle_tables", "uploaded", "position_embeddings_gpu_kernel", "launch", "synchronize"],
        title="GPU RoPE execution flow",
    )
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("calls f() and g.h()", ("f", "g.h")),
        ("`a_b` and `c` and ``d_e``", ("a_b", "d_e")),
        (":func:`~m.f` then `x_y()`", ("m.f", "x_y")),
        ("a() -> b() → c_d", ("a", "b", "c_d")),
        ("2 -> 3, x (see below)", ()),
    ],
)
def test_names_in_prose(text: str, names: tuple[str, ...]) -> None:
    assert mentioned_names(text) == names


def test_chains_need_names_that_look_like_code() -> None:
    assert arrow_chains("host -> device; a() -> b()") == [("a", "b")]


def test_what_is_named_on_the_path_is_not_said_to_be_off_it(project: Make) -> None:
    """The launcher is an object: that its name does not lead on is no fault of the docstring."""
    function = "def rope_gpu_kernel(x):\n    launch(x)\n"
    instance = "class _Rope:\n    def __call__(self, x):\n        launch(x)\n\nrope_gpu_kernel = _Rope()\n"
    assert function in CODE
    deeper = {
        "kernels/a.py": CODE.replace(function, instance).format(doc=GOOD),
        "kernels/b.py": f"from kernels.a import apply\n\ndef entry(x):\n    {GOOD}\n    apply(x)\n",
        "kernels/rope.hip": HIP,
    }
    with pytest.raises(RocverifyError, match="whether rope_gpu_kernel is on the call path from entry"):
        project(deeper).check("documented", entry="kernels.b:entry", flow=FLOW)
