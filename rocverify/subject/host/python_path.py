"""Which folders of a project are on the import path beside its root: `src/`, and what its own settings name.

Read are `pyproject.toml` (setuptools, pytest, Poetry, Hatch, PDM, Maturin, scikit-build), `setup.cfg` and
`pytest.ini`. Folders outside of the root, and those that are packages themselves, are none.
"""

from __future__ import annotations

import configparser
import os
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

_FILES = ("pyproject.toml", "setup.cfg", "pytest.ini")
_LARGEST = 1_000_000


def source_folders(root: Path) -> tuple[str, ...]:
    """The folders relative to the root, each with a slash at its end, in the order in which they are looked
    through."""
    found: dict[str, None] = {}
    for name in _named(str(root), tuple(_stamp(root / file) for file in _FILES)):
        folder = root / name
        if (
            folder.is_dir()
            and not (folder / "__init__.py").exists()
            and folder.resolve().is_relative_to(root)
        ):
            found[f"{name}/"] = None
    return tuple(found)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return stat.st_mtime_ns, stat.st_size


@lru_cache(maxsize=64)
def _named(root: str, stamps: tuple[tuple[int, int], ...]) -> tuple[str, ...]:
    del stamps  # what is kept is asked for anew where one of the files has changed
    place = Path(root)
    named = ["src", *_of_pyproject(_toml(place / "pyproject.toml"))]
    named += [*_of_ini(place / "setup.cfg"), *_of_ini(place / "pytest.ini")]
    plain = (Path(os.path.normpath(name)).as_posix() for name in named)
    return tuple(name for name in plain if name != "." and not name.startswith(("..", "/")))


def _toml(path: Path) -> Mapping[str, Any]:
    """What the file says; nothing of one that cannot be read, which its own tools complain of."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.stat().st_size <= _LARGEST else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


def _of_pyproject(data: Mapping[str, Any]) -> Iterator[str]:
    yield from _package_folders(_at(data, "tool.setuptools.package-dir"))
    yield from _texts(_at(data, "tool.setuptools.packages.find.where"))
    yield from _texts(_at(data, "tool.pytest.ini_options.pythonpath"))
    packages = _at(data, "tool.poetry.packages")
    for package in packages if isinstance(packages, list) else ():
        yield from _texts(package.get("from") if isinstance(package, Mapping) else None)
    yield from _texts(_at(data, "tool.maturin.python-source"))
    yield from _texts(_at(data, "tool.pdm.build.package-dir"))
    yield from _texts(_at(data, "tool.hatch.build.sources"))
    for keys in ("tool.hatch.build.targets.wheel.packages", "tool.scikit-build.wheel.packages"):
        yield from (str(Path(package).parent) for package in _texts(_at(data, keys)))


def _package_folders(value: object) -> Iterator[str]:
    """Of setuptools' mapping: the folder of all packages, and those that lie under their own names."""
    for package, folder in value.items() if isinstance(value, Mapping) else ():
        if isinstance(folder, str):
            parts = Path(str(package).replace(".", "/")) if package else Path()
            if not package:
                yield folder
            elif Path(folder).parts[-len(parts.parts) :] == parts.parts:
                yield str(Path(*Path(folder).parts[: -len(parts.parts)]))


def _at(data: Mapping[str, Any], keys: str) -> object:
    found: object = data
    for key in keys.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _texts(value: object) -> Iterator[str]:
    """A text (several by blanks), or the texts of a list."""
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, list):
        yield from (text for text in value if isinstance(text, str))


def _of_ini(path: Path) -> Iterator[str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return
    for section, option in (
        *(("tool:pytest", "pythonpath"), ("pytest", "pythonpath"), ("options.packages.find", "where")),
        ("options", "package_dir"),
    ):
        for text in parser.get(section, option, fallback="").split():
            package, equals, folder = text.partition("=")
            yield from _package_folders({package: folder}) if equals else (text,)
