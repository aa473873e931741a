"""No program is right by accident: where launches only report success, each says that it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.process.client import RemoteDevice
from tests.programs.build import Program, Workshop
from tests.programs.devices import emulated
from tests.programs.running import run
from tests.programs.test_programs import ALL, QUICK


@pytest.fixture(scope="module")
def device(kept: Path) -> Iterator[RemoteDevice]:
    with emulated(kept) as opened:
        yield opened


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(one, id=one.name, marks=() if one.name in QUICK else (pytest.mark.exhaustive,))
        for one in ALL
    ],
)
def test_program_is_wrong_without_kernels(workshop: Workshop, device: RemoteDevice, program: Program) -> None:
    command = workshop.command(program)
    with device.ghost():
        outcome = run(command, device.environment())
    assert outcome.returncode != 0, str(outcome)
    assert not outcome.output.rstrip().endswith("RIGHT"), str(outcome)
