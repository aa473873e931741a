"""The machines and the assemblers of these tests are those of CDNA 2 and CDNA 3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler
from tests.machines import opened_machine


@pytest.fixture(scope="session", params=["gfx90a", "gfx942"])
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def machine(toolchain: Toolchain, translations: Path, target: str) -> Iterator[Machine]:
    with opened_machine(toolchain, translations, target=target, threads=2) as made:
        yield made


@pytest.fixture(scope="session")
def assembler(assembler: Assembler, target: str) -> Assembler:
    return assembler.of(target)
