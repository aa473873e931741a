"""Driving host code by its kernel contract, for the checks that watch what it does on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocverify.code.contracts import declared_contracts
from rocverify.errors import ContractError
from rocverify.oracle.case import typical_case
from rocverify.oracle.contract import ContractSpec, load_contract
from rocverify.oracle.drive import CaseRun, execute
from rocverify.oracle.dtypes import DType
from rocverify.oracle.subject import SubjectCall

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext, LaunchSession


@dataclass(frozen=True, slots=True)
class Driven:
    """One call of the host code on the device: what was called, in which element type, what happened."""

    spec: ContractSpec
    dtype: DType
    run: CaseRun

    @property
    def symbol(self) -> str:
        """The kernel that the contract expects."""
        return self.spec.symbol(self.dtype)


def find_contract(
    ctx: CheckContext,
    session: LaunchSession,
    function: str,
    reference: str | None,
    symbol: str | None = None,
) -> ContractSpec:
    """The contract that drives `function` (`module:name`): the one named, else the project's own.

    `symbol` must be among its kernels. Raises ContractError where none fits.
    """
    candidates = (reference,) if reference is not None else _declared(ctx, function)
    specs = []
    for candidate in candidates:
        with SubjectCall(candidate, session.device, session.root):
            specs.append(load_contract(candidate, session.load))
    fitting = [s for s in specs if s.wrapper == function and (symbol is None or symbol in s.symbols.values())]
    if fitting:
        return fitting[0]
    wanted = function if symbol is None else f"{function} with the kernel {symbol}"
    raise ContractError(
        f"drives {specs[0].wrapper}, not {wanted}" if reference and specs else f"no contract drives {wanted}",
        where=reference,
        hint=f'write a @contract with wrapper="{function}" in {", ".join(ctx.settings.contract_globs)}',
    )


def _declared(ctx: CheckContext, function: str) -> tuple[str, ...]:
    contracts = declared_contracts(ctx.code, ctx.settings.contract_globs)
    return tuple(c.ref for c in contracts if c.wrapper == function)


def drive(spec: ContractSpec, session: LaunchSession, dtype: DType, seed: int, *, ghost: bool) -> Driven:
    """Calls the host code once on a small case whose dimensions differ; with `ghost`, no kernel runs."""
    return Driven(spec, dtype, execute(spec, session, typical_case(spec, dtype, seed), ghost=ghost))
