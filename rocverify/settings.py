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

    device_to_host: tuple[str, ...] = (
        "hipMemcpyDtoH",
        "hipMemcpyDtoHAsync",
        "hipMemcpyFromSymbol",
        "to_host_vec",
        "to_host",
        "copy_to_host",
    )
    host_to_device: tuple[str, ...] = (
        "hipMemcpyHtoD",
        "hipMemcpyHtoDAsync",
        "hipMemcpyToSymbol",
        "from_host_vec",
        "copy_from_host",
    )
    copies: tuple[str, ...] = ("hipMemcpy", "hipMemcpyAsync", "hipMemcpyWithStream", "hipMemcpy2D")
    launches: tuple[str, ...] = ("hipModuleLaunchKernel", "hipModuleLaunchCooperativeKernel")


class Settings(_Frozen):
    """Everything that the user can set.

    `targets` are gfx names; the first one is what the emulator runs. `seed` of None draws a fresh
    seed for every run (and reports it). Globs and paths are relative to the root.
    """

    targets: tuple[str, ...] = Field(default=("gfx1100",), min_length=1)
    device: Literal["auto", "amd", "emulator"] = "auto"
    gate: Literal["strict", "lenient"] = "strict"
    seed: int | None = Field(default=None, ge=0)
    manifest: str = "kernels/kernels.toml"
    kernel_globs: tuple[str, ...] = ("kernels/**/*.hip",)
    host_globs: tuple[str, ...] = ("kernels/**/*.py",)
    contract_globs: tuple[str, ...] = ("kernels/contracts/*.py",)
    cache_dir: str = ".rocverify/cache"
    reports_dir: str = "reports"
    compiler: str | None = None
    emulator_threads: int | None = Field(default=None, ge=1)
    regex_timeout_s: float = Field(default=2.0, gt=0)
    compile_timeout_s: float = Field(default=300.0, gt=0)
    launch_timeout_s: float = Field(default=30.0, gt=0)
    cases_per_dtype: int = Field(default=12, ge=1)
    transfers: Transfers = Transfers()

    @field_validator("targets")
    @classmethod
    def _gfx_names(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        for target in targets:
            if not target.startswith("gfx") or not target[3:].isalnum():
                raise ValueError(f"{target!r} is no gfx target (for example gfx1100)")
        return targets


def nearest_root(folder: Path) -> Path | None:
    """The root of the project around a folder: the nearest folder upwards with a `.planning` in it."""
    return next((one for one in (folder, *folder.parents) if (one / ".planning").is_dir()), None)


def load_settings(root: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings of the project at `root`; `overrides` (the command line) win, None means unset.

    Raises UsageError naming the file and key path of whatever is wrong.
    """
    source, data = _read(root)
    merged = {**data, **{k: v for k, v in (overrides or {}).items() if v is not None}}
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise UsageError(
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()),
            where=source,
            hint=f"the keys are: {', '.join(Settings.model_fields)}",
        ) from None


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
