"""Records of sources that are kept from run to run: by content, under the user's seal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rocverify.code import units
from rocverify.code.index import CodeIndex
from rocverify.code.languages import is_c_family, is_python, is_rust
from rocverify.code.python import modules
from rocverify.errors import SourceError
from rocverify.settings import Settings
from rocverify.store.seal import SEAL_BYTES

SOURCES = {
    "src/a.cpp": "namespace n { struct A { int x = 3; void f(int k) { if (k) g(k, {1, 2}); } }; }\n"
    "#if 0\nvoid never() { g(1, 2); }\n#endif\n",
    "src/k.hip": '/// Doubles.\nextern "C" __global__ void k(float* x) { x[0] *= 2; }\n',
    "src/b.rs": "use crate::c::d;\npub fn e(x: &[f32]) -> u32 { match x.len() { 0 => 1, _ => d(x) } }\n",
    "src/broken.rs": "fn f( {\n",
    "src/d.py": "from m import g\n\nclass A:\n    def f(self, k: int = 3):\n"
    "        return g(self.x, k) if k else None\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in SOURCES.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def _kept(root: Path) -> Path:
    return root / Settings().cache_dir / "sources"


def _without_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on no source can be read anew."""

    def fail(path: str, *_: object) -> None:
        raise SourceError("was read anew", where=path)

    monkeypatch.setattr(units, "read_rust", fail)
    monkeypatch.setattr(units, "read_cpp", fail)
    monkeypatch.setattr(modules, "parse_python", fail)


def _read_all(root: Path) -> list[object]:
    index = CodeIndex(root, Settings())
    found: list[object] = [index.unit(path) for path in SOURCES]
    index.keep()
    return found


def test_nothing_is_written_unasked(root: Path) -> None:
    CodeIndex(root, Settings()).unit("src/a.cpp")
    assert not _kept(root).exists()


def test_what_is_kept_is_what_was_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = _read_all(root)
    _without_readers(monkeypatch)
    assert _read_all(root) == fresh
    assert [unit.broken is None for unit in fresh] == [True, True, True, False, True]  # type: ignore[attr-defined]


@pytest.mark.parametrize("fixture", ["cpp_host", "python_src", "rust_host"])
def test_of_every_fixture_the_same_is_kept(
    repo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fixture: str
) -> None:
    root = tmp_path / fixture
    shutil.copytree(repo_root / "tests" / "fixtures" / fixture, root)
    paths = (p.relative_to(root).as_posix() for p in sorted(root.rglob("*")) if p.is_file())
    sources = [path for path in paths if is_c_family(path) or is_rust(path) or is_python(path)]
    fresh = CodeIndex(root, Settings())
    records = [fresh.unit(path) for path in sources]
    fresh.keep()
    _without_readers(monkeypatch)
    again = CodeIndex(root, Settings())
    assert [again.unit(path) for path in sources] == records
    assert any(record.functions for record in records)


def test_what_host_code_names_is_kept_with_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(host_globs=("src/*.py",))
    fresh = CodeIndex(root, settings)
    assert fresh.modules.identifiers == {"g", "A", "f", "self", "k", "int", "x"}
    fresh.keep()
    _without_readers(monkeypatch)
    assert CodeIndex(root, settings).modules.identifiers == fresh.modules.identifiers


@pytest.mark.parametrize("text", ["def f(:\n", "f(" * 3000 + ")" * 3000])
def test_what_python_cannot_parse_is_not_kept(root: Path, text: str) -> None:
    (root / "src/d.py").write_text(text, encoding="utf-8")
    for _ in range(2):
        index = CodeIndex(root, Settings(host_globs=("src/*.py",)))
        assert index.unit("src/d.py").broken == 1
        with pytest.raises(SourceError, match="not valid Python"):
            assert index.modules.identifiers
        index.keep()


def test_another_text_is_read_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _read_all(root)
    _without_readers(monkeypatch)
    (root / "src/b.rs").write_text("pub fn other() {}\n", encoding="utf-8")
    index = CodeIndex(root, Settings())
    assert index.unit("src/a.cpp").functions
    with pytest.raises(SourceError, match="was read anew"):
        index.unit("src/b.rs")


def test_what_conditionals_keep_is_a_part_of_the_key(root: Path) -> None:
    """`#ifdef` of a macro that another file comes to define changes the record of a file that stays."""
    (root / "src/c.cpp").write_text("#ifdef LATER\nvoid later() {}\n#endif\n", encoding="utf-8")
    index = CodeIndex(root, Settings())
    assert index.unit("src/c.cpp").functions[0].dead
    index.keep()
    (root / "src/d.h").write_text("#define LATER 1\n", encoding="utf-8")
    assert not CodeIndex(root, Settings()).unit("src/c.cpp").functions[0].dead


@pytest.mark.parametrize("spoil", ["cut", "forged", "emptied", "folder"])
def test_a_file_that_is_not_ours_holds_nothing(root: Path, spoil: str) -> None:
    fresh = _read_all(root)
    kept = _kept(root)
    data = kept.read_bytes()
    if spoil == "folder":
        kept.unlink()
        kept.mkdir()
        index = CodeIndex(root, Settings())
        assert [index.unit(path) for path in SOURCES] == fresh
        return
    spoilt = {"cut": data[:-5], "forged": bytes(SEAL_BYTES) + data[SEAL_BYTES:], "emptied": b""}
    kept.write_bytes(spoilt[spoil])
    assert _read_all(root) == fresh
    assert kept.read_bytes() == data


def test_what_was_not_asked_for_is_kept_too(root: Path) -> None:
    _read_all(root)
    (root / "src/new.rs").write_text("fn new() {}\n", encoding="utf-8")
    index = CodeIndex(root, Settings())
    index.unit("src/new.rs")
    index.keep()
    size = _kept(root).stat().st_size
    assert _read_all(root)
    assert _kept(root).stat().st_size == size
