"""What every check is: a kind, a parameter schema, and a function from parameters to an outcome.

A check lives in a module of its own in this package and exports `CHECK`, an instance of `CheckKind`.
Expected errors need not be caught in a check: the runner maps the error tree to verdicts
(`rocverify.errors`), so that a check returns `passed` or `failed` and raises for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from rocverify.checks.evidence import Evidence
from rocverify.records import CheckVerdict, Finding, SourceRef

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext


class CheckParams(BaseModel):
    """Base of every check's parameters: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check bound to one must-have. `id` is `16-01/T2/no_host_roundtrip` (`.2` appended when a
    must-have has several of one kind); `why` says for `explain` how the binding came about."""

    id: str
    kind: str
    must_have: str
    params: Mapping[str, Any]
    why: str
    source: SourceRef


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found: `passed` or `failed`, in a sentence, with evidence as JSON data."""

    verdict: CheckVerdict
    message: str
    hint: str | None = None
    findings: tuple[Finding, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def passed(cls, message: str, seen: Evidence | None = None) -> Outcome:
        """The check passed, by this evidence."""
        return cls(CheckVerdict.PASSED, message, evidence=_data(seen))

    @classmethod
    def failed(
        cls,
        message: str,
        seen: Evidence | None = None,
        *,
        hint: str | None = None,
        findings: tuple[Finding, ...] = (),
    ) -> Outcome:
        """The check failed, by these findings and this evidence; `hint` says what to do."""
        return cls(CheckVerdict.FAILED, message, hint, findings, _data(seen))


def _data(seen: Evidence | None) -> dict[str, Any]:
    return {} if seen is None else seen.data()


P = TypeVar("P", bound=CheckParams)


@dataclass(frozen=True, slots=True)
class CheckKind(Generic[P]):
    """A kind of check: its name, the schema of its parameters, the function that runs it, and the schema of
    its evidence, which knows how it is shown."""

    name: str
    params: type[P]
    run: Callable[[P, CheckContext], Outcome]
    needs_device: bool = False
    evidence: type[Evidence] = Evidence

    def seen(self, evidence: Mapping[str, Any]) -> Evidence:
        """Evidence as a report has it, read back. What does not fit the schema (an older report) is what the
        kind does not declare."""
        try:
            return self.evidence.model_validate(evidence)
        except ValidationError:
            return Evidence.model_validate(evidence)
