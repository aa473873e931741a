"""Driving host code by its kernel contract, for the checks that watch what it does on the device."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rocverify.code.contracts import declared_contracts
from rocverify.device.traffic import Traffic
from rocverify.errors import ContractError
from rocverify.kernel_names import kernels_called, same_kernel
from rocverify.oracle.case import typical_case
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.drive import CaseRun, execute
from rocverify.oracle.dtypes import DType
from rocverify.oracle.shapes import smallest_shape
from rocverify.records import Finding
from rocverify.toolchain.build import BuiltObject

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.subject.launch_session import LaunchSession


@dataclass(frozen=True, slots=True)
class Driven:
    """One call of the host code on the device: what was called, in which element type, what happened."""

    spec: ContractSpec
    dtype: DType
    run: CaseRun

    @property
    def symbol(self) -> str:
        """The kernel that the contract expects."""
        return self.spec.symbol(self.dtype, self.run.case.dims)


def find_contract(
    ctx: CheckContext,
    session: LaunchSession,
    function: str,
    reference: str | None,
    symbol: str | None = None,
) -> ContractSpec:
    """The contract that drives `function` (`module:name`): the one named, else the project's own; with
    `symbol` one that declares this kernel, if there is one. Raises ContractError where none drives it."""
    candidates = (reference,) if reference is not None else _declared(ctx, function)
    specs = [session.subject.contract(candidate) for candidate in candidates]
    fitting = [s for s in specs if s.wrapper == function]
    if fitting:
        return next((s for s in fitting if symbol is not None and launches_it(s, symbol)), fitting[0])
    raise ContractError(
        f"drives {specs[0].wrapper}, not {function}"
        if reference and specs
        else f"no contract drives {function}",
        where=reference,
        hint=f'write a @contract with wrapper="{function}" in {", ".join(ctx.settings.contract_globs)}',
    )


def launches_it(spec: ContractSpec, symbol: str) -> bool:
    """Whether a contract is of a kernel, each called by its symbol or by its name in the source."""
    return any(same_kernel(said, symbol) for said in set(spec.symbols.values()))


def _declared(ctx: CheckContext, function: str) -> tuple[str, ...]:
    contracts = declared_contracts(ctx.code, ctx.settings.contract_globs)
    return tuple(c.ref for c in contracts if c.wrapper == function)


def drive(
    spec: ContractSpec,
    session: LaunchSession,
    dtype: DType,
    seed: int,
    *,
    ghost: bool = False,
    smallest: bool = False,
    replayed: Traffic | None = None,
) -> Driven:
    """Calls the host code once, on a small case whose dimensions differ or on the smallest one; with
    `ghost`, no kernel runs. replayed: see `execute`."""
    case = typical_case(spec, dtype, seed)
    if smallest:
        case = replace(case, dims=smallest_shape(spec.dims))
    return Driven(spec, dtype, execute(spec, session, case, ghost=ghost, replayed=replayed))


def kernel_object(
    ctx: CheckContext, source: str, symbols: Iterable[str]
) -> tuple[BuiltObject | None, list[Finding]]:
    """The code object of a kernel source, or what is missing: its manifest entry, or a symbol in it.

    What the project lacks is a gap of the work and so a finding, not an error of the plan. Raises
    CompileError for a source that does not compile.
    """
    if not any(entry.source == source for entry in ctx.manifest.entries):
        message = f"{ctx.settings.manifest} has no entry for {source}: nothing is built to launch"
        return None, [Finding(message, ctx.settings.manifest, entity=source)]
    built = ctx.built(source, ctx.target)
    kernels = built.code_object.kernels
    known = ", ".join(sorted(kernels)) or "no kernel"
    return built, [
        Finding(f"the code object of {source} has no {symbol}: it has {known}", source, kernel=symbol)
        for symbol in dict.fromkeys(symbols)
        if not kernels_called(kernels, symbol)
    ]
