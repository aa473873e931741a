"""unsupported_config: what is not supported is refused with a typed error, before any launch.

By a contract: the calls that it says must be refused. By an entry: calls that the plan writes down. In both
cases the trace must show no launch, the error must be of the class that is named, its message must have the
words that tell the caller what to use instead; and a call that is supported must not be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, known, named
from rocverify.checks.support.call_values import enter_with
from rocverify.checks.support.references import Reference
from rocverify.checks.support.trial import Lengths, Trials, shaped
from rocverify.device.trace.events import Category, TraceEvent
from rocverify.errors import ContractError, DeviceFaultError, SubjectError
from rocverify.markdown import prose
from rocverify.oracle.contract import Refusal
from rocverify.oracle.drive import execute
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.subject.launch_session import LaunchSession


class RefusedCase(CheckParams):
    """One call to be refused. `name`: with a contract, the name that it gives the call. `call`: with an
    entry, its keyword arguments (see `checks.support.call_values`). `error`: the exception's class; of a
    contract, what it says. `expects`: words of the message."""

    name: str = Field(min_length=1)
    call: dict[str, Any] | None = None
    error: str | None = Field(default=None, min_length=1)
    expects: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class UnsupportedConfigParams(CheckParams):
    """`contract` (`module:Class`) or `entry` (`module:function`, a method's class may stand before it).
    `cases`: the calls to be refused, of a contract by name (default: all that it lists). `accepted`: keyword
    arguments of a call that the entry does not refuse. `expects`: words of every message. `dims` limits the
    contract's shape."""

    contract: Reference | None = None
    entry: Reference | None = None
    cases: tuple[RefusedCase, ...] = ()
    accepted: dict[str, Any] | None = None
    expects: tuple[str, ...] = ()
    dims: dict[str, Lengths] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> UnsupportedConfigParams:
        if (self.contract is None) == (self.entry is None):
            raise ValueError("give either contract or entry")
        if self.entry is not None:
            if self.accepted is None:
                raise ValueError("accepted is missing: an entry that refuses everything would pass")
            if not self.cases or any(case.call is None or case.error is None for case in self.cases):
                raise ValueError("each case of an entry needs call and error")
        elif self.accepted is not None or any(case.call is not None for case in self.cases):
            raise ValueError("call and accepted belong to an entry; a contract has its own calls")
        return self


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one call did: the class and text of what it raised, and what it launched before."""

    error: str | None
    text: str
    launches: tuple[TraceEvent, ...]


class Refused(Record):
    """A call that had to be refused, and the words its error had to have."""

    case: str | None = None
    error: str | None = None
    message: str | None = None
    expects: list[str] = Field(default_factory=list)


class UnsupportedConfigEvidence(Evidence):
    """What became of each call that had to be refused."""

    entry: str | None = None
    refused: list[Refused] = Field(default_factory=list)
    device: dict[str, Any] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Which calls were refused, and in which words, as lines of a Markdown list."""
        for one in self.refused:
            said = f"raised {named(one.error)}" if one.error else "returned"
            yield f"- {known(one.case)}: {said}{f', {prose(one.message)}' if one.message else ''}"


def run(params: UnsupportedConfigParams, ctx: CheckContext) -> Outcome:
    """Raises ContractError for a case that the contract does not know, and SubjectError for a supported
    call that is refused."""
    with ctx.launching() as session:
        refused = _by_contract(params, ctx, session) if params.contract else _by_entry(params, ctx, session)
    name = params.contract or params.entry or ""
    findings: list[Finding] = []
    rows: list[Refused] = []
    for case, attempt in refused:
        words = (*params.expects, *case.expects)
        findings += [Finding(f"{case.name}: {text}", entity=name) for text in _problems(case, attempt, words)]
        rows.append(Refused(case=case.name, error=attempt.error, message=attempt.text, expects=list(words)))
    evidence = UnsupportedConfigEvidence(entry=name, refused=rows, device=ctx.device.info.to_json())
    if findings:
        return Outcome.failed(
            findings[0].message,
            hint="check the configuration first, and raise a typed error that names what does support it",
            findings=tuple(findings),
            seen=evidence,
        )
    errors = ", ".join(sorted({row.error or "" for row in rows}))
    count = f"{len(rows)} call" + ("s" if len(rows) > 1 else "")
    return Outcome.passed(
        f"{name} refuses {count} before any launch ({errors}), and takes a supported one", seen=evidence
    )


def _problems(case: RefusedCase, attempt: Attempt, words: Iterable[str]) -> list[str]:
    if attempt.launches:
        first = attempt.launches[0]
        then = f"raised {attempt.error}" if attempt.error else "returned"
        return [f"launched {first.kernel} at {first.call_site} before it {then}"]
    if attempt.error is None:
        return [f"is not refused: it returned, {case.error} was expected"]
    if attempt.error != case.error:
        return [f"raised {attempt.error} ({attempt.text}), {case.error} was expected"]
    missing = [word for word in words if word.lower() not in attempt.text.lower()]
    if missing:
        listed = ", ".join(repr(word) for word in missing)
        return [f"the message of {attempt.error} does not say {listed}: {attempt.text}"]
    return []


Attempts = list[tuple[RefusedCase, Attempt]]


def _by_contract(params: UnsupportedConfigParams, ctx: CheckContext, session: LaunchSession) -> Attempts:
    assert params.contract is not None
    trials = Trials(ctx, session, params.contract)
    spec = trials.spec
    case = shaped(spec, spec.dtypes[0], ctx.seed, params.dims)
    refusals = spec.refused(case.dims)
    if not refusals:
        raise ContractError("lists no call that must be refused", where=spec.where, hint="give it refused()")
    unknown = [c.name for c in params.cases if c.name not in refusals]
    if unknown:
        known = ", ".join(refusals)
        raise ContractError(
            f"refuses nothing called {unknown[0]!r}", where=spec.where, hint=f"it has: {known}"
        )
    _accept(lambda: trials.run(case), spec.wrapper or spec.where)

    def attempt(refusal: Refusal) -> Attempt:
        given: dict[str, Any] = {"values": refusal.values, "call_dims": refusal.dims}
        return _attempt(session, lambda: execute(spec, session, case, invoke=trials.invoke, **given))

    found: Attempts = []
    for wanted in params.cases or [RefusedCase(name=name) for name in refusals]:
        refusal = refusals[wanted.name]
        asked = wanted.model_copy(update={"error": wanted.error or refusal.error})
        found.append((asked, attempt(refusal)))
    return found


def _by_entry(params: UnsupportedConfigParams, ctx: CheckContext, session: LaunchSession) -> Attempts:
    assert params.entry is not None
    assert params.accepted is not None
    name = params.entry
    session.subject.load(name)

    def call(arguments: Mapping[str, Any]) -> None:
        enter_with(session, name, arguments, ctx.seed)

    accepted = params.accepted
    _accept(lambda: call(accepted), name)
    return [(case, _attempt(session, partial(call, case.call or {}))) for case in params.cases]


def _accept(call: Callable[[], object], name: str) -> None:
    """The control: a supported call goes through. SubjectError says what it raised instead."""
    try:
        call()
    except SubjectError as error:
        raise SubjectError(
            f"refuses a supported call: {error.message}",
            kind=error.kind,
            where=error.where or name,
            hint="an entry that refuses everything shows nothing; correct it, or the supported call",
        ) from error


def _attempt(session: LaunchSession, call: Callable[[], object]) -> Attempt:
    error: str | None = None
    text = ""
    with session.tracer.record() as events:
        try:
            call()
        except SubjectError as raised:
            error, text = raised.kind, raised.message.removeprefix(f"raised {raised.kind}: ")
        except DeviceFaultError as raised:
            error, text = "a device fault", raised.message
    return Attempt(error, text, tuple(e for e in events if e.category is Category.LAUNCH))


CHECK = CheckKind(
    "unsupported_config",
    UnsupportedConfigParams,
    run,
    needs_device=True,
    evidence=UnsupportedConfigEvidence,
)
