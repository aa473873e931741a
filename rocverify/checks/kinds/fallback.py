"""fallback: with its kernel taken away, a call does what the plan says: its fallback, or a typed error.

The kernel is really taken away: no module has it, or its code object's file is not there. Then the call, in a
process that has not met it before, must give the right result without a launch, or fail by the error that is
named.
With the kernel there, it must be launched: a fallback that is always taken shows nothing.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, known, named
from rocverify.checks.kinds.command import Line
from rocverify.checks.support.references import Reference
from rocverify.checks.support.trial import Lengths, Trials, shaped
from rocverify.commands.lacking import refuse_unclear
from rocverify.device.trace.events import Category
from rocverify.errors import DeviceFaultError, RocverifyError, SubjectError
from rocverify.markdown import prose
from rocverify.oracle.case import select_dtypes
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_ANYBODYS = frozenset(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
) - {"NotImplementedError"}
"""Errors that calls die with for reasons of every sort."""
_OF_KERNELS = re.compile(
    r"kernel|code object|hsaco|hipError\w*(?:NotFound|FileNotFound|NoBinary)|device function", re.IGNORECASE
)
"""What a message says of a kernel that is not there."""
_SIGNALS = (132, 134, 135, 136, 139)
"""Exit statuses of programs that crashed."""
_SHOWN = 4_000


class FallbackParams(CheckParams):
    """`contract` drives a Python call on `dims` in `dtype`, or `run` are shell lines of a program, in
    `folder`. `kernels` are taken away (of a contract by default its own); `take: code_object` takes the
    manifest's file of the contract's source. Then the result is right without a launch, by `fallback`
    (`module:function`) where that is named; or, with `error`, the call raises an error of this class, with
    `expects` in its words. A program ends with `exit_code`, and
    `expects` is in its output; `timeout_s` of each line."""

    contract: Reference | None = None
    run: tuple[Line, ...] = ()
    folder: str = "."
    kernels: tuple[str, ...] = ()
    take: Literal["kernel", "code_object"] = "kernel"
    fallback: Reference | None = None
    error: str | None = Field(default=None, min_length=1)
    expects: tuple[str, ...] = ()
    exit_code: int = 0
    dtype: str | None = None
    dims: dict[str, Lengths] = Field(default_factory=dict)
    timeout_s: float = Field(default=600.0, gt=0)

    @model_validator(mode="after")
    def _one_way(self) -> FallbackParams:
        if (self.contract is None) == (not self.run):
            raise ValueError("give either contract or run")
        if self.run and not self.kernels:
            raise ValueError("kernels is missing: which are to be taken away from the program")
        if self.run and (self.error or self.fallback or self.take == "code_object"):
            raise ValueError(
                "error, fallback and take belong to a contract; a program has exit_code and expects"
            )
        if self.run and not (self.expects or self.exit_code):
            raise ValueError("give expects (what the program says of its fallback) or exit_code")
        if self.error and self.fallback:
            raise ValueError("give either fallback or error")
        if self.error in _ANYBODYS and not self.expects:
            raise ValueError(
                f"{self.error} is what any failure raises: name an error of the project, or give words of "
                "its message as expects"
            )
        return self


class FallbackEvidence(Evidence):
    """The call with its kernels there and without them: what was launched, what it said. Of a program,
    launches by kernel."""

    contract: str | None = None
    take: str | None = None
    case: dict[str, Any] = Field(default_factory=dict)
    run: list[str] = Field(default_factory=list)
    kernels: list[str] = Field(default_factory=list)
    launched: list[str] | dict[str, int] = Field(default_factory=list)
    launched_without: list[str] | dict[str, int] = Field(default_factory=list)
    path: str | None = None
    error: str | None = None
    said: str | None = None
    exit_code: int | None = None
    output: str | None = None

    def lines(self) -> Iterator[str]:
        """What was taken away, and what was launched with and without it, as lines of a Markdown list."""
        if self.kernels:
            yield f"- taken away: {', '.join(map(named, self.kernels))}"
        for words, launched in (("with", self.launched), ("without", self.launched_without)):
            yield f"- launched {words} them: {', '.join(map(named, launched)) or 'nothing'}"
        if self.path:
            yield f"- path to the fallback: {prose(self.path)}"
        if self.error:
            yield f"- it raises {named(self.error)}: {known(self.said)}"
        if self.exit_code is not None:
            yield f"- exit status without them: {self.exit_code}"


def run(params: FallbackParams, ctx: CheckContext) -> Outcome:
    """Raises RocverifyError where nothing was taken away: the kernel is not launched when it is there, or is
    launched all the same."""
    if params.run:
        return _program(params, ctx)
    assert params.contract is not None
    evidence = FallbackEvidence(contract=params.contract, take=params.take)
    kernels = _with_kernels(params, ctx, params.contract, evidence)
    findings = _reaches(params, ctx, evidence) or _without(params, ctx, params.contract, kernels, evidence)
    if findings:
        return Outcome.failed(
            findings[0],
            hint="have the call take its fallback, or raise its typed error, where the kernel is not found",
            findings=tuple(Finding(text, entity=params.contract) for text in findings),
            seen=evidence,
        )
    taken = f"without {', '.join(kernels)} ({params.take} taken away)"
    if params.error:
        return Outcome.passed(f"{taken} the call fails with {params.error}: {evidence.said}", seen=evidence)
    how = f" through {params.fallback}" if params.fallback else ""
    return Outcome.passed(f"{taken} the result is right{how}, and nothing is launched", seen=evidence)


def _with_kernels(
    params: FallbackParams, ctx: CheckContext, contract: str, evidence: FallbackEvidence
) -> tuple[str, ...]:
    """The control: the kernels that are to be taken away, which the call launches when they are there."""
    with ctx.launching() as session:
        trials = Trials(ctx, session, contract)
        element = select_dtypes(trials.spec, None if params.dtype is None else (params.dtype,))[0]
        case = shaped(trials.spec, element, ctx.seed, params.dims)
        trial = trials.trial(case)
        launched = [e.kernel or "" for e in trial.run.events if e.category is Category.LAUNCH and e.ok]
        own = trials.spec.symbol(element, case.dims)
    kernels = params.kernels or (own,)
    evidence.case, evidence.kernels = case.to_json(), list(kernels)
    evidence.launched = list(dict.fromkeys(launched))
    if not set(kernels) & set(launched):
        raise RocverifyError(
            f"the call launches none of {', '.join(kernels)} even when they are there, so that taking them "
            f"away shows nothing ({case})",
            hint="name the kernels that it launches, or correct the call",
        )
    if trial.problems:
        raise RocverifyError(f"the call is wrong even with its kernel: {trial.problems[0]} ({case})")
    return kernels


def _reaches(params: FallbackParams, ctx: CheckContext, evidence: FallbackEvidence) -> list[str]:
    """The named fallback lies on the call path of the wrapper."""
    if params.fallback is None or params.contract is None:
        return []
    from rocverify.code.call_sites import describe_path
    from rocverify.code.contracts import declared_contracts

    declared = declared_contracts(ctx.code, ctx.settings.contract_globs)
    wrapper = next((c.wrapper for c in declared if c.ref == params.contract), None)
    if wrapper is None:
        raise RocverifyError(f"{params.contract} names no wrapper, so that its call path cannot be told")
    from rocverify.code.mentions import Mentions

    start, target = ctx.code.resolve(wrapper), ctx.code.resolve(params.fallback)
    chain = ctx.code.graph.chain([start], [target])
    evidence.path = describe_path(chain.path) or None
    base = f"{wrapper} does not call {params.fallback}"
    hidden = "" if chain.path else chain.maybe or Mentions(ctx.code).leading_to([start], [target])
    if hidden:
        raise RocverifyError(f"{base}, as far as can be seen: {hidden} may lead to it", where=hidden)
    return [] if chain.path else [base]


def _without(
    params: FallbackParams,
    ctx: CheckContext,
    contract: str,
    kernels: Sequence[str],
    evidence: FallbackEvidence,
) -> list[str]:
    """What is wrong with the call once they are gone, in processes of its own."""
    from rocverify.checks.context import CheckContext as Fresh

    apart = Fresh(ctx.root, ctx.settings, seed=ctx.seed)
    problems: Sequence[str] = ()
    kind = message = ""
    try:
        source = None
        if params.take == "code_object":
            with ctx.launching() as session:
                source = Trials(ctx, session, contract).spec.source
        with apart.launching(without=[source] if source else ()) as session, ExitStack() as stack:
            if source is None:
                stack.enter_context(session.device.taken_away(kernels))
            with session.tracer.record() as events:
                try:
                    trials = Trials(apart, session, contract)
                    element = select_dtypes(trials.spec, None if params.dtype is None else (params.dtype,))[0]
                    trial = trials.trial(shaped(trials.spec, element, ctx.seed + 1, params.dims))
                    problems = [
                        f"{name}: {one.mismatches} of {one.elements} elements are wrong ({trial.run.case})"
                        for name, one in trial.verdict.comparisons.items()
                        if not one.matches
                    ]
                except SubjectError as error:
                    kind, message = error.kind or "an error", error.message
                except DeviceFaultError as error:
                    kind, message = "a device fault", error.message
    finally:
        apart.close()
    launched = [e.kernel or "" for e in events if e.category is Category.LAUNCH and e.ok]
    evidence.error, evidence.said = kind or None, message
    evidence.launched_without = list(dict.fromkeys(launched))
    if still := sorted(set(launched) & set(kernels)):
        raise RocverifyError(
            f"{', '.join(still)} is launched all the same: it comes from elsewhere than the build manifest",
            hint="use take: kernel",
        )
    return _judged(params, kind, message, problems, launched, kernels)


def _refuse_unrelated(params: FallbackParams, kind: str, message: str, kernels: Sequence[str]) -> None:
    """RocverifyError where the error's words do not tell that a kernel is missing: it may be another one."""
    if any(name in message for name in kernels) or _OF_KERNELS.search(message):
        return
    raise RocverifyError(
        f"the call raises {kind}, and {message!r} does not say that {', '.join(kernels)} is missing",
        where=params.contract,
        hint="have the error name its kernel, or give words of its message as expects",
    )


def _judged(
    params: FallbackParams,
    kind: str,
    message: str,
    problems: Sequence[str],
    launched: Sequence[str],
    kernels: Sequence[str],
) -> list[str]:
    if params.error:
        if not kind:
            return [f"the call returns as if all were well, {params.error} was expected"]
        if kind != params.error:
            return [f"the call raises {kind} ({message}), {params.error} was expected"]
        if not params.expects:
            _refuse_unrelated(params, kind, message, kernels)
        missing = [word for word in params.expects if word.lower() not in message.lower()]
        return [f"the message of {kind} does not say {word!r}: {message}" for word in missing]
    if kind:
        return [f"the call fails with {kind} instead of falling back: {message}"]
    if launched:
        return [f"{launched[0]} is launched in its place: that is not a fallback of the host"]
    return [f"the fallback gives a wrong result: {problem}" for problem in problems]


def _program(params: FallbackParams, ctx: CheckContext) -> Outcome:
    from rocverify.checks.kinds.program import observed

    whole = observed(ctx, params.run, params.folder, params.timeout_s)
    gone = [symbol for symbol in params.kernels if symbol not in whole.launched]
    if whole.run.code or gone:
        why = f"does not launch {', '.join(gone)}" if gone else f"ends with exit status {whole.run.code}"
        raise RocverifyError(
            f"`{whole.run.line}` {why} even with its kernels there, so that taking them away shows nothing"
        )
    seen = observed(ctx, params.run, params.folder, params.timeout_s, taken=params.kernels)
    evidence = FallbackEvidence(
        run=list(params.run),
        kernels=list(params.kernels),
        launched=dict(whole.launched),
        launched_without=dict(seen.launched),
        exit_code=seen.run.code,
    )
    refuse_unclear(seen.run, params.exit_code, ctx.root)
    still = [symbol for symbol in params.kernels if symbol in seen.launched]
    if still:
        raise RocverifyError(f"{', '.join(still)} is launched all the same, from a handle of its own")
    findings = []
    if seen.run.code != params.exit_code:
        crashed = " (it crashed)" if seen.run.code in _SIGNALS else ""
        findings.append(f"exit status {seen.run.code}{crashed}, not {params.exit_code}")
    findings += [f"{text!r} is not in its output" for text in params.expects if text not in seen.run.output]
    findings += [
        f"{text!r} is in its output with the kernels there, too: it says nothing of a fallback"
        for text in params.expects
        if text in seen.run.output and text in whole.run.output
    ]
    without = f"`{seen.run.line}` without {', '.join(params.kernels)}"
    if findings:
        evidence.output = seen.run.output[-_SHOWN:]
        return Outcome.failed(
            f"{without}: {findings[0]}",
            hint="have it take its fallback, or fail by its error, where the kernel is not found",
            findings=tuple(Finding(f"{without}: {text}", "") for text in findings),
            seen=evidence,
        )
    said = f", and says {', '.join(map(repr, params.expects))}" if params.expects else ""
    return Outcome.passed(f"{without} ends with {params.exit_code}{said}", seen=evidence)


CHECK = CheckKind("fallback", FallbackParams, run, needs_device=True, evidence=FallbackEvidence)
