"""Which kernel of the built code object a contract's `symbol` is: it may be mangled, demangled, or short."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from rocverify.errors import ContractError
from rocverify.kernel_names import demangled, kernels_called

if TYPE_CHECKING:
    from rocverify.oracle.contract import ContractSpec


def with_kernels(spec: ContractSpec, kernels: Iterable[str]) -> ContractSpec:
    """The contract, whose symbols are names of these kernels of its code object, as a device reports them.

    Raises ContractError, with the candidates, where a symbol means several. One that means none stays.
    """
    meant = partial(kernel_meant, kernels=tuple(sorted(kernels)), where=spec.where)
    return replace(spec, symbols={dtype: meant(name) for dtype, name in spec.symbols.items()}, meant=meant)


@cache
def kernel_meant(symbol: str, kernels: tuple[str, ...], where: str) -> str:
    """The one of the kernels that a symbol means; itself, where that is none. Raises ContractError, with the
    candidates, for several."""
    found = kernels_called(kernels, symbol)
    if len(found) > 1:
        shown = demangled(found)
        listed = "".join(f"\n    {shown[name]}  ({name})" for name in found)
        raise ContractError(
            f"the code object has {len(found)} kernels {symbol}:{listed}",
            where=where,
            hint="let symbol= name one of them",
        )
    return found[0] if found else symbol
