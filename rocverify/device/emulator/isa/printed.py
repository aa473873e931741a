"""The text that llvm-objdump prints, for targets that have no decoding table yet."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rocverify.device.emulator.isa.instructions import Instruction, Listing
from rocverify.device.emulator.isa.operands import Operand, parse_operand, split_operands, split_outside
from rocverify.device.emulator.isa.unused_operands import without_unused_operands
from rocverify.errors import CodeObjectError, DeviceError, ToolchainError
from rocverify.store.tools import run_tool

TIMEOUT_S = 120

_LINE = re.compile(r"^\t(?P<text>.*?)\s*// (?P<address>[0-9A-Fa-f]+):(?P<words>(?: [0-9A-Fa-f]{8})+)")
_SOURCE = re.compile(r"^; (?P<file>.+):(?P<line>\d+)(?: \(discriminator \d+\))?$")
_MODIFIER = re.compile(r"([a-z_0-9]+):(\[[^\]]*\]|[-\w.]+(?:\([^)]*\))?)$")
_FLAGS = {
    "glc", "slc", "dlc", "off", "clamp", "offen", "idxen", "lds", "gds", "tfe", "lwe", "high",
    "bound_ctrl", "row_mirror", "row_half_mirror", "neg",
}  # fmt: skip
_SUFFIX = re.compile(r"(.+?)_(e32|e64|e64_dpp|dpp|dpp8|e64_dpp8|sdwa)$")


class PrintedListing(Listing):
    """The disassembly of one code object; instructions are parsed when they are asked for."""

    def __init__(self, lines: Iterable[str], spellings: Mapping[str, str]) -> None:
        self._spellings = spellings
        self._lines: dict[int, tuple[re.Match[str], str | None]] = {}
        self._parsed: dict[int, Instruction] = {}
        source = None
        for line in lines:
            if found := _SOURCE.match(line):
                source = f"{found['file']}:{found['line']}"
            elif match := _LINE.match(line):
                self._lines[int(match["address"], 16)] = (match, source)

    @property
    def addresses(self) -> tuple[int, ...]:
        """Where instructions begin, in order."""
        return tuple(self._lines)

    def __contains__(self, address: int) -> bool:
        return address in self._lines

    def at(self, address: int) -> Instruction:
        """The instruction at a virtual address; DeviceError where none begins or its form is unknown."""
        if address not in self._parsed:
            if address not in self._lines:
                raise DeviceError(
                    "no instruction begins here", where=f"{address:#x}", hint="the code object is damaged"
                )
            self._parsed[address] = self._spelled(_parse_instruction(*self._lines[address]))
        return self._parsed[address]

    def _spelled(self, inst: Instruction) -> Instruction:
        """By the name that semantics have for it; its text stays the disassembler's."""
        name = self._spellings.get(inst.mnemonic)
        return inst if name is None else replace(inst, mnemonic=name)


def printed_lines(code_object: bytes, objdump: Path, target: str) -> list[str]:
    """What the disassembler prints of .text; CodeObjectError when it rejects the bytes."""

    def listing(content: bytes) -> list[str]:
        return _listing(content, objdump, target)

    return without_unused_operands(code_object, listing(code_object), listing)


def _listing(code_object: bytes, objdump: Path, target: str) -> list[str]:
    with tempfile.NamedTemporaryFile(suffix=".co") as file:
        file.write(code_object)
        file.flush()
        command = [str(objdump), "-d", "-l", f"--mcpu={target}", file.name]
        try:
            done = run_tool(command, timeout_s=TIMEOUT_S)
        except ToolchainError as error:
            raise CodeObjectError(f"{objdump.name} {error.message}") from None
    if done.returncode:
        raise CodeObjectError(
            f"{objdump.name} cannot disassemble it: {done.log.strip()}",
            hint="pass a code object for " + target,
        )
    return done.output.splitlines()


def _parse_instruction(match: re.Match[str], source: str | None) -> Instruction:
    words = match["words"].split()
    place = _Place(int(match["address"], 16), 4 * len(words), int(words[0], 16), source)
    text = match["text"].strip()
    first, _, second = text.partition(" :: ")
    try:
        pair = _parse_one(second, second, place) if second else None
        return _parse_one(first, text, place, pair)
    except DeviceError as error:
        raise DeviceError(error.message, where=f"{text} at {place.address:#x}", hint=error.hint) from None


class _Place(NamedTuple):
    address: int
    size: int
    word: int
    source: str | None


def _parse_one(text: str, full: str, place: _Place, second: Instruction | None = None) -> Instruction:
    name, _, rest = text.partition(" ")
    suffix = _SUFFIX.match(name)
    mnemonic, encoding = suffix.groups() if suffix else (name, "")
    operands: tuple[Operand, ...] = ()
    modifiers: dict[str, str] = {}
    if mnemonic.startswith(_WITH_OPERANDS) and not mnemonic.startswith(_OPAQUE):
        rest, modifiers = _take_modifiers(rest)
        operands = tuple(parse_operand(part) for part in split_operands(rest))
    return Instruction(
        place.address,
        place.size,
        mnemonic,
        encoding,
        operands,
        modifiers,
        full,
        place.source,
        second,
        place.word,
    )


_WITH_OPERANDS = ("s_", "v_", "ds_", "global_", "flat_", "scratch_", "buffer_")
_OPAQUE = ("s_waitcnt", "s_delay_alu", "s_clause", "s_branch", "s_cbranch", "s_version")


def _take_modifiers(rest: str) -> tuple[str, dict[str, str]]:
    modifiers: dict[str, str] = {}
    words = split_outside(rest, " ")
    while words:
        word = words[-1]
        if word in _FLAGS and not (word == "off" and (len(words) == 1 or words[-2].endswith(","))):
            modifiers[word] = ""
        elif match := _MODIFIER.fullmatch(word):
            modifiers[match[1]] = match[2]
        else:
            break
        words.pop()
    return " ".join(words), modifiers
