"""Watching a wrapper launch its kernel, once for every element type of its contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rocverify.checks.support.coverage import Kernel, reached_by_larger_grid, untouched
from rocverify.checks.support.driving import Driven, drive, find_contract
from rocverify.checks.support.launch_arguments import (
    Block,
    Expectation,
    argument_findings,
    copies_of,
    live_blocks,
    parts_of,
)
from rocverify.checks.support.launch_geometry import geometry_findings, lds_findings
from rocverify.checks.support.trace_rules import caller_chain
from rocverify.code.shared_memory import SharedAccess
from rocverify.device.trace.events import Category, TraceEvent
from rocverify.errors import ContractError, SubjectError, TimeLimitError
from rocverify.kernel_names import last_name
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.dtypes import DType
from rocverify.oracle.symbols import kernel_meant, with_kernels
from rocverify.records import Finding
from rocverify.store.digests import shown_digest
from rocverify.toolchain.build import BuiltObject
from rocverify.toolchain.code_metadata import KernelMetadata

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.subject.launch_session import LaunchSession


class LaunchProbe:
    """Drives a wrapper and judges its launches. `launches` is the evidence, one entry a launch."""

    def __init__(self, ctx: CheckContext, session: LaunchSession, built: BuiltObject, source: str) -> None:
        """source: the path of what `built` was compiled from."""
        self._ctx = ctx
        self._session = session
        self._built = built
        self._source = source
        self.launches: list[dict[str, Any]] = []

    def run(self, wrapper: str, symbol: str, contract: str | None) -> list[Finding]:
        """The findings over all element types; the first type with findings ends it."""
        spec = find_contract(self._ctx, self._session, wrapper, contract, symbol)
        kernels = self._built.code_object.kernels
        symbol = kernel_meant(symbol, tuple(kernels), self._source)
        spec = with_kernels(spec, kernels) if spec.source == self._source else spec
        if symbol not in spec.symbols.values():
            return self._further(spec, symbol)
        for dtype in spec.dtypes:
            held_back = self._held_back(spec, dtype)
            findings = self._judge(held_back) if held_back is not None else []
            if not findings:
                real = drive(spec, self._session, dtype, self._ctx.seed)
                findings = self._judge(real) if held_back is None else []
                findings = findings or self._judge_real(real)
            if findings:
                return findings
        return []

    def _further(self, spec: ContractSpec, symbol: str) -> list[Finding]:
        """The findings of a kernel that the wrapper launches beside the one that its contract declares: its
        launches, of whatever element type. What its arguments mean, the contract does not say."""
        driven = [drive(spec, self._session, dtype, self._ctx.seed) for dtype in spec.dtypes]
        seen = [(one, launch) for one in driven for launch in launches_of(one.run.events)]
        mine = [(one, launch) for one, launch in seen if launch.kernel == symbol]
        if not mine:
            return wrong_kernel(spec.wrapper or "the wrapper", symbol, [launch for _, launch in seen])
        metadata = self._built.code_object.kernels[symbol]
        for one, launch in mine:
            run = one.run
            # Memory that may be passed, under names that no parameter has.
            unnamed = Expectation(
                {f"the contract's {n}": Block(a, run.inputs[n].nbytes) for n, a in run.addresses.items()}
            )
            found = self._compared(unnamed, one, launch, metadata)
            found += [] if launch.ok else [_refused(launch)]
            if found:
                return found
            self.launches.append(_described(one, launch, metadata, unnamed.names(metadata)))
        return []

    def _held_back(self, spec: ContractSpec, dtype: DType) -> Driven | None:
        """A call in which no kernel runs. None where the wrapper notices that, as one does that looks at what
        its kernel reports, or waits for it: then the arguments are judged after a real call."""
        try:
            return drive(spec, self._session, dtype, self._ctx.seed, ghost=True)
        except (SubjectError, TimeLimitError):
            return None

    def _judge(self, driven: Driven) -> list[Finding]:
        """The launches of a run in which no kernel ran: right kernel, right arguments, right geometry."""
        launches = launches_of(driven.run.events)
        findings = wrong_kernel(driven.spec.wrapper or "the wrapper", driven.symbol, launches)
        for launch in launches:
            metadata = self._built.code_object.kernels.get(launch.kernel or "")
            if launch.kernel == driven.symbol and metadata is not None:
                findings += self._compare(driven, launch, metadata)
        return findings

    def _compare(self, driven: Driven, launch: TraceEvent, metadata: KernelMetadata) -> list[Finding]:
        expectation = expectation_of(driven, metadata)
        mine = [e for e in launches_of(driven.run.events) if e.kernel == launch.kernel]
        partial = parts_of(mine, expectation.names(metadata), expectation.scalars)
        return self._compared(replace(expectation, partial=partial), driven, launch, metadata)

    def _compared(
        self, expectation: Expectation, driven: Driven, launch: TraceEvent, metadata: KernelMetadata
    ) -> list[Finding]:
        blocks = live_blocks(driven.run.events, launch.seq, expectation.arrays, driven.run.kept)
        found = [
            *foreign_code(launch, self._built.sha256, metadata.name),
            *argument_findings(launch, metadata, expectation, blocks),
            *geometry_findings(launch, metadata, self._built.code_object.target),
            *lds_findings(launch, metadata, self._source, self._accesses(metadata.name)),
        ]
        # The launch often stands in a helper that all wrappers share: what counts is who called it.
        return [replace(f, message=f"{f.message}; called by {caller_chain(launch)}") for f in found]

    def _accesses(self, kernel: str) -> tuple[SharedAccess, ...]:
        return self._ctx.code.shared_accesses(self._source, last_name(kernel))

    def _judge_real(self, driven: Driven) -> list[Finding]:
        """The same on the device: the launch succeeds and its grid covers the data."""
        launches = launches_of(driven.run.events)
        findings = wrong_kernel(driven.spec.wrapper or "the wrapper", driven.symbol, launches)
        findings += [_refused(launch) for launch in launches if not launch.ok]
        for launch in launches:
            if launch.kernel == driven.symbol:
                metadata = self._built.code_object.kernels[driven.symbol]
                names = expectation_of(driven, metadata).names(metadata)
                self.launches.append(_described(driven, launch, metadata, names))
        return findings or self._uncovered(driven, launches[-1])

    def _uncovered(self, driven: Driven, launch: TraceEvent) -> list[Finding]:
        missed = untouched(driven.spec, driven.run)
        metadata = self._built.code_object.kernels[driven.symbol]
        if not missed:
            return []
        self.launches[-1]["untouched"] = [str(m) for m in missed]
        kernel = Kernel(self._built.path.read_bytes(), metadata)
        if not reached_by_larger_grid(driven.spec, self._session, driven.run, launch, kernel):
            return []  # the kernel's own mistake, which the correctness check reports
        text = (
            f"{launch.host_function}: a grid of {launch.grid} workgroups of {launch.block} work-items is too "
            f"small: it leaves {'; '.join(map(str, missed))} untouched ({driven.run.case}); "
            f"called by {caller_chain(launch)}"
        )
        return [Finding(text, launch.call_site, kernel=driven.symbol)]


def _described(
    driven: Driven, launch: TraceEvent, metadata: KernelMetadata, names: Sequence[str]
) -> dict[str, Any]:
    arguments = [
        {"name": name, "kind": parameter.kind, "size": parameter.size, "passed": given.ctype}
        for name, parameter, given in zip(names, metadata.explicit_args, launch.args or (), strict=True)
    ]
    return {
        "dtype": driven.dtype.name,
        "kernel": launch.kernel,
        "case": driven.run.case.to_json(),
        "grid": list(launch.grid or ()),
        "block": list(launch.block or ()),
        "shared_bytes": launch.shared_bytes or 0,
        "call_site": launch.call_site,
        "callers": list(launch.callers),
        "arguments": arguments,
    }


def launches_of(events: Sequence[TraceEvent]) -> list[TraceEvent]:
    """The launches in a trace."""
    return [event for event in events if event.category is Category.LAUNCH]


def wrong_kernel(wrapper: str, symbol: str, launches: Sequence[TraceEvent]) -> list[Finding]:
    """A wrapper must launch its kernel, and no other one in its place."""
    if any(launch.kernel == symbol for launch in launches):
        return []
    if not launches:
        return [Finding(f"{wrapper} launched no kernel, {symbol} was expected", kernel=symbol)]
    others = ", ".join(dict.fromkeys(launch.kernel or "an unknown kernel" for launch in launches))
    message = f"{wrapper} launched {others}, {symbol} was expected"
    return [Finding(message, launches[0].call_site, kernel=symbol)]


def foreign_code(launch: TraceEvent, sha256: str, kernel: str) -> list[Finding]:
    """The kernel must come from the code object that was compiled now."""
    if launch.code_object in (None, sha256):
        return []
    message = f"{kernel} was launched from another code object ({shown_digest(str(launch.code_object))})"
    return [Finding(message, launch.call_site, kernel=kernel)]


def _refused(launch: TraceEvent) -> Finding:
    reason = f": {launch.reason}" if launch.reason else ""
    message = f"the launch of {launch.kernel} returned {launch.result}{reason}"
    return Finding(message, launch.call_site, kernel=launch.kernel)


def expectation_of(driven: Driven, metadata: KernelMetadata) -> Expectation:
    """What the contract says of the launch's values. ContractError if it names other parameters."""
    spec, run = driven.spec, driven.run
    _check_parameters(spec, metadata)
    arrays = {name: Block(address, run.inputs[name].nbytes, name) for name, address in run.addresses.items()}
    copies = copies_of(run.events, arrays)
    return Expectation(arrays, run.case.dims, spec.parameters, copies)


def _check_parameters(spec: ContractSpec, metadata: KernelMetadata) -> None:
    if spec.parameters is not None and len(spec.parameters) != len(metadata.explicit_args):
        raise ContractError(
            f"lists {len(spec.parameters)} parameters, {metadata.name} takes {len(metadata.explicit_args)}",
            where=spec.where,
            hint="`parameters` names the kernel's parameters in order",
        )
