"""No text, however broken, makes the readers of sources and plans crash: it is read, or refused with a place.

Texts are those of this repository's tests and plans, mutated: cut, spliced, repeated, nested deeply,
unbalanced, with bytes that are no UTF-8. CI draws some; the 20,000 with seeds of their own are exhaustive.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from rocverify.code.index import CodeIndex
from rocverify.errors import RocverifyError
from rocverify.plan import parse_plan
from rocverify.settings import Settings
from tests.code.mutation import mutated

REPOSITORY = Path(__file__).resolve().parents[2]
KINDS = {
    ".rs": ("tests/fixtures/**/*.rs", "tests/programs/**/*.rs"),
    ".cpp": ("tests/fixtures/**/*.cpp", "tests/fixtures/**/*.hip", "tests/programs/**/*.cpp", "kernels/*.h"),
    ".md": (".planning/phases/**/*-PLAN.md", "tests/fixtures/**/*-PLAN.md", "README.md"),
}
FEW, MORE, MANY = 40, 700, 6_700


@cache
def _texts(suffix: str) -> tuple[bytes, ...]:
    paths = sorted(path for glob in KINDS[suffix] for path in REPOSITORY.glob(glob))
    assert len(paths) > 10
    return tuple(path.read_bytes() for path in paths)


def _source(root: Path, path: Path) -> None:
    unit = CodeIndex(root, Settings()).unit(path.name)
    last = path.read_bytes().count(b"\n") + path.read_bytes().count(b"\r") + 1
    for function in unit.functions:
        assert 1 <= function.line <= last
        assert all(1 <= call.line <= last for call in function.calls)


def _plan(root: Path, path: Path) -> None:
    parse_plan(path, root)


def _try(root: Path, suffix: str, numbers: range, read: Callable[[Path, Path], None]) -> None:
    """Reads one mutated text for each number, which is its seed."""
    folder = root / ".planning/phases/01-a" if suffix == ".md" else root
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ("01-01-PLAN.md" if suffix == ".md" else f"text{suffix}")
    for number in numbers:
        path.write_bytes(mutated(_texts(suffix), random.Random(number)))
        places = [path.relative_to(root).as_posix()]
        try:
            read(root, path)
        except RocverifyError as error:
            places = [error.where or ""]
        except Exception as error:
            raise AssertionError(f"text {number} of {suffix} is neither read nor refused") from error
        assert path.name in places[0], (number, places)


READERS = {".rs": _source, ".cpp": _source, ".md": _plan}


def _drawn(count: int) -> range:
    begin = random.SystemRandom().randrange(1 << 30)
    return range(begin, begin + count)


@pytest.mark.parametrize("suffix", KINDS)
def test_broken_texts_are_read_or_refused(suffix: str, tmp_path: Path) -> None:
    _try(tmp_path, suffix, _drawn(FEW), READERS[suffix])


@pytest.mark.long
@pytest.mark.parametrize("suffix", KINDS)
def test_more_broken_texts_are_read_or_refused(suffix: str, tmp_path: Path) -> None:
    _try(tmp_path, suffix, _drawn(MORE), READERS[suffix])


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
@pytest.mark.parametrize("suffix", KINDS)
def test_twenty_thousand_broken_texts_are_read_or_refused(suffix: str, tmp_path: Path) -> None:
    _try(tmp_path, suffix, range(MANY), READERS[suffix])
