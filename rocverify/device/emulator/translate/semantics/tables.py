"""Which semantics the instructions of a family have: groups of handlers, put together as the family says.

Names are those of RDNA 3's manual; a family whose assembler has others gives them in its spellings.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from rocverify.device.emulator.isa.family import Family
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.semantics import (
    arithmetic,
    buffer,
    bytewise,
    cdna,
    cdna3,
    clock,
    compare,
    conversions,
    division,
    dots,
    eights,
    floats,
    geometry,
    lanes,
    lds,
    matrix,
    matrix_cdna,
    matrix_rdna4,
    memory,
    mixed,
    packed,
    rdna2,
    rdna4,
    relative,
    scalar,
    scalar_float,
    smem,
    special,
    transcendental,
)

Handlers = Mapping[str, Handler]

GROUPS: Mapping[str, Handlers] = {
    "scalar": scalar.HANDLERS,
    "scalar float": scalar_float.HANDLERS,
    "clock": clock.HANDLERS,
    "scalar memory": smem.HANDLERS,
    "integer": arithmetic.HANDLERS,
    "float": floats.HANDLERS,
    "conversion": conversions.HANDLERS,
    "division": division.HANDLERS,
    "transcendental": transcendental.HANDLERS,
    "packed": packed.HANDLERS,
    "mixed": mixed.HANDLERS,
    "dot products": dots.HANDLERS,
    "bytes": bytewise.HANDLERS,
    "geometry": geometry.HANDLERS,
    "WMMA": matrix.HANDLERS,
    "compare": compare.HANDLERS,
    "lanes": lanes.HANDLERS,
    "relative": relative.HANDLERS,
    "memory": memory.HANDLERS,
    "buffer": buffer.HANDLERS,
    "LDS": lds.HANDLERS,
    "wave": special.HANDLERS,
    "RDNA 2": rdna2.HANDLERS,
    "RDNA 4": rdna4.HANDLERS,
    "CDNA": cdna.HANDLERS,
    "CDNA 3": cdna3.HANDLERS,
    "floats of 8 bits": eights.HANDLERS,
    "MFMA": matrix_cdna.HANDLERS,
    "WMMA of RDNA 4": matrix_rdna4.HANDLERS,
}
"""By the name that families call them."""


@cache
def handlers(family: Family) -> Handlers:
    """The semantics of every instruction of a family that the emulator runs; of others there are none."""
    waits = () if family.ordering is None else family.ordering.waits
    return merged(
        {name: GROUPS[name] for name in family.semantics} | {"waits": dict.fromkeys(waits, special.nothing)}
    )


def merged(groups: Mapping[str, Handlers]) -> Handlers:
    """The groups as one table; ValueError where two of them have semantics for one instruction."""
    table: dict[str, Handler] = {}
    home: dict[str, str] = {}
    for group, handlers_of_group in groups.items():
        for name, handler in handlers_of_group.items():
            if name in home:
                raise ValueError(f"{name} has semantics twice: in the groups {home[name]} and {group}")
            table[name], home[name] = handler, group
    return MappingProxyType(table)
