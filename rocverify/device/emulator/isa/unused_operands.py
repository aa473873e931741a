"""Operand fields that an instruction has no use for, and that not every compiler leaves at zero.

The hardware takes no notice of them. LLVM's disassembler does, and prints such an instruction as `.long`:
newer LLVMs fill the third source of two-operand VOP3 instructions, with the inline constant 0.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable
from io import BytesIO

from elftools.elf.elffile import ELFFile

from rocverify.errors import CodeObjectError
from rocverify.toolchain.codeobject import malformed_is_an_error

_UNKNOWN = re.compile(r"^\t\.long .*// (?P<address>[0-9A-Fa-f]+): (?P<word>[0-9A-Fa-f]{8})$")
_VOP3, _VOP3P = 0b110101, 0b11001100
_SRC1, _SRC2 = 0x1FF << 9, 0x1FF << 18
_ATTEMPTS = (_SRC2, _SRC1 | _SRC2)
_MOST_ROUNDS = 64


def without_unused_operands(
    code_object: bytes, listing: list[str], disassemble: Callable[[bytes], list[str]]
) -> list[str]:
    """A listing in which instructions that only their unused operand fields made unknown are known.

    Each round clears such fields in a copy; where that does not help, the copy gets them back.
    """
    tried: dict[int, int] = {}
    content = bytearray(code_object)
    for _ in range(_MOST_ROUNDS):
        fresh = [at for at in _candidates(listing) if tried.get(at, 0) <= len(_ATTEMPTS)]
        if not fresh:
            break
        offset = _text_offset(code_object)
        for address in fresh:
            place = address - offset + 4
            if not 0 <= place <= len(content) - 4:
                raise CodeObjectError("has an instruction that is cut short at the end of its code")
            (second,) = struct.unpack_from("<I", code_object, place)
            attempt = tried.get(address, 0)
            if attempt < len(_ATTEMPTS):
                second &= ~_ATTEMPTS[attempt]
            struct.pack_into("<I", content, place, second)
            tried[address] = attempt + 1
        listing = disassemble(bytes(content))
    return listing


def _candidates(listing: Iterable[str]) -> list[int]:
    """The addresses of unknown instructions whose encoding has three sources."""
    found = (_UNKNOWN.match(line) for line in listing)
    return [int(m["address"], 16) for m in found if m and _has_sources(int(m["word"], 16))]


def _has_sources(word: int) -> bool:
    return word >> 26 == _VOP3 or word >> 24 == _VOP3P


def _text_offset(code_object: bytes) -> int:
    """What is taken from a virtual address in .text for its place in the file."""
    with malformed_is_an_error("code object"):
        section = ELFFile(BytesIO(code_object)).get_section_by_name(".text")
        if section is None:
            raise CodeObjectError("has no .text section")
        return int(section["sh_addr"] - section["sh_offset"])
