"""Reading sources: never outside the root, never what is no text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rocverify.code.files import MAX_SOURCE_BYTES, existing_file, inside_root, read_text
from rocverify.errors import SourceError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.py").write_text("x = 1\n")
    (tmp_path / "secret.py").write_text("secret = 1\n")
    return root


def test_a_file_is_read_with_its_line_ends(root: Path) -> None:
    (root / "crlf.py").write_bytes(b"a = 1\r\nb = 2\r\n")
    assert read_text(root, "crlf.py") == "a = 1\r\nb = 2\r\n"


@pytest.mark.parametrize(
    "path", ["../secret.py", "sub/../../secret.py", "/etc/hosts", "sub/./../../secret.py"]
)
def test_dots_and_absolute_paths_do_not_leave_the_root(root: Path, path: str) -> None:
    with pytest.raises(SourceError, match="lies outside the root"):
        existing_file(root, path)


def test_symbolic_links_do_not_leave_the_root(root: Path) -> None:
    (root / "link.py").symlink_to(root.parent / "secret.py")
    (root / "folder").symlink_to(root.parent)
    for path in ("link.py", "folder/secret.py"):
        with pytest.raises(SourceError, match="lies outside the root"):
            existing_file(root, path)


def test_a_link_inside_the_root_is_followed(root: Path) -> None:
    (root / "link.py").symlink_to(root / "sub" / "a.py")
    assert existing_file(root, "link.py") == (root / "sub" / "a.py").resolve()


def test_a_sibling_whose_name_begins_with_the_roots_is_outside(root: Path) -> None:
    (root.parent / "root2").mkdir()
    with pytest.raises(SourceError, match="outside"):
        inside_root(root, "../root2")


def test_a_loop_of_links_is_an_error(root: Path) -> None:
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")
    with pytest.raises(SourceError):
        existing_file(root, "a")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("sub", "is a directory"),
        ("none.py", "does not exist"),
        (" ", "is not a path"),
        ("a\0b", "is not a path"),
    ],
)
def test_what_is_no_file_is_named(root: Path, path: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        existing_file(root, path)


def test_a_pipe_is_no_source(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(SourceError, match="not a regular file"):
        existing_file(root, "pipe")


def test_binary_undecodable_and_huge_files_are_errors(root: Path) -> None:
    (root / "a.bin").write_bytes(b"\x7fELF\0\0")
    (root / "latin.hip").write_bytes("größe".encode("latin-1"))
    (root / "huge.py").write_bytes(b"#" * (MAX_SOURCE_BYTES + 1))
    for path, message in (
        ("a.bin", "binary"),
        ("latin.hip", "cannot be decoded"),
        ("huge.py", "more than the"),
    ):
        with pytest.raises(SourceError, match=message) as error:
            read_text(root, path)
        assert error.value.where == path


def test_a_coding_line_and_a_byte_order_mark_are_respected(root: Path) -> None:
    (root / "latin.py").write_bytes("# coding: latin-1\nname = 'größe'\n".encode("latin-1"))
    (root / "bom.toml").write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert "größe" in read_text(root, "latin.py")
    assert read_text(root, "bom.toml") == "a = 1\n"
