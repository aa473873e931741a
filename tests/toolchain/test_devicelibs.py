"""Device bitcode that an installation lacks is made up, rightly and by any number of processes at once."""

from __future__ import annotations

import dataclasses
import errno
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rocverify.errors import ToolchainError
from rocverify.toolchain.codeobject import read_code_object
from rocverify.toolchain.devicelibs import isa_file, isa_version, libraries_for
from rocverify.toolchain.discover import Toolchain
from tests.toolchain.support import Project


def constant_in(bitcode: Path, toolchain: Toolchain) -> tuple[str, int]:
    """The one constant that a bitcode file holds, as LLVM's disassembler shows it."""
    tool = toolchain.objdump.with_name("llvm-dis")
    text = subprocess.run([tool, "-o", "-", bitcode], capture_output=True, text=True, check=True).stdout
    constants = re.findall(r"^@(\w+) = .*constant i32 (\d+)", text, re.MULTILINE)
    assert len(constants) == 1
    return constants[0][0], int(constants[0][1])


def test_isa_version_is_the_one_in_every_installed_file(clang19: Toolchain) -> None:
    installed = sorted(clang19.device_libs.glob("oclc_isa_version_*.bc"))
    assert len(installed) > 20
    for file in installed:
        target = "gfx" + file.stem.removeprefix("oclc_isa_version_")
        assert isa_file(target) == file.name
        assert constant_in(file, clang19) == ("__oclc_ISA_version", isa_version(target)), target


@pytest.mark.parametrize(
    ("target", "version"),
    [("gfx1100", 11000), ("gfx1201", 12001), ("gfx942", 9402), ("gfx1151", 11501), ("gfx90a:xnack+", 9010)],
)
def test_isa_version_of_newer_targets(target: str, version: int) -> None:
    assert isa_version(target) == version


@pytest.mark.parametrize("target", ["gfx", "gfx11-generic", "sm_90", "gfx11xx", ""])
def test_what_has_no_isa_version(target: str) -> None:
    with pytest.raises(ToolchainError, match="not a gfx target"):
        isa_version(target)


def test_installed_target_is_used_as_it_is(toolchain: Toolchain, tmp_path: Path) -> None:
    found = libraries_for(toolchain, "gfx1030", None, tmp_path)
    assert (found.folder, found.synthesised) == (toolchain.device_libs, ())
    assert not any(tmp_path.iterdir())


def test_missing_file_is_made_and_the_others_are_the_installed(toolchain: Toolchain, tmp_path: Path) -> None:
    found = libraries_for(toolchain, "gfx1100", 6, tmp_path)
    assert found.synthesised == ("oclc_abi_version_600.bc", "oclc_isa_version_1100.bc")
    assert constant_in(found.folder / found.synthesised[0], toolchain) == ("__oclc_ABI_version", 600)
    assert constant_in(found.folder / found.synthesised[1], toolchain) == ("__oclc_ISA_version", 11000)
    for file in toolchain.device_libs.glob("*.bc"):
        if file.name != "ockl.bc":
            assert (found.folder / file.name).read_bytes() == file.read_bytes()


def test_the_clock_is_read_as_the_target_can(toolchain: Toolchain, tmp_path: Path) -> None:
    """Libraries of ROCm 5.2 read it by s_memrealtime, which gfx11 lacks: device malloc would be dropped."""
    mended = (libraries_for(toolchain, "gfx1100", None, tmp_path).folder / "ockl.bc").read_bytes()
    assert b"llvm.amdgcn.s.sendmsg.rtn" in mended
    assert b"s.memrealtime" not in mended
    assert b"s-memrealtime" not in mended


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "oclc_isa_version_1100.bc").write_bytes(b"BC"),
        lambda folder: (folder / "oclc_isa_version_1100.bc").unlink(),
        lambda folder: (folder / "ocml.bc").unlink(),
        lambda folder: (folder / "contents.sha256").write_bytes(b"\xff"),
    ],
)
def test_damaged_folder_is_made_again(
    damage: Callable[[Path], object], clang19: Toolchain, tmp_path: Path
) -> None:
    folder = libraries_for(clang19, "gfx1100", None, tmp_path).folder
    damage(folder)
    assert libraries_for(clang19, "gfx1100", None, tmp_path).folder == folder
    assert constant_in(folder / "oclc_isa_version_1100.bc", clang19)[1] == 11000
    assert (folder / "ocml.bc").is_file()
    assert {path.name for path in folder.parent.iterdir()} == {folder.name}


def test_damaged_folder_of_a_lower_layer_is_made_again(
    clang19: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an overlay, as commands of plans get it, a folder that was there before cannot be renamed."""
    folder = libraries_for(clang19, "gfx1100", None, tmp_path).folder
    (folder / "ocml.bc").unlink()
    renamed = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self == folder:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return renamed(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    assert libraries_for(clang19, "gfx1100", None, tmp_path).folder == folder
    assert (folder / "ocml.bc").is_file()
    assert {path.name for path in folder.parent.iterdir()} == {folder.name}


def test_many_may_make_it_at_once(clang19: Toolchain, tmp_path: Path) -> None:
    def make(_: int) -> Path:
        return libraries_for(clang19, "gfx1100", None, tmp_path).folder

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(make, range(8)))
    (folder,) = folders
    assert {path.name for path in folder.parent.iterdir()} == {folder.name}


def test_other_libraries_are_another_folder(clang19: Toolchain, tmp_path: Path) -> None:
    first = libraries_for(clang19, "gfx1100", None, tmp_path).folder
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in clang19.device_libs.glob("*.bc"):
        (changed / file.name).write_bytes(file.read_bytes())
    (changed / "ocml.bc").write_bytes((changed / "ockl.bc").read_bytes())
    other = libraries_for(dataclasses.replace(clang19, device_libs=changed), "gfx1100", None, tmp_path).folder
    assert other != first


def test_compiler_that_cannot_make_it(clang19: Toolchain, tmp_path: Path) -> None:
    broken = dataclasses.replace(clang19, clang=Path("/bin/false"))
    with pytest.raises(ToolchainError, match=r"could not make oclc_isa_version_1100\.bc"):
        libraries_for(broken, "gfx1100", None, tmp_path)


MATH = """\
#include <hip/hip_runtime.h>
extern "C" __global__ void fill(float* x, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = sinf(x[i]) + expf(x[i]);
}
"""


@pytest.mark.long
@pytest.mark.parametrize("target", ["gfx1030", "gfx1100", "gfx1151", "gfx1201", "gfx90a", "gfx942"])
def test_device_functions_link_for_every_target(project: Project, target: str) -> None:
    project.write("kernels/k.hip", MATH)
    built = project.builder().build(project.entry("-O3"), target)
    assert read_code_object(built.path.read_bytes(), "k").target == target
