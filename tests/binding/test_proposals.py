"""Proposals have parameters that the project shows, and say what they leave to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from rocverify.binding import bind
from rocverify.binding.missing import missing_names
from rocverify.binding.project import Subject
from rocverify.binding.proposals import Proposal, propose
from rocverify.plan import parse_plan
from rocverify.plan.insertion import with_entries
from rocverify.settings import Settings
from tests.binding.test_wild_phrases import LINES, MORE

SOURCES = {
    "kernels/row_softmax.hip": 'extern "C" __global__ void row_softmax_kernel(float* x) { x[0] = 1; }\n'
    'extern "C" __global__ void row_softmax_kernel_f16(_Float16* x) { x[0] = __shfl_down(1, 2); }\n',
    "kernels/causal_mask.hip": 'extern "C" __global__ void causal_mask_kernel(float* x) { x[0] = 1; }\n',
    "kernels/launching.py": 'brightness = 32\ndef launcher(): hip.launch(get("free_kernel"))\n',
    "kernels/free.hip": 'extern "C" __global__ void free_kernel(float* x) { x[0] = 1; }\n',
    "tests/test_mask.py": "from kernels.mask import mask_gpu\ndef test_it(): mask_gpu(1)\n",
    "tests/test_other.py": "# mask_device\ndef test_it(): ...\n",
    ".planning/phases/01-a/01-01-PLAN.md": "",
}
SETTINGS = Settings()
Made = tuple[Proposal, ...]


@pytest.fixture
def offered(project: Path) -> Callable[..., Made]:
    """Proposals for a truth or a key link of a plan."""
    for name, text in SOURCES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    manifest = project / "kernels/kernels.toml"
    added = '[[kernel]]\nsource = "kernels/free.hip"\nsymbols = ["free_kernel"]\nenv = "FREE"\n'
    manifest.write_text(f"{manifest.read_text()}\n{added}")

    def proposals(truth: str, links: str = "") -> Made:
        path = project / ".planning/phases/01-a/01-01-PLAN.md"
        truths = f"  truths:\n    - '{truth}'\n" if truth else ""
        path.write_text(f"---\nphase: 01-a\nplan: 01\nmust_haves:\n{truths}{links}---\n")
        plan, subject = parse_plan(path, project), Subject(project, SETTINGS)
        (bound,) = bind(plan, SETTINGS, subject=subject)
        return propose(bound, plan, subject)

    return proposals


def shown(proposals: Made) -> list[list[Mapping[str, Any]]]:
    """Each proposal's entries without what they prove."""
    return [[{k: v for k, v in e.items() if k != "proves"} for e in p.entries] for p in proposals]


@pytest.mark.parametrize(
    ("truth", "entries"),
    [
        (
            "Constant brightness is 32",
            [
                {
                    "check": "constant_value",
                    "name": "brightness",
                    "value": 32,
                    "paths": ["kernels/launching.py"],
                }
            ],
        ),
        (
            "Every use of `__shfl_down_f32` is replaced by `__shfl_down`",
            [
                {"check": "absent", "names": ["__shfl_down_f32"]},
                {"check": "artifact", "path": "kernels/row_softmax.hip", "contains": "__shfl_down"},
            ],
        ),
        (
            "free_kernel is loaded",
            [
                {
                    "check": "wrapper_present",
                    "wrapper": "kernels.launching:launcher",
                    "source": "kernels/free.hip",
                    "symbol": "free_kernel",
                }
            ],
        ),
    ],
)
def test_what_leaves_nothing_to_judge(
    offered: Callable[..., Made], truth: str, entries: list[Mapping[str, Any]]
) -> None:
    (proposal,) = offered(truth)
    assert (proposal.leaves, proposal.certain) == ((), True)
    assert shown((proposal,)) == [entries]


def test_several_candidates_are_for_a_person_to_choose(offered: Callable[..., Made]) -> None:
    proposals = offered("helper_twice() exists")
    assert [p.id for p in proposals] == ["01-01/T1/defined", "01-01/T1/defined.2"]
    assert [e[0]["path"] for e in shown(proposals)] == ["kernels/mask.py", "kernels/other.py"]
    assert not any(p.certain for p in proposals)
    one_each_and_all = offered("The kernel is compiled")
    assert [len(p.entries) for p in one_each_and_all] == [1, 1, 1, 3]


@pytest.mark.parametrize(
    ("truth", "left"),
    [
        ("causal mask is compiled and elegant", "nothing would try 'elegant'"),
        ("row_softmax_gpu() is fast", "nothing would try 'fast'"),
        ("12 kernels compile for gfx1100", "it says 12 kernels, tried:"),
        ("softmax_device() agrees with the CPU in f64 within 1e-5", "a contract's tolerance is its own"),
        ("Shared arrays have size 1,024", "of LDS"),
    ],
)
def test_what_words_nobody_tries_is_said(offered: Callable[..., Made], truth: str, left: str) -> None:
    proposals = offered(truth)
    assert proposals
    for proposal in proposals:
        assert not proposal.certain
        assert any(left in text for text in proposal.leaves), proposal.leaves


@pytest.mark.parametrize(
    "truth",
    [
        "The code is clean",
        "Sprites are replaced by shaders",
        "Q4 weights are uploaded as they are, not converted first",
        "None of old and older remain in nowhere/",
        "Every use of __old is replaced by __nowhere",
        "Constant gravity is 10",
        "`nobody_kernel` is fast",
    ],
)
def test_nothing_is_made_up(offered: Callable[..., Made], truth: str) -> None:
    assert offered(truth) == ()


def test_tests_are_those_whose_code_says_the_name(offered: Callable[..., Made]) -> None:
    proposals = offered("mask_gpu() is pretty")
    assert [{"check": "tests_pass", "nodes": ["tests/test_mask.py"]}] in shown(proposals)


def test_a_link_that_does_not_say_how_it_shows(offered: Callable[..., Made]) -> None:
    links = "  key_links:\n    - {from: kernels/mask.py, to: kernels/causal_mask.hip, via: loads it}\n"
    patterns = [entries[0]["pattern"] for entries in shown(offered("", links))]
    assert patterns == ["causal_mask_kernel", "causal_mask"]
    assert offered("", links.replace("kernels/mask.py", "kernels/gone.py")) == ()


@pytest.mark.parametrize("line", LINES)
def test_each_proposal_is_bound_and_names_what_there_is(
    project: Path, offered: Callable[..., Made], line: str
) -> None:
    """As entries of the plan they pass the schema, are the truth's checks, and name what there is."""
    for name, text in MORE.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    truth = line.partition(": ")[2].replace("'", "''")
    path = project / ".planning/phases/01-a/01-01-PLAN.md"
    for proposal in offered(truth):
        before = path.read_bytes()
        path.write_text(with_entries(path, project, proposal.entries))
        plan, subject = parse_plan(path, project), Subject(project, SETTINGS)
        (bound,) = bind(plan, SETTINGS, subject=subject)
        assert [spec.kind for spec in bound.checks] == [entry["check"] for entry in proposal.entries]
        assert missing_names(plan, [bound], subject) == ()
        assert not (proposal.certain and bound.uncovered)
        path.write_bytes(before)


LAUNCHED = "kernels.launching:launcher"
MORE_SOURCES = {
    "kernels/twins.py": "def mask_gpu(x): ...\ndef step(x):\n    mask_gpu(x)\n",
    "src/p.hpp": "struct Params { int rows; };\n",
    "src/q.hpp": "struct Params { int rows; };\nstruct Tile { int n; };\n",
    "src/p.rs": "#[repr(C)]\npub struct Params { rows: i32 }\n#[repr(C)]\nstruct Tile { n: i32 }\n",
    "kernels/contracts/two.py": """
from rocverify.oracle.contract import *
@contract(source="kernels/row_softmax.hip", symbol="row_softmax_kernel", wrapper="kernels.softmax:softmax")
class Fused:
    x = In("n", F32)
@contract(source="kernels/causal_mask.hip", symbol="causal_mask_kernel", wrapper="kernels.mask:mask_gpu")
class Mask:
    x = In("n", F32)
""",
}
FUSED, MASK = "kernels.contracts.two:Fused", "kernels.contracts.two:Mask"


@pytest.mark.parametrize(
    ("truth", "check", "params"),
    [
        (
            "mask_gpu() runs before the dispatch",
            "call_order",
            [
                {"first": "kernels.mask:mask_gpu", "then": "dispatch"},
                {"first": "kernels.twins:mask_gpu", "then": "dispatch"},
            ],
        ),
        (
            "step() runs before free_kernel()",
            "call_order",
            [{"first": "step", "then": "dispatch", "entry": LAUNCHED}],
        ),
        (
            "Row softmax is at least 2 times faster than the causal mask",
            "faster",
            [{"contract": FUSED, "than": MASK, "by": 2.0}],
        ),
        (
            "The CPU fallback works when the kernel is missing",
            "fallback",
            [{"contract": FUSED}, {"contract": MASK}],
        ),
        (
            "Struct Params is 4 bytes",
            "struct_layout",
            [{"name": "Params", "size": 4, "path": path} for path in ("src/p.hpp", "src/q.hpp")],
        ),
        (
            "The device struct mirrors the host struct, byte for byte",
            "struct_layout",
            [
                {"name": "Params", "path": "src/p.hpp", "mirror": "src/p.rs"},
                {"name": "Params", "path": "src/q.hpp", "mirror": "src/p.rs"},
                {"name": "Tile", "path": "src/q.hpp", "mirror": "src/p.rs"},
            ],
        ),
        (
            "The `scales` stay on the CPU in mask_gpu() and are not uploaded",
            "no_host_roundtrip",
            [{"entry": "kernels.mask:mask_gpu", "contract": MASK}],
        ),
        (
            "`weights` are uploaded as they are by mask_gpu()",
            "no_host_roundtrip",
            [{"entry": "kernels.mask:mask_gpu", "contract": MASK, "allow_uploads": ["weights"]}],
        ),
        ("None of old and older remain in src/", "absent", [{"names": ["old", "older"], "paths": ["src/"]}]),
    ],
)
def test_the_project_shows_the_parameters(
    project: Path, offered: Callable[..., Made], truth: str, check: str, params: list[Mapping[str, Any]]
) -> None:
    for name, text in MORE_SOURCES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    entries = [entry for entry, *_ in shown(offered(truth)) if entry["check"] == check]
    found = [{k: v for k, v in entry.items() if k != "check"} for entry in entries]
    assert [one for one in found if one in params] == params
    assert len(found) <= 8


def test_kernel_sources_that_left_words_may_mean_are_named(offered: Callable[..., Made]) -> None:
    (one,) = offered("The triangular and row softmax kernels are compiled")
    assert shown((one,)) == [[{"check": "kernel_compiled", "source": "kernels/row_softmax.hip"}]]
    assert one.leaves[-1] == (
        "other kernel sources are not proposed: kernels/causal_mask.hip, kernels/free.hip"
    )
    (all_three,) = offered("The triangular, causal mask, free and row softmax kernels are compiled")
    assert not any("other kernel" in text for text in all_three.leaves)
