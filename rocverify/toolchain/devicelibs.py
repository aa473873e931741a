"""ROCm's device bitcode for a target, with what an older installation lacks made up.

clang links one small file for the target's ISA version (`oclc_isa_version_1100.bc`) and one for the code
object version (`oclc_abi_version_600.bc`). Each holds one constant, so a missing one can be made: a folder
of links to the installed bitcode plus the missing file, in the cache, put in place by one rename. Any
number of processes may do so at once: the first rename wins and the others' folders are dropped.

Libraries that lack a target's file are older than the target: those of ROCm 5.2 read the wall clock by an
instruction that gfx11 does not have, and compilers drop whatever calls that (wall_clock64, device malloc). In
the folder they read it as later libraries do, by a message.
"""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rocverify.errors import ToolchainError
from rocverify.store.digests import digest_file, digest_texts, shown_digest
from rocverify.store.seal import seal_of
from rocverify.store.tools import run_tool
from rocverify.toolchain.discover import Toolchain

_PROCESSOR = re.compile(r"gfx(\d{1,2})([0-9a-f])([0-9a-f])")
_SEAL = "contents.sha256"

# Written as LLVM IR, not as OpenCL: clang 19's OpenCL front end would add its own code object version to
# the module, which then forbids compiling kernels for any other. Without a data layout, each compiler
# takes its own. `linkonce_odr hidden` is what the installed files have.
_CONSTANT = """\
target triple = "amdgcn-amd-amdhsa"
@{name} = linkonce_odr hidden local_unnamed_addr addrspace(4) constant i32 {value}, align 4
"""

_CLOCK_FILE, _CLOCK_FEATURE = "ockl.bc", "s-memrealtime"
_CLOCK_BY_INSTRUCTION, _CLOCK_BY_MESSAGE = "llvm.amdgcn.s.memrealtime", "llvm.amdgcn.s.sendmsg.rtn.i64"
_GET_REALTIME = 0x83
_FIRST_WITHOUT_CLOCK = 11000

MENDED = "clock by message"
"""What is changed in installed bitcode: a part of the keys of what is compiled with it."""


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
            f"{target!r} is not a gfx target with an ISA version", hint="name one such as gfx1100 or gfx90a"
        )
    return int(match[1]) * 1000 + int(match[2], 16) * 100 + int(match[3], 16)


def libraries_for(
    toolchain: Toolchain, target: str, abi_version: int | None, cache_dir: Path
) -> DeviceLibraries:
    """The device bitcode for `target`, complete; `abi_version` if a code object version was asked for."""
    missing = _missing(toolchain.device_libs, target, abi_version)
    if not missing:
        return DeviceLibraries(toolchain.device_libs)
    key = digest_texts((toolchain.version, toolchain.device_libs_digest, *sorted(missing), MENDED))
    folder = cache_dir / "device-libs" / f"{target.partition(':')[0]}-{shown_digest(key)}"
    if not _intact(folder):
        _remove(folder)
        _make(toolchain, folder, missing, clock=isa_version(target) >= _FIRST_WITHOUT_CLOCK)
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


def _make(toolchain: Toolchain, folder: Path, missing: Mapping[str, str], *, clock: bool) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder.parent) as made:
        draft = Path(made) / folder.name
        draft.mkdir()
        for file in toolchain.device_libs.glob("*.bc"):
            (draft / file.name).symlink_to(file.resolve())
        for name, ir in missing.items():
            _assemble(toolchain, ir, draft / name)
        if clock:
            _mend_clock(toolchain, draft / _CLOCK_FILE)
        (draft / _SEAL).write_text(_seal(draft), encoding="ascii")
        try:
            draft.rename(folder)
        except OSError as error:
            if not _intact(folder):
                raise ToolchainError(
                    f"cannot be put in place: {error.strerror}",
                    where=str(folder),
                    hint="remove the cache folder",
                ) from error


def _mend_clock(toolchain: Toolchain, file: Path) -> None:
    """Puts a file that asks the clock by a message in the place of the link to one that does not."""
    if not file.is_file() or _CLOCK_BY_INSTRUCTION.encode() not in file.read_bytes():
        return
    text = _disassembled(toolchain, file)
    text = text.replace(f"@{_CLOCK_BY_INSTRUCTION}()", f"@{_CLOCK_BY_MESSAGE}(i32 {_GET_REALTIME})")
    text = re.sub(rf"(declare .*@{re.escape(_CLOCK_BY_MESSAGE)})\(i32 \d+\)", r"\1(i32)", text)
    file.unlink()
    _assemble(toolchain, text.replace(f' "target-features"="+{_CLOCK_FEATURE}"', ""), file)


def _disassembled(toolchain: Toolchain, file: Path) -> str:
    output = file.with_suffix(".ll")
    _run(toolchain, ["-S", str(file), "-o", str(output)], file.name)
    text = output.read_text(encoding="utf-8")
    output.unlink()
    return text


def _assemble(toolchain: Toolchain, ir: str, output: Path) -> None:
    source = output.with_suffix(".ll")
    source.write_text(ir, encoding="utf-8")
    _run(toolchain, ["-c", str(source), "-o", str(output)], output.name)
    source.unlink()


def _run(toolchain: Toolchain, arguments: list[str], what: str) -> None:
    """Between IR and bitcode, with nothing changed on the way."""
    command = [str(toolchain.clang), "-x", "ir", "-target", "amdgcn-amd-amdhsa", "-nogpulib"]
    command += ["-emit-llvm", "-Xclang", "-disable-llvm-passes", *arguments]
    run = run_tool(command, timeout_s=toolchain.timeout_s)
    if run.returncode != 0:
        raise ToolchainError(
            f"could not make {what}: {run.log.strip()}",
            where=toolchain.version,
            hint="install device libraries that know the target",
        )


def _seal(folder: Path) -> str:
    files = sorted(folder.glob("*.bc"))
    contents = digest_texts(part for file in files for part in (file.name, digest_file(file)))
    return seal_of(folder.name, contents.encode()).hex()


def _intact(folder: Path) -> bool:
    """True where a complete folder of ours stands that no one damaged: a broken link or other bytes show."""
    try:
        return (folder / _SEAL).read_text(encoding="utf-8") == _seal(folder)
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
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.rmtree(folder)  # of an overlay's lower layer, which none but this process sees so
            return
        shutil.rmtree(Path(bin_) / folder.name)
