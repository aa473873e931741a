"""Finds the compiler: a real ROCm's, else the distribution's clang, with all that it needs beside it.

Order: what is asked for (`prefer`, the setting `compiler`, $ROCVERIFY_CLANG); ROCm ($ROCM_PATH,
/opt/rocm, amdclang++ or hipcc on the PATH); clang-19; clang-15; any other clang from 15 on. A compiler
that lacks a part (lld, llvm-objdump, HIP headers, device libraries) is passed over, unless it was asked for.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rocverify.errors import CompilerNotFoundError, ToolchainError
from rocverify.store.digests import digest_file, digest_texts
from rocverify.store.tools import run_tool
from rocverify.toolchain import locate
from rocverify.toolchain.compiler_versions import remember, remembered
from rocverify.toolchain.packages import (
    DEVICE_LIBRARIES_PACKAGE,
    HEADERS_PACKAGE,
    compiler_packages,
    install_hint,
)

if TYPE_CHECKING:
    from rocverify.settings import Settings

COMPILER_VARIABLE = "ROCVERIFY_CLANG"
_PROBE_TIMEOUT_S = 20.0
_VERSION = re.compile(r"clang version (\d+)\.")


@dataclass(frozen=True)
class Toolchain:
    """A complete toolchain. `rocm_path` holds HIP's headers, `device_libs` the device bitcode;
    `version` is the first line of what the compiler says of itself."""

    kind: Literal["rocm", "distribution"]
    clang: Path
    version: str
    llvm_major: int
    linker: Path
    objdump: Path
    rocm_path: Path
    device_libs: Path
    hip_version: str
    timeout_s: float = 300.0

    @classmethod
    def discover(cls, settings: Settings, prefer: str | None = None) -> Toolchain:
        """The best complete toolchain of this machine; `prefer` ("clang-15", a path) overrides.

        Raises CompilerNotFoundError, with the packages to install, if there is none.
        """
        asked = prefer or settings.compiler or os.environ.get(COMPILER_VARIABLE)
        if asked:
            return _assemble(_named(asked), settings)
        reasons = []
        for compiler in candidates():
            try:
                return _assemble(compiler, settings)
            except CompilerNotFoundError as error:
                reasons.append(f"{compiler} {error.message}")
        raise CompilerNotFoundError("; ".join(reasons) or "no HIP compiler was found", hint=install_hint())

    @cached_property
    def identity(self) -> str:
        """Digest of what makes two compilers the same: version, and the programs' size and time."""
        return digest_texts((self.version, _state(self.clang), _state(self.linker)))

    @cached_property
    def device_libs_digest(self) -> str:
        """Digest over the names and bytes of all device bitcode."""
        files = sorted(self.device_libs.glob("*.bc"))
        return digest_texts(part for file in files for part in (file.name, digest_file(file)))

    @property
    def demangler(self) -> Path | None:
        """The llvm-cxxfilt beside the disassembler, if it is there."""
        beside = self.objdump.with_name("llvm-cxxfilt")
        return beside if beside.is_file() else None

    def describe(self) -> dict[str, Any]:
        """The toolchain as JSON for reports; without paths, which differ between machines."""
        return {
            "kind": self.kind,
            "compiler": self.version,
            "llvm": self.llvm_major,
            "hip_headers": self.hip_version,
            "device_libs": self.device_libs_digest,
        }


def candidates(places: locate.SearchPlaces | None = None) -> Iterator[Path]:
    """Every compiler on this machine that may serve, best first, none twice."""
    places = places or locate.SEARCH
    seen = set()
    for root in locate.rocm_roots(places):
        for compiler in locate.rocm_compilers(root):
            if compiler.resolve() not in seen:
                seen.add(compiler.resolve())
                yield compiler
    for compiler in locate.system_compilers(places):
        if compiler.resolve() not in seen:
            seen.add(compiler.resolve())
            yield compiler


def _named(asked: str) -> Path:
    """The compiler that the user asked for by path or by a name on the PATH."""
    found = shutil.which(asked)
    if found is None:
        version = re.fullmatch(r"clang(?:\+\+)?-(\d+)", asked)
        raise CompilerNotFoundError(
            f"the compiler that was asked for is not on this machine: {asked}",
            hint=install_hint(compiler_packages(int(version[1]))) if version else "name another, or none",
        )
    return Path(found)


def _assemble(clang: Path, settings: Settings) -> Toolchain:
    """The toolchain around one compiler; CompilerNotFoundError names the part that it lacks."""
    version, major = _version(clang)
    packages = compiler_packages(major)
    root = _part(locate.header_root(clang, locate.SEARCH), "HIP headers (hip/hip_runtime.h)", HEADERS_PACKAGE)
    return Toolchain(
        kind="distribution" if root == locate.SEARCH.system else "rocm",
        clang=clang,
        version=version,
        llvm_major=major,
        linker=_part(locate.linker(clang), "lld", packages[1]),
        objdump=_part(locate.disassembler(clang, major, locate.SEARCH), "llvm-objdump", packages[2]),
        rocm_path=root,
        device_libs=_part(
            locate.device_libraries(root, clang, locate.SEARCH),
            "ROCm device libraries (ockl.bc)",
            DEVICE_LIBRARIES_PACKAGE,
        ),
        hip_version=hip_version(root),
        timeout_s=settings.compile_timeout_s,
    )


def _part(found: Path | None, what: str, package: str) -> Path:
    if found is None:
        raise CompilerNotFoundError(f"has no {what} beside it", hint=install_hint((package,)))
    return found


def _version(clang: Path) -> tuple[str, int]:
    line = remembered(clang)
    if line is None:
        line = _asked_version(clang)
        remember(clang, line)
    number = _VERSION.search(line)
    if number is None:
        raise CompilerNotFoundError("is not clang", where=str(clang), hint=install_hint())
    if int(number[1]) < locate.MINIMUM_LLVM:
        raise CompilerNotFoundError(
            f"is too old ({line}); clang {locate.MINIMUM_LLVM} is needed",
            where=str(clang),
            hint=install_hint(),
        )
    return line, int(number[1])


def _asked_version(clang: Path) -> str:
    """The first line of what a clang says of itself."""
    try:
        run = run_tool([str(clang), "--version"], timeout_s=_PROBE_TIMEOUT_S)
    except ToolchainError as error:
        raise CompilerNotFoundError(error.message, where=str(clang), hint=install_hint()) from error
    line = run.output.partition("\n")[0].strip()
    if run.returncode != 0 or _VERSION.search(line) is None:
        raise CompilerNotFoundError("is not clang", where=str(clang), hint=install_hint())
    return line


def hip_version(root: Path) -> str:
    """The version of HIP's headers under `root`, `5.2.21153`, or "unknown"."""
    try:
        text = (root / "include/hip/hip_version.h").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    numbers = dict(re.findall(r"#define HIP_VERSION_(MAJOR|MINOR|PATCH)\s+(\d+)", text))
    return ".".join(numbers.get(part, "?") for part in ("MAJOR", "MINOR", "PATCH"))


def _state(program: Path) -> str:
    stat = program.resolve().stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"
