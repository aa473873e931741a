"""Names of halves of registers against the assembler in Triton's wheel, which is newer than LLVM 19."""

from __future__ import annotations

import io
import random
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from rocverify.device.emulator.isa import disassembly
from rocverify.device.emulator.isa.decoding import Decoder
from rocverify.device.emulator.isa.operands import OperandKind
from rocverify.device.emulator.isa.targets import PROCESSORS

VOP3 = 0xD4000000
VOP1, VOPC = 0x7E000000, 0x7C000000
OPERAND = re.compile(r"\bv(\d+)\b(?!\.)")


@pytest.fixture(scope="module")
def assemble() -> Any:
    pytest.importorskip("triton", reason="Triton has wheels for Linux on x86-64 only")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from triton.backends.amd.compiler import assemble_amdgcn

    def words(texts: list[str], target: str) -> bytes:
        file = assemble_amdgcn("\n".join(texts) + "\n", target, "")
        return bytes(ELFFile(io.BytesIO(file)).get_section_by_name(".text").data())

    return words


def words_with_halves(known: Decoder, draw: random.Random) -> Iterator[tuple[int, Any, frozenset[int]]]:
    """For every 16-bit instruction of VOP1, VOP2, VOPC and VOP3 some words that name upper halves, and the
    places of its 16-bit operands: those that are an upper half in one of many words."""
    for base, opcodes in ((VOP1, 256), (VOPC, 256), (0, 62), (VOP3, 1024)):
        for opcode in range(opcodes):
            met = []
            for _ in range(60):
                registers = [draw.randrange(256) for _ in range(3)]
                if base == VOP3:
                    word = base | opcode << 16 | draw.randrange(16) << 11 | registers[0] % 100
                    word |= sum((256 + r) << 32 + 9 * i for i, r in enumerate(registers))
                    word &= ~(511 << 50) if opcode < 512 else ~0
                else:
                    low = 256 + registers[0]
                    shifts = {VOP1: (9, 17), VOPC: (17, 9)}.get(base, (25, 17))
                    word = base | low | opcode << shifts[0] | registers[1] << shifts[1]
                    word |= 0 if base else registers[2] << 9
                found = known.decode(word, 20)
                if found is not None and ".h" in found.text and found.size <= 8:
                    met.append((word & (1 << 8 * found.size) - 1, found))
            narrow = frozenset(
                place for _, one in met for place, o in enumerate(one.operands) if o.half == "h"
            )
            yield from ((word, found, narrow) for word, found in met[:3])


def named(found: Any, narrow: frozenset[int]) -> str:
    """As later assemblers want it: lower halves have names too."""
    name, _, rest = found.text.partition(" ")
    texts = rest.split(", ")
    for place, operand in enumerate(found.operands):
        if place in narrow and operand.kind is OperandKind.VGPR and not operand.half:
            texts[place] = OPERAND.sub(r"v\1.l", texts[place])
    return f"{name} {', '.join(texts)}"


@pytest.mark.parametrize("target", ["gfx1100", "gfx1201"])
def test_upper_halves_are_what_a_later_assembler_encodes(target: str, assemble: Any) -> None:
    known = disassembly.decoder_of(PROCESSORS[target])
    assert known is not None
    words = list(words_with_halves(known, random.Random(11)))
    assert len({found.mnemonic for _, found, _ in words}) > 100
    wrong = []
    for word, found, narrow in words:
        text = named(found, narrow)
        try:
            made = assemble([text], target)
        except RuntimeError as error:
            wrong.append(f"{word:#x} {text}: {error}")
            continue
        again = known.decode(int.from_bytes(made, "little"), len(made))  # other bits where fields are unused
        if again is None or again != found:
            wrong.append(f"{word:#x} {text}: {again and again.text}")
    assert not wrong, f"{len(wrong)} of {len(words)}\n" + "\n".join(wrong[:40])
