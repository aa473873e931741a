"""`rocverify compile`, and sources, bundles and host programs given to `inspect` and `emulate`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rocverify.cli.main import main
from rocverify.settings import Settings
from rocverify.toolchain.bundles import DeviceCode, device_code, write_bundle
from rocverify.toolchain.discover import Toolchain
from tests.mounts import with_tmpfs

BARE = ("-nogpuinc", "-nogpulib")
SOURCE = """\
#define GLOBAL __attribute__((global)) void
#define ME __builtin_amdgcn_workitem_id_x()
namespace ns { template <class T> GLOBAL fill(T* x, T v) { x[ME] = v + BASE; } }
template GLOBAL ns::fill<float>(float*, float);
template GLOBAL ns::fill<int>(int*, int);
extern "C" GLOBAL one(int* x) { x[ME] = 1; }
"""
FLAGS = ("--", *BARE, "-DBASE=1")
LAUNCH = ("--grid", "1", "--block", "4", "--json")


@pytest.fixture
def source(outside: Path) -> Path:
    """The source, in the working folder."""
    path = outside / "k.hip"
    path.write_text(SOURCE)
    return path


def emulated(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["emulate", *words]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("source")
def test_one_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "k.hip", "--target", "gfx1151", *FLAGS]) == 0
    command, head, *kernels = capsys.readouterr().out.splitlines()
    words = shlex.split(command)
    assert "--offload-arch=gfx1151" in words
    assert words.index("-O3") < words.index("-DBASE=1")
    assert head == "k.hsaco: 3 kernel(s) for gfx1151"
    shown = dict(line.strip().split("): " if "(" in line else ": ") for line in kernels)
    assert set(shown) == {"void ns::fill<float>(float*, float", "void ns::fill<int>(int*, int", "one"}
    assert all("VGPRs" in text and "0 bytes of LDS" in text for text in shown.values())
    first = Path("k.hsaco").read_bytes()
    subprocess.run(words, check=True, timeout=60)  # what was printed is what was done
    assert Path("k.hsaco").read_bytes() == first


@pytest.mark.usefixtures("source")
def test_several_targets_are_files_or_a_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    targets = ("--target", "gfx1100", "--target", "gfx90a:xnack-")
    assert main(["compile", "k.hip", *targets, *FLAGS]) == 0
    assert device_code(Path("k.gfx90a-xnack-.hsaco").read_bytes(), "")[0].target_id == "gfx90a:xnack-"
    assert Path("k.gfx1100.hsaco").is_file()
    assert main(["compile", "k.hip", *targets, "--bundle", *FLAGS]) == 0
    codes = device_code(Path("k.hipfb").read_bytes(), "")
    assert [code.target_id for code in codes] == ["gfx1100", "gfx90a:xnack-"]
    assert codes[0].data == Path("k.gfx1100.hsaco").read_bytes()
    assert "k.hipfb: an offload bundle for gfx1100 and gfx90a:xnack-" in capsys.readouterr().out
    assert main(["compile", "k.hip", "-o", "all.co", *targets, *FLAGS]) == 2
    assert "--bundle" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--bundle"]], ids=["code object", "bundle"])
def test_a_full_disk_is_told_in_one_line(source: Path, more: list[str]) -> None:
    """Neither the linker's crash nor ours."""
    full = source.parent / "full"
    full.mkdir()
    words = ["compile", "k.hip", "-o", "full/k.hsaco", *more, *FLAGS]
    command = with_tmpfs(str(full), "4k", [sys.executable, "-m", "rocverify", *words])
    variables = {**os.environ, "TMPDIR": str(source.parent)}  # where clang leaves what it says of a crash
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    error, *hint = done.stderr.splitlines()
    assert done.returncode == 2, done.stderr
    assert error.startswith("error: -o full/k.hsaco: " if not more else "error: full/k.hsaco: ")
    assert "no room" in error or "No space left on device" in error
    assert all(line.startswith("  hint: ") for line in hint), done.stderr


@pytest.mark.usefixtures("source")
def test_what_the_compiler_says_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "k.hip", "--", *BARE]) == 1
    assert "k.hip:3:" in capsys.readouterr().err
    assert not Path("k.hsaco").exists()
    assert main(["emulate", "k.hip", "one", *LAUNCH, "--arg", "i32[4]:out", "--", *BARE]) == 2
    assert "undeclared identifier 'BASE'" in capsys.readouterr().err


def test_bad_command_lines(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "absent.hip"]) == 2
    assert "absent.hip: does not exist" in capsys.readouterr().err
    assert main(["compile", str(source.parent)]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert main(["compile", "k.hip", "--", "-o", "x"]) == 2
    assert "the flag -o is set by rocverify itself" in capsys.readouterr().err
    assert main(["compile", "k.hip", "--target", "gfx", *FLAGS]) == 3
    assert "'gfx'" in capsys.readouterr().err
    assert main(["compile", "k.hip", "-o", "no/such/folder/k.co", *FLAGS]) == 1
    assert "no/such/folder" in capsys.readouterr().err


@pytest.mark.usefixtures("source")
def test_a_source_is_as_good_as_a_code_object(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--arg", "f32[4]:out", "--arg", "f32:1.5", *LAUNCH, *FLAGS)
    done = emulated(capsys, "k.hip", "ns::fill<float>", *words)
    assert done["buffers"][0]["head"] == [2.5] * 4
    assert done["kernel"] == "_ZN2ns4fillIfEEvPT_S1_"
    assert main(["emulate", "k.hip", "fill", *words]) == 2
    said = capsys.readouterr().err
    assert "k.hip: has 2 kernels fill:" in said
    assert "void ns::fill<int>(int*, int)" in said
    assert main(["inspect", "k.hip", "--kernel", "void ns::fill<int>(int*, int)", *FLAGS]) == 0
    assert "  in C++          void ns::fill<int>(int*, int)" in capsys.readouterr().out


@pytest.mark.usefixtures("source")
def test_of_a_bundle_the_target_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    targets = [word for name in ("gfx908", "gfx1151", "gfx1103") for word in ("--target", name)]
    assert main(["compile", "k.hip", "--bundle", *targets, *FLAGS]) == 0
    capsys.readouterr()
    assert main(["inspect", "k.hipfb", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == "gfx1151"  # the first that can be run
    assert main(["inspect", "k.hipfb", "--json", "--target", "gfx1103"]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == "gfx1103"
    words = ("one", "--arg", "i32[4]:out", *LAUNCH)
    assert emulated(capsys, "k.hipfb", *words)["buffers"][0]["head"] == [1] * 4
    assert main(["emulate", "k.hipfb", *words, "--target", "gfx1100"]) == 2
    assert capsys.readouterr().err == (
        "error: k.hipfb: holds gfx908, gfx1151 and gfx1103; this device is gfx1100: "
        "compile with --offload-arch=gfx1100 or use --target\n"
    )
    assert main(["emulate", "k.hipfb", *words, "--", "-O1"]) == 2
    assert "is not a source" in capsys.readouterr().err


def test_a_host_program_of_two_sources(outside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its fat binary has one bundle for each source; kernels are found in all of them."""
    toolchain = Toolchain.discover(Settings())
    blobs = []
    for name in ("first", "second"):
        (outside / f"{name}.hip").write_text(SOURCE.replace("one(", f"{name}("))
        assert main(["compile", f"{name}.hip", *FLAGS]) == 0
        blobs.append(write_bundle([DeviceCode("gfx1100", "", (outside / f"{name}.hsaco").read_bytes())]))
    (outside / "fat.bin").write_bytes(b"".join(blobs))
    (outside / "fat.s").write_text('.section .hip_fatbin,"a",@progbits\n.p2align 12\n.incbin "fat.bin"\n')
    program = outside / "program.so"
    command = [str(toolchain.clang), "-shared", "-nostdlib", "-x", "assembler", "fat.s", "-o", program.name]
    subprocess.run(command, check=True, timeout=60)
    capsys.readouterr()
    words = ("second", "--arg", "i32[4]:out", *LAUNCH)
    assert emulated(capsys, "program.so", *words)["buffers"][0]["head"] == [1] * 4
    assert main(["inspect", "program.so", "--json"]) == 0
    objects = json.loads(capsys.readouterr().out)["code_objects"]
    assert [len(one["kernels"]) for one in objects] == [3, 3]


@pytest.mark.usefixtures("source")
def test_the_types_of_a_source_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (
        (("f64[4]:out", "f32:1"), "argument 0 (x) is float*, but the array holds f64"),
        (("f32[4]:out", "i32:1"), "argument 1 (v) is float, but a value of another kind was given"),
    ):
        words = [word for argument in arguments for word in ("--arg", argument)]
        assert main(["emulate", "k.hip", "fill<float>", *words, *LAUNCH, *FLAGS]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(
    ("grid", "said"), [("1,70000", "65535"), ("1,1,65536", "65535"), ("2147483648", "2147483647")]
)
def test_grids_that_no_device_takes(grid: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("one", "--grid", grid, "--block", "1", "--arg", "i32[4]:out")
    assert main(["emulate", "k.hip", *words, *FLAGS]) == 2
    assert said in capsys.readouterr().err
