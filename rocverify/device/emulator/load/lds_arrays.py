"""Which arrays a kernel has in LDS and where, as far as debug information (`-g`) tells.

It tells their names and sizes; their places are the compiler's choice, which is made again here: the
strictest alignment first, of those the largest. Where the sum is not what the kernel asks for, or a small
one may lie in a gap between larger ones, nothing is said.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from elftools.common.exceptions import DWARFError, ELFError
from elftools.elf.elffile import ELFFile

from rocverify.device.emulator.translate.identity import translator_digest
from rocverify.store.content_cache import ContentCache
from rocverify.store.digests import digest_of

_LOCAL = [0x32, 0x16, 0x18]
"""How a place in address space 2, LDS, ends: DW_OP_lit2, DW_OP_swap, DW_OP_xderef."""

_TRANSPARENT = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type")


@dataclass(frozen=True, slots=True)
class LdsArray:
    """One variable in LDS; `offset` and `size` in bytes. Arrays of one size may have changed names."""

    name: str
    offset: int
    size: int


def lds_arrays(
    code_object: bytes, kernel: str, static_bytes: int, cache: ContentCache | None = None
) -> tuple[LdsArray, ...]:
    """The arrays of a kernel's static LDS, by offset; none where debug information does not tell them
    apart. `cache` keeps what debug information tells: to read it takes longer than many a launch."""
    if not static_bytes:
        return ()
    variables = _by_function(code_object, cache).get(kernel)
    return () if variables is None else _placed(variables, static_bytes)


_Variables = dict[str, "list[tuple[str, int]] | None"]


@lru_cache(maxsize=64)
def _by_function(code_object: bytes, cache: ContentCache | None) -> _Variables:
    """Name and size of each variable in LDS, by the names of the function that it is of; None for a function
    whose debug information cannot be read."""
    if cache is None:
        return _read(code_object)
    key = digest_of("variables in LDS", translator_digest(), code_object)
    kept = json.loads(cache.get(key, lambda: json.dumps(_read(code_object)).encode()))
    return {
        function: None if found is None else [(name, size) for name, size in found]
        for function, found in kept.items()
    }


def _read(code_object: bytes) -> _Variables:
    found: _Variables = {}
    try:
        elf = ELFFile(io.BytesIO(code_object))
        if elf.get_section_by_name(".debug_info") is None:
            return {}
        for unit in elf.get_dwarf_info().iter_CUs():
            for die in unit.get_top_DIE().iter_children():
                if die.tag == "DW_TAG_subprogram":
                    _add(found, die)
    except (ELFError, DWARFError):
        return {}
    return found


def _add(found: _Variables, die: Any) -> None:
    try:
        variables = list(_variables(die))
    except (ELFError, DWARFError):
        found.update(dict.fromkeys(_names(die)))
        return
    for name in _names(die):
        before = found.setdefault(name, [])
        if before is not None:
            before.extend(variables)


def _names(die: Any) -> set[str]:
    given = (die.attributes.get(name) for name in ("DW_AT_name", "DW_AT_linkage_name"))
    return {one.value.decode() for one in given if one is not None}


def _variables(die: Any) -> Iterator[tuple[str, int]]:
    """Name and size of each variable in LDS below an entry."""
    for child in die.iter_children():
        place = child.attributes.get("DW_AT_location")
        name = child.attributes.get("DW_AT_name")
        if child.tag == "DW_TAG_variable" and place is not None and name is not None:
            if place.form == "DW_FORM_exprloc" and list(place.value)[-3:] == _LOCAL:
                yield name.value.decode(), _size(child.get_DIE_from_attribute("DW_AT_type"))
        elif child.tag in ("DW_TAG_lexical_block", "DW_TAG_inlined_subroutine"):
            yield from _variables(child)


def _size(kind: Any) -> int:
    """Bytes of a type; 0 where that is not said."""
    while kind.tag in _TRANSPARENT:
        kind = kind.get_DIE_from_attribute("DW_AT_type")
    if kind.tag != "DW_TAG_array_type":
        size = kind.attributes.get("DW_AT_byte_size")
        return 0 if size is None else int(size.value)
    total = _size(kind.get_DIE_from_attribute("DW_AT_type"))
    for extent in kind.iter_children():
        count, last = (extent.attributes.get(name) for name in ("DW_AT_count", "DW_AT_upper_bound"))
        total *= int(count.value) if count is not None else int(last.value) + 1 if last is not None else 0
    return total


def _placed(variables: list[tuple[str, int]], static_bytes: int) -> tuple[LdsArray, ...]:
    placed: list[LdsArray] = []
    end = gap = 0
    for name, size in sorted(variables, key=lambda one: (-_alignment(one[1]), -one[1], one[0])):
        if size <= gap:
            return ()  # the compiler fills the gap with one of those that fit
        offset = -(-end // _alignment(size)) * _alignment(size)
        gap = max(gap, offset - end)
        placed.append(LdsArray(name, offset, size))
        end = offset + size
    if not placed or not all(one.size for one in placed):
        return ()
    return tuple(placed) if 0 <= static_bytes - end < _alignment(placed[0].size) else ()


def _alignment(size: int) -> int:
    """What the compiler raises the alignment of a variable in LDS to."""
    return 16 if size > 8 else 8 if size > 4 else 4 if size > 2 else max(size, 1)
