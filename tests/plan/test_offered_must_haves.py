"""A plan without must_haves offers its checklists, criteria, `<done>` and `<verify>` as must-haves."""

from __future__ import annotations

from pathlib import Path

from rocverify.plan import parse_plan
from rocverify.plan.model import Plan

BODY = """<tasks>
<task type="auto">
  <name>Task 1: Kernels in the build</name>
  <files>build.rs</files>
  <verify>All flash attention kernels in build.rs</verify>
  <done>Kernels verified in build system</done>
</task>
<task type="auto">
  <name>Task 2: Wrappers</name>
  <files>src/attention/kernels.rs</files>
  <verify>cargo check</verify>
  <done>Wrappers exist</done>
</task>
</tasks>

<verification>
- [ ] `cargo check` succeeds
- [ ] All kernels in build.rs
</verification>

<success_criteria>
- FlashAttentionBackend correctly calls kernels
- No CPU fallback
- Tests pass
</success_criteria>
"""
HEAD = "---\nphase: 06-attention-optimization\nplan: 03\ntype: execute\nwave: 1\n---\n\n"


def _parsed(tmp_path: Path, text: str) -> Plan:
    path = tmp_path / "06-03-PLAN.md"
    path.write_text(text)
    return parse_plan(path, root=tmp_path)


def test_each_of_them_is_one_with_its_line(tmp_path: Path) -> None:
    plan = _parsed(tmp_path, HEAD + BODY)
    lines = (HEAD + BODY).splitlines()
    told = {item.tail: item for item in plan.must_haves}
    assert list(told) == ["V1", "V2", "C1", "C2", "C3", "D1", "D2", "S1", "S2"]
    for identity in ("V1", "C1", "C2", "C3"):
        assert told[identity].text in lines[told[identity].source.line - 1]
    task = next(number for number, line in enumerate(lines, 1) if "Task 2" in line) - 1
    for identity, words in {"D2": "Wrappers exist", "S2": "cargo check"}.items():
        assert told[identity].text == words
        assert told[identity].source.line >= task


def test_a_plan_that_has_must_haves_offers_none(tmp_path: Path) -> None:
    head = HEAD.replace("wave: 1\n", "wave: 1\nmust_haves:\n  truths:\n    - The kernel compiles\n")
    plan = _parsed(tmp_path, head + BODY)
    assert [item.tail for item in plan.must_haves] == ["T1"]
