"""A project that reaches out of itself: where a run reads, where it writes, whose word it takes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from _pytest import junitxml as xml

from rocverify.errors import ManifestError, UsageError
from rocverify.settings import Settings, load_settings
from rocverify.store import files
from rocverify.store.run_lock import writing
from rocverify.toolchain.manifest import load_manifest
from tests.attacks.conftest import MakeProject
from tests.attacks.project import KERNEL, PHASE, Project, manifest_text, plan_text

COMPILED = {"check": "kernel_compiled", "source": "kernels/affine.hip"}
COMPILES = {f"{PHASE}/01-01-PLAN.md": plan_text([("The kernel is compiled", COMPILED)])}
BARE = 'flags = ["-O3", "-nogpuinc", "-nogpulib"]\n'
BARE_KERNEL = """\
extern "C" __attribute__((global)) void affine_kernel(float* out) {
  out[__builtin_amdgcn_workitem_id_x()] = 2;
}
"""
SECRET = "hunter2 is the secret of this machine"


@pytest.fixture
def project(make_project: MakeProject) -> Project:
    """A plan that wants the kernel compiled; without HIP's headers, which takes a tenth of a second."""
    made = make_project({**COMPILES, "kernels/kernels.toml": manifest_text(more=BARE)})
    made.write("kernels/affine.hip", BARE_KERNEL)
    made.write("../secret.txt", f"{SECRET}\n")
    made.write("../outside/settings.h", "#define FACTOR 2\n")
    return made


def everything_written(project: Project) -> str:
    """The text of all reports that runs left in the project."""
    folders = (project.root / "reports", project.root / PHASE)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


def test_the_project_itself_is_verified(project: Project) -> None:
    ran = project.run()
    assert (ran.code, ran.verdict()) == (0, "verified"), ran.output


@pytest.mark.parametrize(
    "flags",
    [
        "-fplugin=./evil.so",
        "-Xclang -load",
        "-mllvm -load=evil.so",
        "-include ../secret.txt",
        "-imacros ../secret.txt",
        "-isystem ../outside",
        "-fprofile-use=../secret.txt",
        "-save-temps",
        "-ftime-trace=../trace.json",
        "-fsave-optimization-record",
        "-serialize-diagnostics ../d.bin",
        "--config=../clang.cfg",
        "-B../outside",
        "-fuse-ld=../outside/lld",
        "-Wl,--version",
        "-Wp,-include,../secret.txt",
        "-Wa,-I../outside",
        "-fembed-offload-object=../secret.txt",
        "--sysroot=../outside",
        "-ivfsoverlay ../v.yaml",
    ],
)
def test_a_flag_that_reaches_out_is_refused(project: Project, flags: str) -> None:
    words = ", ".join(f'"{word}"' for word in flags.split())
    project.write("kernels/kernels.toml", manifest_text(more=f"flags = [{words}]\n"))
    with pytest.raises(ManifestError, match="is not a flag that a manifest may set") as refused:
        load_manifest(project.root, Settings())
    assert refused.value.where == "kernels/kernels.toml:5"


@pytest.mark.parametrize(
    "flags",
    [
        "-O2",
        "-std=c++20",
        "-DX=1 -UY",
        "-U Y",
        "-Ikernels",
        "-I kernels",
        "-fno-fast-math",
        "-ffp-contract=off",
        "-mwavefrontsize64",
        "-mcumode",
        "-Wno-unused-variable",
    ],
)
def test_a_flag_of_the_list_is_taken_as_it_stands(project: Project, flags: str) -> None:
    words = ", ".join(f'"{word}"' for word in flags.split())
    project.write("kernels/kernels.toml", manifest_text(more=f"flags = [{words}]\n"))
    manifest = load_manifest(project.root, Settings())
    (flagged,) = {entry.flags for entry in manifest.entries}
    assert flagged == tuple(flags.split())


def test_a_plugin_of_the_compiler_is_refused(project: Project) -> None:
    project.write("kernels/kernels.toml", manifest_text(more='flags = ["-fplugin=kernels/evil.so"]\n'))
    ran = project.run()
    assert ran.code == 2, ran.output
    assert "'-fplugin=kernels/evil.so' is not a flag that a manifest may set" in ran.output
    assert "kernels/kernels.toml:5" in ran.output


@pytest.mark.parametrize("flag", ["-I../outside", "-I/usr/include", "-Ikernels/link", "-I ../outside"])
def test_a_folder_of_headers_outside_is_refused(project: Project, flag: str) -> None:
    (project.root / "kernels/link").symlink_to("/etc")
    words = ", ".join(f'"{word}"' for word in flag.split())
    project.write("kernels/kernels.toml", manifest_text(more=f"flags = [{words}]\n"))
    with pytest.raises(ManifestError, match="leads out of the root"):
        load_manifest(project.root, Settings())


@pytest.mark.long
def test_the_command_line_may_allow_more(project: Project) -> None:
    flags = 'flags = ["-nogpuinc", "-nogpulib", "-I../outside", "-fno-finite-loops"]\n'
    project.write("kernels/kernels.toml", manifest_text(more=flags))
    project.write("kernels/affine.hip", '#include "settings.h"\n' + BARE_KERNEL.replace("= 2", "= FACTOR"))
    allowed = ("--allow-flag=-fno-finite-loops", "--allow-include", str(project.root.parent / "outside"))
    assert project.run(*allowed[1:]).code == 2
    ran = project.run(*allowed)
    assert (ran.code, ran.verdict()) == (0, "verified"), ran.output
    assert ran.report is not None
    assert "--allow-flag=-fno-finite-loops" in ran.report["command"]
    project.write("kernels/kernels.toml", manifest_text(more=flags.replace(', "-I../outside"', "")))
    project.edit("kernels/affine.hip", '"settings.h"', '"../../outside/settings.h"')
    assert project.run(*allowed).code == 0
    # What was compiled when it was allowed is in the cache, and is not taken from there now.
    ran = project.run(allowed[0])
    assert ran.verdict() == "failed"
    assert "lies outside of the project" in ran.said()


@pytest.mark.parametrize("key", ["allow_flags = ['-mllvm']", "allow_includes = ['/etc']"])
def test_the_project_may_not_allow_itself_more(project: Project, key: str) -> None:
    project.write("rocverify.toml", key + "\n")
    with pytest.raises(UsageError, match="only the command line can say that"):
        load_settings(project.root)


@pytest.mark.parametrize(
    "source",
    [
        '#include "/etc/passwd"\n',
        '#include "../../secret.txt"\n',
        '#include "link.h"\n',
        '#include "there/../secret.txt"\n',
        "#define NAME <../../secret.txt>\n#include NAME\n",
        'const char text[] = {\n#embed "../../secret.txt"\n};\nstatic_assert(text[0] == 0, "");\n',
        'const char text[] = {\n#embed "/etc/passwd"\n};\n',
    ],
)
def test_a_file_outside_is_neither_compiled_in_nor_shown(project: Project, source: str) -> None:
    (project.root / "kernels/link.h").symlink_to("../../secret.txt")
    (project.root / "kernels/there").symlink_to("../../outside")
    project.write("kernels/affine.hip", source + BARE_KERNEL)
    ran = project.run()
    assert (ran.code, ran.verdict()) == (1, "failed"), ran.output
    assert "lies outside of the project" in ran.said()
    said = ran.output + everything_written(project)
    for secret in (SECRET, "hunter2", "root:x:0:0"):
        assert secret not in said


@pytest.mark.parametrize(
    "code",
    [
        'asm volatile(".pushsection .rodata\\n.incbin \\"../secret.txt\\"\\n.popsection");',
        'asm volatile(".macro r k\\n.inc\\\\k \\"../secret.txt\\"\\n.endm");',
    ],
)
def test_assembly_reads_no_files(project: Project, code: str) -> None:
    project.edit("kernels/affine.hip", "  out[", f"  {code}\n  out[")
    ran = project.run()
    assert (ran.code, ran.verdict()) == (1, "failed"), ran.output
    assert "hunter2" not in ran.output + everything_written(project)


def test_assembly_that_reads_nothing_is_compiled(project: Project) -> None:
    project.edit("kernels/affine.hip", "  out[", '  asm volatile("s_nop 0 ; .incbin");\n  out[')
    assert project.run().code == 0


@pytest.mark.parametrize("name", [f"{PHASE}/01-01-SUMMARY.md", "reports/latest/report.json"])
def test_a_pipe_holds_nobody_up(project: Project, name: str) -> None:
    pipe = project.root / name
    pipe.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(pipe)
    ran = project.run()
    assert ran.code == 2
    assert f"{name}: is neither a file nor a folder" in ran.output


def test_a_source_that_is_a_pipe_holds_nobody_up(project: Project) -> None:
    (project.root / "kernels/affine.hip").unlink()
    os.mkfifo(project.root / "kernels/affine.hip")
    ran = project.run()
    assert (ran.code, ran.verdict()) == (1, "failed")
    assert "kernels/affine.hip" in ran.said()


def test_lines_of_the_projects_own_sources_are_shown(project: Project) -> None:
    project.edit("kernels/affine.hip", "= 2;", "= two_of_them;")
    project.run()
    assert "out[__builtin_amdgcn_workitem_id_x()] = two_of_them;" in everything_written(project)


@pytest.mark.parametrize(
    "setting",
    [
        'reports_dir = "../elsewhere"',
        'reports_dir = "/tmp/elsewhere"',
        'cache_dir = "../elsewhere"',
        'cache_dir = "link/cache"',
        'reports_dir = "link"',
        'manifest = "../kernels.toml"',
        'kernel_globs = ["../**/*.hip"]',
        'host_globs = ["/etc/*"]',
        'contract_globs = ["kernels/../../*.py"]',
        'compiler = "./kernels/clang"',
    ],
)
def test_a_setting_that_leads_out_is_refused(project: Project, setting: str) -> None:
    (project.root / "link").symlink_to(project.root.parent / "outside")
    project.write("rocverify.toml", setting + "\n")
    with pytest.raises(UsageError) as refused:
        load_settings(project.root)
    assert str(refused.value).startswith(f"rocverify.toml: {setting.partition(' ')[0]}: ")


def test_reports_are_not_written_outside(project: Project) -> None:
    project.write("rocverify.toml", 'reports_dir = "../elsewhere"\n')
    ran = project.run()
    assert (ran.code, ran.report) == (2, None), ran.output
    assert "leads out of the root" in ran.output
    assert not (project.root.parent / "elsewhere").exists()


@pytest.mark.parametrize(
    "name",
    ["reports", "reports/latest/report.json", f"{PHASE}/01-VERIFICATION.md", f"{PHASE}/01-01-SUMMARY.md"],
)
def test_nothing_is_written_through_a_link(project: Project, name: str) -> None:
    outside = project.root.parent / "outside"
    target = outside if "." not in Path(name).name else outside / "precious.txt"
    (outside / "precious.txt").write_text("precious", encoding="utf-8")
    (outside / "settings.h").unlink()
    link = project.root / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
    ran = project.run(selection="phase 01")
    assert ran.code == 2, ran.output
    assert f"{name} is one" in ran.output or "is a link" in ran.output or "leads outside" in ran.output
    assert [path.name for path in outside.iterdir()] == ["precious.txt"]
    assert (outside / "precious.txt").read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("selection", ["phase 01", "plan 01-01", "plan 01-02"])
def test_two_plans_cannot_share_a_summary(project: Project, selection: str) -> None:
    shared = "docs/SUMMARY.md"
    project.write(f"{PHASE}/01-01-PLAN.md", plan_text([("x", None)], summary=shared))
    project.write(f"{PHASE}/01-02-PLAN.md", plan_text([("x", None)], plan="02", summary=shared))
    ran = project.run(selection=selection)
    assert (ran.code, ran.report) == (2, None), ran.output
    assert f"names {shared}, which is the summary of {PHASE}/01-0" in ran.output
    assert not (project.root / shared).exists()


@pytest.mark.parametrize("path", ["../SUMMARY.md", "/tmp/SUMMARY.md", "~/SUMMARY.md", "out/SUMMARY.md"])
def test_a_summary_outside_is_written_beside_the_plan(project: Project, path: str) -> None:
    outside = project.root.parent / "outside"
    (project.root / "out").symlink_to(outside)
    before = sorted(outside.rglob("*"))
    project.write(f"{PHASE}/01-01-PLAN.md", plan_text([("x", None)], summary=path))
    ran = project.run()
    assert f"the summary is written to {PHASE}/01-01-SUMMARY.md" in ran.output
    assert (project.root / PHASE / "01-01-SUMMARY.md").is_file()
    assert sorted(outside.rglob("*")) == before


def test_a_summary_of_another_plan_is_not_written(project: Project) -> None:
    other = f"{PHASE}/01-01-SUMMARY.md"
    project.write(f"{PHASE}/01-02-PLAN.md", plan_text([("x", None)], plan="02", summary=other))
    ran = project.run(selection="plan 01-02")
    assert "which is another plan's" in ran.output
    assert not (project.root / other).exists()
    assert (project.root / PHASE / "01-02-SUMMARY.md").is_file()


def test_a_run_waits_for_another_one_that_writes(project: Project) -> None:
    summary = project.root / PHASE / "01-01-SUMMARY.md"
    words = ["run", "plan", "01-01", "--root", str(project.root), "--device", "emulator"]
    cache = ["--cache-dir", str(project.cache), "--trust-cache"]
    with writing(project.root, "rocverify run all", print):
        second = subprocess.Popen(
            [sys.executable, "-m", "rocverify", *words, *cache],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr is not None
        line = second.stderr.readline()
        assert line.startswith(f"waiting for process {os.getpid()} (rocverify run all, since"), line
        assert not summary.exists()
    assert second.communicate(timeout=120)[1] == ""
    assert second.returncode == 0
    assert summary.exists()


def test_drafts_of_a_killed_run_are_swept(project: Project) -> None:
    drafts = [
        project.root / PHASE / ".01-01-SUMMARY.md.abc_1234.tmp",
        project.root / "reports/latest/.report.json.xyz98765.tmp",
    ]
    for draft in drafts:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text("half of a report", encoding="utf-8")
        os.utime(draft, (1, 1))
    assert project.run().code == 0
    assert not [draft for draft in drafts if draft.exists()]


@pytest.mark.long
def test_a_record_of_the_cache_that_was_rewritten_by_hand_does_not_count(make_project: MakeProject) -> None:
    """The right kernel's object under the wrong kernel's request."""
    project = make_project()
    project = Project(project.root, None)
    assert project.run().verdict() == "verified"
    wrong = KERNEL.replace("2.0f * x[i]", "3.0f * x[i]")
    compiled = project.root / ".rocverify/cache/compiled"
    right = [json.loads(p.read_text("utf-8").partition("\n")[2]) for p in compiled.glob("*/*/*.json")]
    project.write("kernels/affine.hip", wrong)
    assert project.run().verdict() == "failed"
    for record in compiled.glob("*/*/*.json"):
        body = json.loads(record.read_text("utf-8").partition("\n")[2])
        body["object"] = right[0]["object"]
        text = json.dumps(body)
        framed = len(text).to_bytes(8, "little") + text.encode()
        record.write_text(f"{hashlib.sha256(framed).hexdigest()}\n{text}", encoding="utf-8")
    ran = project.run()
    assert ran.verdict() == "failed"
    assert "of out are wrong" in ran.said()
    shutil.rmtree(project.root / ".rocverify")


@pytest.mark.long
def test_under_ci_the_cache_counts_only_where_it_was_asked_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    project = Project(project.root, None)
    assert project.run().code == 0
    assert not (project.root / ".rocverify/cache").exists()
    assert project.run("--trust-cache").code == 0
    assert (project.root / ".rocverify/cache/objects").is_dir()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_without_room_is_the_machines_fault(
    project: Project, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(*_: object, **how: object) -> None:
        raise OSError(code, os.strerror(code), str(how.get("dir")))

    monkeypatch.setattr(files.tempfile, "mkstemp", full)
    ran = Project(project.root, None).run("--seed", "1")
    assert ran.code == 2, ran.output
    assert os.strerror(code) in ran.output
    assert not any(words in ran.output for words in ("internal error", "please report"))


def test_a_full_folder_for_temporary_files_is_the_machines_fault(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(xml.LogXML, "pytest_sessionfinish", full)
    ran = project.run()
    assert ran.code == 2, ran.output
    assert "error: No space left on device" in ran.output
    assert "please report" not in ran.output
