"""What `rocverify doctor` learns of the toolchain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rocverify.settings import Settings
from rocverify.toolchain import locate
from rocverify.toolchain.doctor import DoctorRecord, inspect
from rocverify.toolchain.locate import SearchPlaces
from tests.toolchain.support import find_toolchain


@pytest.fixture(autouse=True)
def _no_rocm_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROCM_PATH", raising=False)
    monkeypatch.setattr(locate, "SEARCH", SearchPlaces(rocm=()))


def by_name(settings: Settings | None = None) -> dict[str, DoctorRecord]:
    return {record.name: record for record in inspect(settings or Settings())}


def test_complete_machine() -> None:
    for compiler in ("clang-19", "clang-15"):
        find_toolchain(compiler)
    found = by_name()
    assert all(record.ok for record in found.values() if record.required)
    assert found["toolchain"].found.startswith("/usr/bin/clang++-19 (")
    assert found["compiler /usr/bin/clang++-15"].ok
    assert not found["ISA version file for gfx1100"].required
    json.dumps([record.to_json() for record in found.values()])


def test_bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "SEARCH", SearchPlaces(rocm=(), system=tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = by_name()
    assert not found["toolchain"].ok
    assert "apt-get install clang-19" in (found["toolchain"].hint or "")


def test_wrong_rocm_path_is_pointed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCM_PATH", str(tmp_path))
    record = by_name()["$ROCM_PATH"]
    assert not record.ok
    assert not record.required
    assert str(tmp_path) in record.found


def test_compiler_that_was_asked_for_and_is_absent() -> None:
    found = by_name(Settings(compiler="clang-7"))
    assert not found["compiler clang-7"].ok
    assert found["compiler clang-7"].required
    assert not found["toolchain"].ok


def test_targets_are_those_of_the_settings() -> None:
    found = by_name(Settings(targets=("gfx1030", "gfx942")))
    assert found["ISA version file for gfx1030"].ok
    assert not found["ISA version file for gfx942"].ok
