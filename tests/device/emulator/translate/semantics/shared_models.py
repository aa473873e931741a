"""The cases and forms that RDNA 3 is tested with and other families are too, and what must have a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rocverify.device.emulator.isa.disassembly import disassemble
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import (
    models_masks,
    models_scalar,
    operands,
    test_compute_semantics,
    test_conversions,
    test_lane_semantics,
    test_valu_semantics,
)
from tests.device.emulator.translate.semantics.cases import Case
from tests.device.emulator.translate.semantics.known_instructions import Knowledge
from tests.device.emulator.translate.semantics.models import Valu
from tests.device.emulator.translate.semantics.operands import Source

Cases = Mapping[str, tuple[Callable[[], Iterable[Case]], Source]]
Forms = Mapping[str, tuple[Mapping[str, Valu], Source]]

CASES: Cases = {
    **test_lane_semantics.FAMILIES,
    **test_compute_semantics.FAMILIES,
    "scalar": (models_scalar.cases, operands.integer_bits),
    "exec": (lambda: models_scalar.saveexec_cases(32), operands.integer_bits),
    "compared integers": (models_masks.integer_cases, operands.integer_bits),
    "compared halves": (lambda: models_masks.float_cases("f16"), operands.half_bits),
    "compared singles": (lambda: models_masks.float_cases("f32"), operands.float32_bits),
    "compared doubles": (lambda: models_masks.float_cases("f64"), operands.float64_bits),
}
FORMS: Forms = {
    **{f"VALU {name}": found for name, found in test_valu_semantics.FAMILIES.items()},
    **{f"compute {name}": found for name, found in test_compute_semantics.VALU.items()},
    **{
        f"conversions of {name}": (
            {n: m for n, m in test_conversions.MODELS.items() if test_conversions._family(m) == name},
            source,
        )
        for name, source in test_conversions.SOURCES.items()
    },
}


def executed(assembler: Assembler, handled: Iterable[str]) -> set[str]:
    """The mnemonics of `handled` that the assembler takes for its target, as its disassembler prints them."""
    known = Knowledge(assembler.mc, assembler.target)
    lines = known.spellings([n for n in known.mnemonics() if not n.startswith(("v_interp", "v_illegal"))])
    listing = disassemble(known.object_file(list(lines.values())), assembler.target)
    return {listing.at(address).mnemonic for address in listing.addresses} & set(handled)
