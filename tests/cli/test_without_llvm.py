"""What is compiled already is run and looked at where there is neither a compiler nor LLVM's tools."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from rocverify.cli.main import main
from rocverify.device.emulator.launch import runtime_code
from rocverify.errors import CompilerNotFoundError
from rocverify.settings import Settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from tests.cli.test_emulate_cli import Capture, refused

SOURCE = """#include <hip/hip_runtime.h>
extern "C" __global__ void scale(float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] = x[i] * 3.0f;
}
extern "C" __global__ void unguarded(float* x) { x[blockIdx.x * blockDim.x + threadIdx.x] = 1.0f; }
"""
BARE = """
import sys
from pathlib import Path
from rocverify.cli.main import main
from rocverify.device.emulator.launch import runtime_code
from rocverify.errors import CompilerNotFoundError
from rocverify.toolchain import locate
locate.SEARCH = locate.SearchPlaces((), Path("/nowhere"))
runtime_code.PREBUILT = Path(sys.argv.pop(1))
from rocverify.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return Toolchain.discover(Settings())


@pytest.fixture(scope="module")
def wheel(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a wheel has of the runtime, as far as this machine takes it."""
    folder = tmp_path_factory.mktemp("prebuilt")
    level = runtime_code.level_here()
    made = runtime_code.made(toolchain.clang, runtime_code._machine(), [level])
    (folder / f"{level}.bc.zst").write_bytes(zstandard.compress(made[level]))
    (folder / runtime_code.DIGEST_FILE).write_text(runtime_code.sources_digest())
    return folder


def bare(folder: Path, wheel: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROC")}
    environment |= {"PATH": "", "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-c", BARE, str(wheel), *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
    )


@pytest.mark.long
@pytest.mark.parametrize("target", ["gfx1030", "gfx1100", "gfx1201"])
def test_a_code_object_needs_no_toolchain(
    wheel: Path, toolchain: Toolchain, tmp_path: Path, target: str
) -> None:
    (tmp_path / "k.hip").write_text(SOURCE)
    entry = ManifestEntry("k.hip", ("scale", "unguarded"), "K", flags=("-gline-tables-only",))
    built = Builder(tmp_path, toolchain, tmp_path / "built").build(entry, target)
    (tmp_path / "k.hip").unlink()
    (tmp_path / "k.co").write_bytes(built.path.read_bytes())
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


def test_only_a_source_needs_a_compiler(
    handmade: Path, outside: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_: object) -> Toolchain:
        raise CompilerNotFoundError("no HIP compiler was found", hint="install one")

    monkeypatch.setattr(Toolchain, "discover", absent)
    source = outside / "k.hip"
    source.write_text('extern "C" __global__ void nothing() {}\n')
    code, said = refused(capsys, source, "nothing", "--grid", 1, "--block", 1)
    assert (code, "install one" in said) == (3, True)
    assert main(["emulate", str(handmade), "nothing", "--grid", "1", "--block", "1"]) == 0
