"""What the assembler knows, the emulator translates or refuses by name with a reason."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction, disassemble
from rocverify.device.emulator.isa.families.rdna3 import RDNA3
from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.device.emulator.translate.lowering.flow import BRANCHES, ENDS
from rocverify.device.emulator.translate.lowering.program import handler_name, wave_builder
from rocverify.device.emulator.translate.semantics.refused import REFUSED, reason_of
from rocverify.device.emulator.translate.semantics.tables import handlers
from rocverify.errors import DeviceError
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics.known_instructions import Knowledge, forms

HANDLERS = handlers(RDNA3)

TARGETS = ("gfx1100", "gfx1150", "gfx1200")
"""One of RDNA 3, of RDNA 3.5 and of RDNA 4; what others of them know is the same (tested below)."""

MEANINGLESS = (
    "mean nothing for integers",
    "a 64-bit EXEC operation in wave32",
    "hardware register 0 is not supported",
    "a message to the host is not supported",
    "a write of MODE above bit 9",
    "sendmsg(0, 0, 0) asks the driver",
)
"""Refusals of operands, not of instructions: what the spellings found by trial happen to ask for."""

ALL_ZEROS = "v_illegal"
"""Disassemblers show it as padding."""

WITHOUT_SPELLING = {
    "exp", "s_atc_probe_buffer", "v_cvt_norm_i16_f16", "v_illegal",
}  # fmt: skip
"""Mnemonics whose operands the shapes of known_instructions.py do not meet."""


@pytest.fixture(scope="module")
def knowledge(assembler: Assembler) -> dict[str, Knowledge]:
    return {target: Knowledge(assembler.mc, target) for target in TARGETS}


def _instructions(target: str, known: Knowledge, lines: Sequence[str]) -> list[Instruction]:
    listing = disassemble(known.object_file(lines), target)
    assert len(listing.addresses) == len(lines)
    return [listing.at(address) for address in listing.addresses]


def _refusal(target: str, inst: Instruction, lanes: int) -> str | None:
    """What the translator says against an instruction; None if it translates."""
    parts = [inst] if inst.second is None else [inst, inst.second]
    if parts[0].mnemonic in BRANCHES | ENDS:
        return None
    family = PROCESSORS[target].family
    k = wave_builder(family, ir.Module(), "probe", lanes)
    k.start_block(k.function.append_basic_block())
    if len(parts) == 2:
        k.begin_pair()
    try:
        for part in parts:
            handlers(family)[handler_name(part)](k, part)
    except KeyError as missing:
        return f"no handler for {missing}"
    except DeviceError as error:
        return error.message
    return None


def _is_refused_on_purpose(inst: Instruction) -> bool:
    return reason_of(inst.mnemonic) is not None


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
def test_every_mnemonic_is_translated_or_refused_with_a_reason(
    knowledge: dict[str, Knowledge], target: str
) -> None:
    known = knowledge[target]
    names = known.mnemonics()
    assert len(names) > 1000
    spelled = known.spellings([name for name in names if name != ALL_ZEROS])
    unspelled = {name for name in names if name not in spelled and reason_of(name) is None}
    known_here = handlers(PROCESSORS[target].family).keys()
    assert unspelled <= WITHOUT_SPELLING | known_here, sorted(unspelled - known_here)
    missing = {
        f"{inst.text}: {words}"
        for inst in _instructions(target, known, list(spelled.values()))
        if not _is_refused_on_purpose(inst) and (words := _refusal(target, inst, 32))
    }
    missing = {text for text in missing if not any(words in text for words in MEANINGLESS)}
    assert not missing, "\n".join(sorted(missing))


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
def test_every_form_of_a_vector_instruction_translates(knowledge: dict[str, Knowledge], target: str) -> None:
    known = knowledge[target]
    spelled = known.spellings(
        [name for name in known.mnemonics() if name.startswith("v_") and name != ALL_ZEROS]
    )
    tried = [form for name, line in spelled.items() for form in forms(name, line)]
    lines = known.accepted(tried)
    assert len(lines) > 3 * len(spelled)
    missing = {
        f"{inst.text}: {words}"
        for inst in _instructions(target, known, lines)
        if not _is_refused_on_purpose(inst) and (words := _refusal(target, inst, 32))
    }
    missing = {text for text in missing if not any(words in text for words in MEANINGLESS)}
    assert not missing, f"{len(missing)} of {len(lines)}\n" + "\n".join(sorted(missing))


def test_nothing_refused_is_handled() -> None:
    """A reason for what works would be a lie; the table has no pattern that fits nothing, either."""
    contradictions = {name for name in HANDLERS if reason_of(name) is not None}
    assert not contradictions
    assert all(REFUSED.values())


@pytest.mark.parametrize(
    ("target", "like"),
    [("gfx1101", "gfx1100"), ("gfx1103", "gfx1100"), ("gfx1151", "gfx1150"), ("gfx1201", "gfx1200")],
)
def test_targets_of_a_generation_know_the_same(
    knowledge: dict[str, Knowledge], target: str, like: str
) -> None:
    assert Knowledge(knowledge[like].mc, target).mnemonics() == knowledge[like].mnemonics()
