"""The decoder against LLVM's disassembler: the same instruction, or both know none.

Documented differences: fields that an instruction has no use for may hold anything here, and must hold what
LLVM writes there; buffer accesses that also tell whether they failed (tfe), and v_illegal, are none here;
image and export instructions are only named; what LLVM prints with a comment (reserved lane controls,
registers that a field cannot name) is not an instruction here; s_version has its number.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.emulator.isa import decoding, disassembly
from rocverify.device.emulator.isa.decoding import Decoder, decoder
from rocverify.device.emulator.isa.decoding_table import Decoded
from rocverify.device.emulator.isa.encodings import Format
from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.isa.disassembling import Judged, judged, listed

TARGETS = ("gfx90a", "gfx942", "gfx1030", "gfx1100", "gfx1150", "gfx1200")
BARS = re.compile(r"\|(\w+), (vcc\w*)\|")
"""LLVM 19 writes the bars of an absolute value behind VCC where that is read without being named."""
NAMED = ("image_", "exp")
DWORDS = 5
EVERY = 30
UNUSED_FILLS = (0, 126, 124 << 48)
"""What LLVM wants in unused fields: zeros, EXEC as destination of v_cmpx, NULL as base of a flat access."""


def decoder_of(target: str) -> Decoder:
    known = disassembly.decoder_of(PROCESSORS[target])
    assert known is not None
    return known


def words_of(formats: tuple[Format, ...], count: int, seed: int) -> Iterator[int]:
    """Random words of every format and opcode: `count` for each."""
    draw = random.Random(seed)
    for one in formats:
        opcodes = 1 << 10
        for opcode in range(opcodes):
            for _ in range(count):
                word = draw.getrandbits(32 * DWORDS)
                # Opcodes lie in bits 25:16 or below and above them: all their values come up.
                word = word & ~(0x3FF << 16) | opcode << 16
                for bits in one.fields:
                    low = bits.low + 32 * bits.dword
                    word = word & ~(((1 << bits.high - bits.low + 1) - 1) << low) | bits.value << low
                if not (one.name.endswith("_SDWA") and ends_llvm(word)):
                    yield word


UPPER_HALF = re.compile(r"\b(\w+)\.h\b")


def ends_llvm(word: int) -> bool:
    """Whether reserved selectors of SDWA end LLVM's disassembler: they are no instruction."""
    return word >> 43 & 3 == 3 or any(word >> low & 7 == 7 for low in (40, 48, 56))


def used_bits(known: Decoder, word: int) -> int:
    """The bits whose change changes what the decoder says."""
    said = known.decode(word, 4 * DWORDS)
    changes = (known.decode(word ^ 1 << bit, 4 * DWORDS) for bit in range(32 * DWORDS))
    return sum(1 << bit for bit, other in enumerate(changes) if other != said)


def agrees(ours: Decoded | None, theirs: Judged) -> bool:
    if ours is not None and ours.mnemonic.startswith(NAMED):
        return theirs is None or (theirs[0].split()[0], theirs[1]) == (ours.text, ours.size)
    if theirs is not None and theirs[0].split()[-1] in ("tfe", "v_illegal"):
        return ours is None
    if ours is not None and UPPER_HALF.search(ours.text) and ours.mnemonic != "v_mov_b16":
        # LLVM 19 has no names for halves in OP_SEL or in high registers: test_halves.py asks a later one.
        return theirs is None or (UPPER_HALF.sub(r"\1", ours.text), ours.size) == theirs
    if ours is None or theirs is None:
        return ours is None and theirs is None
    text, size = BARS.sub(r"|\1|, \2", theirs[0]), theirs[1]
    if ours.mnemonic == "s_version":
        return text.startswith("s_version")
    return (ours.text, ours.size) == (text, size)


def disagreements(mc: Path, target: str, words: list[int]) -> list[str]:
    known = decoder_of(target)
    mine = [known.decode(word, 4 * DWORDS) for word in words]

    def bytes_of(word: int, one: Decoded | None) -> bytes:
        return word.to_bytes(4 * DWORDS, "little")[: one.size if one is not None else 4 * DWORDS]

    theirs = judged(mc, target, [bytes_of(*pair) for pair in zip(words, mine, strict=True)])
    left = [(w, a, b) for w, a, b in zip(words, mine, theirs, strict=True) if not agrees(a, b)]
    # Where only the decoder knows it: the same words with what LLVM writes into unused fields.
    again: list[tuple[int, Decoded, int]] = []
    found = [
        f"{w:#x}: {a and a.text} {a and a.size} but {b}" for w, a, b in left if a is None or b is not None
    ]
    for word, ours, _ in (one for one in left if one[1] is not None and one[2] is None):
        assert ours is not None
        kept = used_bits(known, word)
        again += [(word, ours, word & kept | fill & ~kept) for fill in UNUSED_FILLS]
    answers = judged(mc, target, [bytes_of(filled, ours) for _, ours, filled in again])
    good = {word for (word, ours, _), answer in zip(again, answers, strict=True) if agrees(ours, answer)}
    return found + [
        f"{w:#x}: {a.text} is known here alone" for w, a, _ in again[:: len(UNUSED_FILLS)] if w not in good
    ]


@pytest.mark.parametrize(
    ("count", "seed"),
    [
        pytest.param(1, 1, id="sample"),
        pytest.param(2, 2, id="more", marks=pytest.mark.long),
        pytest.param(EVERY, 3, id="million", marks=pytest.mark.exhaustive),
    ],
)
@pytest.mark.parametrize("target", TARGETS)
def test_random_words_of_every_opcode(assembler: Assembler, target: str, count: int, seed: int) -> None:
    formats = tuple(PROCESSORS[target].family.formats or ())
    words = list(words_of(formats, count, seed))
    if count < EVERY:
        words = random.Random(seed).sample(words, 3000 if count == 1 else 40_000)
    found = disagreements(assembler.mc, target, words)
    assert not found, f"{len(found)} of {len(words)}: " + "\n".join(found[:40])


@pytest.mark.parametrize("target", TARGETS)
def test_what_was_met_before_is_read_again_alike(target: str) -> None:
    """Whatever follows the dwords that decided: what else begins like them is told from them."""
    known, plain, draw = decoder_of(target), fresh_decoder(target), random.Random(7)
    formats = tuple(PROCESSORS[target].family.formats or ())
    met = 0
    for word in draw.sample(list(words_of(formats, 1, 4)), 2000):
        found = known.at(word.to_bytes(4 * DWORDS, "little"), 0)
        met += found is not None
        for kept in (32, 64, 96):
            other = word & (1 << kept) - 1 | draw.getrandbits(32 * DWORDS - kept) << kept
            code = bytes(4) + other.to_bytes(4 * DWORDS, "little")
            assert known.at(code, 4) == plain.decode(other, 4 * DWORDS), hex(other)
            assert known.at(code[: 4 + kept // 8], 4) == plain.decode(other & (1 << kept) - 1, kept // 8)
    assert met > 200


def fresh_decoder(target: str) -> Decoder:
    """One that has met nothing yet."""
    table = next(target[:length] for length in range(len(target), 3, -1) if table_is_there(target[:length]))
    return Decoder(table, tuple(PROCESSORS[target].family.formats or ()))


def table_is_there(name: str) -> bool:
    return (Path(decoding.__file__).parent / "families" / f"{name}.json").is_file()


def test_a_compiled_file_reads_as_the_disassembler_prints_it(image: bytes, toolchain: Toolchain) -> None:
    known = [one for one in listed(toolchain.objdump, "gfx1100", image) if not one.text.startswith(".long")]
    assert len(known) > 500
    decoded = disassembly.disassemble(image, "gfx1100")
    for one in known:
        mine = decoded.at(one.address)
        assert (mine.text, mine.size, mine.word, mine.source) == (one.text, one.size, one.word, one.source)
        name, _, rest = one.text.partition(" :: ")[0].partition(" ")
        assert "_".join(part for part in (mine.mnemonic, mine.encoding) if part) == name
        assert all(word == "" or f" {key}:{word}" in rest for key, word in mine.modifiers.items())
        assert all(f" {key}" in rest for key in mine.modifiers)


def test_each_place_has_an_operand_of_its_own() -> None:
    """v_fmac_f32_dpp v1, v1, v1: DPP concerns the first source, not whatever is the same register."""
    word = int.from_bytes(bytes.fromhex("e902025601c154de"), "little")
    known = decoder("gfx1100", PROCESSORS["gfx1100"].family.formats or ())
    assert known is not None
    found = known.decode(word, 8)
    assert found is not None
    assert [one.index for one in found.operands] == [1, 1, 1]
    assert len({id(one) for one in found.operands}) == 3
