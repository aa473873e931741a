"""Line tables for code objects that were compiled without them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from elftools.elf.elffile import ELFFile

from rocverify.errors import CompileError

if TYPE_CHECKING:
    from rocverify.toolchain.build import Builder
    from rocverify.toolchain.manifest import ManifestEntry

FLAG = "-gline-tables-only"


def with_line_tables(builder: Builder, entry: ManifestEntry, target: str, content: bytes) -> bytes | None:
    """`content`'s source compiled once more, with line tables; None if that does not compile, or gives other
    instructions at other places, since the source has changed or a flag takes the tables away again."""
    try:
        twin = builder.build(entry, target, (FLAG,)).path.read_bytes()
    except CompileError:
        return None
    return twin if _instructions(twin) == _instructions(content) else None


def _instructions(code_object: bytes) -> tuple[int, bytes]:
    """Where .text lies, and its bytes; the compiler has written them, they are not damaged."""
    text = ELFFile(io.BytesIO(code_object)).get_section_by_name(".text")
    assert text is not None
    return int(text["sh_addr"]), bytes(text.data())
