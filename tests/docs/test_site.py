"""The site is built without a warning, and what is wrong with a page stops it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs")


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=root,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_the_site_is_built_and_a_broken_link_stops_it(repo_root: Path, tmp_path: Path) -> None:
    done = build(repo_root, tmp_path / "site")
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "site/tutorial.html").is_file()
    shutil.copytree(repo_root / "docs", tmp_path / "docs")
    shutil.copy(repo_root / "mkdocs.yml", tmp_path)
    page = tmp_path / "docs/install.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n[x](nowhere.md)\n", encoding="utf-8")
    broken = build(tmp_path, tmp_path / "broken")
    assert broken.returncode == 1
    assert "nowhere.md" in broken.stdout
    recipe = (repo_root / "Makefile").read_text(encoding="utf-8")
    assert "mkdocs build --strict\n" in recipe, "--quiet hides warnings from --strict"
