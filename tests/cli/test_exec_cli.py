"""`rocverify exec`: programs on the device that the command itself is."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rocverify.cli.main import main
from rocverify.settings import Settings
from rocverify.toolchain.bundles import DeviceCode, write_bundle
from rocverify.toolchain.discover import Toolchain

HERE = Path(__file__).parent
C = 'extern "C" '  # the toolchain's compiler is a C++ one


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    return Toolchain.discover(Settings())


def build(toolchain: Toolchain, folder: Path, *words: str) -> None:
    include = toolchain.rocm_path / "include"
    command = [str(toolchain.clang), "-g", "-O1", "-w", "-I", str(include), *words]
    subprocess.run(command, cwd=folder, check=True, timeout=120)


@pytest.fixture(scope="session")
def programs(handmade_folder: Path, toolchain: Toolchain) -> Path:
    """A folder with `program` (exec_program.c), which knows HIP as any program does."""
    build(toolchain, handmade_folder, "-x", "c", str(HERE / "exec_program.c"), "-lamdhip64", "-o", "program")
    return handmade_folder


@pytest.fixture
def module(programs: Path, outside: Path, capfd: pytest.CaptureFixture[str]) -> str:
    """The code object of scale.hip; the working folder has `program`."""
    (outside / "program").symlink_to(programs / "program")
    flags = ("--", "-nogpuinc", "-nogpulib")
    assert main(["compile", str(HERE / "scale.hip"), *flags]) == 0
    capfd.readouterr()
    return "scale.hsaco"


def test_a_program_runs_and_is_told_about(module: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "./program", "launch", module]) == 0
    said = capfd.readouterr()
    assert said.out == "PASS\n"
    assert said.err.startswith(
        "rocverify: 1 launch (scale); 2 copies (1 to the device (4 KB), 1 back (4 KB)); "
    )
    assert "not sanitized" in said.err
    assert len(said.err.splitlines()) == 1


def test_children_count_too(module: str, capfd: pytest.CaptureFixture[str]) -> None:
    script = f"./program launch {module} && ./program launch {module}; exit 3"
    assert main(["exec", "--sanitize", "--", "sh", "-c", script]) == 3
    said = capfd.readouterr()
    assert said.out == "PASS\nPASS\n"
    assert "2 launches (scale x2)" in said.err
    assert "0 findings" in said.err


@pytest.mark.parametrize("order", ["lazy", "shuffled"])
def test_orders(module: str, order: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "--order", order, "--seed", "5", "./program", "launch", module]) == 0
    said = capfd.readouterr().err
    assert (f"{order}, seed 5]" if order == "shuffled" else "lazy]") in said


def test_the_trace_is_written_whatever_the_program_does(
    module: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["exec", "--trace", "t.json", "--counters", "./program", "launch", module]) == 0
    said = capfd.readouterr().err
    assert "rocverify: counters of scale" in said
    found: dict[str, Any] = json.loads(Path("t.json").read_text())
    assert found["schema"] == "rocverify.trace/1"
    assert found["summary"]["launches"] == {"scale": 1}
    (launch,) = [event for event in found["events"] if event["category"] == "launch"]
    assert (launch["kernel"], launch["grid"], launch["result"]) == ("scale", [4, 1, 1], "hipSuccess")
    assert launch["call_site"].startswith(str(HERE / "exec_program.c") + ":")
    assert launch["host_function"] == "scaled"
    assert found["counters"][0]["counters"]["global_load_bytes"] == 4000
    assert main(["exec", "--trace", "t.json", "./program", "exit", "7"]) == 7
    found = json.loads(Path("t.json").read_text())
    assert (found["exit_code"], found["program_exit_code"]) == (7, 7)
    assert [event["function"] for event in found["events"]] == ["hipGetDeviceCount"]


@pytest.mark.usefixtures("module")
def test_exit_codes_are_the_programs(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "--quiet", "./program", "abort"]) == 128 + signal.SIGABRT
    assert main(["exec", "--quiet", "--require-launch", "./program", "exit", "4"]) == 4
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("module")
def test_a_program_that_launched_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "./program", "exit", "0"]) == 0
    assert "used HIP, but launched no kernel" in capfd.readouterr().err
    assert main(["exec", "--require-launch", "true"]) == 1
    said = capfd.readouterr().err
    assert "made no HIP call at all: nothing of it was run on the device" in said
    assert "--require-launch" not in said


@pytest.mark.parametrize("how", ["fault", "fault-and-reset"])
def test_a_fault_that_the_program_shrugs_off(
    how: str, module: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["exec", "./program", how, module]) == 1
    said = capfd.readouterr()
    assert "PASS" not in said.out
    assert "rocverify: fault: " in said.err
    assert "scale.hip:3" in said.err


@pytest.mark.usefixtures("module")
def test_a_failed_call_that_nobody_looked_at(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "./program", "unseen"]) == 0
    said = capfd.readouterr().err
    assert (
        "failed, and the program never asked for its last error: hipMalloc: hipErrorOutOfMemory at " in said
    )
    assert "exec_program.c:" in said
    assert "; 1 HIP call, 1 failed (1 error never asked for); " in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGUSR1, 9), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_signals_are_passed_on(module: str, repo_root: Path, number: signal.Signals, code: int) -> None:
    del module
    command = [sys.executable, "-m", "rocverify", "exec", "./program", "wait"]
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(60) == code


@pytest.mark.usefixtures("module")
def test_the_programs_environment(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/elsewhere")
    assert main(["exec", "--quiet", "env"]) == 0
    found = dict(line.split("=", 1) for line in capfd.readouterr().out.splitlines() if "=" in line)
    assert found["LD_LIBRARY_PATH"].endswith(":/elsewhere")
    assert "OPENBLAS_NUM_THREADS" not in found
    assert found["ROCVERIFY_SOCKET"]


# ---- what cannot be run: one line, exit code 2, and the program was not started


def refused(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    capfd.readouterr()
    assert main(["exec", *words]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    return said.err


@pytest.mark.usefixtures("module")
def test_no_program(outside: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "./absent: there is no such program" in refused(capfd, "./absent")
    assert "no program program on the PATH\n  hint: write ./program" in refused(capfd, "program")
    assert "is a folder" in refused(capfd, f"{outside}/")
    (outside / "plain").write_text("hello\n")
    assert "is not executable\n  hint: chmod +x ./plain" in refused(capfd, "./plain")
    (outside / "plain").chmod(stat.S_IRWXU)
    assert "neither a program nor a script" in refused(capfd, "./plain")
    (outside / "script").write_text("#!/no/such/interpreter\n")
    (outside / "script").chmod(stat.S_IRWXU)
    assert "cannot be executed: No such file" in refused(capfd, "./script")
    assert main(["exec"]) == 2


def test_a_program_for_other_targets(
    outside: Path, toolchain: Toolchain, module: str, capfd: pytest.CaptureFixture[str]
) -> None:
    del module
    code = write_bundle([DeviceCode("gfx942", "", b"code"), DeviceCode("gfx90a", "", b"code")])
    (outside / "fat.bin").write_bytes(code)
    (outside / "fat.s").write_text(
        '.section .hip_fatbin,"a",@progbits\n.p2align 12\n.incbin "fat.bin"\n.section .note.GNU-stack\n'
    )
    build(toolchain, outside, str(HERE / "exec_program.c"), "fat.s", "-lamdhip64", "-o", "other")
    assert refused(capfd, "./other", "exit", "0") == (
        "error: ./other: holds gfx942 and gfx90a; this device is gfx1100: "
        "compile with --offload-arch=gfx1100 or use --target\n"
    )
    (outside / "static.c").write_text(
        f"{C}int __hipRegisterFatBinary(void) {{ return 0; }} {C}int main(void) {{}}"
    )
    build(toolchain, outside, "static.c", "fat.s", "-o", "static")
    assert "is linked statically with HIP" in refused(capfd, "./static")


def test_another_library_first(
    outside: Path,
    toolchain: Toolchain,
    module: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    del module
    (outside / "rocm").mkdir()
    (outside / "real.c").write_text(f"{C}int hipGetDeviceCount(int *n) {{ return *n = 1; }}\n")
    soname = "-Wl,-soname,libamdhip64.so.6"
    build(toolchain, outside, "-shared", "-fPIC", soname, "real.c", "-o", "rocm/libamdhip64.so.6")
    user = f"{C}int hipGetDeviceCount(int *);\nint main(void) {{ int n; return hipGetDeviceCount(&n); }}\n"
    (outside / "user.c").write_text(user)
    rpath = ("-Wl,--disable-new-dtags", f"-Wl,-rpath,{outside}/rocm")
    build(toolchain, outside, "user.c", "rocm/libamdhip64.so.6", *rpath, "-o", "user")
    said = refused(capfd, "./user")
    assert f"gets {outside}/rocm/libamdhip64.so.6 first, by its DT_RPATH" in said
    assert "LD_PRELOAD=" in said
    runpath = ("-Wl,--enable-new-dtags", rpath[1])
    build(toolchain, outside, "user.c", "rocm/libamdhip64.so.6", *runpath, "-o", "user")
    assert main(["exec", "./user"]) == 0
    monkeypatch.setenv("LD_PRELOAD", f"{outside}/rocm/libamdhip64.so.6")
    assert f"gets {outside}/rocm/libamdhip64.so.6 first, by LD_PRELOAD" in refused(capfd, "./user")
    monkeypatch.delenv("LD_PRELOAD")
    (outside / "rocm/libamdhip64.so.6").unlink()
    (outside / "old.c").write_text(f"{C}int hipGetDeviceCount(int *n) {{ return *n = 1; }}\n")
    build(toolchain, outside, "-shared", "-fPIC", "-Wl,-soname,libamdhip64.so.4", "old.c", "-o", "libold.so")
    build(toolchain, outside, "user.c", "libold.so", "-o", "user")
    capfd.readouterr()
    assert "needs libamdhip64.so.4; rocverify has libamdhip64.so.5, " in refused(capfd, "./user")


@pytest.mark.usefixtures("module")
def test_no_room(outside: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert "--trace no/t.json: cannot be written there" in refused(capfd, "--trace", "no/t.json", "true")
    deep = outside / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    assert "set TMPDIR" in refused(capfd, "true")
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: Path("/no/such/folder").mkdir())
    assert "no folder for the device's socket can be made" in refused(capfd, "true")
