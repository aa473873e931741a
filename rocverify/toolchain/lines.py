"""What a code object does not say of its source, from the same source compiled once more beside it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

from rocverify.errors import CompileError

if TYPE_CHECKING:
    from rocverify.toolchain.build import Builder
    from rocverify.toolchain.manifest import ManifestEntry


class Twin(StrEnum):
    """What is asked of a twin: line tables, which change no instruction; names and places of the arrays in
    LDS, by all debug information, which may add waits; symbols where the source has wave barriers, of which
    machine code keeps nothing (see wave_barriers.py)."""

    LINES = "lines"
    ARRAYS = "arrays"
    WAVE_BARRIERS = "wave barriers"


DebugTwin = Callable[[bytes, Twin], bytes | None]
"""Gives a code object's twin, None where there is none."""

_LINES, _ALL = "-gline-tables-only", "-g"


def debug_twin(
    builder: Builder,
    entry: ManifestEntry,
    target: str,
    content: bytes,
    what: Twin,
    flags: Sequence[str] = (),
) -> bytes | None:
    """`content`'s source compiled once more, `flags` after the entry's own; None if that does not compile, or
    gives other instructions at other places, since the source has changed or a flag takes the tables away
    again. That of `Twin.ARRAYS` may have not quite the same instructions."""
    from rocverify.toolchain.wave_barriers import with_symbols

    try:
        if what is Twin.WAVE_BARRIERS:
            twin = with_symbols(builder.assembly(entry, target, flags), target, builder.toolchain)
        else:
            twin = builder.build(entry, target, (*flags, _LINES)).path.read_bytes()
        if twin is None or _instructions(twin) != _instructions(content):
            return None
        return twin if what is not Twin.ARRAYS else _with_all(builder, entry, target, flags)
    except CompileError:
        return None


def _with_all(builder: Builder, entry: ManifestEntry, target: str, flags: Sequence[str]) -> bytes:
    return builder.build(entry, target, (*flags, _ALL)).path.read_bytes()


def _instructions(code_object: bytes) -> tuple[int, bytes]:
    """Where .text lies, and its bytes; the compiler has written them, they are not damaged."""
    text = ELFFile(io.BytesIO(code_object)).get_section_by_name(".text")
    assert text is not None
    return int(text["sh_addr"]), bytes(text.data())
