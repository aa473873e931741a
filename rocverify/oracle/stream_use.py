"""Whether a wrapper is called on streams of its caller: where its contract passes one, or it has a parameter
of that name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rocverify.errors import SubjectError
from rocverify.oracle.case import Case
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.drive import CaseRun

_REFUSED = ("TypeError", "ArgumentError", "AttributeError", "ValueError")
"""What is raised where a parameter called `stream` wants something else than a stream of HIP's."""


@dataclass(slots=True)
class StreamUse:
    """taken: whether cases are called on a stream. guessed: only since the wrapper has a parameter of the
    name; refusal: how it did not take ours then, None if it did."""

    taken: bool = False
    guessed: bool = False
    refusal: str | None = None

    @classmethod
    def of(cls, spec: ContractSpec) -> StreamUse:
        """What contract and wrapper say of streams."""
        origin = getattr(spec.subject, "origin", None)
        declared = bool(origin is not None and origin.passes_stream)
        guessed = bool(origin is not None and origin.takes_stream and not declared)
        return cls(taken=spec.wrapper is not None and (declared or guessed), guessed=guessed)

    def execute(self, case: Case, run: Callable[[Case], CaseRun]) -> CaseRun:
        """Runs a case; without a stream where the wrapper turns out to take something else of that name."""
        if not case.on_stream or not self.guessed:
            return run(case)
        plain = replace(case, on_stream=False)
        if self.refusal is not None:
            return run(plain)
        try:
            return run(case)
        except SubjectError as error:
            if error.kind not in _REFUSED:
                raise
            self.refusal = error.message
        return run(plain)
