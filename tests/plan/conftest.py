"""Plans written into a temporary root, in the form that the workflow gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.plan import Plan, parse_plan

FOLDER = ".planning/phases/07-gpu-softmax"

SOFTMAX = """---
phase: 07-gpu-softmax
plan: 02
type: execute
wave: 3
depends_on: ["07-01"]
files_modified:
  - kernels/softmax.hip
  - kernels/softmax.py
autonomous: false
gap_closure: true
requirements: [SOFT-02]
user_setup:
  - service: rocm
    why: "A GPU is needed for the last task"
    env_vars:
      - name: ROCM_PATH
        source: "where it was installed"

must_haves:
  truths:
    - "Softmax kernel is compiled and loaded via kernels.toml (SOFT-01)"
    - >-
      Rows longer than a wave
      are summed completely (SOFT-02, SOFT-03)
    - No requirement stands here
  artifacts:
    - path: kernels/kernels.toml
      provides: "The manifest"
      contains: "softmax\\\\.hip|row_max\\\\.hip"
    - path: kernels/softmax.py
      provides: "softmax_gpu_kernel() wrapper (SOFT-01)"
      min_lines: 12
      exports: [softmax_gpu_kernel]
    - kernels/softmax.hip
  key_links:
    - from: kernels/softmax.py
      to: kernels/softmax.hip
      via: "softmax_gpu_kernel() calls launch()"
      pattern: 'launch\\('

rocverify:
  - proves: SOFT-02
    check: correctness
    contract: kernels.contracts.softmax:Softmax
    dims: {rows: [1, 33]}
---

# Softmax

<objective>
Sum every row.

Purpose: Long rows
were cut at 32.

**Output:** A kernel.
</objective>

<execution_context>
@~/workflows/execute-plan.md
</execution_context>

<context>
@.planning/PROJECT.md
# @commented/out.md
- @kernels/softmax.py (the wrapper), see user@example.org
</context>

<tasks>

<task type="auto" tdd="true">
  <name>Task 1: Reduce the row (SOFT-02)</name>
  <files>kernels/softmax.hip, `kernels/softmax.py`</files>
  <read_first>
    - kernels/kernels.toml (all of it)
    - @kernels/runtime.py
  </read_first>
  <action>
    Reduce over all waves.
      Indented text keeps its indentation.
    Types such as Vec<name> and `</action>` are text, and so is what a fence holds:
    ```xml
    </action></task></tasks>
    ```
  </action>
  <verify>
    grep -c "row" kernels/softmax.hip
    <automated>pytest tests/softmax -q</automated>
    <manual>look at the log</manual>
  </verify>
  <acceptance_criteria>
    - Rows of 33
      elements are right
    - [x] rows of 1 too
  </acceptance_criteria>
  <done>All rows agree.</done>
</task>

<!-- <task type="auto"><name>not a task</name></task> -->

<task type="checkpoint:human-verify" gate="blocking">
  <what-built>The kernel</what-built>
  <how-to-verify>Run it on a GPU</how-to-verify>
  <resume-signal>Type "approved"</resume-signal>
</task>

<task type="checkpoint:decision" gate='blocking'>
  <decision>Which reduction?</decision>
  <context>Both are known to work</context>
  <options>
    <option id="lds"><name>LDS</name><pros>simple</pros><cons>slower</cons></option>
    <option id="dpp"><name>DPP</name><pros>fast</pros><cons>wave only</cons></option>
  </options>
  <resume-signal>lds or dpp</resume-signal>
</task>

</tasks>

<verification>
Before it counts as done:
- [ ] the kernel compiles
- [x] the reference agrees
  in every dtype
1. and a numbered line
</verification>

<success_criteria>
- Rows of any length
</success_criteria>

<output>
After completion, create `.planning/phases/07-gpu-softmax/07-02-SUMMARY.md`
</output>
"""

Write = Callable[..., Path]


@pytest.fixture
def write_plan(tmp_path: Path) -> Write:
    """Writes a plan file below the root (`tmp_path`), by default where its phase and number say."""

    def write(text: str | bytes, name: str = f"{FOLDER}/07-02-PLAN.md") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture
def parse(write_plan: Write, tmp_path: Path) -> Callable[..., Plan]:
    """Parses a text as the plan 07-02."""

    def run(text: str | bytes, name: str = f"{FOLDER}/07-02-PLAN.md") -> Plan:
        return parse_plan(write_plan(text, name), tmp_path)

    return run


@pytest.fixture
def softmax() -> str:
    return SOFTMAX


@pytest.fixture
def with_front() -> Callable[..., str]:
    """A plan's text of frontmatter lines and a body."""

    def build(front: str, body: str = "") -> str:
        return f"---\nphase: 07-gpu-softmax\nplan: 02\n{front}\n---\n{body}"

    return build
