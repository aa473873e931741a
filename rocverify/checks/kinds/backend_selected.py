"""backend_selected: the kernels that a plan names are the ones that run, and nothing computes in their place.

The entry is driven by its contract and its trace read: each named kernel was launched, from the code object
that is built now, and no other kernel of the manifest unless the plan lists it. Then, if fallbacks are
forbidden: without any one of the kernels (its launch is skipped) the result must change; where HIP refuses
to launch, the call must fail instead of giving a result that something else computed; and the call copies
nothing to the host, where it could be worked on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, known, named
from rocverify.checks.support.driving import launches_it
from rocverify.checks.support.launch_arguments import Block
from rocverify.checks.support.references import Reference
from rocverify.checks.support.trace_rules import caller_chain, status_reads
from rocverify.checks.support.trial import Lengths, Trials, load_spec, shaped
from rocverify.code.contracts import declared_contracts
from rocverify.device.trace.events import Category, TraceEvent
from rocverify.errors import ContractError, DeviceFaultError, SubjectError, TimeLimitError
from rocverify.oracle.case import Case, select_dtypes
from rocverify.oracle.drive import CaseRun
from rocverify.oracle.dtypes import DType
from rocverify.oracle.symbols import kernel_meant
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.subject.launch_session import LaunchSession

# Without these no kernel starts; hosts that keep functions make the first call only.
_REFUSED = ("hipModuleLaunchKernel", "hipModuleGetFunction")


class BackendSelectedParams(CheckParams):
    """`contract` (`module:Class`) drives the call; `entry` (`module:function`) finds it among the project's
    contracts. `kernels`: the symbols that must run, each of them, in one element type or another (`dtypes`;
    without, those whose kernel is among them). `also`: further symbols that may. `dims` as for correctness.
    `forbid_fallback`: nothing but the kernels may make the result."""

    kernels: tuple[str, ...] = Field(min_length=1)
    contract: Reference | None = None
    entry: Reference | None = None
    also: tuple[str, ...] = ()
    dtypes: tuple[str, ...] | None = Field(default=None, min_length=1)
    dims: dict[str, Lengths] = Field(default_factory=dict)
    forbid_fallback: bool = True

    @model_validator(mode="after")
    def _something_to_drive(self) -> BackendSelectedParams:
        if self.contract is None and self.entry is None:
            raise ValueError("give contract or entry")
        return self


class Selected(Record):
    """The launches of one call."""

    dtype: str | None = None
    case: dict[str, Any] | None = None
    launched: list[str | None] = Field(default_factory=list)
    call_sites: list[str | None] = Field(default_factory=list)


class BackendSelectedEvidence(Evidence):
    """The kernels that were asked for, and what each call launched."""

    contract: str | None = None
    kernels: list[str] = Field(default_factory=list)
    runs: list[Selected] = Field(default_factory=list)
    device: dict[str, Any] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The kernels that ran for each element type, and where they were launched, as lines of a Markdown
        list."""
        for run in self.runs:
            launched = ", ".join(map(named, dict.fromkeys(run.launched))) or "nothing"
            places = ", ".join(named(place) for place in run.call_sites if place)
            yield f"- {known(run.dtype)}: launched {launched}{f' at {places}' if places else ''}"


def run(params: BackendSelectedParams, ctx: CheckContext) -> Outcome:
    """Raises ContractError where no contract drives the entry, SubjectError and DeviceFaultError for what
    goes wrong in the call itself."""
    with ctx.launching() as session:
        reference = _reference(params, ctx, session)
        trials = Trials(ctx, session, reference)
        probe = Probe(_as_built(params, trials), ctx)
        findings = probe.run(trials)
    evidence = BackendSelectedEvidence(
        contract=reference,
        kernels=list(params.kernels),
        runs=probe.rows,
        device=ctx.device.info.to_json(),
    )
    if findings:
        hint = "launch these kernels in every case, and let a failed launch raise: no other way to a result"
        return Outcome.failed(findings[0].message, hint=hint, findings=tuple(findings), seen=evidence)
    how = ", without a fallback" if params.forbid_fallback else ""
    types = ", ".join(str(row.dtype) for row in probe.rows)
    return Outcome.passed(f"{probe.name} runs {', '.join(params.kernels)} ({types}){how}", seen=evidence)


def _reference(params: BackendSelectedParams, ctx: CheckContext, session: LaunchSession) -> str:
    """The contract that is named, or the first of the entry's whose kernels are asked for."""
    if params.contract is not None:
        spec = load_spec(session, params.contract)
        if params.entry not in (None, spec.wrapper):
            raise ContractError(f"drives {spec.wrapper}, not {params.entry}", where=params.contract)
        return params.contract
    declared = declared_contracts(ctx.code, ctx.settings.contract_globs)
    fitting = [c.ref for c in declared if c.wrapper == params.entry]
    for reference in fitting:
        spec = load_spec(session, reference)
        if any(launches_it(spec, kernel) for kernel in params.kernels):
            return reference
    raise ContractError(
        f"no contract drives {params.entry} with {', '.join(params.kernels)}",
        hint=f'write a @contract with wrapper="{params.entry}" in {", ".join(ctx.settings.contract_globs)}',
    )


def _as_built(params: BackendSelectedParams, trials: Trials) -> BackendSelectedParams:
    """The kernels by the names that a device reports. Raises ContractError where one means several."""
    built = tuple(trials.built.code_object.kernels)

    def meant(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(kernel_meant(name, built, trials.spec.where) for name in names)

    return params.model_copy(update={"kernels": meant(params.kernels), "also": meant(params.also)})


class Probe:
    """Runs the contract once for each element type and judges what the traces show."""

    def __init__(self, params: BackendSelectedParams, ctx: CheckContext) -> None:
        self._params = params
        self._ctx = ctx
        self.rows: list[Selected] = []
        self.name = ""

    def run(self, trials: Trials) -> list[Finding]:
        """Tries each element type, and returns what counts against the selection."""
        spec = trials.spec
        self.name = spec.wrapper or spec.where
        seen: dict[str, None] = {}
        findings: list[Finding] = []
        for dtype in self._dtypes(trials):
            case = shaped(spec, dtype, self._ctx.seed, self._params.dims)
            trial = trials.trial(case)
            launches = _launches(trial.run.events)
            seen |= dict.fromkeys(e.kernel or "" for e in launches)
            self._show(dtype, trial.run, launches)
            findings += self._strangers(launches)
            findings += [Finding(f"{case}: {p}", entity=self.name) for p in trial.problems]
            if self._params.forbid_fallback and not findings:
                findings += self._without_each(trials, case, trial.run)
                findings += self._refused(trials, case)
            if self._params.forbid_fallback:
                findings += self._copies_to_host(trial.run)
        return self._missing(seen) + findings

    def _dtypes(self, trials: Trials) -> tuple[DType, ...]:
        """The element types asked for, else those whose kernel is among the named ones, else all."""
        spec = trials.spec
        if self._params.dtypes is not None:
            return select_dtypes(spec, self._params.dtypes)
        kernels = set(self._params.kernels)

        def expects_one(dtype: DType) -> bool:
            dims = shaped(spec, dtype, self._ctx.seed, self._params.dims).dims
            return spec.symbol(dtype, dims) in kernels

        return tuple(filter(expects_one, spec.dtypes)) or spec.dtypes

    def _show(self, dtype: DType, run: CaseRun, launches: Sequence[TraceEvent]) -> None:
        self.rows.append(
            Selected(
                dtype=dtype.name,
                case=run.case.to_json(),
                launched=[e.kernel for e in launches],
                call_sites=list(dict.fromkeys(e.call_site for e in launches)),
            )
        )

    def _missing(self, seen: dict[str, None]) -> list[Finding]:
        launched = ", ".join(seen) or "no kernel at all"
        return [
            Finding(f"{self.name} did not launch {symbol}: it launched {launched}", kernel=symbol)
            for symbol in self._params.kernels
            if symbol not in seen
        ]

    def _strangers(self, launches: Sequence[TraceEvent]) -> list[Finding]:
        """Kernels that run beside or instead of those that the plan names."""
        expected = {*self._params.kernels, *self._params.also}
        others = {e.kernel or "an unknown kernel": e for e in launches if e.kernel not in expected}
        return [
            Finding(
                f"{self.name} launches {kernel}, which is none of {', '.join(sorted(expected))}; called by "
                f"{caller_chain(event)}",
                event.call_site,
                kernel,
            )
            for kernel, event in others.items()
        ]

    def _copies_to_host(self, run: CaseRun) -> list[Finding]:
        """What the subject takes from the device in the call, but for a status: it may change it, and put it
        back."""
        arrays = [Block(address, run.inputs[name].nbytes) for name, address in run.addresses.items()]
        status = status_reads(run.events, arrays)
        return [
            Finding(
                f"{self.name} copies {event.bytes} byte(s) to the host ({event.function}): a part of the "
                f"result may be computed there; called by {caller_chain(event)}",
                event.call_site,
                entity=self.name,
            )
            for event in run.events
            if event.category is Category.D2H and event.ok and event.call_site is not None
            if event not in status
        ]

    def _without_each(self, trials: Trials, case: Case, whole: CaseRun) -> list[Finding]:
        """Each kernel that ran is skipped in turn, on values that no run has seen: what is right then
        cannot have been made by it. (With the same values, freed memory might still hold its result.)"""
        found = []
        for number, symbol in enumerate(s for s in self._params.kernels if whole.launched(s)):
            fresh = replace(case, seed=case.seed + 1 + number)
            try:
                with trials.session.tracer.ghost([symbol]):
                    trial = trials.judge(trials.run(fresh))
            except (SubjectError, DeviceFaultError, TimeLimitError):
                continue  # it notices, one way or the other
            if all(comparison.matches for comparison in trial.verdict.comparisons.values()):
                text = f"{self.name} gives the right result without {symbol}: something else computes it"
                found.append(Finding(f"{text} ({fresh})", kernel=symbol, entity=self.name))
        return found

    def _refused(self, trials: Trials, case: Case) -> list[Finding]:
        """HIP refuses: the call must fail, not find another way."""
        found = []
        for function in _REFUSED:
            try:
                with trials.session.tracer.record() as events, trials.session.tracer.refuse([function]):
                    trials.run(case)
            except SubjectError:
                continue
            refusal = next((e for e in events if e.function == function), None)
            if refusal is not None:
                text = (
                    f"{self.name} returns as if all were well although {function} failed: it falls back, or "
                    f"ignores the error; called by {caller_chain(refusal)}"
                )
                found.append(Finding(text, refusal.call_site, entity=self.name))
        return found


def _launches(events: Sequence[TraceEvent]) -> list[TraceEvent]:
    return [e for e in events if e.category is Category.LAUNCH and e.ok]


CHECK = CheckKind(
    "backend_selected", BackendSelectedParams, run, needs_device=True, evidence=BackendSelectedEvidence
)
