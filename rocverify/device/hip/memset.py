"""The memset functions: elements of one, two or four bytes, in rows and slices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rocverify.device.hip.addresses import Side, check_span, side_of
from rocverify.device.hip.calls import Call, Caller, Result, ServeFunction, low, serve
from rocverify.device.hip.errors import HipError, device_errors
from rocverify.device.hip.items import Access, Item, Kind
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


@dataclass(frozen=True, slots=True)
class Fill:
    """A memset: `count` elements of `element` bytes in each of `rows` times `slices` rows, which are `pitch`
    bytes apart, slices `slice_rows` rows (0: as many as are set)."""

    address: int
    value: int
    element: int
    count: int
    pitch: int = 0
    rows: int = 1
    slices: int = 1
    slice_rows: int = 0

    @property
    def width(self) -> int:
        """Bytes of a row that are set."""
        return self.count * self.element

    @property
    def size(self) -> int:
        """Bytes that are set."""
        return self.width * self.rows * self.slices

    @property
    def pattern(self) -> bytes:
        """One element's bytes."""
        return low(self.value, 8 * self.element).to_bytes(self.element, "little")

    @property
    def slice_bytes(self) -> int:
        """From slice to slice."""
        return (self.slice_rows or self.rows) * (self.pitch or self.width)

    @property
    def span(self) -> int:
        """Bytes from the first to the last."""
        rows = (self.rows - 1) * (self.pitch or self.width)
        return (self.slices - 1) * self.slice_bytes + rows + self.width if self.size else 0


def check(context: Context, fill: Fill, name: str) -> None:
    """HipError for memory that the device does not see, or that ends too early."""
    if fill.rows > 1 and fill.width > fill.pitch:
        raise HipError(
            "hipErrorInvalidValue", f"{name}: rows of {fill.width} bytes at a pitch of {fill.pitch}"
        )
    side = side_of(context, fill.address)
    if not side.seen_by_device:
        raise HipError("hipErrorInvalidValue", f"{name}: {fill.address:#x} is {side.words}, not the device's")
    check_span(context, fill.address, fill.span, side, f"{name} of")


def execute(context: Context, fill: Fill) -> None:
    """Sets the bytes."""
    if context.host_traffic is not None:
        context.host_traffic.wrote(fill.pattern)
    with device_errors():
        if fill.pitch in (0, fill.width) and fill.slice_bytes == fill.width * fill.rows:
            context.backend.fill(fill.address, fill.pattern, fill.count * fill.rows * fill.slices)
            return
        for one in range(fill.slices):
            for row in range(fill.rows):
                at = fill.address + one * fill.slice_bytes + row * (fill.pitch or fill.width)
                context.backend.fill(at, fill.pattern, fill.count)


def fill_item(context: Context, fill: Fill, call: Call) -> Item:
    """The memset as queued work."""
    accesses: tuple[Access, ...] = ()
    if context.control.sanitize:
        rows = fill.rows * fill.slices
        whole = fill.slices == 1 or (fill.slice_rows or fill.rows) == fill.rows
        accesses = (
            Access(fill.address, fill.width, write=True, pitch=fill.pitch, rows=rows)
            if whole
            else Access(fill.address, fill.span, write=True),
        )
    return Item(
        lambda _caller: execute(context, fill),
        call.name,
        accesses=accesses,
        site=call.site,
        seq=context.entry(call).seq,
        kind=Kind.MEMSET,
        entry=context.entry(call),
    )


Reader = Callable[[Call], "tuple[Fill, int | None]"]


def _flat(element: int) -> Reader:
    """address, value, elements [, stream]."""

    def read(call: Call) -> tuple[Fill, int | None]:
        address, value, count, *stream = call.args
        return Fill(address, value, element, count), stream[0] if stream else None

    return read


def _rows(call: Call) -> tuple[Fill, int | None]:
    """address, pitch, value, width, height [, stream]."""
    address, pitch, value, width, height, *stream = call.args
    return Fill(address, value, 1, width, pitch, height), stream[0] if stream else None


def _box(call: Call) -> tuple[Fill, int | None]:
    """address, pitch, rows of a slice, value, bytes of a row, rows, slices [, stream]."""
    address, pitch, slice_rows, value, width, rows, slices, *stream = call.args
    return Fill(address, value, 1, width, pitch, rows, slices, slice_rows), stream[0] if stream else None


def _served(reader: Reader) -> ServeFunction:
    def memset(context: Context, call: Call, caller: Caller | None) -> Result:
        fill, stream = reader(call)
        if fill.size == 0:
            return None
        check(context, fill, call.name)
        item = fill_item(context, fill, call)
        context.streams.submit(0 if stream is None else stream, call.slot, item, caller)
        # On the device's own memory even the plain functions return before it is done.
        if stream is None and call.waits and side_of(context, fill.address) is not Side.DEVICE:
            context.wait(0, call, caller)
        return None

    return memset


def _describe(reader: Reader) -> Callable[[Context, Call], dict[str, Any]]:
    def describe(_context: Context, call: Call) -> dict[str, Any]:
        fill, _ = reader(call)
        return {"bytes": fill.size, "dst": fill.address}

    return describe


for _name, _reader in (
    ("hipMemset", _flat(1)),
    ("hipMemsetD8", _flat(1)),
    ("hipMemsetD16", _flat(2)),
    ("hipMemsetD32", _flat(4)),
    ("hipMemset2D", _rows),
    ("hipMemset3D", _box),
):
    for _form in (_name, f"{_name}Async"):
        serve(_form, category=Category.MEMSET, waits=_form == _name, describe=_describe(_reader))(
            _served(_reader)
        )
