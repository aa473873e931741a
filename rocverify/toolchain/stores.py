"""Whether a kernel could write anything to memory, by the encodings of its instructions.

A kernel whose machine code has no store, no atomic and no call to code that could have them computes nothing
that anybody could see. The scan looks at every dword of the kernel's function, literals included: it may take
one of those for a store, never a store for something else. Code that is not optimised stores its arguments
where nobody can tell private memory from global: there every kernel seems to write. Encodings: the ISA
manuals of Vega to RDNA3, sections on microcode formats.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

# bits 31:26 of formats; the segment of FLAT is scratch where bits 15:14 (17:16 on RDNA3) are 1.
_FLAT, _MUBUF, _MTBUF = 0b110111, 0b111000, 0b111010
_SMEM = {"gfx9": 0b110000, "gfx10": 0b111101}  # later there are no scalar stores
_SOP1 = 0b101111101  # bits 31:23
# Opcodes of s_setpc_b64 and s_swappc_b64 in Vega, RDNA and RDNA3.
_JUMPS = frozenset((0x1D, 0x1E, 0x20, 0x21, 0x48, 0x49))
_FIRST_STORE = 24
_FAMILIES = ("gfx9", "gfx10", "gfx11")


def kernels_without_stores(
    code_object: bytes, target: str, kernels: Iterator[str] | tuple[str, ...]
) -> list[str]:
    """Those of the kernels that cannot write to memory; none for a target whose encodings are not known."""
    if not target.startswith(_FAMILIES):
        return []
    functions = dict(_functions(code_object))
    return [name for name in kernels if name in functions and not _may_store(functions[name], target)]


def _may_store(code: bytes, target: str) -> bool:
    whole = len(code) // 4 * 4
    return any(_stores(word, target) for (word,) in struct.iter_unpack("<I", code[:whole]))


def _stores(word: int, target: str) -> bool:
    """Whether a dword is the first one of an instruction that writes to memory, or leaves the function."""
    layout, opcode = word >> 26, word >> 18 & 0x7F
    if layout == _FLAT:
        segment = word >> (16 if target.startswith("gfx11") else 14) & 3
        return opcode >= _FIRST_STORE and segment != 1 and not _is_late_load(opcode, target)
    if layout in (_MUBUF, _MTBUF):
        return layout == _MTBUF or opcode in range(4, 8) or opcode >= _FIRST_STORE
    if layout in (_SMEM[family] for family in _SMEM if target.startswith(family)):
        wide = word >> 18 & 0xFF
        return 16 <= wide <= 26 or wide >= 64
    return word >> 23 == _SOP1 and (word >> 8 & 0xFF) in _JUMPS


def _is_late_load(opcode: int, target: str) -> bool:
    """The loads of half a register stand behind the stores."""
    return 30 <= opcode <= 35 if target.startswith("gfx11") else 32 <= opcode <= 37


def _functions(code_object: bytes) -> Iterator[tuple[str, bytes]]:
    """Every function's name and code."""
    elf = ELFFile(io.BytesIO(code_object))
    for section in elf.iter_sections():
        if not isinstance(section, SymbolTableSection):
            continue
        for symbol in section.iter_symbols():
            index = symbol["st_shndx"]
            if symbol["st_info"]["type"] == "STT_FUNC" and isinstance(index, int) and symbol["st_size"]:
                text = elf.get_section(index)
                start = symbol["st_value"] - text["sh_addr"]
                yield symbol.name, text.data()[start : start + symbol["st_size"]]
