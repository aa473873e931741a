"""Results that the host computed: it read the inputs back, and what it wrote is what the outputs hold.

A kernel that only has to run, beside a host that does its work, computes nothing. Uploading is no crime, nor
is looking at a result; so two things must meet before a result is called the host's: that it has read at
least half of the inputs, and that most of the outputs are what it wrote, which no kernel has changed. What it
only moved (bytes that lie so in an input) and one value everywhere are no results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.device.trace.events import Category, TraceEvent
from rocverify.oracle.buffers import Bytes, Layout

Pieces = Mapping[str, Sequence[tuple[int, bytes]]]
"""What the host wrote into allocations: where, and the bytes."""

_MOST_OUTPUTS, _MOST_INPUTS = 0.9, 0.5


@dataclass(frozen=True, slots=True)
class HostShare:
    """Elements of the outputs in one call: all, and those that the host wrote. place: where it did."""

    elements: int = 0
    written: int = 0
    place: str | None = None


NO_SHARE = HostShare()


def host_share(
    outputs: Mapping[str, NDArray[Any]],
    inputs: Mapping[str, NDArray[Any]],
    layouts: Mapping[str, Layout],
    pieces: Pieces,
    events: Sequence[TraceEvent],
    addresses: Mapping[str, int],
) -> HostShare:
    """What of these outputs the host computed in one call. inputs: as they were before; addresses: of the
    arrays on the device."""
    elements = sum(array.size for array in outputs.values())
    if not any(name in pieces for name in outputs):
        return HostShare(elements)
    if not _has_read(inputs, addresses, events):
        return HostShare(elements)
    written = sum(
        _kept(array, inputs, layouts[name], pieces[name]) for name, array in outputs.items() if name in pieces
    )
    uploads = [e.call_site for e in events if e.category is Category.H2D and e.call_site]
    return HostShare(elements, written, uploads[-1] if uploads else None)


def computed_by_host(shares: Iterable[HostShare]) -> str | None:
    """What is wrong, over the calls of a run; None if kernels have computed the outputs."""
    kept = [share for share in shares if share.elements]
    elements, written = sum(s.elements for s in kept), sum(s.written for s in kept)
    if not elements or written < _MOST_OUTPUTS * elements:
        return None
    place = next((share.place for share in kept if share.place), None)
    return (
        f"{written} of {elements} elements of the outputs are what the host wrote there"
        f"{f' ({place})' if place else ''}, after it had read the inputs back; no kernel has computed them"
    )


def _kept(
    array: NDArray[Any],
    inputs: Mapping[str, NDArray[Any]],
    layout: Layout,
    pieces: Sequence[tuple[int, bytes]],
) -> int:
    """How many elements of an output still hold what the host wrote and computed."""
    size = layout.span + 2 * layout.guard
    image, mask = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    known = [one.tobytes() for one in inputs.values()]
    for start, content in pieces:
        end = start + len(content)
        image[start:end] = np.frombuffer(content, np.uint8)
        mask[start:end] = not any(content in one for one in known)
    held: Bytes = layout.content(image)
    same = (held == array.reshape(-1).view(np.uint8)) & (layout.content(mask) == 1)
    whole = same.reshape(array.size, array.dtype.itemsize).all(axis=1)
    values = np.unique(array.reshape(-1)[whole]) if whole.any() else np.empty(0)
    return int(whole.sum()) if values.size > 1 or array.size == 1 else 0


def _has_read(
    inputs: Mapping[str, NDArray[Any]], addresses: Mapping[str, int], events: Sequence[TraceEvent]
) -> bool:
    """Whether the host has copied at least half of the inputs' bytes to itself; through copies on the device
    as well."""
    spans = {name: (addresses[name], inputs[name].nbytes) for name in inputs if name in addresses}
    aliases = [(start, start, size) for start, size in spans.values()]
    read = 0
    for event in events:
        if event.src is None or not event.bytes:
            continue
        for place, start, size in list(aliases):
            first, last = max(event.src, place), min(event.src + event.bytes, place + size)
            if first >= last:
                continue
            if event.category is Category.D2H:
                read += last - first
            elif event.category is Category.D2D and event.dst is not None:
                aliases.append((event.dst + first - event.src, start + first - place, last - first))
    return 0 < sum(size for _, size in spans.values()) * _MOST_INPUTS <= read
