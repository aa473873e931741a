"""The records of targets against what the compiler's assembler knows of them."""

from __future__ import annotations

import pytest

from rocverify.device.emulator.isa.encodings import FAMILIES, formats_of
from rocverify.device.emulator.isa.targets import TARGETS, Target
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics.known_instructions import Knowledge


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_records_agree_with_the_assembler(assembler: Assembler, target: Target) -> None:
    known = Knowledge(assembler.mc, target.name)
    lines = ["s_add_f32 s1, s2, s3", "v_add_f32 v1, v2, v3"]
    refused = known.errors(lines)
    assert (0 not in refused) == target.scalar_floats
    assert 1 not in refused


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_every_wave_size_assembles(assembler: Assembler, target: Target) -> None:
    for lanes in target.wave_sizes:
        body = f"v_mov_b32 v1, 0\nv_cmp_eq_u32 {'vcc_lo' if lanes == 32 else 'vcc'}, 0, v1\ns_endpgm"
        assert assembler.of(target.name).kernel(body, lanes)
    with pytest.raises(AssertionError):
        assembler.of(target.name).kernel("v_cmp_eq_u32 vcc_lo, 0, v1\ns_endpgm", 64)


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_a_table_of_formats(name: str) -> None:
    assert formats_of(name) is FAMILIES[TARGETS[name].family]
    assert TARGETS[name].name == name
