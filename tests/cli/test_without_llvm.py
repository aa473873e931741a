"""What is compiled already is run and looked at where there is neither a compiler nor LLVM's tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

import rocverify
from rocverify.cli.main import main
from rocverify.device.emulator.launch import runtime_code
from rocverify.device.emulator.launch.runtime import Runtime
from rocverify.device.library_build.build import write_prebuilt
from rocverify.errors import CompilerNotFoundError
from rocverify.settings import Settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from tests.attacks.project import CORRECT, KERNEL, PHASE, SEED, TRUTH, Project, Ran, plan_text
from tests.cli.test_emulate_cli import Capture, refused

SOURCE = """#include <hip/hip_runtime.h>
extern "C" __global__ void scale(float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] = x[i] * 3.0f;
}
extern "C" __global__ void unguarded(float* x) { x[blockIdx.x * blockDim.x + threadIdx.x] = 1.0f; }
"""
BARE = """
from pathlib import Path
from rocverify.toolchain import locate
locate.SEARCH = locate.SearchPlaces((), Path("/nowhere"))
"""
"""What every Python below a bare machine's wheel does first."""


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return Toolchain.discover(Settings())


@pytest.fixture(scope="module")
def wheel(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel installs, as far as this machine takes it, where nothing of LLVM is found."""
    folder = tmp_path_factory.mktemp("site")
    package = folder / "rocverify"
    shutil.copytree(Path(rocverify.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    level = runtime_code.level_here()
    made = runtime_code.made(toolchain.clang, runtime_code._machine(), [level])
    prebuilt = package / "device/emulator/runtime/prebuilt"
    prebuilt.mkdir()
    (prebuilt / f"{level}.bc.zst").write_bytes(zstandard.compress(made[level]))
    (prebuilt / runtime_code.DIGEST_FILE).write_text(runtime_code.sources_digest())
    write_prebuilt(package / "device/library/prebuilt")
    (folder / "sitecustomize.py").write_text(BARE)
    return folder


def bare(folder: Path, wheel: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROC")}
    environment |= {"PATH": "", "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": str(wheel)}
    command = [sys.executable, "-m", "rocverify", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
    )


def object_of(folder: Path, toolchain: Toolchain, source: str, target: str) -> bytes:
    """The code object of a source in a folder."""
    entry = ManifestEntry(source, (), "K", flags=("-gline-tables-only",))
    return Builder(folder, toolchain, folder / "built").build(entry, target).path.read_bytes()


@pytest.mark.long
@pytest.mark.parametrize("target", ["gfx1030", "gfx1100", "gfx1201"])
def test_a_code_object_needs_no_toolchain(
    wheel: Path, toolchain: Toolchain, tmp_path: Path, target: str
) -> None:
    (tmp_path / "k.hip").write_text(SOURCE)
    (tmp_path / "k.co").write_bytes(object_of(tmp_path, toolchain, "k.hip", target))
    (tmp_path / "k.hip").unlink()
    sizes = "--grid", "2", "--block", "64"
    ran = bare(tmp_path, wheel, "emulate", "k.co", "scale", *sizes, "--arg", "f32[100]:1", "--arg", "i32:100")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3" in ran.stdout
    faulty = bare(tmp_path, wheel, "emulate", "k.co", "unguarded", *sizes, "--arg", "f32[100]:1")
    assert "k.hip:6" in faulty.stdout + faulty.stderr, faulty.stdout + faulty.stderr
    seen = bare(tmp_path, wheel, "inspect", "k.co")
    assert seen.returncode == 0, seen.stderr
    assert "the emulator would run all of 2 kernel(s)" in seen.stdout
    source = bare(tmp_path, wheel, "compile", "k.co")
    assert source.returncode != 0
    assert "Traceback" not in source.stderr


COMPILES = "kernels/affine.co holds affine_kernel for gfx1100"
PLAN = f"{PHASE}/01-01-PLAN.md"


@pytest.mark.long
def test_plans_of_kernels_that_were_built_before_need_no_toolchain(
    wheel: Path, toolchain: Toolchain, tmp_path: Path
) -> None:
    check = {"check": "kernel_compiled", "source": "kernels/affine.co"}
    safe = {"check": "memory_safety", "contract": CORRECT["contract"]}
    lost = {"check": "kernel_compiled", "source": "kernels/affine.co", "symbol": "affine_f16"}
    truths = [(TRUTH, CORRECT), ("affine keeps to its arrays", safe), (COMPILES, check), ("f16 too", lost)]
    project = Project.made(tmp_path / "project", None, {PLAN: plan_text(truths)})
    code = object_of(project.root, toolchain, "kernels/affine.hip", "gfx1100")
    shutil.rmtree(project.root / "built")
    (project.root / "kernels/affine.hip").unlink()
    (project.root / "kernels/affine.co").write_bytes(code)
    project.edit("kernels/kernels.toml", "affine.hip", "affine.co")
    project.edit("kernels/contracts/affine.py", "affine.hip", "affine.co")
    report = tmp_path / "report.json"
    words = "run", "plan", "01-01", "--root", str(project.root), "--json", str(report), "--seed", SEED
    done = bare(tmp_path, wheel, *words)
    ran = Ran(done.returncode, done.stdout + done.stderr, json.loads(report.read_text()))
    assert (ran.verdict("T1"), ran.verdict("T2")) == ("verified", "verified"), ran.output
    assert ran.verdict("T3") == "unverified"
    assert "was built before" in ran.said("T3")
    assert ran.verdict("T4") == "failed"
    assert "has no kernel affine_f16" in ran.said("T4")
    assert ran.code == 1

    # The kernel's own fault is a failure as anywhere, and a file that is no code object is named.
    project.write("kernels/affine.hip", KERNEL.replace("2.0f * x[i] +", "2.0f * x[i] -"))
    code = object_of(project.root, toolchain, "kernels/affine.hip", "gfx1100")
    (project.root / "kernels/affine.co").write_bytes(code)
    assert bare(tmp_path, wheel, *words).returncode == 1
    assert Ran(1, "", json.loads(report.read_text())).verdict("T1") == "failed"
    (project.root / "kernels/affine.co").write_bytes(code[: len(code) // 2])
    done = bare(tmp_path, wheel, *words)
    assert Ran(1, "", json.loads(report.read_text())).verdict("T1") != "verified"
    assert "Traceback" not in done.stdout + done.stderr
    assert "affine.co" in done.stdout


def test_only_a_source_needs_a_compiler(
    toolchain: Toolchain, handmade: Path, outside: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    Runtime.load(toolchain.clang)  # as a wheel has it

    def absent(*_: object) -> Toolchain:
        raise CompilerNotFoundError("no HIP compiler was found", hint="install one")

    monkeypatch.setattr(Toolchain, "discover", absent)
    source = outside / "k.hip"
    source.write_text('extern "C" __global__ void nothing() {}\n')
    code, said = refused(capsys, source, "nothing", "--grid", 1, "--block", 1)
    assert (code, "install one" in said) == (3, True)
    assert main(["emulate", str(handmade), "nothing", "--grid", "1", "--block", "1"]) == 0
