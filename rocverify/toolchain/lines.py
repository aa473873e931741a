"""Debug information for code objects that were compiled without it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

from rocverify.errors import CompileError

if TYPE_CHECKING:
    from rocverify.toolchain.build import Builder
    from rocverify.toolchain.manifest import ManifestEntry

LINES, ALL = "-gline-tables-only", "-g"
"""Line tables alone change no instruction; all of it may add waits where there is LDS."""


def debug_twin(
    builder: Builder, entry: ManifestEntry, target: str, content: bytes, *, arrays: bool = False
) -> bytes | None:
    """`content`'s source compiled once more, with line tables; None if that does not compile, or gives other
    instructions at other places, since the source has changed or a flag takes the tables away again. arrays:
    with all debug information, which names the arrays in LDS, and maybe not quite the same instructions."""
    try:
        twin = builder.build(entry, target, (LINES,)).path.read_bytes()
        if _instructions(twin) != _instructions(content):
            return None
        return builder.build(entry, target, (ALL,)).path.read_bytes() if arrays else twin
    except CompileError:
        return None


def _instructions(code_object: bytes) -> tuple[int, bytes]:
    """Where .text lies, and its bytes; the compiler has written them, they are not damaged."""
    text = ELFFile(io.BytesIO(code_object)).get_section_by_name(".text")
    assert text is not None
    return int(text["sh_addr"]), bytes(text.data())
