"""How long 100,000 lines of C++, Rust and Python take: read anew, and with the records of a run before.

The sources are those of tests/ (of Python, the whole repository), over and over, each with a line of its own.
Seconds are those of the processor, since others may use it too.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from rocverify.code.files import sources
from rocverify.code.index import CodeIndex
from rocverify.settings import Settings

LINES = 100_000
SUFFIXES = {"cpp": {".cpp", ".hip", ".h"}, "rust": {".rs"}, "python": {".py"}}

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.timeout(600),
    pytest.mark.benchmark(timer=time.process_time),
]


@pytest.fixture(scope="module", params=SUFFIXES)
def project(
    request: pytest.FixtureRequest, repo_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    root = tmp_path_factory.mktemp(request.param)
    python = request.param == "python"
    top = repo_root if python else repo_root / "tests"
    paths = [Path(path) for path in sources(top, SUFFIXES[request.param])]
    lines = number = 0
    while lines < LINES:
        path = paths[number % len(paths)]
        mark = f"# {number}\n" if python else f"// {number}\n"
        text = mark + (top / path).read_text(encoding="utf-8", errors="replace")
        copy = root / f"part{number % 50}" / f"file{number}{path.suffix}"
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(text, encoding="utf-8")
        lines += text.count("\n")
        number += 1
    return root


def _read(root: Path) -> CodeIndex:
    """Every source of the project: of C++ and Rust, by a word that all have; of Python, what the names of
    host code are looked up in."""
    index = CodeIndex(root, Settings(host_globs=("part*/*.py",)))
    assert index.units_with(" ") or index.modules.identifiers
    return index


def test_anew(benchmark: BenchmarkFixture, project: Path) -> None:
    kept = project / Settings().cache_dir
    benchmark.pedantic(
        _read, (project,), setup=lambda: shutil.rmtree(kept, ignore_errors=True), rounds=3, iterations=1
    )


def test_with_what_was_kept(benchmark: BenchmarkFixture, project: Path) -> None:
    _read(project).keep()
    benchmark.pedantic(_read, (project,), rounds=5, iterations=1)
