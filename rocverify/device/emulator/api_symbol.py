"""Symbols of the host program. `symbol` is the host's address of a `__device__` variable, which compiled
host code registers with HIP when it starts; code objects that are loaded as modules register none. So every
such call is refused here as HIP refuses it: variables of modules are reached with hipModuleGetGlobal and
hipMemcpy.
"""

# Names and parameters are HIP's interface, also those that mean nothing here.
# ruff: noqa: N802, N803, ARG002
from __future__ import annotations

from typing import Any, NoReturn

from rocverify.device.emulator.api_state import HipCallError, HipCalls, offered
from rocverify.device.emulator.api_stream import check_stream
from rocverify.device.emulator.api_values import Address, CopyKind, PointerArgument, Size, Stream


def _unregistered(symbol: PointerArgument) -> NoReturn:
    raise HipCallError(
        "hipErrorInvalidSymbol",
        f"{symbol.address:#x} is no symbol that host code has registered: a module's variables are reached "
        "with hipModuleGetGlobal and hipMemcpy",
    )


class SymbolCalls(HipCalls):
    """hip-python's functions that take a symbol of the host program."""

    @offered(None)
    def hipGetSymbolAddress(self, symbol: Address) -> Any:
        _unregistered(symbol)

    @offered(0)
    def hipGetSymbolSize(self, symbol: Address) -> int:
        _unregistered(symbol)

    @offered()
    def hipMemcpyToSymbol(
        self, symbol: Address, src: Address, sizeBytes: Size, offset: Size, kind: CopyKind
    ) -> None:
        _unregistered(symbol)

    @offered()
    def hipMemcpyToSymbolAsync(
        self, symbol: Address, src: Address, sizeBytes: Size, offset: Size, kind: CopyKind, stream: Stream
    ) -> None:
        check_stream(self._state, stream)
        _unregistered(symbol)

    @offered()
    def hipMemcpyFromSymbol(
        self, dst: Address, symbol: Address, sizeBytes: Size, offset: Size, kind: CopyKind
    ) -> None:
        _unregistered(symbol)

    @offered()
    def hipMemcpyFromSymbolAsync(
        self, dst: Address, symbol: Address, sizeBytes: Size, offset: Size, kind: CopyKind, stream: Stream
    ) -> None:
        check_stream(self._state, stream)
        _unregistered(symbol)
