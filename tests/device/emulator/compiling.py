"""Compiles a HIP source of the tests with a named compiler; results are kept from run to run."""

from __future__ import annotations

import shutil
from pathlib import Path

from rocverify.toolchain.build import Builder
from rocverify.toolchain.manifest import ManifestEntry
from tests.toolchain.support import find_toolchain


def compiled(cache: Path, source: Path, compiler: str, *flags: str) -> bytes:
    """The code object for gfx1100; `cache` is a folder of the tests' own."""
    root = cache / "sources-of-tests" / source.stem
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, root / source.name)
    entry = ManifestEntry(source.name, (), "COMPILED", flags=flags)
    return Builder(root, find_toolchain(compiler), cache).build(entry, "gfx1100").path.read_bytes()


def line_of(source: Path, text: str) -> int:
    """The number of the first line that holds `text`."""
    return next(n for n, line in enumerate(source.read_text().splitlines(), 1) if text in line)
