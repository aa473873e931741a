"""Which toolchain is found: a real ROCm's before the distribution's, and never half a one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.errors import CompilerNotFoundError
from rocverify.settings import Settings
from rocverify.toolchain import locate
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain, hip_version
from rocverify.toolchain.locate import SearchPlaces
from rocverify.toolchain.manifest import ManifestEntry
from tests.toolchain.support import BARE, BARE_KERNEL, find_toolchain

ToolScript = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _no_rocm_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROCM_PATH", raising=False)
    monkeypatch.setattr(locate, "SEARCH", SearchPlaces(rocm=()))


def make_rocm(root: Path, like: Toolchain) -> Path:
    """A folder laid out as ROCm lays it out, of the parts of a real toolchain."""
    programs = root / "lib/llvm/bin"
    programs.mkdir(parents=True)
    clang = like.clang.resolve()
    for name in ("clang++", "lld", "llvm-objdump"):
        shutil.copy(like.objdump if name == "llvm-objdump" else clang.parent / name, programs / name)
    (root / "include").mkdir()
    (root / "include/hip").symlink_to(like.rocm_path / "include/hip")
    shutil.copytree(like.device_libs, root / "amdgcn/bitcode")
    return root


def test_prefers_clang_19_then_15() -> None:
    find_toolchain("clang-19")
    assert Toolchain.discover(Settings()).llvm_major == 19


@pytest.mark.parametrize(("name", "major"), [("clang-15", 15), ("clang++-15", 15), ("/usr/bin/clang-19", 19)])
def test_the_caller_may_choose(name: str, major: int) -> None:
    assert Toolchain.discover(Settings(), prefer=name).llvm_major == major


def test_setting_and_variable_choose_in_this_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCVERIFY_CLANG", "clang-15")
    assert Toolchain.discover(Settings()).llvm_major == 15
    assert Toolchain.discover(Settings(compiler="clang-19")).llvm_major == 19
    assert Toolchain.discover(Settings(compiler="clang-19"), prefer="clang-15").llvm_major == 15


def test_every_part_exists(toolchain: Toolchain) -> None:
    for part in (toolchain.clang, toolchain.linker, toolchain.objdump):
        assert part.is_file()
    assert (toolchain.device_libs / "ocml.bc").is_file()
    assert (toolchain.rocm_path / "include/hip/hip_runtime.h").is_file()
    assert toolchain.kind == "distribution"
    assert str(toolchain.llvm_major) in toolchain.version


def test_description_holds_no_path(toolchain: Toolchain) -> None:
    described = toolchain.describe()
    assert described["compiler"] == toolchain.version
    assert not any("/" in str(value) for value in described.values())


@pytest.mark.parametrize("how", ["variable", "place", "amdclang++", "hipcc"])
def test_real_rocm_wins(
    how: str, tmp_path: Path, clang19: Toolchain, monkeypatch: pytest.MonkeyPatch, tool_script: ToolScript
) -> None:
    root = make_rocm(tmp_path / "rocm-6.4.0", clang19)
    if how == "variable":
        monkeypatch.setenv("ROCM_PATH", str(root))
    elif how == "place":
        monkeypatch.setattr(locate, "SEARCH", SearchPlaces(rocm=(root,)))
    elif how == "amdclang++":
        (root / "bin").mkdir()
        (root / "bin/amdclang++").symlink_to(root / "lib/llvm/bin/clang++")
        monkeypatch.setenv("PATH", f"{root}/bin:/usr/bin")
    else:
        hipcc = tool_script("hipcc", f'[ "$HIP_PLATFORM" = amd ] && echo "InstalledDir: {root}/lib/llvm/bin"')
        monkeypatch.setenv("PATH", f"{hipcc.parent}:/usr/bin:/bin")
    found = Toolchain.discover(Settings())
    assert (found.kind, found.rocm_path) == ("rocm", root)
    assert found.device_libs == root / "amdgcn/bitcode"
    assert found.objdump == root / "lib/llvm/bin/llvm-objdump"
    assert found.linker == root / "lib/llvm/bin/lld"


def test_rocm_compiles(tmp_path: Path, clang19: Toolchain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCM_PATH", str(make_rocm(tmp_path / "rocm", clang19)))
    (tmp_path / "k.hip").write_text("#define VALUE 1.0f\n" + BARE_KERNEL)
    found = Toolchain.discover(Settings())
    entry = ManifestEntry("k.hip", ("fill",), "K", flags=BARE)
    built = Builder(tmp_path, found, tmp_path / "cache").build(entry, "gfx1100")
    assert set(built.code_object.kernels) == {"fill"}


def test_rocm_that_lacks_a_part_is_passed_over(
    tmp_path: Path, clang19: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_rocm(tmp_path / "rocm", clang19)
    (root / "lib/llvm/bin/lld").unlink()
    monkeypatch.setenv("ROCM_PATH", str(root))
    assert Toolchain.discover(Settings()).kind == "distribution"


def test_rocm_path_that_holds_nothing_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCM_PATH", str(tmp_path))
    assert Toolchain.discover(Settings()).kind == "distribution"


def test_nvidias_hipcc_is_no_rocm(monkeypatch: pytest.MonkeyPatch, tool_script: ToolScript) -> None:
    nvcc = tool_script("nvcc", "exit 1")
    tool_script("hipcc", 'echo "nvcc: NVIDIA (R) Cuda compiler driver"')
    monkeypatch.setenv("PATH", f"{nvcc.parent}:/usr/bin:/bin")
    assert Toolchain.discover(Settings()).kind == "distribution"


def test_the_distributions_hipcc_is_no_rocm(monkeypatch: pytest.MonkeyPatch, tool_script: ToolScript) -> None:
    hipcc = tool_script("hipcc", 'echo "InstalledDir: /usr/bin"')
    monkeypatch.setenv("PATH", f"{hipcc.parent}:/usr/bin:/bin")
    assert Toolchain.discover(Settings()).kind == "distribution"


# --- nothing usable ---------------------------------------------------------------------------------


def test_bare_machine_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "SEARCH", SearchPlaces(rocm=(), system=tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CompilerNotFoundError) as caught:
        Toolchain.discover(Settings())
    assert "apt-get install clang-19 lld-19 llvm-19 rocm-device-libs libamdhip64-dev" in str(caught.value)


def test_compiler_that_was_asked_for_must_be_there() -> None:
    with pytest.raises(CompilerNotFoundError, match="clang-7") as caught:
        Toolchain.discover(Settings(), prefer="clang-7")
    assert "clang-7 lld-7" in (caught.value.hint or "")


def test_old_compiler_is_refused(tool_script: ToolScript) -> None:
    old = tool_script("clang", "echo 'Debian clang version 14.0.6'")
    with pytest.raises(CompilerNotFoundError, match="too old"):
        Toolchain.discover(Settings(), prefer=str(old))


def test_what_is_no_clang_is_refused(tool_script: ToolScript) -> None:
    with pytest.raises(CompilerNotFoundError, match="is not clang"):
        Toolchain.discover(Settings(), prefer=str(tool_script("cc", "echo gcc 12")))


@pytest.mark.parametrize(
    ("part", "package"),
    [
        ("lib/llvm/bin/lld", "lld-19"),
        ("lib/llvm/bin/llvm-objdump", "llvm-19"),
        ("amdgcn/bitcode/ockl.bc", "rocm-device-libs"),
        ("include/hip", "libamdhip64-dev"),
    ],
)
def test_missing_part_of_the_one_asked_for_is_named(
    part: str, package: str, tmp_path: Path, clang19: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_rocm(tmp_path / "rocm", clang19)
    monkeypatch.setattr(locate, "SEARCH", SearchPlaces(rocm=(), system=tmp_path / "nothing"))
    (root / part).unlink()
    with pytest.raises(CompilerNotFoundError, match="has no") as caught:
        Toolchain.discover(Settings(), prefer=str(root / "lib/llvm/bin/clang++"))
    assert package in (caught.value.hint or "")


def test_hip_version_of_a_folder_without_headers(tmp_path: Path, clang19: Toolchain) -> None:
    assert hip_version(tmp_path) == "unknown"
    assert hip_version(clang19.rocm_path).count(".") == 2
