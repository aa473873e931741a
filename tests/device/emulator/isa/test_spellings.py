"""What older families call an instruction is what LLVM's assembler takes as another name of it on RDNA 3."""

from __future__ import annotations

import pytest

from rocverify.device.emulator.isa.disassembly import disassemble
from rocverify.device.emulator.isa.families.rdna2 import RDNA2
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics.known_instructions import Knowledge

NOT_ON_RDNA3 = {
    f"{space}_atomic_{name}_x2"
    for space in ("global", "flat", "buffer")
    for name in ("fcmpswap", "fmin", "fmax")
}  # fmt: skip
"""Atomics on doubles, for which no other name exists; test_rdna2_memory.py has them."""


@pytest.mark.long
def test_the_assembler_knows_both_names_as_one(assembler: Assembler) -> None:
    rdna3 = Knowledge(assembler.mc, "gfx1100")
    spelled = rdna3.spellings(sorted(RDNA2.spellings))
    assert RDNA2.spellings.keys() - spelled.keys() == NOT_ON_RDNA3
    listing = disassemble(rdna3.object_file(list(spelled.values())), "gfx1100")
    names = [listing.at(address).mnemonic for address in listing.addresses]
    assert dict(zip(spelled, names, strict=True)) == {name: RDNA2.spellings[name] for name in spelled}


def test_the_family_has_whatever_it_spells(assembler: Assembler) -> None:
    rdna2 = Knowledge(assembler.mc, "gfx1030")
    assert RDNA2.spellings.keys() <= set(rdna2.mnemonics())
