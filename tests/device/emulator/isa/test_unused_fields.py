"""Operand fields that an instruction does not use may hold anything: newer compilers fill them."""

from __future__ import annotations

import io
import struct

import pytest
from elftools.elf.elffile import ELFFile

from rocverify.device.emulator.isa.disassembly import Listing, disassemble
from rocverify.errors import DeviceError

TWO_SOURCES = (
    "v_add_co_u32", "v_lshlrev_b64", "v_cmp_", "v_ashrrev_i64", "v_mul_lo_u32", "v_add_f64", "v_mul_hi_u32",
)  # fmt: skip
FILL = 0x80 << 18
"""What LLVM 22 puts into src2: the inline constant 0."""


def texts(listing: Listing) -> list[str]:
    return [listing.at(address).text for address in listing.addresses]


@pytest.fixture
def filled(image: bytes) -> tuple[bytes, int]:
    """The probe's code object with src2 filled where an instruction has two sources, and in how many."""
    listing = disassemble(image, "gfx1100")
    text = ELFFile(io.BytesIO(image)).get_section_by_name(".text")
    changed, count = bytearray(image), 0
    for address in listing.addresses:
        instruction = listing.at(address)
        two = instruction.mnemonic.startswith(TWO_SOURCES) and len(instruction.operands) <= 4
        if (two and instruction.encoding == "e64") or (two and instruction.word >> 26 == 0b110101):
            at = text["sh_offset"] + address - text["sh_addr"] + 4
            (word,) = struct.unpack_from("<I", changed, at)
            if not word >> 18 & 0x1FF:
                struct.pack_into("<I", changed, at, word | FILL)
                count += 1
    return bytes(changed), count


def test_filled_fields_change_nothing(image: bytes, filled: tuple[bytes, int]) -> None:
    content, count = filled
    assert count > 3
    assert texts(disassemble(content, "gfx1100")) == texts(disassemble(image, "gfx1100"))


def test_what_is_no_instruction_is_refused_with_its_words(image: bytes) -> None:
    text = ELFFile(io.BytesIO(image)).get_section_by_name(".text")
    changed = bytearray(image)
    struct.pack_into("<II", changed, text["sh_offset"], 0xD7FF0000, 0xFFFFFFFF)
    listing = disassemble(bytes(changed), "gfx1100")
    assert text["sh_addr"] not in listing
    with pytest.raises(DeviceError, match="0xd7ff0000 0xffffffff"):
        listing.at(text["sh_addr"])
