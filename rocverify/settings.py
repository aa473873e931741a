"""Settings: `[tool.rocverify]` in pyproject.toml or `rocverify.toml` at the root, and overrides.

Everything the user can set passes through one schema into one immutable record, before any plan is
read or device opened. An unknown key or a wrong value is a `UsageError` that names file and key path.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rocverify.errors import UsageError


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Transfers(_Frozen):
    """The names by which host code of this project moves data between host and device."""

    device_to_host: tuple[str, ...] = Field(
        default=(
            "hipMemcpyDtoH",
            "hipMemcpyDtoHAsync",
            "hipMemcpyFromSymbol",
            "to_host_vec",
            "to_host",
            "copy_to_host",
        ),
        description="copies from the device to the host",
    )
    host_to_device: tuple[str, ...] = Field(
        default=(
            "hipMemcpyHtoD",
            "hipMemcpyHtoDAsync",
            "hipMemcpyToSymbol",
            "from_host_vec",
            "copy_from_host",
        ),
        description="copies from the host to the device",
    )
    copies: tuple[str, ...] = Field(
        default=("hipMemcpy", "hipMemcpyAsync", "hipMemcpyWithStream", "hipMemcpy2D"),
        description="copies whose direction an argument says",
    )
    launches: tuple[str, ...] = Field(
        default=("hipModuleLaunchKernel", "hipModuleLaunchCooperativeKernel"),
        description="launches of kernels",
    )


class Settings(_Frozen):
    """Everything that the user can set; globs and paths are relative to the root.

    What `allow_flags` and `allow_includes` permit the build manifest and the sources beyond their due,
    whether commands of plans may run, and which case is replayed, only the command line can say.
    """

    targets: tuple[str, ...] = Field(
        default=("gfx1100",),
        min_length=1,
        description="what to compile for, where the build manifest does not say; the first is what the "
        "emulator runs",
    )
    device: Literal["auto", "amd", "nvidia", "emulator"] = Field(
        default="auto",
        description="`auto`, `amd`, `nvidia` (no backend yet: refused) or `emulator`; `auto` takes an AMD "
        "GPU if there is one",
    )
    gate: Literal["strict", "lenient"] = Field(
        default="strict",
        description="`strict`, or `lenient`, which turns exit code 3 into 0",
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        description="the seed of every run; a fresh one is drawn, and reported, where it is not set",
    )
    manifest: str = Field(
        default="kernels/kernels.toml",
        description="the build manifest",
    )
    kernel_globs: tuple[str, ...] = Field(
        default=("kernels/**/*.hip",),
        description="kernel sources",
    )
    host_globs: tuple[str, ...] = Field(
        default=("kernels/**/*.py",),
        description="host code",
    )
    contract_globs: tuple[str, ...] = Field(
        default=("kernels/contracts/*.py",),
        description="contracts",
    )
    cache_dir: str = Field(
        default=".rocverify/cache",
        description="compiled and translated kernels",
    )
    reports_dir: str = Field(
        default="reports",
        description="where `latest/` goes",
    )
    compiler: str | None = Field(
        default=None,
        description="a compiler by path or name, as does `$ROCVERIFY_CLANG`; found where it is not set",
    )
    emulator_threads: int | None = Field(
        default=None,
        ge=1,
        description="host threads of a launch on the emulator; all CPUs where it is not set",
    )
    compile_timeout_s: float = Field(
        default=300.0,
        gt=0,
        description="seconds that one compilation may take",
    )
    launch_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="seconds that one launch on the emulator may take",
    )
    call_timeout_s: float = Field(
        default=120.0,
        gt=0,
        description="seconds that one call of the project's code may take; what takes longer is an error",
    )
    cases_per_dtype: int = Field(
        default=12,
        ge=1,
        description="cases of `correctness` per element type",
    )
    allow_flags: tuple[str, ...] = Field(
        default=(),
        description="compiler flags that the build manifest may set besides (`--allow-flag`)",
    )
    allow_includes: tuple[str, ...] = Field(
        default=(),
        description="absolute folders of headers outside the root (`--allow-include`)",
    )
    allow_commands: bool = Field(
        default=False,
        description="whether commands of plans run (`--allow-commands`)",
    )
    case: str | None = Field(
        default=None,
        description="the one case of `correctness` that is to be replayed (`--case`, as a failure prints it)",
    )
    program: tuple[str, ...] = Field(
        default=(),
        description="shell lines that build and run the project's program, for truths about what it "
        "allocates; they run only with `--allow-commands`",
    )
    transfers: Transfers = Field(
        default=Transfers(),
        description="the names by which host code moves data and launches, a table of four lists",
    )

    @field_validator("targets")
    @classmethod
    def _gfx_names(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        for target in targets:
            if not target.startswith("gfx") or not target[3:].isalnum():
                raise ValueError(f"{target!r} is not a gfx target (for example gfx1100)")
        return targets


def load_settings(root: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings of the project at `root`; `overrides` (the command line) win, None means unset.

    Raises UsageError naming the file and key path of whatever is wrong.
    """
    source, data = _read(root)
    _check_file(root, source, data)
    merged = {**data, **{k: v for k, v in (overrides or {}).items() if v is not None}}
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise UsageError(
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()),
            where=source,
            hint=f"the keys are: {', '.join(Settings.model_fields)}",
        ) from None


COMMAND_LINE_ONLY = {
    "allow_flags": "--allow-flag",
    "allow_includes": "--allow-include",
    "allow_commands": "--allow-commands",
    "case": "--case",
}
_PATHS = ("cache_dir", "reports_dir")
_GLOBS = ("kernel_globs", "host_globs", "contract_globs")


def _check_file(root: Path, source: str, data: Mapping[str, Any]) -> None:
    """What a project's own file must not set: permissions, and places outside of the project."""
    for key, option in COMMAND_LINE_ONLY.items():
        if key in data:
            raise UsageError(
                f"{key}: only the command line can say that",
                where=source,
                hint=f"take it out; give {option} where it is wanted",
            )
    defaults = Settings.model_fields
    for key in _PATHS:
        value = data.get(key, defaults[key].default)
        if isinstance(value, str):
            _check_place(root, source, key, value)
    for key in _GLOBS:
        values = data.get(key, ())
        for value in values if isinstance(values, list) else ():
            if isinstance(value, str) and (Path(value).is_absolute() or ".." in Path(value).parts):
                raise UsageError(
                    f"{key}: {value!r} leads out of the root", where=source, hint="start it below the root"
                )
    manifest = data.get("manifest", "")
    if isinstance(manifest, str) and not _inside(root, manifest):
        raise UsageError(
            f"manifest: {manifest!r} leads out of the root", where=source, hint="name a file below the root"
        )
    compiler = data.get("compiler")
    if isinstance(compiler, str) and "/" in compiler and _inside(root, compiler):
        raise UsageError(
            f"compiler: {compiler!r} is a file of the project, whose word is what is to be verified",
            where=source,
            hint="name an installed one, as clang-19",
        )


def _inside(root: Path, name: str) -> bool:
    return (root / name).resolve().is_relative_to(root.resolve())


def _check_place(root: Path, source: str, key: str, value: str) -> None:
    """A place that is read or written lies below the root, and no link leads there."""
    from rocverify.store.gate import place

    try:
        place(root, value)
    except UsageError as error:
        raise UsageError(f"{key}: {value!r} {error.message}", where=source, hint=error.hint) from None


def _read(root: Path) -> tuple[str, dict[str, Any]]:
    own, project = root / "rocverify.toml", root / "pyproject.toml"
    if own.is_file():
        return own.name, _toml(own)
    if project.is_file():
        section = _toml(project).get("tool", {}).get("rocverify", {})
        return f"{project.name} [tool.rocverify]", dict(section)
    return "command line", {}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"is not valid TOML: {error}", where=path.name, hint="correct the file") from None
