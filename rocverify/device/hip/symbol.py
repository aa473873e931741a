"""Device variables by module and name: `__device__` and `__constant__` variables of a program or a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rocverify.device.hip.calls import Call, Caller, Result, ServeFunction, serve, signed
from rocverify.device.hip.copy import NULL_STREAM, copy_now, submit_copy
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.module import module_of
from rocverify.device.hip.transfer import Plane, Transfer
from rocverify.device.trace.events import Category
from rocverify.errors import DeviceError

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


def symbol_of(context: Context, module: int, name: str) -> tuple[int, int]:
    """Address and size of a variable; hipErrorInvalidSymbol if the module has none of that name."""
    loaded = module_of(context, module)
    try:
        return loaded.loaded.symbol(name)
    except DeviceError as error:
        raise HipError("hipErrorInvalidSymbol", f"{loaded.label}: {error.message}") from None


@serve("hipGetSymbolAddress")
def symbol_address(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """module; payload: name -> address."""
    return (symbol_of(context, call.args[0], call.text)[0],)


@serve("hipGetSymbolSize")
def symbol_size(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """module; payload: name -> size in bytes."""
    return (symbol_of(context, call.args[0], call.text)[1],)


def _transfer(context: Context, call: Call) -> tuple[Transfer, int]:
    """module, the other side, bytes, offset, kind [, stream], bytes of the name; payload: the name, then what
    came along."""
    module, other, size, offset, kind, *rest = call.args
    stream, length = (rest[0], rest[1]) if len(rest) > 1 else (NULL_STREAM, rest[0])
    name = call.payload[:length].decode("utf-8", "replace")
    address, held = symbol_of(context, module, name)
    if offset + size > held:
        raise HipError(
            "hipErrorInvalidValue",
            f"{call.name}: {size} bytes at offset {offset} of the variable {name}, which has {held} bytes",
            finding="symbol_size",
        )
    symbol, plane = Plane(address + offset), Plane(other)
    to_symbol = "ToSymbol" in call.name
    dst, src = (symbol, plane) if to_symbol else (plane, symbol)
    inline = call.payload[length:] if call.inline and to_symbol else None
    return Transfer(dst, src, size, kind=signed(kind, 32), inline=inline), stream


def _described(_context: Context, call: Call) -> dict[str, Any]:
    to_symbol = "ToSymbol" in call.name
    return {
        "category": Category.H2D if to_symbol else Category.D2H,
        "bytes": call.args[2],
        "src" if to_symbol else "dst": call.args[1],
    }


def _served(*, synchronous: bool) -> ServeFunction:
    def copy(context: Context, call: Call, caller: Caller | None) -> Result:
        transfer, stream = _transfer(context, call)
        context.entry(call).fields.update(dst=transfer.dst.address, src=transfer.src.address)
        if context.on_device(transfer.dst.address) and context.on_device(transfer.src.address):
            context.entry(call).category = Category.D2D
        if synchronous:
            return copy_now(context, call, caller, transfer, stream, reply="From" in call.name)
        if transfer.size:
            submit_copy(context, call, caller, transfer, stream)
        return None

    return copy


for _name in ("hipMemcpyToSymbol", "hipMemcpyFromSymbol"):
    for _form in (_name, f"{_name}Async"):
        serve(_form, category=Category.OTHER, waits=True, describe=_described)(
            _served(synchronous=_form == _name)
        )
