"""C programs of Debian's headers over the library, a device process's server behind it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rocverify.device.library_build import hip_library_folder
from rocverify.device.process.attach import HipLibrary
from rocverify.device.process.devices import DeviceOptions, open_device
from rocverify.device.process.server import Server
from rocverify.toolchain.discover import Toolchain

HERE = Path(__file__).parent
TIMEOUT_S = 120


@pytest.fixture(params=["eager", "lazy", "shuffled"])
def environment(request: pytest.FixtureRequest, toolchain: Toolchain, kept: Path) -> Iterator[dict[str, str]]:
    """Variables that make a program a client of an emulated GPU."""
    device = open_device(
        DeviceOptions(
            "emulator", "gfx1100", order=request.param, seed=7, threads=2, cache_dir=kept,
            objdump=toolchain.objdump, clang=toolchain.clang,
        )
    )  # fmt: skip
    server = Server([device.context])
    yield os.environ | HipLibrary.environment(server.path, 0)
    server.close()


def built(name: str, folder: Path) -> Path:
    """A program of these tests, linked with the library."""
    program = folder / name
    library = hip_library_folder()
    subprocess.run(
        ["gcc", "-std=gnu11", "-Wall", "-Werror", "-Wno-deprecated-declarations", str(HERE / f"{name}.c"),
         f"-L{library}", "-lamdhip64", "-o", str(program)],
        check=True,
    )  # fmt: skip
    return program


def run(program: Path, *arguments: str, env: dict[str, str], said: str = "") -> None:
    """Runs a program that has to find all as it expects it; `said` is what it has to say on stderr."""
    result = subprocess.run(
        [str(program), *arguments], env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", said)


def test_queries_and_handles(tmp_path, environment):
    run(built("queries", tmp_path), env=environment)


def test_modules_and_graphs(tmp_path, environment, compiled: Callable[[str], Path]):
    run(built("graphs", tmp_path), str(compiled("gfx1100")), env=environment)


def test_functions_of_later_releases(tmp_path, environment, compiled: Callable[[str], Path]):
    said = (
        "rocverify: hipGraphAddNode of a node of semaphores is not served: it returns hipErrorNotSupported\n"
    )
    run(built("later", tmp_path), str(compiled("gfx1100")), str(tmp_path / "dot"), env=environment, said=said)
