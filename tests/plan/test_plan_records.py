"""A whole plan becomes records, each knowing the line it stands on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rocverify.plan import Plan
from rocverify.records import MustHaveType

Parse = Callable[..., Plan]


@pytest.fixture
def plan(parse: Parse, softmax: str) -> Plan:
    return parse(softmax)


def line_of(text: str, needle: str) -> int:
    """The line that a text first stands on, counted by splitting."""
    return next(n for n, line in enumerate(text.split("\n"), 1) if needle in line)


def test_frontmatter(plan: Plan) -> None:
    assert (plan.phase, plan.phase_number, plan.number) == ("07-gpu-softmax", "07", "07-02")
    assert (plan.kind, plan.wave, plan.autonomous, plan.gap_closure) == ("execute", 3, False, True)
    assert plan.depends_on == ("07-01",)
    assert plan.files_modified == ("kernels/softmax.hip", "kernels/softmax.py")
    assert plan.requirements == ("SOFT-02",)
    assert plan.all_requirements == ("SOFT-02", "SOFT-01", "SOFT-03")
    assert plan.path == ".planning/phases/07-gpu-softmax/07-02-PLAN.md"
    assert plan.output_path == ".planning/phases/07-gpu-softmax/07-02-SUMMARY.md"


def test_user_setup(plan: Plan) -> None:
    (setup,) = plan.user_setup
    assert (setup.service, setup.why) == ("rocm", "A GPU is needed for the last task")
    assert setup.details == {"env_vars": [{"name": "ROCM_PATH", "source": "where it was installed"}]}


def test_truths(plan: Plan, softmax: str) -> None:
    first, folded, bare = plan.truths
    assert [t.id for t in plan.truths] == ["07-02/T1", "07-02/T2", "07-02/T3"]
    assert first.text == "Softmax kernel is compiled and loaded via kernels.toml (SOFT-01)"
    assert first.requirement == "SOFT-01"
    assert folded.text == "Rows longer than a wave are summed completely (SOFT-02, SOFT-03)"
    assert folded.requirements == ("SOFT-02", "SOFT-03")
    assert folded.requirement == "SOFT-02, SOFT-03"
    assert bare.requirement is None
    assert first.source.line == line_of(softmax, "Softmax kernel is compiled")
    assert folded.source.line == line_of(softmax, ">-")
    assert str(bare.source) == f"{plan.path}:{line_of(softmax, 'No requirement')}"


def test_artifacts(plan: Plan, softmax: str) -> None:
    manifest, wrapper, bare = plan.artifacts
    assert manifest.contains == r"softmax\.hip|row_max\.hip"
    assert manifest.text == "kernels/kernels.toml: The manifest"
    assert (wrapper.min_lines, wrapper.exports) == (12, ("softmax_gpu_kernel",))
    assert (wrapper.id, wrapper.requirement) == ("07-02/A2", "SOFT-01")
    assert (bare.path, bare.contains, bare.min_lines, bare.exports) == ("kernels/softmax.hip", None, None, ())
    assert manifest.source.line == line_of(softmax, "path: kernels/kernels.toml")
    assert bare.source.line == line_of(softmax, "    - kernels/softmax.hip")
    assert manifest.type is MustHaveType.ARTIFACT


def test_key_links(plan: Plan, softmax: str) -> None:
    (link,) = plan.key_links
    assert (link.id, link.from_path, link.to_path) == (
        "07-02/L1",
        "kernels/softmax.py",
        "kernels/softmax.hip",
    )
    assert (link.via, link.pattern) == ("softmax_gpu_kernel() calls launch()", r"launch\(")
    assert link.source.line == line_of(softmax, "from: kernels/softmax.py")


def test_explicit_entries_know_the_line_of_every_key(plan: Plan, softmax: str) -> None:
    (entry,) = plan.explicit
    assert (entry.proves, entry.check) == (("SOFT-02",), "correctness")
    assert entry.params == {"contract": "kernels.contracts.softmax:Softmax", "dims": {"rows": [1, 33]}}
    assert entry.at("contract").line == line_of(softmax, "contract:")
    assert entry.at("dims", "rows", 1).line == line_of(softmax, "dims:")
    assert entry.at("unknown") == entry.source


def test_objective(plan: Plan) -> None:
    assert plan.objective.startswith("Sum every row.\n")
    assert plan.purpose == "Long rows were cut at 32."
    assert plan.objective_output == "A kernel."


def test_context_references(plan: Plan, softmax: str) -> None:
    assert [r.path for r in plan.context_refs] == [".planning/PROJECT.md", "kernels/softmax.py"]
    assert plan.context_refs[1].source.line == line_of(softmax, "- @kernels/softmax.py")
    assert [r.path for r in plan.execution_context] == ["~/workflows/execute-plan.md"]


def test_tasks(plan: Plan, softmax: str) -> None:
    auto, human, decision = plan.tasks
    assert [t.type for t in plan.tasks] == ["auto", "checkpoint:human-verify", "checkpoint:decision"]
    assert (auto.id, auto.name) == ("07-02/task1", "Task 1: Reduce the row (SOFT-02)")
    assert auto.requirements == ("SOFT-02",)
    assert auto.files == ("kernels/softmax.hip", "kernels/softmax.py")
    assert auto.read_first == ("kernels/kernels.toml", "kernels/runtime.py")
    assert auto.attributes == {"type": "auto", "tdd": "true"}
    assert auto.done == "All rows agree."
    assert auto.source.line == line_of(softmax, '<task type="auto" tdd')
    assert [t.is_checkpoint for t in plan.tasks] == [False, True, True]
    assert human.parts["how-to-verify"] == "Run it on a GPU"
    assert decision.parts["context"] == "Both are known to work"
    assert [(o.id, o.name, o.cons) for o in decision.options] == [
        ("lds", "LDS", "slower"),
        ("dpp", "DPP", "wave only"),
    ]


def test_tags_in_code_and_comments_are_text(plan: Plan) -> None:
    assert len(plan.tasks) == 3
    assert "Vec<name>" in plan.tasks[0].action
    assert "</action></task></tasks>" in plan.tasks[0].action
    assert "\n  Indented text keeps its indentation.\n" in plan.tasks[0].action


def test_verify_steps_keep_kind_order_and_line(plan: Plan, softmax: str) -> None:
    steps = plan.tasks[0].verify
    assert [(s.kind, s.text) for s in steps] == [
        ("text", 'grep -c "row" kernels/softmax.hip'),
        ("automated", "pytest tests/softmax -q"),
        ("manual", "look at the log"),
    ]
    assert [s.source.line for s in steps] == [
        line_of(softmax, "grep -c"),
        line_of(softmax, "<automated>"),
        line_of(softmax, "<manual>"),
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("cmake -B build &amp;&amp; make -C build", "cmake -B build && make -C build"),
        ("./t &lt; in.txt &gt; out.txt 2>&1", "./t < in.txt > out.txt 2>&1"),
        ("grep -q &quot;a b&quot; x &#x7C;&#124; echo &apos;no&apos;", "grep -q \"a b\" x || echo 'no'"),
        ("cd b &amp;&amp; ./t < in", "cd b && ./t < in"),
        ("echo '&amp;lt;'", "echo '&lt;'"),
        ("make && grep -q '&amp;' a.html", "make && grep -q '&amp;' a.html"),
        ("grep -q '&lt;' < a.html", "grep -q '&lt;' < a.html"),
        ("echo &copy; &#0; &#10; &#9999999; &lt", "echo &copy; &#0; &#10; &#9999999; &lt"),
    ],
)
def test_entities_in_verify_steps(
    parse: Callable[..., Plan], with_front: Callable[..., str], written: str, read: str
) -> None:
    def steps(verify: str) -> list[str]:
        body = f"<tasks><task><name>n</name><verify>{verify}</verify></task></tasks>\n"
        return [step.text for step in parse(with_front("wave: 1", body)).tasks[0].verify]

    assert steps(f"<automated>{written}</automated>") == [read]
    assert steps(f"\n{written}\n") == [read]


def test_checklists(plan: Plan, softmax: str) -> None:
    assert plan.verification is not None
    assert [(i.text, i.checked) for i in plan.verification.items] == [
        ("the kernel compiles", False),
        ("the reference agrees in every dtype", True),
        ("and a numbered line", None),
    ]
    assert plan.verification.items[1].source.line == line_of(softmax, "the reference agrees")
    assert plan.verification.text.startswith("Before it counts as done:")
    assert [(i.text, i.checked) for i in plan.tasks[0].acceptance_criteria] == [
        ("Rows of 33 elements are right", None),
        ("rows of 1 too", True),
    ]


def test_a_task_knows_its_must_haves(plan: Plan) -> None:
    auto, human, _ = plan.tasks
    assert [m.tail for m in plan.must_haves_of(auto)] == ["T2", "A2", "A3", "L1"]
    assert plan.must_haves_of(human) == ()


def test_a_plan_without_must_haves_is_no_error(parse: Parse, with_front: Callable[..., str]) -> None:
    for front in ("", "must_haves:", "must_haves: {}", "must_haves: {truths: [], artifacts:, key_links: []}"):
        assert parse(with_front(front)).must_haves == ()


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_and_bom_change_nothing(parse: Parse, softmax: str, plan: Plan, ends: str) -> None:
    assert parse(b"\xef\xbb\xbf" + softmax.replace("\n", ends).encode()) == plan


def test_records_are_immutable(plan: Plan) -> None:
    with pytest.raises(AttributeError):
        plan.truths[0].text = "something else"  # type: ignore[misc]


def test_what_yaml_makes_of_numbers_is_not_used(parse: Parse) -> None:
    text = "---\nphase: 12.10\nplan: 010\n---\n"
    plan = parse(text, ".planning/phases/12.10-a/12.10-10-PLAN.md")
    assert (plan.number, plan.phase) == ("12.10-10", "12.10-a")
