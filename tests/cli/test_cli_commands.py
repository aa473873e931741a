"""The command line: help that is true, usage errors, roots, explain, doctor."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rocverify.cli.main import main
from rocverify.errors import CompilerNotFoundError, DeviceUnavailableError, ExitCode
from tests.runner.demo import COMMAND, FOLDER, REPOSITORY, Demo


def heavy_modules(*arguments: str) -> str:
    program = (
        "import sys; from rocverify.cli.main import main; code = main(sys.argv[1:]); "
        "names = ('numpy', 'llvmlite', 'pytest', 'jinja2', 'rich', 'rocm'); "
        "print('loaded', sorted(set(sys.modules) & set(names))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "words", [[], ["run"], ["run", "phase"], ["run", "plan"], ["run", "all"], ["explain"], ["doctor"]]
)
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    output = capsys.readouterr().out
    assert "Usage: rocverify" in output
    if words[:1] in ([], ["run"]):
        for code in ExitCode:
            assert f" {int(code)}  " in output


@pytest.mark.parametrize("kind", ["phase", "plan", "all"])
def test_every_run_command_has_every_option(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", kind, "--help"])
    output = capsys.readouterr().out
    for option in ("--root", "--device", "--target", "--seed", "--gate", "--no-write", "--json", "-- PYTEST"):
        assert option in output


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-command"],
        ["run", "no-such-command"],
        ["run", "phase"],
        ["run", "phase", "16", "--device", "tpu"],
        ["run", "phase", "16", "--seed", "-1"],
        ["run", "phase", "16", "--gate", "open"],
        ["run", "phase", "16", "--root", "/no/such/folder"],
        ["run", "phase", "16", "--no-such-option"],
        ["explain"],
    ],
)
def test_a_wrong_command_line_is_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "Error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "phase", "17"], "no phase '17'"),
        (["run", "plan", "16-09"], "no plan '16-09'"),
        (["explain", "17"], "no phase '17'"),
        (["run", "phase", "16", "--target", "sm_90"], "'sm_90' is not a gfx target"),
    ],
)
def test_what_is_not_there_is_2_and_named(
    demo: Demo, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.does("passed")
    assert main([*words, "--root", str(demo.root)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("does", "code"), [("failed", 1), ("passed", 2)])
def test_a_malformed_plan_stops_only_itself(
    demo: Demo, capsys: pytest.CaptureFixture[str], does: str, code: int
) -> None:
    demo.does(does)
    demo.plan({"B": [{"does": "passed", "no_such_parameter": 1}]}, number="16-02")
    assert demo.run("phase", "16") == code
    out = capsys.readouterr().out
    assert "16-02-PLAN.md:" in out
    assert "no_such_parameter" in out
    assert "refused, so its phase is not judged as a whole" in out
    assert demo.summary.exists()
    assert not (demo.summary.parent / "16-VERIFICATION.md").exists()


def test_where_no_plan_can_be_read_nothing_runs(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan({"B": [{"does": "passed", "no_such_parameter": 1}]})
    assert demo.run("plan", "16-01") == 2
    assert "no_such_parameter" in capsys.readouterr().err
    assert not demo.summary.exists()


def test_the_root_is_found_upwards(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.does("passed")
    deep = demo.file("a/b")
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert main(["run", "phase", "016"]) == 0
    assert demo.summary.exists()


def test_without_a_project_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "all"]) == 2
    assert ".planning" in capsys.readouterr().err


def test_run_all_takes_every_phase(demo: Demo) -> None:
    demo.does("passed")
    other = demo.file(".planning/phases/17-other/17-01-PLAN.md")
    other.parent.mkdir()
    text = demo.file(f"{FOLDER}/16-01-PLAN.md").read_text(encoding="utf-8")
    other.write_text(text.replace("16-demo", "17-other").replace("16-01-SUM", "17-01-SUM"), encoding="utf-8")
    demo.file(".planning/phases/18-empty").mkdir()
    assert demo.run("all") == 0
    assert [p["plan"] for p in demo.report()["plans"]] == ["16-01", "17-01"]
    assert demo.verification.exists()
    assert demo.file(".planning/phases/17-other/17-VERIFICATION.md").exists()


def test_the_end_of_a_run_names_the_summary_and_the_verdicts(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.does("passed", "failed")
    demo.run("phase", "16", "--seed", "3")
    lines = capsys.readouterr().out.splitlines()
    assert "report    reports/latest/index.html  (2 of 2 documents changed)" in lines
    assert "failed      16-01/T2: Truth 2 holds (REQ-02)" in lines
    assert not any("16-01/T1" in line for line in lines)
    assert "plans     16-01 gaps_found 1/2" in lines
    assert lines[-1].startswith("gaps_found: 1/2 verified, no device")
    assert "seed 3" in lines[-1]
    assert "exit code 1" in lines[-1]


def test_settings_of_the_project_count_and_the_command_line_wins(demo: Demo) -> None:
    demo.does("no_device", "seed")
    demo.file("rocverify.toml").write_text(
        'gate = "lenient"\nseed = 9\ntargets = ["gfx1030"]\n', encoding="utf-8"
    )
    assert demo.run("phase", "16") == 0
    report = demo.report()
    assert (report["seed"], report["gate"]) == (9, "lenient")
    assert report["plans"][0]["checks"][1]["evidence"] == {"seed": 9}
    assert demo.run("phase", "16", "--gate", "strict", "--seed", "4") == 3
    assert demo.report()["plans"][0]["checks"][1]["evidence"] == {"seed": 4}


def test_a_wrong_setting_is_2(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.does("passed")
    demo.file("rocverify.toml").write_text("tragets = []\n", encoding="utf-8")
    assert demo.run("phase", "16") == 2
    assert "tragets" in capsys.readouterr().err


def test_explain_shows_bindings_and_runs_nothing(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan({"It holds (REQ-01)": [{"does": "kill"}], "Who knows": []})
    before = demo.tree()
    assert main(["explain", "16", "--root", str(demo.root)]) == 0
    output = capsys.readouterr().out
    for part in (
        "16-01/T1  truth  REQ-01",
        "16-01/T1/fake",
        "does = kill",
        "why: ",
        "16-01/T2",
        "no check: ",
    ):
        assert part in output
    assert demo.tree() == before
    assert main(["explain", "16-01", "--root", str(demo.root)]) == 0
    assert capsys.readouterr().out == output


def test_explain_takes_several_plans_and_shows_each_once(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.plan({"A": [{"does": "passed"}]})
    path = demo.plan({"B": [{"does": "passed"}]}, number="16-02").relative_to(demo.root).as_posix()
    assert main(["explain", path, "16-01", "16", "--root", str(demo.root)]) == 0
    shown = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("16-0") and "/16" in line
    ]
    assert [line.split()[0] for line in shown if line.endswith("-PLAN.md")] == ["16-02", "16-01"]


def test_explain_of_a_plan_without_must_haves(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan({})
    assert main(["explain", "16-01", "--root", str(demo.root)]) == 0
    assert "nothing of it can be verified" in capsys.readouterr().out


def test_doctor_where_nothing_can_run(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import rocverify.toolchain.doctor as toolchain_doctor
    from rocverify.toolchain.discover import Toolchain

    def nothing(*_: object) -> None:
        raise CompilerNotFoundError("no HIP compiler was found", hint="apt-get install clang-19")

    record = toolchain_doctor.DoctorRecord("toolchain", False, "none", "apt-get install clang-19")
    monkeypatch.setattr(toolchain_doctor, "inspect", lambda _: [record])
    monkeypatch.setattr(Toolchain, "discover", nothing)
    assert main(["doctor", "--root", str(demo.root)]) == 3
    output = capsys.readouterr().out
    assert "missing toolchain: none" in output
    assert "apt-get install clang-19" in output
    assert "not ready" in output


def test_doctor_lists_what_opened_and_why_not(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import rocverify.toolchain.doctor as toolchain_doctor
    from rocverify.device.process import client
    from rocverify.toolchain.discover import Toolchain

    class Process:
        def open(self, options: Any) -> SimpleNamespace:
            if options.kind == "amd":
                raise DeviceUnavailableError("no /dev/kfd", hint="load amdgpu")
            return SimpleNamespace(name="the emulator", target=options.target)

        def close(self) -> None:
            pass

    tools = SimpleNamespace(objdump=None, clang=None)
    monkeypatch.setattr(toolchain_doctor, "inspect", lambda _: [])
    monkeypatch.setattr(Toolchain, "discover", lambda _: tools)
    monkeypatch.setattr(client, "DeviceProcess", Process)
    assert main(["doctor", "--root", str(demo.root)]) == 0
    output = capsys.readouterr().out
    assert "amd: no /dev/kfd" in output
    assert "load amdgpu" in output
    assert "ok      emulator: the emulator, gfx1100" in output
    assert output.rstrip().endswith("ready: kernels can be compiled and run")


def test_doctor_outside_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) in (0, 3)
    assert "toolchain" in capsys.readouterr().out


def test_a_bug_is_4_with_a_report(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import rocverify.cli.options as options

    def broken(_: object) -> Path:
        raise AssertionError("cannot be")

    monkeypatch.setattr(options, "find_root", broken)
    monkeypatch.setattr("rocverify.cli.run_selection.find_root", broken)
    demo.does("passed")
    assert demo.run("phase", "16") == 4
    errors = capsys.readouterr().err
    assert "AssertionError: cannot be" in errors
    assert "versions: rocverify" in errors


def test_a_closed_pipe_is_quiet(demo: Demo) -> None:
    demo.does(*["passed"] * 3)
    process = subprocess.Popen(
        [*COMMAND, "explain", "16"],
        cwd=demo.root,
        env={"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 130


def test_starting_loads_nothing_heavy() -> None:
    assert heavy_modules("--version") == "loaded []"
    assert heavy_modules("run", "phase", "--help") == "loaded []"


def test_a_terminal_gets_progress(demo: Demo) -> None:
    import os
    import pty

    demo.does("passed", "failed")
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "run", "phase", "16"],
        cwd=demo.root,
        env={"PYTHONPATH": str(REPOSITORY), "TERM": "xterm", "COLUMNS": "120", "PATH": os.environ["PATH"]},
        stdout=child,
        stderr=child,
        stdin=subprocess.DEVNULL,
    )
    os.close(child)
    chunks = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            data = os.read(parent, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        chunks.append(data)
    assert process.wait(timeout=10) == 1
    os.close(parent)
    output = b"".join(chunks).decode("utf-8", "replace")
    assert "\x1b[" in output
    assert "16-01/T2/fake" in output
    assert "gaps_found" in output


@pytest.mark.parametrize(("set_before", "seen"), [(None, "1"), ("2", "2")])
def test_blas_gets_one_thread_before_numpy_is_loaded(set_before: str | None, seen: str) -> None:
    program = (
        "import os, sys\n"
        "from rocverify.cli.main import main\n"
        "before = 'numpy' in sys.modules\n"
        "main(['run', '--help'])\n"
        "print(before, os.environ['OPENBLAS_NUM_THREADS'])\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    environment |= {} if set_before is None else {"OPENBLAS_NUM_THREADS": set_before}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == f"False {seen}"
