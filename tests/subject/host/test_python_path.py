"""Folders on the import path: `src/` and those that a project's own settings name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.subject.host.python_path import source_folders

WAYS = {
    "setuptools": ("pyproject.toml", '[tool.setuptools]\npackage-dir = {"" = "lib"}\n'),
    "setuptools, one package": ("pyproject.toml", '[tool.setuptools]\npackage-dir = {"a.b" = "lib/a/b"}\n'),
    "setuptools, found": ("pyproject.toml", '[tool.setuptools.packages.find]\nwhere = ["lib", "."]\n'),
    "pytest": ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ". lib"\n'),
    "Poetry": (
        "pyproject.toml",
        '[tool.poetry]\npackages = [{include = "a", from = "lib"}, {include = "b"}]\n',
    ),
    "Hatch": ("pyproject.toml", '[tool.hatch.build.targets.wheel]\npackages = ["lib/a"]\n'),
    "Maturin": ("pyproject.toml", '[tool.maturin]\npython-source = "./lib/"\n'),
    "PDM": ("pyproject.toml", '[tool.pdm.build]\npackage-dir = "lib"\n'),
    "setup.cfg": ("setup.cfg", "[options]\npackage_dir =\n    = lib\n"),
    "setup.cfg, found": ("setup.cfg", "[options.packages.find]\nwhere = lib\n"),
    "pytest.ini": ("pytest.ini", "[pytest]\npythonpath = lib\n"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_that_the_settings_name(tmp_path: Path, way: str) -> None:
    file, text = WAYS[way]
    (tmp_path / file).write_text(text)
    assert source_folders(tmp_path) == ()  # it is not there
    (tmp_path / "lib/a/b").mkdir(parents=True)
    assert source_folders(tmp_path) == ("lib/",)
    (tmp_path / "src").mkdir()
    assert source_folders(tmp_path) == ("src/", "lib/")
    (tmp_path / "lib/__init__.py").write_text("")
    assert source_folders(tmp_path) == ("src/",)


@pytest.mark.parametrize(
    "text",
    [
        '[tool.pytest.ini_options]\npythonpath = ["..", "/usr", "lib/../..", "out"]\n',
        "[tool.pytest.ini_options\n",
        "[tool]\nsetuptools = 3\npoetry = {packages = [1, {from = 2}]}\n",
        '[tool.setuptools]\npackage-dir = {"a" = "lib/b", "c" = 1}\n',
    ],
)
def test_what_leads_out_or_is_wrong_is_none(tmp_path: Path, text: str) -> None:
    root = tmp_path / "root"
    (root / "lib").mkdir(parents=True)
    (root / "out").symlink_to(tmp_path)
    (root / "pyproject.toml").write_text(text)
    assert source_folders(root) == ()


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "python").mkdir()
    for name in ("lib", "python"):
        (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {name}\n")
        assert source_folders(tmp_path) == (f"{name}/",)
