"""Importing the host code under verification: the right files, as they are now, with clear errors."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.errors import UsageError
from rocverify.subject.host.imports import LoadError, forget_subject, load_subject


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Each test starts and ends without modules of projects that are gone."""
    yield
    forget_subject()


def project(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent != root:
            (path.parent / "__init__.py").touch()
        path.write_text(text)
    return root


def test_functions_classes_and_modules(tmp_path: Path) -> None:
    root = project(tmp_path, pkg__a="def f(): return 1\nclass C:\n    x = 2\n")
    assert load_subject(root, "pkg.a:f")() == 1
    assert load_subject(root, "pkg.a:C.x") == 2
    assert load_subject(root, "pkg.a").__name__ == "pkg.a"
    assert load_subject(root, "pkg").__path__ == [str(root / "pkg")]


def test_two_checkouts_of_one_package(tmp_path: Path) -> None:
    first = project(tmp_path / "one", pkg__a="from pkg.b import value\n", pkg__b="value = 1\n")
    second = project(tmp_path / "two", pkg__a="from pkg.b import value\n", pkg__b="value = 2\n")
    assert load_subject(first, "pkg.a:value") == 1
    assert load_subject(second, "pkg.a:value") == 2
    assert load_subject(first, "pkg.a:value") == 1


def test_a_package_that_something_else_imported_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = project(tmp_path / "stale", pkg__a="value = 'stale'\n", pkg__old="")
    root = project(tmp_path / "root", pkg__a="value = 'fresh'\n")
    monkeypatch.syspath_prepend(str(stale))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    __import__("pkg.old")
    displaced = sys.modules["pkg"]
    try:
        assert load_subject(root, "pkg.a:value") == "fresh"
        assert "pkg.old" not in sys.modules
        forget_subject()
        assert sys.modules["pkg"] is displaced
        assert "pkg.a" not in sys.modules
    finally:
        for name in ("pkg", "pkg.old"):
            sys.modules.pop(name, None)


def test_forgetting_leaves_no_trace(tmp_path: Path) -> None:
    before, finders = set(sys.modules), list(sys.meta_path)
    load_subject(project(tmp_path, pkg__a="from pkg import b\n", pkg__b=""), "pkg.a")
    assert sys.meta_path != finders
    forget_subject()
    forget_subject()
    assert (set(sys.modules), sys.meta_path) == (before, finders)


def test_namespace_packages(tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name / "bare"
        folder.mkdir(parents=True)
        (folder / "a.py").write_text(f"value = {name!r}\n")
    assert load_subject(tmp_path / "one", "bare.a:value") == "one"
    assert load_subject(tmp_path / "two", "bare.a:value") == "two"


def test_a_bare_folder_does_not_hide_an_installed_package(tmp_path: Path) -> None:
    (tmp_path / "pytest").mkdir()
    root = project(tmp_path, user="import pytest, hip\nfound = pytest.__file__\n")
    (tmp_path / "hip").mkdir()
    assert load_subject(root, "user:found") == pytest.__file__


def test_an_edit_is_seen_even_within_one_tick_of_the_clock(tmp_path: Path) -> None:
    root = project(tmp_path, pkg__a="from pkg.b import value\n", pkg__b="value = 1\n")
    assert load_subject(root, "pkg.a:value") == 1
    path = root / "pkg/b.py"
    for value in (2, 3, 4):
        path.write_text(f"value = {value}\n")
        assert load_subject(root, "pkg.a:value") == value


def test_what_did_not_change_is_the_same_object(tmp_path: Path) -> None:
    root = project(tmp_path, pkg__a="class Error(Exception): pass\n", pkg__b="from pkg.a import Error\n")
    assert load_subject(root, "pkg.a:Error") is load_subject(root, "pkg.b:Error")


def test_another_device_means_a_fresh_import(tmp_path: Path) -> None:
    root = project(tmp_path, pkg__a="handles = {}\n")
    before = load_subject(root, "pkg.a:handles")
    first = load_subject(root, "pkg.a:handles", ("socket", 0))
    assert first is not before
    assert load_subject(root, "pkg.a:handles", ("socket", 0)) is first
    assert load_subject(root, "pkg.a:handles", ("socket", 1)) is not first


def test_what_was_imported_plainly_before_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project(tmp_path, early__wrapper="values = []\n")
    monkeypatch.syspath_prepend(str(root))
    plain = importlib.import_module("early.wrapper")
    assert load_subject(root, "early.wrapper:values") is not plain.values
    forget_subject()
    assert sys.modules["early.wrapper"] is plain
    for name in ("early", "early.wrapper"):
        monkeypatch.delitem(sys.modules, name)


def test_no_bytecode_is_written_or_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    root = project(
        tmp_path, pkg__a="def late():\n    from pkg import b\n    return b.value\n", pkg__b="value = 5\n"
    )
    assert load_subject(root, "pkg.a:late")() == 5
    assert list(root.rglob("__pycache__")) == []


def test_the_running_harness_is_never_replaced(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        rocverify__errors="raise RuntimeError('the copy')\n",
        pkg__a="from rocverify.errors import UsageError\n",
    )
    assert load_subject(root, "pkg.a:UsageError") is UsageError


@pytest.mark.parametrize("reference", ["", "a b", "pkg/a:f", "pkg.a:", ":f", "pkg..a", "1a:f", "pkg.a:f:g"])
def test_malformed_references(tmp_path: Path, reference: str) -> None:
    with pytest.raises(LoadError, match="names no Python object") as caught:
        load_subject(tmp_path, reference)
    assert caught.value.kind == "UsageError"
    assert "package.module:function" in str(caught.value.hint)


@pytest.mark.parametrize("reference", ["nowhere:f", "pkg.nowhere:f", "pkg.a.deeper:f", "pkg.nowhere.more"])
def test_missing_modules(tmp_path: Path, reference: str) -> None:
    root = project(tmp_path, pkg__a="")
    with pytest.raises(LoadError, match="there is no module") as caught:
        load_subject(root, reference)
    assert ".py" in (caught.value.hint or "")


def test_missing_attributes_suggest(tmp_path: Path) -> None:
    root = project(tmp_path, pkg__a="def rope_gpu_kernel(): ...\n")
    with pytest.raises(LoadError, match="'rope_gpu_kernl' does not exist") as caught:
        load_subject(root, "pkg.a:rope_gpu_kernl")
    assert caught.value.where == "pkg/a.py"
    assert caught.value.hint == "did you mean rope_gpu_kernel?"


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("x = 1\nraise ValueError('own')\n", "pkg/a.py:2", "ValueError: own"),
        ("x = 1\n\nimport pkg.not_delivered\n", "pkg/a.py:3", "ModuleNotFoundError"),
        ("def broken(:\n", "pkg/a.py:1", "SyntaxError"),
        ("import json\njson.loads('{')\n", "pkg/a.py:2", "JSONDecodeError"),
        ("from pkg.b import nothing\n", "pkg/a.py:1", "ImportError"),
    ],
)
def test_an_import_that_raises_tells_where(tmp_path: Path, text: str, where: str, message: str) -> None:
    root = project(tmp_path, pkg__a=text, pkg__b="")
    with pytest.raises(LoadError, match=message) as caught:
        load_subject(root, "pkg.a:f")
    assert caught.value.where == where
    assert caught.value.__cause__ is not None


def test_a_broken_module_can_be_repaired(tmp_path: Path) -> None:
    root = project(tmp_path, pkg__a="raise ValueError\n")
    with pytest.raises(LoadError):
        load_subject(root, "pkg.a:f")
    (root / "pkg/a.py").write_text("f = 1\n")
    assert load_subject(root, "pkg.a:f") == 1


def test_exit_and_interrupt_are_not_swallowed(tmp_path: Path) -> None:
    root = project(tmp_path, pkg__a="raise KeyboardInterrupt\n", pkg__b="raise SystemExit(3)\n")
    with pytest.raises(KeyboardInterrupt):
        load_subject(root, "pkg.a:f")
    with pytest.raises(SystemExit):
        load_subject(root, "pkg.b:f")
