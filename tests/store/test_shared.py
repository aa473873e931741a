"""Projects of one user share what their caches hold by content; other caches keep to themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.store import shared
from rocverify.store.content_cache import ContentCache
from rocverify.toolchain.cache import ObjectCache
from rocverify.toolchain.headers import HeaderState, Lookups


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv(shared.SWITCH)
    monkeypatch.setattr(shared, "user_cache", lambda: tmp_path / "user")
    return tmp_path / "user"


def native(root: Path) -> ContentCache:
    return ContentCache(root / ".rocverify/cache/native")


def never() -> bytes:
    raise AssertionError("it is there already")


def test_what_one_project_made_another_one_has(tmp_path: Path) -> None:
    assert native(tmp_path / "a").get("abcd", lambda: b"code") == b"code"
    assert native(tmp_path / "b").get("abcd", never) == b"code"
    assert (tmp_path / "b/.rocverify/cache/native/ab/abcd").is_file()


def test_what_was_changed_there_is_made_again(tmp_path: Path, user: Path) -> None:
    native(tmp_path / "a").get("abcd", lambda: b"code")
    entry = user / "shared/native/ab/abcd"
    entry.unlink()
    entry.write_bytes(b"what somebody else put there")
    assert native(tmp_path / "b").get("abcd", lambda: b"mine") == b"mine"


def test_other_caches_and_those_of_ci_keep_to_themselves(
    tmp_path: Path, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ContentCache(tmp_path / "cache/native").get("abcd", lambda: b"code") == b"code"
    assert not user.exists()
    native(tmp_path / "a").get("abcd", lambda: b"code")
    monkeypatch.setenv("CI", "true")
    assert native(tmp_path / "b").get("abcd", lambda: b"made here") == b"made here"
    monkeypatch.delenv("CI")
    monkeypatch.setenv(shared.SWITCH, "0")
    assert native(tmp_path / "c").get("abcd", lambda: b"made here") == b"made here"


def test_a_users_cache_that_cannot_be_written_to_is_done_without(tmp_path: Path, user: Path) -> None:
    user.write_text("no folder")
    assert native(tmp_path / "a").get("abcd", lambda: b"code") == b"code"
    assert native(tmp_path / "a").get("abcd", never) == b"code"


def test_code_objects_are_shared_too(tmp_path: Path) -> None:
    one, other = (ObjectCache(tmp_path / name / ".rocverify/cache") for name in ("a", "b"))
    headers = HeaderState({}, Lookups((), (), {}), frozenset())
    one.store("ab" * 32, b"object", headers, "a warning", 1.5)
    found = other.find("ab" * 32, tmp_path / "b")
    assert found is not None
    assert (found.data, found.log, found.seconds) == (b"object", "a warning", 1.5)
    assert found.path.is_relative_to(tmp_path / "b")
    assert found.path.read_bytes() == b"object"
    assert other.find("cd" * 32, tmp_path / "b") is None
