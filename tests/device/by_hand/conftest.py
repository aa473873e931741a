"""Kernels to load from Python, in a folder outside any project."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.by_hand.device import Device, Module


@pytest.fixture(scope="session")
def by_hand_folder(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where kernels.hip stands; `cache` in it is the user's cache, with what earlier sessions left."""
    folder = tmp_path_factory.mktemp("by_hand")
    (folder / "cache").mkdir()
    (folder / "cache/rocverify").symlink_to(kept)
    shutil.copy(Path(__file__).parent / "kernels.hip", folder)
    return folder


@pytest.fixture
def source(by_hand_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """kernels.hip; the working folder is where it stands."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(by_hand_folder / "cache"))
    monkeypatch.chdir(by_hand_folder)
    return by_hand_folder / "kernels.hip"


@pytest.fixture
def device(source: Path) -> Iterator[Device]:
    """A device that watches everything."""
    del source
    with Device(sanitize=True, counters=True) as device:
        yield device


@pytest.fixture
def module(device: Device, source: Path) -> Module:
    return device.load(source)
