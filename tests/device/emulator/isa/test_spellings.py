"""What older families call an instruction is what LLVM's assembler takes as another name of it on RDNA 3."""

from __future__ import annotations

import pytest

from rocverify.device.emulator.isa.disassembly import disassemble
from rocverify.device.emulator.isa.families.rdna2 import RDNA2
from rocverify.device.emulator.isa.families.rdna4 import RDNA4
from rocverify.device.emulator.isa.family import Family
from rocverify.device.emulator.translate.lowering.flow import ENDS
from rocverify.device.emulator.translate.semantics.tables import handlers
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


@pytest.mark.parametrize(
    ("family", "target"), [(RDNA2, "gfx1030"), (RDNA4, "gfx1200")], ids=["RDNA2", "RDNA4"]
)
def test_the_family_has_whatever_it_spells(assembler: Assembler, family: Family, target: str) -> None:
    known = Knowledge(assembler.mc, target)
    assert family.spellings.keys() <= set(known.mnemonics())
    named = {name.replace("v_dual_", "v_", 1) for name in family.spellings.values()}
    assert named <= handlers(family).keys() | ENDS


def test_other_names_of_rdna_4_are_aliases(assembler: Assembler) -> None:
    """LLVM's assembler takes RDNA 3's names of what RDNA 4 renamed, but for the barrier."""
    known = Knowledge(assembler.mc, "gfx1200")
    renamed = {new: old for new, old in RDNA4.spellings.items() if old != "s_barrier"}
    new, old = known.spellings(sorted(renamed)), known.spellings(sorted(renamed.values()))
    aliases = {name: old[renamed[name]] for name in new if renamed[name] in old}
    assert len(aliases) > 30
    listing = disassemble(known.object_file([*aliases.values(), *(new[name] for name in aliases)]), "gfx1200")
    names = [listing.at(address).mnemonic for address in listing.addresses]
    assert names[: len(aliases)] == names[len(aliases) :]
