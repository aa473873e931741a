"""Where a project keeps its kernels and its host code, and the settings that say so."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rocverify.code.files import build_files, c_sources, read_text, sources
from rocverify.code.index import CodeIndex
from rocverify.code.languages import PYTHON
from rocverify.device.by_hand.files import SOURCE_SUFFIXES
from rocverify.device.emulator.isa.targets import SUPPORTED_TARGETS
from rocverify.errors import ManifestError, SourceError
from rocverify.scaffold.modules import is_importable
from rocverify.settings import Settings
from rocverify.subject.host.python_path import source_folders
from rocverify.toolchain.found import find_manifest

_NOT_HOST = frozenset(
    {"tests", "test", "docs", "doc", "examples", "benchmarks", "site-packages", "contracts"}
)
_NOT_HOST_FILES = frozenset({"setup.py", "conftest.py", "noxfile.py", "fabfile.py"})
_ENVIRONMENT = "pyvenv.cfg"
"""A folder that has it is an installed Python, no code of the project."""
_GLOBAL = re.compile(r"\b__global__\b")
_TEXT = re.compile(r'R"(?P<end>[^()\s]*)\(.*?\)(?P=end)"|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
_GFX = re.compile(r"\bgfx[0-9a-f]{3,5}\b")


@dataclass(frozen=True)
class Layout:
    """What was found. kernels: the sources that define kernels; values: the settings that differ from the
    defaults; other_targets: what the project builds for and the emulator does not run."""

    kernels: tuple[str, ...]
    values: dict[str, Any]
    other_targets: tuple[str, ...]

    @property
    def settings(self) -> Settings:
        """The settings that the layout asks for."""
        return Settings.model_validate(self.values)


def look(root: Path) -> Layout:
    """The layout of a project that has no settings yet. Raises ManifestError for a build manifest that is
    wrong."""
    values: dict[str, Any] = {}
    manifest = _manifest(root)
    if manifest != Settings().manifest:
        values["manifest"] = manifest
    kernels = kernels_of(root, Settings.model_validate(values))
    folders = sorted({PurePosixPath(source).parent.as_posix() for source in kernels})
    base = _common(folders)
    contracts = _contracts(root, base)
    globs = {
        "kernel_globs": _kernel_globs(kernels),
        "host_globs": _host_globs(root, base),
        "contract_globs": [f"{contracts}/*.py"],
    }
    defaults = Settings().model_dump(mode="json")
    values |= {name: found for name, found in globs.items() if found and found != defaults[name]}
    named = _targets(root)
    runs = [target for target in named if target in SUPPORTED_TARGETS]
    if runs and runs != defaults["targets"]:
        values["targets"] = runs
    return Layout(kernels, values, tuple(t for t in named if t not in SUPPORTED_TARGETS))


def kernels_of(root: Path, settings: Settings) -> tuple[str, ...]:
    """The kernel sources of a project; none where there are none."""
    try:
        entries = find_manifest(root, settings, CodeIndex(root, settings)).entries
    except ManifestError:
        if (root / settings.manifest).is_file():
            raise
        return ()
    return tuple(dict.fromkeys(entry.source for entry in entries))


def unread_sources(root: Path, code: CodeIndex, known: Collection[str]) -> Iterator[str]:
    """Sources beside the known ones that say `__global__` in their code, not in a text that they have
    compiled later, and of which no kernel could be read."""
    for path in c_sources(root):
        if path in known or PurePosixPath(path).suffix not in SOURCE_SUFFIXES:
            continue
        try:
            said = "__global__" in read_text(root, path) and _GLOBAL.search(
                _TEXT.sub("", code.live(path).code)
            )
            if said and not any(function.kernel for function in code.unit(path).functions):
                yield path
        except SourceError:
            continue


def _manifest(root: Path) -> str:
    """The one file that is named as the manifest by default, wherever it lies."""
    usual = Settings().manifest
    name = PurePosixPath(usual).name
    found = [path for path in sources(root, {".toml"}) if PurePosixPath(path).name == name]
    return usual if usual in found or len(found) != 1 else found[0]


def _common(folders: Iterable[str]) -> str:
    """The innermost folder that holds all of these; empty for the root."""
    together = os.path.commonpath([f"/{folder}" for folder in folders] or ["/kernels"])
    return together.strip("/").removeprefix(".").strip("/")


def _contracts(root: Path, base: str) -> str:
    """A folder for contracts: beside the kernels, unless importing it there would run a package's own code or
    put it among what the project ships."""
    beside = f"{base}/contracts" if base else "contracts"
    onpath = tuple(source_folders(root))
    folders = [PurePosixPath(base), *PurePosixPath(base).parents] if base else []
    inside = beside.startswith(onpath) or any(_runs(root / folder / "__init__.py") for folder in folders)
    return beside if not inside and is_importable(root, f"{beside}/any.py") else "contracts"


def _runs(package: Path) -> bool:
    """Whether a package's own module has more than comments."""
    try:
        lines = package.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def _kernel_globs(kernels: Iterable[str]) -> list[str]:
    """HIP sources by their folders; of others, which may be host code as well, each by its name."""
    hip = sorted({_top(path) for path in kernels if path.endswith(".hip")})
    found = [f"{folder}/**/*.hip" if folder else "*.hip" for folder in hip]
    return found + [_escaped(path) for path in kernels if not path.endswith(".hip")]


def _top(path: str) -> str:
    """The folder of a kernel source below which others are looked for."""
    return _escaped(PurePosixPath(path).parent.as_posix().removeprefix("."))


def _escaped(path: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", path)


def _host_globs(root: Path, base: str) -> list[str]:
    """The folders of Python code, and the one of the kernels, where a wrapper is to be expected."""
    onpath = [PurePosixPath(folder) for folder in source_folders(root)]
    environments = _environments(root)
    found = {base}
    for path in map(PurePosixPath, sources(root, PYTHON)):
        parts = path.parts
        if _NOT_HOST & set(parts[:-1]) or path.name in _NOT_HOST_FILES or path.name == "__init__.py":
            continue
        if any(path.is_relative_to(environment) for environment in environments):
            continue
        around = max((len(f.parts) for f in onpath if path.is_relative_to(f)), default=0)
        inner = around + 1 if len(parts) > around + 1 else max(around, 1)
        found.add("/".join(parts[: min(inner, len(parts) - 1)]))
    folders = sorted(f for f in found if not any(_below(f, other) for other in found))
    return [f"{_escaped(folder)}/**/*.py" if folder else "*.py" for folder in folders]


def _below(folder: str, other: str) -> bool:
    """Whether a folder is taken by another's glob already."""
    return bool(other) and folder != other and PurePosixPath(folder).is_relative_to(other)


def _environments(root: Path) -> list[str]:
    marks = (path for path in sources(root, {".cfg"}) if PurePosixPath(path).name == _ENVIRONMENT)
    return [PurePosixPath(path).parent.as_posix() for path in marks]


def _targets(root: Path) -> list[str]:
    """The targets that the build files name, in order."""
    found: dict[str, None] = {}
    for path in build_files(root):
        try:
            found |= dict.fromkeys(_GFX.findall(read_text(root, path)))
        except SourceError:
            continue
    return list(found)
