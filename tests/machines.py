"""Emulators for tests, with what the toolchain gives them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.discover import Toolchain


@contextmanager
def opened_machine(
    toolchain: Toolchain, cache_dir: Path, *, target: str = "gfx1100", threads: int = 1, **options: Any
) -> Iterator[Machine]:
    """A machine whose translations are kept in `cache_dir`; `options` are Machine's own."""
    machine = Machine(
        target,
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        threads=threads,
        cache_dir=cache_dir,
        **options,
    )
    try:
        yield machine
    finally:
        machine.close()
