"""The builder: what it makes, when it compiles and when it need not, and how it fails."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rocverify.errors import CodeObjectError, CompileError, ToolchainError
from rocverify.settings import Settings
from rocverify.toolchain.build import Builder, BuiltObject
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import load_manifest
from tests.toolchain.support import BARE, BARE_KERNEL, Project, find_toolchain

TARGET = "gfx1100"
ToolScript = Callable[[str, str], Path]


def build(project: Project, *flags: str, source: str = "kernels/k.hip") -> BuiltObject:
    return project.builder().build(project.entry(*BARE, *flags, source=source), TARGET)


def counting(project: Project, tool_script: ToolScript) -> tuple[Project, Callable[[], int]]:
    """The same project with a compiler that notes each compilation, and the count of them."""
    notes = project.root / "compilations"
    clang = project.toolchain.clang
    body = f'case "$*" in *-###* | *"-x ir"*) ;; *) echo once >> {notes} ;; esac\nexec {clang} "$@"'
    script = tool_script("clang++", body)
    toolchain = dataclasses.replace(project.toolchain, clang=script)
    return dataclasses.replace(project, toolchain=toolchain), lambda: len(
        notes.read_text().splitlines() if notes.exists() else ()
    )


def test_the_repositorys_kernels_compile(toolchain: Toolchain, repo_root: Path, own_cache: Path) -> None:
    manifest = load_manifest(repo_root, Settings())
    results = Builder(repo_root, toolchain, own_cache).build_all(manifest.entries, [TARGET])
    assert [r.source for r in built(results)] == [e.source for e in manifest.entries]
    for entry, result in zip(manifest.entries, built(results), strict=True):
        assert set(entry.symbols) <= set(result.code_object.kernels)
        assert result.code_object.target == TARGET
        assert result.compiler == toolchain.version


def built(results: Sequence[BuiltObject | CompileError]) -> list[BuiltObject]:
    failed = [r for r in results if isinstance(r, CompileError)]
    assert not failed
    return [r for r in results if isinstance(r, BuiltObject)]


def test_evidence_can_be_checked_with_other_tools(project: Project) -> None:
    result = build(project)
    sums = subprocess.run(
        ["sha256sum", result.path, project.root / "kernels/k.hip"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert (result.sha256, result.source_sha256) == (sums[0], sums[2])
    again = subprocess.run(result.command, cwd=project.root, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert (project.root / "k.gfx1100.co").read_bytes() == result.path.read_bytes()


def test_results_come_entry_by_entry_and_target_by_target(project: Project) -> None:
    project.write("kernels/l.hip", "#define VALUE 2.0f\n" + BARE_KERNEL)
    entries = [project.entry(*BARE), project.entry(*BARE, source="kernels/l.hip")]
    results = built(project.builder().build_all(entries, [TARGET, "gfx90a"]))
    assert [(r.source, r.code_object.target) for r in results] == [
        ("kernels/k.hip", "gfx1100"),
        ("kernels/k.hip", "gfx90a"),
        ("kernels/l.hip", "gfx1100"),
        ("kernels/l.hip", "gfx90a"),
    ]


# --- what is compiled again, and what is not --------------------------------------------------------


def test_unchanged_kernel_is_compiled_once(project: Project, tool_script: ToolScript) -> None:
    project, compilations = counting(project, tool_script)
    first, second = build(project), build(project)
    assert (first.cached, second.cached) == (False, True)
    assert compilations() == 1
    assert dataclasses.replace(second, cached=False) == first


def test_one_builder_notices_changes_too(project: Project) -> None:
    builder = project.builder()
    first = builder.build(project.entry(*BARE), TARGET)
    project.write("kernels/value.h", "#define VALUE 2.0f\n")
    second = builder.build(project.entry(*BARE), TARGET)
    assert not second.cached
    assert second.sha256 != first.sha256


def test_header_changed_without_its_date_or_size_changing(project: Project) -> None:
    before = (project.root / "kernels/value.h").stat()
    first = build(project)
    header = project.write("kernels/value.h", "#define VALUE 3.0f\n")
    os.utime(header, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert header.stat().st_size == before.st_size
    second = build(project)
    assert not second.cached
    assert second.headers_sha256 != first.headers_sha256


def test_going_back_to_an_earlier_header_compiles_nothing(project: Project) -> None:
    first = build(project)
    project.write("kernels/value.h", "#define VALUE 2.0f\n")
    build(project)
    project.write("kernels/value.h", "#define VALUE 1.0f\n")
    back = build(project)
    assert back.cached
    assert back.sha256 == first.sha256


def test_deeply_included_header_counts(project: Project) -> None:
    project.write("kernels/value.h", '#include "deep/er.h"\n')
    project.write("kernels/deep/er.h", "#define VALUE 1.0f\n")
    build(project)
    project.write("kernels/deep/er.h", "#define VALUE 5.0f\n")
    assert not build(project).cached


def test_header_that_appears_earlier_in_the_include_path(project: Project) -> None:
    project.write("kernels/k.hip", "#include <value.h>\n" + BARE_KERNEL)
    project.write("late/value.h", "#define VALUE 1.0f\n")
    flags = ("-Iearly", "-Ilate")
    first = build(project, *flags)
    assert build(project, *flags).cached
    project.write("early/value.h", "#define VALUE 9.0f\n")
    second = build(project, *flags)
    assert not second.cached
    assert second.sha256 != first.sha256


def test_header_that_has_include_looked_for_in_vain(project: Project) -> None:
    project.write(
        "kernels/k.hip",
        '#if __has_include("better.h")\n#include "better.h"\n#else\n#define VALUE 1.0f\n#endif\n'
        + BARE_KERNEL,
    )
    first = build(project)
    project.write("kernels/better.h", "#define VALUE 9.0f\n")
    second = build(project)
    assert not second.cached
    assert second.sha256 != first.sha256


def test_removed_header_is_an_error_not_a_stale_object(project: Project) -> None:
    build(project)
    (project.root / "kernels/value.h").unlink()
    with pytest.raises(CompileError, match=r"'value\.h' file not found") as caught:
        build(project)
    assert caught.value.where == "kernels/k.hip:1"


@pytest.mark.parametrize("flags", [("-O0",), ("-DVALUE2",), ("-gline-tables-only",)])
def test_flags_are_part_of_the_request(project: Project, flags: tuple[str, ...]) -> None:
    build(project)
    assert not build(project, *flags).cached


def test_extra_flags_give_line_tables(project: Project) -> None:
    result = project.builder().build(project.entry(*BARE), TARGET, ["-gline-tables-only"])
    assert b".debug_line" in result.path.read_bytes()


def test_another_compiler_compiles_anew(project: Project) -> None:
    build(project)
    other = dataclasses.replace(project, toolchain=find_toolchain("clang-15"))
    assert not build(other).cached
    assert build(project).cached


def test_environment_cannot_smuggle_in_headers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("kernels/k.hip", "#include <smuggled.h>\n" + BARE_KERNEL)
    project.write("elsewhere/smuggled.h", "#define VALUE 1.0f\n")
    monkeypatch.setenv("CPATH", str(project.root / "elsewhere"))
    with pytest.raises(CompileError, match="not found"):
        build(project)


@pytest.mark.drawn(2, fast=2)
@pytest.mark.parametrize("kind", ["objects/*/*.co", "compiled/*/*/*.json"])
@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b[:-9] + b"?" + b[-8:], lambda _: b""]
)
def test_damaged_cache_is_noticed_and_made_again(
    project: Project, kind: str, damage: Callable[[bytes], bytes]
) -> None:
    first = build(project)
    (file,) = project.cache.glob(kind)
    whole = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(damage(whole))
    again = build(project)
    assert not again.cached
    assert again.path.read_bytes() == first.path.read_bytes()
    assert build(project).cached


def test_processes_that_start_together_compile_once(project: Project, tool_script: ToolScript) -> None:
    project, compilations = counting(project, tool_script)
    program = (
        "import dataclasses, sys; from pathlib import Path; from rocverify.settings import Settings\n"
        "from rocverify.toolchain.discover import Toolchain\n"
        "from tests.toolchain.support import BARE, Project\n"
        "found = Toolchain.discover(Settings(), prefer='clang-19')\n"
        "toolchain = dataclasses.replace(found, clang=Path(sys.argv[2]))\n"
        "project = Project(Path(sys.argv[1]), toolchain)\n"
        "print(project.builder().build(project.entry(*BARE), 'gfx1100').sha256)\n"
    )
    command = [sys.executable, "-c", program, str(project.root), str(project.toolchain.clang)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    digests = {process.communicate(timeout=60)[0] for process in running}
    assert len(digests) == 1
    assert digests != {""}
    assert compilations() == 1


def test_threads_of_one_builder_compile_once(project: Project, tool_script: ToolScript) -> None:
    project, compilations = counting(project, tool_script)
    results = built(project.builder().build_all([project.entry(*BARE)] * 6, [TARGET]))
    assert len({r.sha256 for r in results}) == 1
    assert compilations() == 1


def test_nothing_half_made_stays_behind(project: Project) -> None:
    build(project)
    project.write("kernels/k.hip", "nonsense\n")
    with pytest.raises(CompileError):
        build(project)
    left = {path.name for path in project.cache.iterdir()}
    assert left == {"compiled", "device-libs", "objects"}
    assert not list(project.cache.rglob(".draft-*"))


# --- the bytes are the same wherever they are made --------------------------------------------------


@pytest.mark.long
def test_same_bytes_in_another_checkout(toolchain: Toolchain, repo_root: Path, tmp_path: Path) -> None:
    digests = set()
    for place in ("here", "some/where/else"):
        root = tmp_path / place
        shutil.copytree(repo_root / "kernels", root / "kernels")
        entry = load_manifest(root, Settings()).entries[0]
        result = Builder(root, toolchain, root / "cache").build(entry, TARGET, ["-gline-tables-only", "-O0"])
        assert str(tmp_path).encode() not in result.path.read_bytes()
        digests.add(result.sha256)
    assert len(digests) == 1


# --- failures ---------------------------------------------------------------------------------------


def test_compile_error_is_shown_as_the_compiler_gave_it(project: Project) -> None:
    project.write("kernels/k.hip", "#define VALUE __shfl_down_f32(1.0f, 1)\n" + BARE_KERNEL)
    with pytest.raises(CompileError, match="use of undeclared identifier '__shfl_down_f32'") as caught:
        build(project)
    assert caught.value.where == "kernels/k.hip:3"
    compiler = [str(project.toolchain.clang), "-x", "hip", f"--offload-arch={TARGET}", "--cuda-device-only"]
    alone = subprocess.run(
        [*compiler, "--no-gpu-bundle-output", *BARE, "-c", "kernels/k.hip", "-o", "out.co"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert caught.value.log == alone.stderr


def test_error_inside_a_header_names_the_header(project: Project) -> None:
    project.write("kernels/value.h", "#define VALUE 1.0f\n#error no such thing\n")
    with pytest.raises(CompileError) as caught:
        build(project)
    assert caught.value.where == "kernels/value.h:2"


def test_one_failure_leaves_the_others_alone(project: Project) -> None:
    project.write("kernels/bad.hip", "nonsense\n")
    entries = [project.entry(*BARE, source="kernels/bad.hip"), project.entry(*BARE)]
    bad, good = project.builder().build_all(entries, [TARGET])
    assert isinstance(bad, CompileError)
    assert isinstance(good, BuiltObject)


def test_too_much_lds_does_not_compile(toolchain: Toolchain, project: Project) -> None:
    project = dataclasses.replace(project, toolchain=toolchain)
    project.write(
        "kernels/k.hip",
        'extern "C" __attribute__((global)) void big(float* x) {\n'
        "  static __attribute__((shared)) float t[33280];\n"
        "  t[__builtin_amdgcn_workitem_id_x()] = x[0];\n  __builtin_amdgcn_s_barrier();\n"
        "  x[0] = t[__builtin_amdgcn_workitem_id_x() ^ 1];\n}\n",
    )
    with pytest.raises(CompileError, match=r"133120.*exceeds limit \(65536\)"):
        build(project)


def test_undefined_device_function_names_the_symbol(project: Project) -> None:
    project.write(
        "kernels/k.hip",
        'extern "C" __attribute__((device)) float missing_one(float);\n'
        "#define VALUE missing_one(1.0f)\n" + BARE_KERNEL,
    )
    with pytest.raises(CompileError, match="missing_one"):
        build(project)


def test_unknown_flag_points_at_the_manifest(project: Project) -> None:
    with pytest.raises(CompileError, match="unknown argument") as caught:
        build(project, "-fno-such-flag")
    assert caught.value.where == "kernels/k.hip"
    assert "line 4" in (caught.value.hint or "")


def test_missing_source_is_a_compile_error(project: Project) -> None:
    with pytest.raises(CompileError, match="No such file") as caught:
        build(project, source="kernels/gone.hip")
    assert caught.value.where == "kernels/gone.hip"


def test_source_that_leads_out_of_the_root(project: Project, tmp_path: Path) -> None:
    (tmp_path / "outside.hip").write_text(BARE_KERNEL)
    (project.root / "kernels/link.hip").symlink_to(tmp_path / "outside.hip")
    with pytest.raises(CompileError, match="out of the root"):
        build(project, source="kernels/link.hip")


def misbehaving(project: Project, tool_script: ToolScript, body: str, timeout_s: float = 60.0) -> Project:
    """The project with a compiler that makes device libraries as it should, and kernels by `body`."""
    real = project.toolchain.clang
    script = tool_script("clang++", f'case "$*" in *-###* | *"-x ir"*) exec {real} "$@" ;; esac\n{body}')
    toolchain = dataclasses.replace(project.toolchain, clang=script, timeout_s=timeout_s)
    return dataclasses.replace(project, toolchain=toolchain)


@pytest.mark.long
def test_compiler_that_hangs_is_stopped(project: Project, tool_script: ToolScript) -> None:
    body = f"sleep 60 & echo $! > {project.root}/child; wait"
    with pytest.raises(ToolchainError, match=r"did not finish within 2 s") as caught:
        build(misbehaving(project, tool_script, body, timeout_s=2.0))
    assert not isinstance(caught.value, CompileError)
    child = (project.root / "child").read_text().strip()
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_compiler_that_crashes_decides_nothing(project: Project, tool_script: ToolScript) -> None:
    body = "echo 'Stack dump:' >&2; kill -SEGV $$"
    with pytest.raises(ToolchainError, match="crashed") as caught:
        build(misbehaving(project, tool_script, body))
    assert not isinstance(caught.value, CompileError)


def test_compiler_that_writes_nonsense(project: Project, tool_script: ToolScript) -> None:
    write = 'case $p in -o) printf junk > "$a" ;; -MF) echo "o: kernels/k.hip" > "$a" ;; esac'
    body = f'for a in "$@"; do {write}; p=$a; done'
    with pytest.raises(CodeObjectError):
        build(misbehaving(project, tool_script, body))
    assert not list(project.cache.glob("objects/*/*.co"))


def test_compiler_that_writes_nothing(project: Project, tool_script: ToolScript) -> None:
    with pytest.raises(ToolchainError, match="wrote no code object"):
        build(misbehaving(project, tool_script, "exit 0"))


def test_source_that_changes_under_the_compiler_is_compiled_again(
    project: Project, tool_script: ToolScript
) -> None:
    """The first compilation reads the old header; what is kept must be of the new one."""
    new = "#define VALUE 7.0f"
    body = (
        f'{project.toolchain.clang} "$@" || exit\n'
        f"[ -e {project.root}/changed ] || echo '{new}' > {project.root}/kernels/value.h\n"
        f"touch {project.root}/changed"
    )
    result = build(misbehaving(project, tool_script, body))
    project.write("kernels/value.h", new + "\n")
    shutil.rmtree(project.cache)
    assert build(project).sha256 == result.sha256
