"""The temporary project with fake checks, as tests/runner/demo.py makes it; code objects to run by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rocverify.settings import Settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from tests.runner.demo import demo

__all__ = ["demo"]

FLAGS = ("-O2", "-gline-tables-only")


@pytest.fixture(scope="session")
def handmade_folder(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside any project; `cache` in it is the user's cache, with what earlier sessions left."""
    folder = tmp_path_factory.mktemp("handmade")
    (folder / "cache").mkdir()
    (folder / "cache/rocverify").symlink_to(kept)
    return folder


@pytest.fixture(scope="session")
def builder(handmade_folder: Path) -> Builder:
    return Builder(handmade_folder, Toolchain.discover(Settings()), handmade_folder / "cache" / "rocverify")


@pytest.fixture(scope="session")
def handmade(handmade_folder: Path, builder: Builder) -> Path:
    """The code object of handmade.hip for gfx1100."""
    shutil.copy(Path(__file__).parent / "handmade.hip", handmade_folder)
    entry = ManifestEntry("handmade.hip", (), "HANDMADE_HSACO", flags=FLAGS)
    return builder.build(entry, "gfx1100").path


@pytest.fixture
def outside(handmade_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The working folder is outside any project, and the user's cache is a temporary one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(handmade_folder / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
