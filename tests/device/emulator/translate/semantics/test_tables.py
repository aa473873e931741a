"""Tables of semantics: a family has those of its groups, each instruction once."""

from __future__ import annotations

import pytest

from rocverify.device.emulator.isa.family import Family
from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.lowering.flow import ENDS
from rocverify.device.emulator.translate.semantics.tables import GROUPS, handlers, merged


def _first(k: WaveBuilder, inst: object) -> None:
    raise AssertionError(f"{inst} of {k} is not emitted here")


def test_two_semantics_of_one_instruction_are_refused() -> None:
    groups: dict[str, dict[str, Handler]] = {
        "one": {"v_a": _first, "v_b": _first},
        "other": {"v_b": _first},
    }
    with pytest.raises(ValueError, match="v_b has semantics twice: in the groups one and other"):
        merged(groups)


@pytest.mark.parametrize(
    "family", sorted({t.family for t in PROCESSORS.values()}, key=lambda f: f.name), ids=lambda f: f.name
)
def test_a_family_that_runs_has_semantics_for_whatever_it_spells(family: Family) -> None:
    table = handlers(family)
    assert bool(table) is family.executed
    assert set(family.semantics) <= GROUPS.keys()
    named = {name.replace("v_dual_", "v_", 1) for name in family.spellings.values()}
    assert named <= table.keys() | ENDS
