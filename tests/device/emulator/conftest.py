"""Fixtures for the emulator's tests: a machine, and an assembler for single instructions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler


@pytest.fixture(scope="session")
def machine(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made = Machine(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        linker=toolchain.linker,
        threads=2,
        cache_dir=tmp_path_factory.mktemp("emulator-cache"),
    )
    yield made
    made.close()


@pytest.fixture(scope="session")
def assembler(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Assembler:
    found = Assembler.beside(toolchain, tmp_path_factory.mktemp("assembler"))
    if found is None:
        pytest.skip("no llvm-mc beside the toolchain's llvm-objdump")
    return found
