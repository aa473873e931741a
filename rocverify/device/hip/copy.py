"""The copy functions: what each one's parameters mean, and when it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rocverify.device.hip import transfer as transfers
from rocverify.device.hip.addresses import Side
from rocverify.device.hip.arrays import array_of
from rocverify.device.hip.calls import Answer, Call, Caller, Result, ServeFunction, serve, signed
from rocverify.device.hip.errors import HipError, device_errors
from rocverify.device.hip.items import Item, Kind
from rocverify.device.hip.transfer import (
    DEVICE_TO_DEVICE,
    DEVICE_TO_HOST,
    HOST_TO_DEVICE,
    Plane,
    Sides,
    Transfer,
)
from rocverify.device.process.protocol import numbers
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context

INLINE_BYTES = numbers()["RV_INLINE_BYTES"]
NULL_STREAM = 0
_PLAINLY_TO_HOST = ((Side.PAGEABLE, Side.DEVICE), (Side.PAGEABLE, Side.MANAGED))

Reader = Callable[["Context", Call], "tuple[Transfer, int | None]"]
"""The copy that a call asks for, and its stream (None: it has none)."""


def submit_copy(
    context: Context,
    call: Call,
    caller: Caller | None,
    transfer: Transfer,
    stream: int,
    *,
    synchronous: bool = False,
    known: Sides | None = None,
) -> None:
    """Checks a copy and queues it. `synchronous`: the call waits for it, so that its own thread does it: that
    spares waking another. `known` is what the sides are, if somebody has looked."""
    sides = known or transfers.sides_of(context, transfer)
    transfers.check(context, transfer, sides, call.name)
    source = None
    if transfer.inline is None and not synchronous and not sides[1].on_device:
        source = (transfer.src.address, transfer.span(transfer.src))
    item = Item(
        lambda waiting: transfers.execute(context, transfer, waiting),
        call.name,
        needs_caller=(synchronous and caller is not None) or transfers.needs_client(transfer, sides),
        accesses=transfers.accesses(transfer) if context.control.sanitize else (),
        site=call.site,
        seq=context.entry(call).seq,
        kind=Kind.MEMCPY,
        source=source,
        entry=context.entry(call),
    )
    # A synchronous copy is executed where it is waited for: what failed before it is raised there, too.
    context.streams.submit(stream, call.slot, item, caller if call.waits and not synchronous else None)


def copy_now(
    context: Context,
    call: Call,
    caller: Caller | None,
    transfer: Transfer,
    stream: int,
    *,
    reply: bool,
    known: Sides | None = None,
) -> Result:
    """A copy that is done when the call returns. With `reply` a short one to the host's pageable memory is
    answered with its bytes."""
    if transfer.size == 0:
        return None
    sides = known or transfers.sides_of(context, transfer)
    if context.streams.at_rest(stream, call.slot):
        return _at_once(context, call, caller, transfer, sides, reply=reply)
    if reply and transfer.size <= INLINE_BYTES and sides in _PLAINLY_TO_HOST:
        transfers.check(context, transfer, sides, call.name)
        return _answered(context, call, caller, transfer, stream)
    submit_copy(context, call, caller, transfer, stream, synchronous=True, known=sides)
    context.wait(stream, call, caller)
    return None


def _at_once(
    context: Context, call: Call, caller: Caller | None, transfer: Transfer, sides: Sides, *, reply: bool
) -> Result:
    """A copy that has nothing to wait for."""
    transfers.check(context, transfer, sides, call.name)
    if reply and transfer.size <= INLINE_BYTES and sides in _PLAINLY_TO_HOST:
        with device_errors():
            return Answer(payload=_read(context, transfer))
    transfers.execute(context, transfer, caller, sides)
    return None


def _read(context: Context, transfer: Transfer) -> bytes:
    return bytes(transfers.as_read(context, context.backend.read(transfer.src.address, transfer.size)))


def _answered(context: Context, call: Call, caller: Caller | None, transfer: Transfer, stream: int) -> Answer:
    held: list[bytes] = []

    def read(_caller: Caller | None) -> None:
        with device_errors():
            held.append(_read(context, transfer))

    item = Item(
        read,
        call.name,
        needs_caller=caller is not None,
        accesses=transfers.accesses(transfer) if context.control.sanitize else (),
        site=call.site,
        seq=context.entry(call).seq,
        kind=Kind.MEMCPY,
    )
    context.streams.submit(stream, call.slot, item)
    context.wait(stream, call, caller)
    if not held:
        raise HipError("hipErrorUnknown", f"{call.name} was not executed")
    return Answer(payload=held[0])


def _served_copy(reader: Reader, *, synchronous: bool, reply: bool = False) -> ServeFunction:
    def copy(context: Context, call: Call, caller: Caller | None) -> Result:
        transfer, stream, sides = context.entry(call).work or (*reader(context, call), None)
        where = NULL_STREAM if stream is None else stream
        if synchronous:
            return copy_now(context, call, caller, transfer, where, reply=reply, known=sides)
        if transfer.size:
            submit_copy(context, call, caller, transfer, where, known=sides)
        return None

    return copy


def _describe(reader: Reader) -> Callable[[Context, Call], dict[str, Any]]:
    def describe(context: Context, call: Call) -> dict[str, Any]:
        try:
            transfer, stream = reader(context, call)
        except HipError:
            return {}
        sides = transfers.sides_of(context, transfer)
        context.entry(call).work = transfer, stream, sides
        return {
            "category": transfers.category_of(sides),
            "bytes": transfer.size,
            "dst": transfer.dst.address,
            "src": transfer.src.address,
        }

    return describe


def _inline(call: Call) -> bytes | None:
    return call.payload if call.inline else None


def _flat(_context: Context, call: Call) -> tuple[Transfer, int | None]:
    """dst, src, bytes, kind [, stream]."""
    dst, src, size, kind, *stream = call.args
    transfer = Transfer(Plane(dst), Plane(src), size, kind=signed(kind, 32), inline=_inline(call))
    return transfer, stream[0] if stream else None


def _directed(kind: int) -> Reader:
    """dst, src, bytes [, stream] of a function whose name tells the direction."""

    def read(_context: Context, call: Call) -> tuple[Transfer, int | None]:
        dst, src, size, *stream = call.args
        transfer = Transfer(Plane(dst), Plane(src), size, kind=kind, inline=_inline(call))
        return transfer, stream[0] if stream else None

    return read


def _peer(context: Context, call: Call) -> tuple[Transfer, int | None]:
    """dst, dst device, src, src device, bytes [, stream]."""
    dst, dst_device, src, src_device, size, *stream = call.args
    for device in (dst_device, src_device):
        context.check_device(signed(device, 32))
    return Transfer(Plane(dst), Plane(src), size, kind=DEVICE_TO_DEVICE), stream[0] if stream else None


def _rows(_context: Context, call: Call) -> tuple[Transfer, int | None]:
    """dst, dst pitch, src, src pitch, width, height, kind [, stream]."""
    dst, dst_pitch, src, src_pitch, width, height, kind, *stream = call.args
    transfer = Transfer(
        Plane(dst, dst_pitch),
        Plane(src, src_pitch),
        width,
        height,
        kind=signed(kind, 32),
        inline=_inline(call),
    )
    return transfer, stream[0] if stream else None


def box(args: tuple[int, ...], inline: bytes | None = None) -> Transfer:
    """dst address, dst pitch, dst rows of a slice, src address, src pitch, src rows, bytes of a row, rows,
    slices, kind: as hipMemcpy3D is sent, and a graph's memcpy node."""
    dst, dst_pitch, dst_rows, src, src_pitch, src_rows, width, rows, slices, kind = args[:10]
    return Transfer(
        Plane(dst, dst_pitch, dst_rows),
        Plane(src, src_pitch, src_rows),
        width,
        rows,
        slices,
        signed(kind, 32),
        inline,
    )


def _box(_context: Context, call: Call) -> tuple[Transfer, int | None]:
    return box(call.args, _inline(call)), call.args[10] if len(call.args) > 10 else None


def _array_plane(context: Context, handle: int, x: int, y: int, width: int, rows: int) -> Plane:
    """A place in an array: `x` in bytes, `y` in rows."""
    array = array_of(context, handle)
    row_bytes, height = array.width * array.element, max(array.height, 1) * max(array.depth, 1)
    if width and rows and (x + width > row_bytes or y + rows > height):
        raise HipError(
            "hipErrorInvalidValue",
            f"{rows} rows of {width} bytes from byte {x} of row {y} on leave the array: it has {height} "
            f"rows of {row_bytes} bytes",
        )
    return Plane(array.address + y * array.pitch + x, array.pitch)


def _rows_to_array(context: Context, call: Call) -> tuple[Transfer, int | None]:
    """array, x, y, src, src pitch, width, height, kind [, stream]."""
    array, x, y, src, pitch, width, height, kind, *stream = call.args
    dst = _array_plane(context, array, x, y, width, height)
    transfer = Transfer(dst, Plane(src, pitch), width, height, kind=signed(kind, 32), inline=_inline(call))
    return transfer, stream[0] if stream else None


def _rows_from_array(context: Context, call: Call) -> tuple[Transfer, int | None]:
    """dst, dst pitch, array, x, y, width, height, kind [, stream]."""
    dst, pitch, array, x, y, width, height, kind, *stream = call.args
    src = _array_plane(context, array, x, y, width, height)
    transfer = Transfer(Plane(dst, pitch), src, width, height, kind=signed(kind, 32))
    return transfer, stream[0] if stream else None


def _wrapped(context: Context, handle: int, x: int, y: int, count: int) -> tuple[Plane, int, int]:
    """A place in an array with a count of bytes that goes on in the next row: the plane, width and rows."""
    array = array_of(context, handle)
    row_bytes = array.width * array.element
    if x + count <= row_bytes:
        return _array_plane(context, handle, x, y, count, 1), count, 1
    if x or count % row_bytes:
        raise HipError(
            "hipErrorInvalidValue", f"{count} bytes from byte {x} of a row of {row_bytes} are not whole rows"
        )
    rows = count // row_bytes
    return _array_plane(context, handle, x, y, row_bytes, rows), row_bytes, rows


def _to_array(context: Context, call: Call) -> tuple[Transfer, int | None]:
    """array, x, y, src, bytes, kind."""
    array, x, y, src, count, kind = call.args[:6]
    dst, width, rows = _wrapped(context, array, x, y, count)
    plane = Plane(src, width)
    return Transfer(dst, plane, width, rows, kind=signed(kind, 32), inline=_inline(call)), None


def _from_array(context: Context, call: Call) -> tuple[Transfer, int | None]:
    """dst, array, x, y, bytes, kind."""
    dst, array, x, y, count, kind = call.args[:6]
    src, width, rows = _wrapped(context, array, x, y, count)
    return Transfer(Plane(dst, width), src, width, rows, kind=signed(kind, 32)), None


_COPIES: tuple[tuple[str, Reader, bool, bool], ...] = (
    ("hipMemcpy", _flat, True, True),
    ("hipMemcpyWithStream", _flat, True, True),
    ("hipMemcpyAsync", _flat, False, False),
    ("hipMemcpyHtoD", _directed(HOST_TO_DEVICE), True, False),
    ("hipMemcpyDtoH", _directed(DEVICE_TO_HOST), True, True),
    ("hipMemcpyDtoD", _directed(DEVICE_TO_DEVICE), True, False),
    ("hipMemcpyHtoDAsync", _directed(HOST_TO_DEVICE), False, False),
    ("hipMemcpyDtoHAsync", _directed(DEVICE_TO_HOST), False, False),
    ("hipMemcpyDtoDAsync", _directed(DEVICE_TO_DEVICE), False, False),
    ("hipMemcpyPeer", _peer, True, False),
    ("hipMemcpyPeerAsync", _peer, False, False),
    ("hipMemcpy2D", _rows, True, False),
    ("hipMemcpy2DAsync", _rows, False, False),
    ("hipMemcpy2DToArray", _rows_to_array, True, False),
    ("hipMemcpy2DFromArray", _rows_from_array, True, False),
    ("hipMemcpyToArray", _to_array, True, False),
    ("hipMemcpyFromArray", _from_array, True, False),
    ("hipMemcpy3D", _box, True, False),
    ("hipMemcpy3DAsync", _box, False, False),
)
"""Name, parameters, whether the copy is done at the return, whether short ones to the host may be answered
with their bytes."""

for _name, _reader, _synchronous, _reply in _COPIES:
    serve(_name, category=Category.OTHER, waits=True, describe=_describe(_reader))(
        _served_copy(_reader, synchronous=_synchronous, reply=_reply)
    )
