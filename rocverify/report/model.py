"""The JSON contract `rocverify.report/1`: what a run saw, for programs.

The schema of record is `report.schema.json` beside this file, generated from these classes (a test
keeps the two equal; `python -c "from rocverify.report.model import schema_text as s; print(s(), end='')"`
writes it anew). Within version 1, fields may be added; none changes its meaning or goes away.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from inspect import cleandoc
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rocverify.plan.demands import DemandKind
from rocverify.records import CheckVerdict, MustHaveType, MustHaveVerdict, Status

SCHEMA: Literal["rocverify.report/1"] = "rocverify.report/1"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Score(_Model):
    """How many must-haves are verified, of how many."""

    verified: int = Field(ge=0)
    total: int = Field(ge=0)

    def __str__(self) -> str:
        return f"{self.verified}/{self.total}"


class RejectedDevice(_Model):
    """A device that `--device auto` looked at first, and why it was not taken."""

    kind: str
    reason: str


class DeviceReport(_Model):
    """The device that ran the kernels. `kind` is `none` if no check opened one."""

    kind: str
    name: str
    target: str | None
    arch: str | None = None
    runtime: str | None = None
    details: dict[str, Any] = Field(default_factory=dict)


class FindingReport(_Model):
    """One thing that counts against a must-have."""

    message: str
    location: str | None = None
    kernel: str | None = None
    entity: str | None = None


class CheckReport(_Model):
    """One check. A check that was left out of the run is `not_run`, with `deselected` in its evidence."""

    id: str
    kind: str
    verdict: CheckVerdict
    message: str
    evidence: dict[str, Any]
    duration_s: float = Field(ge=0)
    must_have: str
    parameters: dict[str, Any]
    why: str
    """How the check came to decide this must-have."""
    hint: str | None = None
    findings: list[FindingReport] = Field(default_factory=list)


class MustHaveReport(_Model):
    """A truth, artifact or key link, with the ids of the checks that decide it."""

    id: str
    type: MustHaveType
    text: str
    requirement: str | None
    verdict: MustHaveVerdict
    source: str
    """`path:line` in the plan."""
    checks: list[str]
    reason: str
    """Why it is not verified; empty if it is."""


class DemandReport(_Model):
    """What a document asks for beside the must-haves, and the ids of the must-haves that prove it."""

    kind: DemandKind
    id: str
    """`ROPE-01`, `SC-2` (the phase's second success criterion), `16-02` (a plan that the roadmap lists)."""
    text: str
    verdict: MustHaveVerdict
    source: str
    """`path:line` in the document."""
    must_haves: list[str]
    reason: str
    """Why it is not verified; empty if it is."""


class KernelReport(_Model):
    """One kernel of one code object, as its metadata describe it."""

    kernel: str
    source: str
    target: str
    vgprs: int | None = None
    sgprs: int | None = None
    vgpr_spills: int | None = None
    sgpr_spills: int | None = None
    lds_bytes: int | None = None
    scratch_bytes: int | None = None
    wavefront_size: int | None = None
    max_workgroup_size: int | None = None
    waves: float | None = None
    """Waves that a SIMD can hold of it, in workgroups of the largest size."""
    limited_by: str | None = None
    code_object: str | None = None
    """SHA-256 of the code object."""


class CorrectnessReport(_Model):
    """What one correctness check compared, per dtype: cases and the worst errors.

    An error that is no finite number is its name as text.
    """

    check: str
    contract: str
    dtype: str
    symbol: str | None = None
    cases: int | None = None
    elements: int | None = None
    max_ulp: float | str | None = None
    """In units in the last place of the reference's value."""
    max_ulp_at_magnitude: float | str | None = None
    """In units in the last place at the magnitude of the terms."""
    ulp_counts: dict[str, int] = Field(default_factory=dict)
    """Elements by that error, under the largest that is counted there: `0`, `0.25`, ... `16`, then `more`."""
    max_abs: float | str | None = None
    max_rel: float | str | None = None
    worst_index: str | None = None
    """Index of the element with the largest error at magnitude, else of the largest absolute one."""
    dims: dict[str, list[int]] = Field(default_factory=dict)
    """By dimension, the smallest and the largest length that was compared."""
    values: list[str] = Field(default_factory=list)
    """The kinds of values that inputs had."""
    budget_used: float | None = None
    """The largest error as a part of what the tolerance allows."""
    seed: int | None = None


class CoverageReport(_Model):
    """One kernel of a source that checks were about: what was done with its launches, by which checks."""

    kernel: str
    source: str
    types: list[str]
    """Element types in which its results were compared."""
    cases: int
    compared: list[str]
    """Ids of the checks that compared its results; empty: it was compiled, and nothing else is known."""
    sanitized: list[str]
    """Ids of the checks that ran it under the sanitizer."""
    launched: list[str] = Field(default_factory=list)
    """Ids of the checks that launched it."""
    family: str = ""
    """The name that it shares with its variants."""
    variant: str = ""
    """What tells it from them: template arguments, or the end of its name."""
    cases_by_type: dict[str, int] = Field(default_factory=dict)
    blocks: int | None = None
    """Basic blocks of its own code, without what only a failed assertion or a trap leads to. Null where no
    compared launch could tell."""
    executed_blocks: int | None = None
    """Those that a compared case executed."""
    missed_lines: list[str] = Field(default_factory=list)
    """Source lines (`path:first-last`) with code that no compared case executed."""


class ModelReport(_Model):
    """An instruction that launches executed and whose result on the emulator is a model of the hardware's."""

    instruction: str
    model: str
    """How far the two may be apart."""
    kernels: list[str]
    branches: list[str]
    """`kernel at address` of branches that its result may have decided, register to register."""
    addresses: list[str]
    """The same for addresses of memory."""


class TransferReport(_Model):
    """Copies that one check saw, summed by direction and place."""

    check: str
    direction: str
    function: str
    count: int
    bytes: int | None = None
    place: str | None = None
    """`path:line` of the host code that made the call."""


class InputReport(_Model):
    """A file that the verdicts rest on. `sha256` is null if it does not exist."""

    role: str
    path: str
    sha256: str | None


class CodeObjectReport(_Model):
    """A code object that was built for the run."""

    source: str
    target: str
    sha256: str
    source_sha256: str | None = None
    compiler: str | None = None


class Provenance(_Model):
    """What exactly was verified: digests of plan, sources, contracts, host code and code objects."""

    inputs: list[InputReport]
    code_objects: list[CodeObjectReport]


class PlanReport(_Model):
    """One plan."""

    plan: str
    phase: str
    path: str
    summary: str
    """Path of its SUMMARY."""
    status: Status
    score: Score
    must_haves: list[MustHaveReport]
    checks: list[CheckReport]
    kernels: list[KernelReport]
    correctness: list[CorrectnessReport]
    transfers: list[TransferReport]
    provenance: Provenance
    coverage: list[CoverageReport] = Field(default_factory=list)
    """The kernels of the sources that its checks were about, and what all checks of the run did with them."""
    models: list[ModelReport] = Field(default_factory=list)
    """What launches of these kernels executed that the emulator only models."""
    demands: list[DemandReport] = Field(default_factory=list)
    """Its own requirements, where its phase was not run as a whole."""
    warnings: list[str] = Field(default_factory=list)
    """What is not as the workflow writes it, with `path:line`, and how it was read."""


class Unbuilt(_Model):
    """A kernel source that does not compile, whether a must-have asks for it or not; or why none of them
    could be compiled."""

    path: str
    """`path:line`, or empty."""
    message: str
    hint: str | None = None


class RefusedPlan(_Model):
    """A plan of the selection that could not be read, so that nothing of it was judged."""

    path: str
    """`path:line`."""
    message: str
    hint: str | None = None


class PhaseReport(_Model):
    """A phase all of whose plans were run: what its documents ask for."""

    phase: str
    path: str
    status: Status
    demands: list[DemandReport]


class ChangeReport(_Model):
    """A must-have or demand whose verdict is told beside that of another commit."""

    id: str
    text: str
    before: MustHaveVerdict | None
    """Null: there was none."""
    now: MustHaveVerdict | None
    """Null: nothing asks for it any more."""


class BaselineReport(_Model):
    """The run against the verdicts of another commit (`--baseline`): the gate is for what is worse."""

    ref: str
    """As it was named."""
    commit: str
    worse: list[ChangeReport]
    """Gaps that were not there, or not as grave: what failed was unverified, or is new."""
    better: list[ChangeReport]
    known: list[ChangeReport]
    """Gaps that were there before."""
    gone: list[ChangeReport]
    """Must-haves that these plans no longer have."""


class Report(_Model):
    """One run."""

    schema_: Literal["rocverify.report/1"] = Field(default=SCHEMA, alias="schema")
    status: Status
    score: Score
    exit_code: int
    gate: Literal["strict", "lenient"]
    seed: int
    """Given again with `--seed`, it replays the random inputs of this run."""
    command: str
    """The command that repeats this run, seed included."""
    rocverify: str
    """Version of rocverify."""
    started: str
    """ISO 8601, UTC."""
    duration_s: float = Field(ge=0)
    device: DeviceReport
    rejected_devices: list[RejectedDevice]
    toolchain: dict[str, Any]
    plans: list[PlanReport]
    phases: list[PhaseReport] = Field(default_factory=list)
    """The phases that were run as a whole."""
    refused: list[RefusedPlan] = Field(default_factory=list)
    """The plans that could not be read."""
    unbuilt: list[Unbuilt] = Field(default_factory=list)
    """Kernel sources that do not compile and that no check has told of."""
    baseline: BaselineReport | None = None
    """What `--baseline` compared with; null without it."""

    @property
    def demands(self) -> list[DemandReport]:
        """What the documents ask for, of plans and of whole phases."""
        plans = [demand for plan in self.plans for demand in plan.demands]
        return plans + [demand for phase in self.phases for demand in phase.demands]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data in the order of the contract."""
        return self.model_dump(mode="json", by_alias=True)


def schema_text() -> str:
    """The JSON schema of the contract, as `report.schema.json` holds it; what the lines below a field say is
    its description there."""
    schema = Report.model_json_schema(by_alias=True)
    for kind, said in _descriptions():
        model = globals()[kind]
        properties = (schema if model is Report else schema["$defs"].get(kind, {})).get("properties", {})
        for name, text in said.items():
            field = model.model_fields[name]
            properties.get(field.alias or name, {})["description"] = text
    return json.dumps(schema, indent=2) + "\n"


def _descriptions() -> Iterator[tuple[str, dict[str, str]]]:
    """By class, the texts below its fields. They are read here, since no run needs them."""
    for node in ast.parse(Path(__file__).read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ClassDef):
            continue
        said = {
            field.target.id: cleandoc(below.value.value)
            for field, below in pairwise(node.body)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if isinstance(below.value.value, str)
        }
        if said:
            yield node.name, said
