"""Where a source has wave barriers (`__builtin_amdgcn_wave_barrier`, `__syncwarp`).

They order the lanes of a wave for the compiler and are no instruction. The compiler's assembly has a comment
in each one's place; a symbol put there changes no instruction, and tells the address in a code object.
"""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from rocverify.errors import CompileError
from rocverify.store.tools import run_tool
from rocverify.toolchain.discover import Toolchain

_COMMENT = re.compile(r"\s*; wave barrier\s*")
_INLINE_BEGINS, _INLINE_ENDS = ";#ASMSTART", ";#ASMEND"
_SYMBOL = "rocverify.wave_barrier."


def with_symbols(assembly: str, target: str, toolchain: Toolchain) -> bytes | None:
    """The code object of a source's assembly, with a symbol at each wave barrier; None where it has none.
    CompileError where it cannot be assembled."""
    lines, count, inline = [], 0, False
    for line in assembly.splitlines():
        inline = (inline or line.strip() == _INLINE_BEGINS) and line.strip() != _INLINE_ENDS
        if not inline and _COMMENT.fullmatch(line):
            lines.append(f'"{_SYMBOL}{count}":')
            count += 1
        lines.append(line)
    return _assembled("\n".join(lines) + "\n", target, toolchain) if count else None


def _assembled(text: str, target: str, toolchain: Toolchain) -> bytes:
    processor = target.partition(":")[0]
    with tempfile.TemporaryDirectory(prefix="rocverify-") as folder:
        source, output = Path(folder) / "marked.s", Path(folder) / "marked.co"
        source.write_text(text, encoding="utf-8")
        how = ("-x", "assembler", "-target", "amdgcn-amd-amdhsa", f"-mcpu={processor}", "-nogpulib")
        command = (str(toolchain.clang), *how, "-o", str(output), str(source))
        run = run_tool(command, timeout_s=toolchain.timeout_s)
        if run.returncode != 0:
            raise CompileError("its assembly cannot be assembled again", log=run.log, where=target)
        return output.read_bytes()


def wave_barriers(code_object: bytes) -> frozenset[int]:
    """The addresses of the instructions before which there is one, of a code object by `with_symbols`."""
    tables = ELFFile(io.BytesIO(code_object)).iter_sections("SHT_SYMTAB")
    return frozenset(
        int(symbol["st_value"])
        for table in tables
        if isinstance(table, SymbolTableSection)
        for symbol in table.iter_symbols()
        if symbol.name.startswith(_SYMBOL)
    )
