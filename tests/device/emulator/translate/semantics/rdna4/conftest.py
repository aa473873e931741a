"""The machine and the assembler of these tests are RDNA 4's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler
from tests.machines import opened_machine

TARGET = "gfx1201"


@pytest.fixture(scope="session")
def machine(toolchain: Toolchain, translations: Path) -> Iterator[Machine]:
    with opened_machine(toolchain, translations, target=TARGET, threads=2) as made:
        yield made


@pytest.fixture(scope="session")
def assembler(assembler: Assembler) -> Assembler:
    return assembler.of(TARGET)
