"""The libraries as they are built, and how they are built, kept and found again."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rocverify.device.emulator.launch.runtime_code import LEVELS
from rocverify.device.library_build import build, compiler, folder, hip_library_folder, libraries
from rocverify.device.library_build.exports import read_exports
from rocverify.device.library_build.libraries import LIBRARIES, SOURCES, Library
from rocverify.errors import CompilerNotFoundError, ToolchainError
from rocverify.toolchain import locate
from tests.device.library.test_exports import versioned_symbols

# ---- the libraries


@pytest.fixture(scope="module")
def built() -> Path:
    return hip_library_folder()


def test_libamdhip64_exports_every_name_under_its_version(built):
    exports = read_exports(SOURCES / "exports.txt")
    found = versioned_symbols(built / "libamdhip64.so")
    assert {export.name: found.get(export.name) for export in exports} == {e.name: e.version for e in exports}
    others = set(found) - {export.name for export in exports}
    assert {name for name in others if found[name] != "rv_private"} == set()


@pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
def test_every_name_is_found_without_a_version(library, built):
    loaded = ctypes.CDLL(str(built / library.file))
    missing = [e.name for e in read_exports(SOURCES / library.exports) if not hasattr(loaded, e.name)]
    assert missing == []


LOADER = """
import ctypes
functions = [ctypes.CDLL(f"libamdhip64.so.{major}").hipInit for major in (5, 6, 7)]
print(len({ctypes.cast(function, ctypes.c_void_p).value for function in functions}))
for name in ("libhiprtc.so", "libhipblas.so", "librocblas.so"):
    ctypes.CDLL(name)
print(open("/proc/self/maps").read().count("libamdhip64.so") > 0)
print(len({line.split()[-1] for line in open("/proc/self/maps") if "libamdhip64" in line}))
"""


def test_a_process_that_asks_for_several_releases_gets_one_library(built):
    run = subprocess.run(
        [sys.executable, "-c", LOADER], env={**os.environ, "LD_LIBRARY_PATH": str(built)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.split() == ["1", "True", "1"]
    assert run.stderr == ""


PROGRAM = r"""
#define __HIP_PLATFORM_AMD__
#include <hip/hip_runtime_api.h>
#include <stdio.h>
int main(void) {
    hipIpcMemHandle_t handle;
    int first = hipIpcGetMemHandle(&handle, 0);
    printf("%d %d\n", first, (int)hipIpcGetMemHandle(&handle, 0));
    return 0;
}
"""


def test_a_program_linked_with_debians_library_runs_and_hears_what_is_not_served(built, tmp_path):
    (tmp_path / "main.c").write_text(PROGRAM)
    subprocess.run(["cc", "-w", tmp_path / "main.c", "-o", tmp_path / "main", "-lamdhip64"], check=True)
    environment = {k: v for k, v in os.environ.items() if k != "ROCVERIFY_SOCKET"}
    run = subprocess.run(
        [tmp_path / "main"],
        env={**environment, "LD_LIBRARY_PATH": str(built)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0
    assert run.stdout == "801 801\n"
    assert run.stderr.count("hipIpcGetMemHandle") == 1
    assert "no version information" not in run.stderr


# ---- how they are built, with a small one in their place

TINY = """
#include <stdio.h>
__attribute__((visibility("default"))) int rv_not_served(const char *name) { puts(name); return 801; }
__attribute__((visibility("default"))) int hipInit(unsigned flags) { return (int)flags + ADDED; }
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """One library of one file; its cache is in the test's own folder."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "tiny.c").write_text(TINY.replace("ADDED", "1"))
    (sources / "exports.txt").write_text("hipInit hip_4.2 5 error\nhipFree hip_4.2 5 error\n")
    library = Library("libtiny", "libtiny.so.5", (5, 6), "exports.txt", 801, ("tiny.c",))
    for module in (build, folder, libraries):
        monkeypatch.setattr(module, "SOURCES", sources)
        monkeypatch.setattr(module, "LIBRARIES", {"libtiny": library})
    monkeypatch.setattr(folder, "PREBUILT", tmp_path / "prebuilt")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    hip_library_folder.cache_clear()
    yield sources
    hip_library_folder.cache_clear()


def found() -> Path:
    """As another process would find it."""
    hip_library_folder.cache_clear()
    return hip_library_folder()


def no_compiler() -> compiler.CCompiler:
    raise AssertionError("nothing is to be compiled")


def test_what_is_built_is_kept_and_made_anew_for_other_sources(tiny, tmp_path, monkeypatch):
    first = found()
    assert first.is_relative_to(tmp_path / "cache" / "rocverify" / "hiplib")
    assert sorted(path.name for path in first.iterdir()) == ["libtiny.so", "libtiny.so.5", "libtiny.so.6"]
    assert ctypes.CDLL(str(first / "libtiny.so.5")).hipInit(4) == 5
    (tiny / "tiny.c").write_text(TINY.replace("ADDED", "2"))
    second = found()
    assert second != first
    assert ctypes.CDLL(str(second / "libtiny.so")).hipInit(4) == 6
    monkeypatch.setattr(compiler.CCompiler, "_run", lambda *_: no_compiler())
    (tiny / "tiny.c").write_text(TINY.replace("ADDED", "1"))
    assert found() == first


def _find_in_process(_: int) -> str:
    return str(found())


@pytest.mark.usefixtures("tiny")
def test_processes_that_build_at_once_get_one_folder(tmp_path):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        folders = set(pool.map(_find_in_process, range(8)))
    assert len(folders) == 1
    assert [path.name for path in (tmp_path / "cache/rocverify/hiplib").iterdir()] == [
        Path(folders.pop()).name
    ]


def test_a_compilers_words_are_passed_on_and_nothing_is_left(tiny, tmp_path):
    (tiny / "tiny.c").write_text("int broken(void) { return undeclared; }\n")
    with pytest.raises(
        ToolchainError, match=r"tiny\.c: cc could not build[^!]*'undeclared' undeclared"
    ) as caught:
        found()
    assert "apt-get install gcc" in (caught.value.hint or "")
    assert list((tmp_path / "cache/rocverify/hiplib").iterdir()) == []


@pytest.mark.usefixtures("tiny")
def test_without_a_compiler_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(locate, "SEARCH", locate.SearchPlaces((), tmp_path))
    with pytest.raises(CompilerNotFoundError, match="no C compiler") as caught:
        found()
    assert "apt-get install gcc libc6-dev" in (caught.value.hint or "")


def test_the_hip_toolchains_clang_serves_where_there_is_no_other(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    chosen = compiler.find_compiler()
    assert chosen.path.name == "clang-19"
    monkeypatch.undo()
    (tmp_path / "out").mkdir()
    library = Library("libtiny", "libtiny.so.5", (5,), "exports.txt", 801, ("tiny.c",))
    for module in (build, libraries):
        monkeypatch.setattr(module, "SOURCES", tiny)
        monkeypatch.setattr(module, "LIBRARIES", {"libtiny": library})
    build.build_files(tmp_path / "out", chosen)
    assert versioned_symbols(tmp_path / "out/libtiny.so")["hipFree"] == "hip_4.2"


@pytest.mark.usefixtures("tiny")
def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path):
    (tmp_path / "cache").write_text("a file in the folder's place")
    with pytest.raises(ToolchainError, match="cannot be kept") as caught:
        found()
    assert "XDG_CACHE_HOME" in (caught.value.hint or "")


def test_the_wheels_libraries_are_taken_while_they_are_those_of_the_sources(tiny, tmp_path, monkeypatch):
    build.write_prebuilt(tmp_path / "prebuilt")
    assert not any(path.is_symlink() for path in (tmp_path / "prebuilt").iterdir())
    with monkeypatch.context() as without:
        without.setattr(folder, "find_compiler", no_compiler)
        taken = found()
    assert ctypes.CDLL(str(taken / "libtiny.so.6")).hipInit(1) == 2
    (tiny / "tiny.c").write_text(TINY.replace("ADDED", "7"))
    assert ctypes.CDLL(str(found() / "libtiny.so.6")).hipInit(1) == 8


# ---- the wheel

_OF_THE_WHEEL = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "scripts/build_backend.py")


@pytest.mark.long
def test_a_wheel_carries_the_libraries_and_needs_no_compiler(repo_root, tmp_path):
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=repo_root,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.split("\0"):
        if name.startswith("rocverify/") or name in _OF_THE_WHEEL:
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_bytes((repo_root / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", tmp_path, checkout], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-linux_x86_64.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    example = {path.name for path in (tmp_path / "site/rocverify/scaffold/example").rglob("*")}
    assert {"verify.sh", "saxpy.hip", "01-01-PLAN.md", "rocverify.toml", ".gitignore"} <= example
    (information,) = (tmp_path / "site").glob("rocverify-*.dist-info")
    assert "Apache License" in (information / "licenses/LICENSE").read_text()
    metadata = (information / "METADATA").read_text()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert "rocverify = rocverify.cli.main:main" in (information / "entry_points.txt").read_text()
    prebuilt = tmp_path / "site/rocverify/device/library/prebuilt"
    assert {path.name for path in prebuilt.glob("*.so")} == {library.file for library in LIBRARIES.values()}
    bitcode = tmp_path / "site/rocverify/device/emulator/runtime/prebuilt"
    assert {path.name for path in bitcode.glob("*.zst")} == {
        f"{level}.bc.zst" for levels in LEVELS.values() for level in levels
    }
    find = (
        "from rocverify.device.library_build import *; print(hip_library_folder())\n"
        "from rocverify.device.emulator.launch.runtime import Runtime; Runtime.load(None)"
    )
    environment = {
        "PYTHONPATH": str(tmp_path / "site"),
        "PATH": "",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    run = subprocess.run(
        [sys.executable, "-P", "-c", find],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip().endswith("-prebuilt")
    assert hasattr(ctypes.CDLL(f"{run.stdout.strip()}/libamdhip64.so.7"), "hipMalloc")
