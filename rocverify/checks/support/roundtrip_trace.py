"""Driving an entry on the device and judging what its trace shows of transfers and launches."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from rocverify.checks.support.driving import Driven, drive, find_contract, kernel_object
from rocverify.checks.support.read_in_place import read_in_place
from rocverify.checks.support.trace_rules import (
    STATUS_TOTAL,
    Call,
    status_reads,
    trace_findings,
    transfer_evidence,
)
from rocverify.checks.support.wrapper_launch import expectation_of
from rocverify.device.trace.events import Category
from rocverify.errors import SubjectError, TimeLimitError
from rocverify.oracle.case import next_seed
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.dtypes import DType
from rocverify.oracle.symbols import with_kernels
from rocverify.records import Finding
from rocverify.toolchain.code_metadata import KernelMetadata

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.subject.launch_session import LaunchSession


class RoundtripProbe:
    """Calls an entry once for every element type. `traces` is the evidence; `copies` and `downloads` are the
    places (`path:line`) that were seen to copy anything, and to bring back more than a status."""

    def __init__(self, ctx: CheckContext, session: LaunchSession, allow_uploads: tuple[str, ...]) -> None:
        self._ctx = ctx
        self._session = session
        self._allow_uploads = allow_uploads
        self.traces: list[dict[str, Any]] = []
        self.copies: set[str] = set()
        self.downloads: set[str] = set()

    def run(self, entry: str, contract: str | None) -> list[Finding]:
        """The findings of the first element type that has any."""
        spec = find_contract(self._ctx, self._session, entry, contract)
        built, missing = kernel_object(self._ctx, spec.source, spec.symbols.values())
        if built is None or missing:
            return missing
        spec = with_kernels(spec, built.code_object.kernels)
        kernels = dict(built.code_object.kernels)
        for dtype, smallest in product(spec.dtypes, (False, True)):
            findings = self._judge(spec, dtype, kernels, smallest=smallest)
            if findings:
                return findings
        return []

    def _judge(
        self, spec: ContractSpec, dtype: DType, kernels: dict[str, KernelMetadata], *, smallest: bool
    ) -> list[Finding]:
        driven = drive(spec, self._session, dtype, self._ctx.seed, smallest=smallest)
        call = self._call(driven, kernels)
        self._note(call)
        findings = trace_findings(call)
        self.traces.append(
            {"dtype": dtype.name, "case": driven.run.case.to_json(), "events": transfer_evidence(call)}
        )
        if findings or smallest:
            return findings
        return [*self._without_kernel(spec, dtype, driven), *self._in_place(spec, dtype, driven)]

    def _note(self, call: Call) -> None:
        status = status_reads(call.events, call.expectation.arrays.values())
        copies = (Category.D2H, Category.H2D, Category.D2D)
        self.copies |= {e.call_site or "" for e in call.events if e.category in copies}
        self.downloads |= {
            e.call_site or "" for e in call.events if e.category is Category.D2H and e not in status
        }

    def _call(self, driven: Driven, kernels: dict[str, KernelMetadata]) -> Call:
        spec = driven.spec
        return Call(
            entry=spec.wrapper or spec.where,
            symbol=driven.symbol,
            events=driven.run.events,
            expectation=expectation_of(driven, kernels[driven.symbol]),
            written=tuple(spec.outputs),
            kernels=kernels,
            allow_uploads=self._allow_uploads,
        )

    def _in_place(self, spec: ContractSpec, dtype: DType, driven: Driven) -> list[Finding]:
        if driven.run.traffic.shared <= STATUS_TOTAL:
            return []
        read = read_in_place(spec, self._session, dtype, self._ctx.seed)
        return [] if read is None else [Finding(read, kernel=driven.symbol, entity=spec.wrapper)]

    def _without_kernel(self, spec: ContractSpec, dtype: DType, before: Driven) -> list[Finding]:
        """Once more with other values and launches skipped: what changes then, the host computed, unless it
        is what was computed before, in memory that is kept from call to call."""
        try:
            driven = drive(spec, self._session, dtype, next_seed(self._ctx.seed), ghost=True)
        except (SubjectError, TimeLimitError):
            return []  # it notices that its kernel did not run
        run = driven.run
        untouched = {name: run.inputs[name] for name in spec.outputs}
        kept = spec.canonical(run.inputs, untouched, run.case.dims)
        changed = [
            name
            for name, after in run.outputs.items()
            if after.tobytes() not in (kept[name].tobytes(), before.run.outputs[name].tobytes())
        ]
        if not changed or any(e.category is Category.MEMSET for e in run.events):
            return []
        return [
            Finding(
                f"{spec.wrapper} changes {', '.join(changed)} even when no kernel runs: the host wrote it",
                kernel=driven.symbol,
                entity=spec.wrapper,
            )
        ]
