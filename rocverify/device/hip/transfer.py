"""Copies between any two sides: what is checked when they are asked for, and how the bytes go.

A copy is `slices` times `rows` rows of `width` bytes; on each side rows are a pitch apart, slices a number of
rows. A plain copy is one row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocverify.device.hip.addresses import Side, check_span, side_of
from rocverify.device.hip.calls import Caller
from rocverify.device.hip.errors import HipError, device_errors
from rocverify.device.hip.items import Access
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context

HOST_TO_HOST, HOST_TO_DEVICE, DEVICE_TO_HOST, DEVICE_TO_DEVICE, DEFAULT = range(5)
DEVICE_TO_DEVICE_NO_CU = 1024
KIND_NAMES = {
    HOST_TO_HOST: "hipMemcpyHostToHost",
    HOST_TO_DEVICE: "hipMemcpyHostToDevice",
    DEVICE_TO_HOST: "hipMemcpyDeviceToHost",
    DEVICE_TO_DEVICE: "hipMemcpyDeviceToDevice",
    DEVICE_TO_DEVICE_NO_CU: "hipMemcpyDeviceToDeviceNoCU",
    DEFAULT: "hipMemcpyDefault",
}
_TO_DEVICE = frozenset({HOST_TO_DEVICE, DEVICE_TO_DEVICE, DEVICE_TO_DEVICE_NO_CU})
_FROM_DEVICE = frozenset({DEVICE_TO_HOST, DEVICE_TO_DEVICE, DEVICE_TO_DEVICE_NO_CU})

CATEGORIES = {
    (True, False): Category.H2D,
    (False, True): Category.D2H,
    (True, True): Category.D2D,
    (False, False): Category.OTHER,
}
"""(destination on the device, source on the device)."""


@dataclass(slots=True)
class Plane:
    """One side of a copy: address, bytes from row to row, rows from slice to slice (0: as many as are
    copied). Nobody changes it, nor a Transfer; not frozen, as Call is not."""

    address: int
    pitch: int = 0
    slice_rows: int = 0


@dataclass(slots=True)
class Transfer:
    """A copy as it was asked for. `kind` is a hipMemcpyKind; `inline` are the source's bytes where the client
    has sent them along."""

    dst: Plane
    src: Plane
    width: int
    rows: int = 1
    slices: int = 1
    kind: int = DEFAULT
    inline: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes that are copied."""
        return self.width * self.rows * self.slices

    def is_flat(self, plane: Plane) -> bool:
        """Whether a side's bytes follow one another."""
        one_row = self.rows == 1 or plane.pitch == self.width
        return one_row and (self.slices == 1 or self._slice_bytes(plane) == self.width * self.rows)

    def span(self, plane: Plane) -> int:
        """Bytes from the first to the last of a side."""
        if self.size == 0:
            return 0
        rows = (self.rows - 1) * (plane.pitch or self.width) + self.width
        return rows if self.slices == 1 else rows + (self.slices - 1) * self._slice_bytes(plane)

    def starts(self, plane: Plane) -> Iterator[int]:
        """The offset of every row of a side."""
        for one in range(self.slices):
            for row in range(self.rows):
                yield one * self._slice_bytes(plane) + row * (plane.pitch or self.width)

    def _slice_bytes(self, plane: Plane) -> int:
        return (plane.slice_rows or self.rows) * (plane.pitch or self.width)


Sides = tuple[Side, Side]
"""What destination and source are."""


def sides_of(context: Context, transfer: Transfer) -> Sides:
    """What both sides are now."""
    return side_of(context, transfer.dst.address), side_of(context, transfer.src.address)


def category_of(sides: Sides) -> Category:
    """Where the bytes really go."""
    return CATEGORIES[sides[0].on_device, sides[1].on_device]


def needs_client(transfer: Transfer, sides: Sides) -> bool:
    """Whether the client's own memory has to be read or written."""
    dst, src = sides
    return dst is Side.PAGEABLE or (src is Side.PAGEABLE and transfer.inline is None)


def check(context: Context, transfer: Transfer, sides: Sides, name: str) -> None:
    """HipError for a copy that cannot be: null pointers, a direction that contradicts the addresses, rows
    that are longer than their pitch, sides that leave their allocations."""
    for plane, what in ((transfer.dst, "destination"), (transfer.src, "source")):
        if not plane.address:
            raise HipError("hipErrorInvalidValue", f"{name}: the {what} is a null pointer")
        if transfer.rows > 1 and transfer.width > plane.pitch:
            raise HipError(
                "hipErrorInvalidPitchValue",
                f"{name}: rows of {transfer.width} bytes at a pitch of {plane.pitch} ({what})",
            )
    dst, src = sides
    _check_kind(transfer, dst, src, name)
    if dst.seen_by_device:
        check_span(context, transfer.dst.address, transfer.span(transfer.dst), dst, f"{name} to")
    if src.seen_by_device:
        check_span(context, transfer.src.address, transfer.span(transfer.src), src, f"{name} from")


def _check_kind(transfer: Transfer, dst: Side, src: Side, name: str) -> None:
    kind = transfer.kind
    if kind not in KIND_NAMES:
        raise HipError("hipErrorInvalidMemcpyDirection", f"{name}: {kind} is not a hipMemcpyKind")
    if kind == DEFAULT:
        return
    wrong = []
    for side, plane, device, what in (
        (dst, transfer.dst, kind in _TO_DEVICE, "destination"),
        (src, transfer.src, kind in _FROM_DEVICE, "source"),
    ):
        if side is (Side.PAGEABLE if device else Side.DEVICE):
            wrong.append(f"the {what} {plane.address:#x} is {side.words}")
    if wrong:
        raise HipError(
            "hipErrorInvalidValue",
            f"{name} with {KIND_NAMES[kind]}, but {' and '.join(wrong)}",
            finding="copy_direction",
        )


def accesses(transfer: Transfer) -> tuple[Access, ...]:
    """What a copy reads and writes."""
    return tuple(
        Access(
            plane.address,
            transfer.width,
            write,
            pitch=plane.pitch,
            rows=transfer.rows * transfer.slices,
        )
        if transfer.slices == 1 or (plane.slice_rows or transfer.rows) == transfer.rows
        else Access(plane.address, transfer.span(plane), write)
        for plane, write in ((transfer.dst, True), (transfer.src, False))
    )


def execute(context: Context, transfer: Transfer, caller: Caller | None, sides: Sides | None = None) -> None:
    """Copies the bytes. HipError where one side is not there (any more). `sides`: what they are, if that has
    just been looked up."""
    dst, src = sides or sides_of(context, transfer)
    with device_errors(), _own_view(context, src):
        if dst.seen_by_device and src.seen_by_device:
            _within(context, transfer)
            if src.on_device and not dst.on_device:
                _seen_by_host(context, transfer)
        elif dst.seen_by_device:
            _from_host(context, transfer, caller)
        else:
            _to_host(context, transfer, caller, from_host=not src.seen_by_device)
        if context.host_traffic is not None and dst.on_device and not src.on_device:
            for start in transfer.starts(transfer.dst):
                context.host_traffic.wrote(context.backend.read(transfer.dst.address + start, transfer.width))


def _own_view(context: Context, src: Side) -> AbstractContextManager[None]:
    """What the device has written itself is what it copies."""
    shared = context.shared if src in (Side.PINNED, Side.MANAGED) else None
    return nullcontext() if shared is None else shared.of_device(context, kernel=False)


def _within(context: Context, transfer: Transfer) -> None:
    copy, dst, src = context.backend.copy, transfer.dst, transfer.src
    if transfer.is_flat(dst) and transfer.is_flat(src):
        copy(dst.address, src.address, transfer.size)
        return
    for to, at in zip(transfer.starts(dst), transfer.starts(src), strict=True):
        copy(dst.address + to, src.address + at, transfer.width)


def _seen_by_host(context: Context, transfer: Transfer) -> None:
    """The host reads what was copied into pinned memory, without another call."""
    for start in transfer.starts(transfer.dst) if context.host_traffic is not None else ():
        address = transfer.dst.address + start
        content = context.backend.read(address, transfer.width)
        given = as_read(context, content)
        if given is not content:
            context.backend.write(address, given)


def _from_host(context: Context, transfer: Transfer, caller: Caller | None) -> None:
    dst, src = transfer.dst, transfer.src
    if transfer.inline is None and transfer.is_flat(dst) and transfer.is_flat(src):
        view = context.backend.view(dst.address, transfer.size, writing=True)
        if view is not None:
            _present(caller).read_host_into(view, src.address)
            return
    whole = _host_bytes(transfer, caller)
    if transfer.is_flat(dst) and len(whole) == transfer.size:
        context.backend.write(dst.address, whole)
        return
    data = memoryview(whole)
    packed = len(data) == transfer.size
    width = transfer.width
    starts = range(0, transfer.size, width) if packed else transfer.starts(src)
    for to, at in zip(transfer.starts(dst), starts, strict=True):
        context.backend.write(dst.address + to, data[at : at + width])


def _host_bytes(transfer: Transfer, caller: Caller | None) -> bytes:
    """The source's bytes, its padding included, or (inline) without."""
    span = transfer.span(transfer.src)
    data = transfer.inline
    if data is None:
        return _present(caller).read_host(transfer.src.address, span)
    if len(data) not in (span, transfer.size):
        raise HipError("hipErrorInvalidValue", f"{len(data)} bytes came along for a copy of {transfer.size}")
    return data


def _to_host(context: Context, transfer: Transfer, caller: Caller | None, *, from_host: bool) -> None:
    dst, src = transfer.dst, transfer.src
    thread = _present(caller)
    if from_host:
        data: bytes | memoryview = _host_bytes(transfer, caller)
    else:
        view = context.backend.view(src.address, transfer.span(src), writing=False)
        data = context.backend.read(src.address, transfer.span(src)) if view is None else view
        data = as_read(context, data)
    if transfer.is_flat(dst) and transfer.is_flat(src):
        thread.write_host(dst.address, data)
        return
    packed = from_host and len(data) == transfer.size
    starts = range(0, transfer.size, transfer.width) if packed else transfer.starts(src)
    for to, at in zip(transfer.starts(dst), starts, strict=True):
        thread.write_host(dst.address + to, data[at : at + transfer.width])


def as_read(context: Context, content: bytes | memoryview) -> bytes | memoryview:
    """What the host is given of what device memory holds."""
    return content if context.host_traffic is None else context.host_traffic.read(content)


def _present(caller: Caller | None) -> Caller:
    if caller is None:
        raise HipError("hipErrorUnknown", "host memory is needed, and no thread of the client waits")
    return caller
