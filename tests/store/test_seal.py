"""Caches count only what this user's rocverify put into them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rocverify.store import seal
from rocverify.store.content_cache import ContentCache


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's data folder that nobody has used yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_secret_is_made_once_and_is_its_users_alone(home: Path) -> None:
    first = seal.sealed("name", b"data")
    assert [path for path in home.rglob("*") if path.is_file()] == [seal.secret_path()]
    assert seal.secret_path().stat().st_mode & 0o777 == 0o600
    seal._read_or_made.cache_clear()
    assert seal.sealed("name", b"data") == first


@pytest.mark.parametrize("name", ["other", ""])
def test_an_entry_stands_only_in_its_own_place(home: Path, name: str) -> None:
    assert home
    entry = seal.sealed("name", b"data")
    assert seal.unsealed("name", entry) == b"data"
    assert seal.unsealed(name, entry) is None


def test_another_users_entry_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "mallory"))
    entry = seal.sealed("name", b"data")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "alice"))
    assert seal.unsealed("name", entry) is None
    for text in (hashlib.sha256(b"data").digest() + b"data", b"", b"short"):
        assert seal.unsealed("name", text) is None


def test_a_secret_that_others_can_read_is_not_used(home: Path) -> None:
    assert home
    entry = seal.sealed("name", b"data")
    seal.secret_path().chmod(0o644)
    seal._read_or_made.cache_clear()
    assert seal.unsealed("name", entry) is None


def test_without_a_place_for_it_the_secret_is_the_processs_own(home: Path) -> None:
    home.write_text("a file where the folder would be", encoding="utf-8")
    entry = seal.sealed("name", b"data")
    assert seal.unsealed("name", entry) == b"data"
    seal._read_or_made.cache_clear()
    assert seal.unsealed("name", entry) is None


def test_native_code_that_somebody_put_into_the_cache_is_not_run(home: Path, tmp_path: Path) -> None:
    assert home
    cache = ContentCache(tmp_path / "cache")
    assert cache.get("ab12", lambda: b"ours") == b"ours"
    assert cache.get("ab34", lambda: b"another") == b"another"
    place = tmp_path / "cache" / "ab" / "ab12"
    for forged in (
        hashlib.sha256(b"theirs").digest() + b"theirs",
        (tmp_path / "cache" / "ab" / "ab34").read_bytes(),
    ):
        place.write_bytes(forged)
        assert cache.get("ab12", lambda: b"made again") == b"made again"


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("false", False), ("", False)])
def test_ci_is_seen(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("CI", value)
    assert seal.in_ci() is expected
