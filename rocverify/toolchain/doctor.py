"""What of a toolchain this machine has, for `rocverify doctor`: found or missing, and what to install."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rocverify.errors import CompilerNotFoundError, ToolchainError
from rocverify.settings import Settings
from rocverify.toolchain import locate
from rocverify.toolchain.devicelibs import isa_file
from rocverify.toolchain.discover import COMPILER_VARIABLE, Toolchain, candidates
from rocverify.toolchain.packages import install_hint


@dataclass(frozen=True, slots=True)
class DoctorRecord:
    """One thing looked for: `found` says what there is, or what is wrong; `hint` what to do about it.

    `required` is false for what rocverify does without.
    """

    name: str
    ok: bool
    found: str
    hint: str | None = None
    required: bool = True

    def to_json(self) -> dict[str, Any]:
        """The record as JSON data."""
        return asdict(self)


def inspect(settings: Settings) -> list[DoctorRecord]:
    """Everything about the toolchain, in reading order. Raises nothing: what is missing is a record."""
    records = [DoctorRecord("python", True, platform.python_version()), *_rocm(), *_compilers(settings)]
    try:
        chosen = Toolchain.discover(settings)
    except CompilerNotFoundError as error:
        records.append(DoctorRecord("toolchain", False, error.message, error.hint))
    else:
        records.extend(_parts(chosen, settings))
    return records


def _rocm() -> Iterator[DoctorRecord]:
    roots = list(dict.fromkeys(locate.rocm_roots(locate.SEARCH)))
    found = [root for root in roots if any(True for _ in locate.rocm_compilers(root))]
    named = os.environ.get("ROCM_PATH")
    if named and Path(named) not in found:
        yield DoctorRecord(
            "$ROCM_PATH",
            False,
            f"{named} holds no ROCm compiler",
            "correct or unset ROCM_PATH",
            required=False,
        )
    if found:
        yield DoctorRecord("ROCm", True, ", ".join(map(str, found)), required=False)
    else:
        yield DoctorRecord("ROCm", False, "none; the distribution's clang does as well", required=False)


def _compilers(settings: Settings) -> Iterator[DoctorRecord]:
    """Each compiler on its own: complete, or what it lacks."""
    asked = settings.compiler or os.environ.get(COMPILER_VARIABLE)
    for compiler in dict.fromkeys((*((asked,) if asked else ()), *map(str, candidates()))):
        name = f"compiler {compiler}"
        try:
            found = Toolchain.discover(settings, prefer=compiler)
        except ToolchainError as error:
            yield DoctorRecord(name, False, error.message, error.hint, required=compiler == asked)
        else:
            yield DoctorRecord(name, True, found.version, required=compiler == asked)
    if not asked and not any(True for _ in candidates()):
        yield DoctorRecord("compiler", False, "no clang from version 15 on", install_hint())


def _parts(chosen: Toolchain, settings: Settings) -> Iterator[DoctorRecord]:
    """The toolchain that a run would use, part by part."""
    yield DoctorRecord("toolchain", True, f"{chosen.clang} ({chosen.version})")
    yield DoctorRecord("linker", True, str(chosen.linker))
    yield DoctorRecord("disassembler", True, str(chosen.objdump))
    yield DoctorRecord("HIP headers", True, f"{chosen.rocm_path / 'include/hip'} ({chosen.hip_version})")
    yield DoctorRecord("device libraries", True, str(chosen.device_libs))
    for target in settings.targets:
        has = (chosen.device_libs / isa_file(target)).is_file()
        found = "installed" if has else "not installed; rocverify makes it up when it compiles"
        yield DoctorRecord(f"ISA version file for {target}", has, found, required=False)
