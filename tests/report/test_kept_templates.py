"""Templates' code from the cache runs only where this user's rocverify kept it there."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from rocverify.report import kept_templates
from rocverify.report.kept_templates import KeptTemplates


def rendered(text: str) -> str:
    loader = jinja2.DictLoader({"page": text})
    return (
        jinja2.Environment(loader=loader, bytecode_cache=KeptTemplates(), autoescape=True)
        .get_template("page")
        .render()
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept_templates, "user_cache", lambda: tmp_path)
    return tmp_path / "templates"


def test_what_was_kept_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rendered("{{ 6 * 7 }}") == "42"
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr(jinja2.Environment, "compile", None)
    assert rendered("{{ 6 * 7 }}") == "42"


def test_another_text_is_another_template(folder: Path) -> None:
    assert [rendered("a"), rendered("b"), rendered("a")] == ["a", "b", "a"]
    assert folder.is_dir()


def test_what_somebody_else_put_there_is_not_run(folder: Path) -> None:
    assert rendered("{{ 6 * 7 }}") == "42"
    (entry,) = folder.iterdir()
    entry.write_bytes(entry.read_bytes().replace(b"root", b"toor"))
    assert rendered("{{ 6 * 7 }}") == "42"


def test_nothing_need_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(kept_templates, "user_cache", lambda: tmp_path / "file")
    assert rendered("{{ 6 * 7 }}") == "42"
