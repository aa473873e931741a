"""The records that pass between rooms: verdicts, findings, results. Plain data, JSON in and out.

Words are DESIGN's: a *must-have* (truth, artifact, key link) is decided by *checks*; a check has a
*verdict*, a must-have has a verdict derived from its checks, a plan or phase has a *status*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any


class CheckVerdict(StrEnum):
    """What one executed check found."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    NOT_RUN = "not_run"


class MustHaveVerdict(StrEnum):
    """What the checks of one must-have add up to."""

    VERIFIED = "verified"
    FAILED = "failed"
    UNVERIFIED = "unverified"


class Status(StrEnum):
    """Status of a plan or a phase, in GSD's words."""

    PASSED = "passed"
    GAPS_FOUND = "gaps_found"
    HUMAN_NEEDED = "human_needed"


class MustHaveType(StrEnum):
    """What a must-have is about, or where in the plan it comes from."""

    TRUTH = "truth"
    ARTIFACT = "artifact"
    KEY_LINK = "key_link"
    PROHIBITION = "prohibition"
    CRITERION = "criterion"
    CHECKLIST = "checklist"
    DONE = "done"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A place in a file, `path` relative to the root with forward slashes, `line` from 1."""

    path: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    @classmethod
    def parse(cls, text: str) -> SourceRef:
        """The reference that `path:line` says. Raises ValueError where the line is not a number."""
        path, _, line = text.rpartition(":")
        return cls(path, int(line))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check saw and that counts against the must-have.

    `location` is `path:line`, or an instruction address for machine code; `kernel` the symbol where
    one is concerned; `entity` the name the plan uses.
    """

    message: str
    location: str | None = None
    kernel: str | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The record of one executed check. `evidence` is JSON data; `hint` says what to do."""

    id: str
    kind: str
    verdict: CheckVerdict
    message: str
    hint: str | None = None
    findings: tuple[Finding, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    duration_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As JSON data; what is below `evidence` is the record's own, not a copy."""
        data: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        data["verdict"] = str(self.verdict)
        data["findings"] = [asdict(f) for f in self.findings]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CheckResult:
        """The result that its JSON data says."""
        return cls(
            **{
                **data,
                "verdict": CheckVerdict(data["verdict"]),
                "findings": tuple(Finding(**f) for f in data["findings"]),
            }
        )


def must_have_verdict(verdicts: Iterable[CheckVerdict]) -> MustHaveVerdict:
    """Verified needs one check or more, and all of them passed; one failure fails it."""
    seen = list(verdicts)
    if any(v is CheckVerdict.FAILED for v in seen):
        return MustHaveVerdict.FAILED
    if seen and all(v is CheckVerdict.PASSED for v in seen):
        return MustHaveVerdict.VERIFIED
    return MustHaveVerdict.UNVERIFIED


def status_of(verdicts: Iterable[MustHaveVerdict]) -> Status:
    """gaps_found > human_needed > passed; nothing at all is human_needed, never passed."""
    seen = list(verdicts)
    if any(v is MustHaveVerdict.FAILED for v in seen):
        return Status.GAPS_FOUND
    if not seen or any(v is MustHaveVerdict.UNVERIFIED for v in seen):
        return Status.HUMAN_NEEDED
    return Status.PASSED


def worst_must_have(verdicts: Iterable[MustHaveVerdict]) -> MustHaveVerdict:
    """Of several together: failed before unverified before verified; unverified for none."""
    seen = list(verdicts)
    for verdict in (MustHaveVerdict.FAILED, MustHaveVerdict.UNVERIFIED, MustHaveVerdict.VERIFIED):
        if verdict in seen:
            return verdict
    return MustHaveVerdict.UNVERIFIED


_TAIL_LINES = 15
_TAIL_CHARACTERS = 2_000


def output_tail(evidence: Mapping[str, Any]) -> str:
    """The last lines of what a program, test session or command of a check said; empty without any."""
    text = "\n".join(str(evidence.get("output") or "").rstrip().splitlines()[-_TAIL_LINES:])
    return text if len(text) <= _TAIL_CHARACTERS else f"... {text[-_TAIL_CHARACTERS:]}"
