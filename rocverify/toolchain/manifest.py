"""The build manifest, kernels.toml: which kernels there are, and how each is compiled.

    [defaults]
    flags = ["-O3"]

    [[kernel]]
    source = "kernels/rope.hip"          # relative to the root, inside it
    symbols = ["rope_kernel"]            # every kernel that callers may launch
    env = "ROPE_HSACO"                   # the variable that tells wrappers where the code object is
    flags = ["-ffast-math"]              # optional, after the defaults'
    targets = ["gfx1100"]                # optional, instead of the settings' targets

Every error names the file, the line and the key path.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rocverify.errors import ManifestError
from rocverify.settings import Settings
from rocverify.toolchain.flags import include_folders, refused_flag

# Flags that say what is compiled, for which target and where to: the builder's own business.
_OWNED_FLAGS = re.compile(
    r"-o.*|-c|-S|-E|-x.*|@.*|-M\w*|--?offload-arch.*|--cuda-\w+-only|--rocm-path.*|--rocm-device-lib-path.*"
    r"|--(no-)?gpu-bundle-output|-fsyntax-only|-emit-llvm|-###|--target.*|-target"
)
_TARGET = re.compile(r"gfx[0-9a-f]{3,5}(:[a-z]+[+-])*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One kernel source: `env` names the environment variable that holds its code object's path,
    `line` is where the entry starts in the manifest."""

    source: str
    symbols: tuple[str, ...]
    env: str
    targets: tuple[str, ...] | None = None
    flags: tuple[str, ...] = ()
    line: int = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """The build manifest; `path` is relative to the root."""

    path: str
    entries: tuple[ManifestEntry, ...]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _known_targets(targets: list[str] | None) -> list[str] | None:
    for target in targets or ():
        if not _TARGET.fullmatch(target):
            raise ValueError(f"{target!r} is not a gfx target (for example gfx1100)")
    return targets


def owned_flag(flags: Iterable[str]) -> str | None:
    """The first flag that says what is compiled, for which target or where to; None if there is none."""
    return next((flag for flag in flags if _OWNED_FLAGS.fullmatch(flag)), None)


def _free_flags(flags: list[str]) -> list[str]:
    owned = owned_flag(flags)
    if owned is not None:
        raise ValueError(f"{owned!r} is set by rocverify itself; leave it out")
    return flags


Name = Annotated[str, Field(min_length=1)]


class _Defaults(_Table):
    flags: list[Name] = []
    targets: Annotated[list[Name], Field(min_length=1)] | None = None

    _flags = field_validator("flags")(_free_flags)
    _targets = field_validator("targets")(_known_targets)


class _Kernel(_Defaults):
    source: Name
    symbols: Annotated[list[Name], Field(min_length=1)]
    env: Name

    @field_validator("symbols")
    @classmethod
    def _distinct(cls, symbols: list[str]) -> list[str]:
        if twice := [name for name, count in Counter(symbols).items() if count > 1]:
            raise ValueError(f"{twice[0]!r} stands twice")
        return symbols

    @field_validator("env")
    @classmethod
    def _variable(cls, env: str) -> str:
        if not _VARIABLE.fullmatch(env):
            raise ValueError(f"{env!r} is not a name of an environment variable")
        return env


class _Document(_Table):
    defaults: _Defaults = _Defaults()
    kernel: list[_Kernel] = []


def load_manifest(root: Path, settings: Settings) -> Manifest:
    """The manifest of the project at `root`; its sources need not exist yet, but stay inside the root.

    Raises ManifestError, naming line and key path, for whatever is wrong with it.
    """
    name = settings.manifest
    text = _read(root / name, name)
    lines = _Lines(text)
    document = _validate(_parse(text, name), name, lines)
    _check_flags(root, document.defaults.flags, f"{name}:{lines.of('defaults', 'flags')}", settings)
    for index, kernel in enumerate(document.kernel):
        _check_inside(root, kernel.source, f"{name}:{lines.of('kernel', index, 'source')}")
        _check_flags(root, kernel.flags, f"{name}:{lines.of('kernel', index, 'flags')}", settings)
    for key in ("source", "env"):
        _check_distinct(document.kernel, key, name, lines)
    entries = (_entry(k, document.defaults, lines.of("kernel", i)) for i, k in enumerate(document.kernel))
    return Manifest(name, tuple(entries))


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ManifestError(
            "does not exist", where=name, hint="write it, or set `manifest` to where it is"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"cannot be read: {error}", where=name, hint="make it a UTF-8 file") from None


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{name}:{line[1] if line else len(text.splitlines()) or 1}"
        raise ManifestError(f"is not valid TOML: {error}", where=where, hint="correct the line") from None


def _validate(tree: dict[str, Any], name: str, lines: _Lines) -> _Document:
    try:
        return _Document.model_validate(tree)
    except ValidationError as error:
        problems = error.errors()
        said = "; ".join(f"{_key_path(e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in problems)
        raise ManifestError(
            said,
            where=f"{name}:{lines.of(*problems[0]['loc'])}",
            hint="the keys of [[kernel]] are source, symbols, env, flags, targets",
        ) from None


def _key_path(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".") or "the document"


def _check_inside(root: Path, source: str, where: str) -> None:
    """A source is a relative path whose target, links followed, lies in the root."""
    problem = None
    if "\0" in source or Path(source).is_absolute():
        problem = "is not relative to the root"
    elif ".." in Path(source).parts:
        problem = "goes up with '..'"
    elif not (root / source).resolve().is_relative_to(root.resolve()):
        problem = "leads out of the root"
    if problem:
        raise ManifestError(
            f"source: {source!r} {problem}",
            where=where,
            hint="name a file below the root, as kernels/rope.hip",
        )


def _check_flags(root: Path, flags: list[str], where: str, settings: Settings) -> None:
    """Flags are listed ones, and folders of headers lie in the root, unless the command line allows more."""
    refused = refused_flag(flags, settings.allow_flags)
    if refused is not None:
        raise ManifestError(
            f"flags: {refused!r} is not a flag that a manifest may set",
            where=where,
            hint="-O, -std, -D, -U, -I, -W, -f of floating point and -m of the target are; "
            f"for more give the run --allow-flag={refused}",
        )
    roots = [root.resolve(), *(Path(folder).resolve() for folder in settings.allow_includes)]
    for folder in include_folders(flags):
        if not any((root / folder).resolve().is_relative_to(one) for one in roots):
            raise ManifestError(
                f"flags: -I {folder!r} leads out of the root",
                where=where,
                hint=f"bring the headers into the project, or run with --allow-include {folder}",
            )


def _check_distinct(kernels: list[_Kernel], key: str, name: str, lines: _Lines) -> None:
    seen: dict[str, int] = {}
    for index, kernel in enumerate(kernels):
        value = getattr(kernel, key)
        if key == "source":
            value = Path(value).as_posix()
        if value in seen:
            raise ManifestError(
                f"kernel[{index}].{key}: {value!r} is already taken by kernel[{seen[value]}]",
                where=f"{name}:{lines.of('kernel', index, key)}",
                hint=f"no two [[kernel]] entries may have the same {key}",
            )
        seen[value] = index


def _entry(kernel: _Kernel, defaults: _Defaults, line: int) -> ManifestEntry:
    targets = kernel.targets or defaults.targets
    return ManifestEntry(
        source=Path(kernel.source).as_posix(),
        symbols=tuple(kernel.symbols),
        env=kernel.env,
        targets=tuple(targets) if targets else None,
        flags=(*defaults.flags, *kernel.flags),
        line=line,
    )


class _Lines:
    """Where tables and keys stand in the file: tomllib keeps no positions, so this finds them again."""

    _HEADER = re.compile(r"\s*\[\[?\s*[\"']?([\w-]+)[\"']?\s*\]\]?")
    _KEY = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*=")

    def __init__(self, text: str) -> None:
        self._at: dict[tuple[int | str, ...], int] = {}
        table: tuple[int | str, ...] = ()
        kernels = 0
        for number, line in _outside_multiline_strings(text):
            if header := self._HEADER.match(line):
                table = (header[1],)
                if header[1] == "kernel":
                    table, kernels = ("kernel", kernels), kernels + 1
                self._at.setdefault(table, number)
            elif key := self._KEY.match(line):
                self._at.setdefault((*table, key[1]), number)

    def of(self, *location: int | str) -> int:
        """The line of a key path, or of the nearest table around it that has one."""
        for length in range(len(location), 0, -1):
            if line := self._at.get(location[:length]):
                return line
        return 1


def _outside_multiline_strings(text: str) -> Iterator[tuple[int, str]]:
    closing: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if closing is None:
            yield number, line
        for mark in re.findall(r"\"\"\"|'''", line):
            if closing is None:
                closing = mark
            elif closing == mark:
                closing = None
