"""ROCm's device bitcode for a target, with what an older installation lacks made up.

clang links one small file for the target's ISA version (`oclc_isa_version_1100.bc`) and one for the code
object version (`oclc_abi_version_600.bc`). Each holds one constant, so a missing one can be made: a folder
of links to the installed bitcode plus the missing file, in the cache, put in place by one rename. Any
number of processes may do so at once: the first rename wins and the others' folders are dropped.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rocverify.errors import ToolchainError
from rocverify.toolchain.digests import digest_file, digest_texts
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.process import run_tool

_PROCESSOR = re.compile(r"gfx(\d{1,2})([0-9a-f])([0-9a-f])")
_SEAL = "contents.sha256"

# Written as LLVM IR, not as OpenCL: clang 19's OpenCL front end would add its own code object version to
# the module, which then forbids compiling kernels for any other. Without a data layout, each compiler
# takes its own. `linkonce_odr hidden` is what the installed files have.
_CONSTANT = """\
target triple = "amdgcn-amd-amdhsa"
@{name} = linkonce_odr hidden local_unnamed_addr addrspace(4) constant i32 {value}, align 4
"""


@dataclass(frozen=True, slots=True)
class DeviceLibraries:
    """The folder to compile with, and the names of the files in it that were made up."""

    folder: Path
    synthesised: tuple[str, ...] = ()


def isa_version(target: str) -> int:
    """The number that device code knows a target by: major*1000 + minor*100 + stepping.

    gfx1100 is 11000, gfx90a is 9010 (the last two digits are hexadecimal). Raises ToolchainError for
    what is no such target.
    """
    match = _PROCESSOR.fullmatch(target.partition(":")[0])
    if match is None:
        raise ToolchainError(
            f"{target!r} is no gfx target with an ISA version", hint="name one such as gfx1100 or gfx90a"
        )
    return int(match[1]) * 1000 + int(match[2], 16) * 100 + int(match[3], 16)


def libraries_for(
    toolchain: Toolchain, target: str, abi_version: int | None, cache_dir: Path
) -> DeviceLibraries:
    """The device bitcode for `target`, complete; `abi_version` if a code object version was asked for."""
    missing = _missing(toolchain.device_libs, target, abi_version)
    if not missing:
        return DeviceLibraries(toolchain.device_libs)
    key = digest_texts((toolchain.version, toolchain.device_libs_digest, *sorted(missing)))
    folder = cache_dir / "device-libs" / f"{target.partition(':')[0]}-{key[:16]}"
    if not _intact(folder):
        _remove(folder)
        _make(toolchain, folder, missing)
    return DeviceLibraries(folder, tuple(sorted(missing)))


def _missing(installed: Path, target: str, abi_version: int | None) -> dict[str, str]:
    """File name to IR, of each small file that the installed bitcode lacks."""
    wanted = {isa_file(target): ("__oclc_ISA_version", isa_version(target))}
    if abi_version is not None:
        wanted[f"oclc_abi_version_{abi_version}00.bc"] = ("__oclc_ABI_version", abi_version * 100)
    return {
        file: _CONSTANT.format(name=name, value=value)
        for file, (name, value) in wanted.items()
        if not (installed / file).is_file()
    }


def isa_file(target: str) -> str:
    """The name of the bitcode file that holds a target's ISA version."""
    return f"oclc_isa_version_{target.partition(':')[0].removeprefix('gfx')}.bc"


def _make(toolchain: Toolchain, folder: Path, missing: Mapping[str, str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as made:
        draft = Path(made) / folder.name
        draft.mkdir()
        for file in toolchain.device_libs.glob("*.bc"):
            (draft / file.name).symlink_to(file.resolve())
        for name, ir in missing.items():
            _compile_constant(toolchain, ir, draft / name)
        (draft / _SEAL).write_text(_contents(draft), encoding="utf-8")
        try:
            draft.rename(folder)
        except OSError as error:
            if not _intact(folder):
                raise ToolchainError(
                    f"cannot be put in place: {error.strerror}",
                    where=str(folder),
                    hint="remove the cache folder",
                ) from error


def _compile_constant(toolchain: Toolchain, ir: str, output: Path) -> None:
    source = output.with_suffix(".ll")
    source.write_text(ir, encoding="utf-8")
    command = [str(toolchain.clang), "-x", "ir", "-target", "amdgcn-amd-amdhsa", "-nogpulib"]
    run = run_tool(
        [*command, "-emit-llvm", "-c", str(source), "-o", str(output)], timeout_s=toolchain.timeout_s
    )
    source.unlink()
    if run.returncode != 0:
        raise ToolchainError(
            f"could not make {output.name}: {run.log.strip()}",
            where=toolchain.version,
            hint="install device libraries that know the target",
        )


def _contents(folder: Path) -> str:
    files = sorted(folder.glob("*.bc"))
    return digest_texts(part for file in files for part in (file.name, digest_file(file)))


def _intact(folder: Path) -> bool:
    """True where a complete folder stands that no one damaged: a broken link or other bytes show."""
    try:
        return (folder / _SEAL).read_text(encoding="utf-8") == _contents(folder)
    except (OSError, UnicodeDecodeError):
        return False


def _remove(folder: Path) -> None:
    """Takes a damaged folder away, in one step, so that no one finds half of it."""
    if not folder.exists():
        return
    with tempfile.TemporaryDirectory(prefix=".damaged-", dir=folder.parent) as bin_:
        try:
            folder.rename(Path(bin_) / folder.name)
        except FileNotFoundError:
            return  # another process took it away
        shutil.rmtree(Path(bin_) / folder.name)
