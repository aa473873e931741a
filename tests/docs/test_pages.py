"""What the documentation shows is what happens: files are written, commands run, their output compared."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.docs import pages

# A page may go on from another: what that one wrote is there.
PAGES = {
    "tutorial.md": (("tutorial.md",), 9),
    "how-to/sanitizer.md": (("how-to/sanitizer.md",), 1),
    "how-to/kernels-by-hand.md": (("how-to/programs.md", "how-to/kernels-by-hand.md"), 11),
}


@pytest.mark.long
@pytest.mark.parametrize("name", PAGES)
def test_the_page_holds(
    repo_root: Path, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/rocverify").symlink_to(kept)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    environment = {
        **os.environ,
        "PATH": pages.programs(tmp_path / "bin", repo_root),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "COLUMNS": "100",
    }
    folder = tmp_path / "demo"
    folder.mkdir()
    followed, least = PAGES[name]
    done = [
        line
        for page in followed
        for line in pages.follow((repo_root / "docs" / page).read_text(encoding="utf-8"), folder, environment)
    ]
    assert len(done) == least


def test_every_page_with_commands_is_followed(repo_root: Path) -> None:
    with_commands = {
        path.relative_to(repo_root / "docs").as_posix()
        for path in (repo_root / "docs").rglob("*.md")
        if any(step.line for step in pages.steps(path.read_text(encoding="utf-8")))
    }
    assert with_commands == {page for followed, _ in PAGES.values() for page in followed}


def test_a_page_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    text = '```text title="a.txt"\none\ntwo\n```\n\n```console\n$ cat a.txt\n...\ntw...\n```\n'
    assert pages.follow(text, tmp_path, dict(os.environ)) == ["cat a.txt"]
    for wrong in (
        text.replace("tw...", "three"),
        text.replace("tw...", "two\none"),
        text.replace("cat", "cut"),
    ):
        with pytest.raises(AssertionError):
            pages.follow(wrong, tmp_path, dict(os.environ))


def test_links_within_the_repository_lead_somewhere(repo_root: Path) -> None:
    """Those of mkdocs' pages are checked by `make docs`; these are the ones that GitHub shows."""
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/README.md"):
        text = (repo_root / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if "://" not in target:
                assert ((repo_root / name).parent / target).exists(), f"{name}: {target}"
