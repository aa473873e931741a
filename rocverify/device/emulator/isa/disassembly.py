"""The instructions of a code object, decoded where they are asked for."""

from __future__ import annotations

import io
from collections.abc import Mapping

from elftools.elf.elffile import ELFFile

from rocverify.device.emulator.isa.decoding import Decoder, decoder, has_table
from rocverify.device.emulator.isa.decoding_table import Decoded
from rocverify.device.emulator.isa.instructions import Instruction, Listing
from rocverify.device.emulator.isa.targets import PROCESSORS, Target, processor
from rocverify.errors import CodeObjectError, DeviceError
from rocverify.toolchain.codeobject import malformed_is_an_error
from rocverify.toolchain.dwarf_lines import LineTable

__all__ = ["DecodedListing", "Instruction", "Listing", "decoder_of", "disassemble"]


class DecodedListing(Listing):
    """The code of one code object; instructions are decoded when they are asked for."""

    def __init__(
        self, code: bytes, start: int, decoder: Decoder, lines: LineTable, spellings: Mapping[str, str]
    ) -> None:
        self._code, self._start, self._decoder, self._lines = code, start, decoder, lines
        self._spellings = spellings
        self._known: dict[int, Instruction] = {}

    @property
    def addresses(self) -> tuple[int, ...]:
        """Where instructions begin if the code is read from its start to its end; dwords that begin none are
        passed over."""
        found, address, end = [], self._start, self._start + len(self._code)
        while address < end:
            decoded = self._decoded(address)
            if decoded is not None:
                found.append(address)
            address += 4 if decoded is None else decoded.size
        return tuple(found)

    def __contains__(self, address: int) -> bool:
        return address in self._known or self._decoded(address) is not None

    def at(self, address: int) -> Instruction:
        """The instruction at a virtual address; DeviceError with the words there where they are none."""
        known = self._known.get(address)
        if known is None:
            decoded = self._decoded(address)
            if decoded is None:
                raise DeviceError(
                    f"no instruction begins here ({self.words(address)})",
                    where=f"{address:#x}",
                    hint="the code object is damaged",
                )
            at = address - self._start
            word = int.from_bytes(self._code[at : at + 4], "little")
            known = self._known[address] = self._placed(address, word, decoded, decoded.size)
        return known

    def words(self, address: int) -> str:
        """The two dwords at an address, for a message."""
        at = address - self._start
        inside = self._code[at : at + 8] if 0 <= at < len(self._code) else b""
        words = [inside[place : place + 4] for place in range(0, len(inside) // 4 * 4, 4)]
        return " ".join(f"{int.from_bytes(one, 'little'):#010x}" for one in words) or "outside of the code"

    def _decoded(self, address: int) -> Decoded | None:
        at = address - self._start
        return None if at & 3 or not 0 <= at < len(self._code) else self._decoder.at(self._code, at)

    def _placed(self, address: int, word: int, one: Decoded, size: int) -> Instruction:
        name, encoding, operands, modifiers, text, _, form, other = one
        second = None if other is None else self._placed(address, word, other, size)
        spelled = self._spellings.get(name, name)
        return Instruction(
            address, size, spelled, encoding, operands, modifiers, text, second, word, form, self._lines
        )


def decoder_of(target: Target) -> Decoder | None:
    """The decoder of a processor; None where its instructions are not known."""
    formats = target.family.formats
    return None if formats is None else decoder(target.name, tuple(formats))


def disassemble(code_object: bytes, target: str) -> Listing:
    """The listing of .text; CodeObjectError where there is none, DeviceError for a processor whose
    instructions are not known."""
    known = processor(target)
    made = None if known is None else decoder_of(known)
    if known is None or made is None:
        decoded = ", ".join(name for name in PROCESSORS if has_table(name))
        raise DeviceError(f"code for {target} is not decoded", hint=f"that for {decoded} is")
    with malformed_is_an_error("code object"):
        section = ELFFile(io.BytesIO(code_object)).get_section_by_name(".text")
        if section is None:
            raise CodeObjectError("has no .text section")
        start, code = section["sh_addr"], section.data()
    return DecodedListing(code, start, made, LineTable(code_object), known.family.spellings)
