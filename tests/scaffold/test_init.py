"""`rocverify init`: what it finds in many layouts, what it writes, and that it changes nothing."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rocverify.settings import load_settings
from tests.scaffold.conftest import Run

ADD = """\
#include <hip/hip_runtime.h>

extern "C" __global__ void NAME(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] + 1;
}
"""
PAGE = ".planning/ROCVERIFY.md"
PLAN = ".planning/phases/01-kernels/01-01-PLAN.md"


def add(name: str = "add_one") -> str:
    return ADD.replace("NAME", name)


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def contents(root: Path) -> dict[str, bytes]:
    """Every file but the cache's and git's."""
    files = (path for path in root.rglob("*") if path.is_file())
    named = {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    return {name: data for name, data in named.items() if not name.startswith((".rocverify/", ".git/"))}


def test_everything_is_written_and_a_second_time_nothing(project: Path, rocverify: Run) -> None:
    write(project, {"kernels/add.hip": add()})
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    code, said = rocverify("init")
    assert code == 0, said
    first = contents(project)
    made = {
        "rocverify.toml",
        "kernels/__init__.py",
        "kernels/contracts/__init__.py",
        "kernels/contracts/add.py",
        PLAN,
        ".gitignore",
        PAGE,
    }
    assert set(first) == {"kernels/add.hip", *made}
    assert all(f"written  {name}" in said for name in made)
    assert first[".gitignore"] == b"/.rocverify/\n/reports/latest/\n"
    assert "rocverify run plan 01-01" in said
    code, said = rocverify("init")
    assert (code, contents(project)) == (0, first), said
    assert "written  " not in said
    assert rocverify("lint") == (0, "0 errors, 0 warnings, 0 notes\n")


@pytest.mark.long
def test_a_dry_run_shows_it_and_writes_nothing(project: Path, rocverify: Run) -> None:
    write(project, {"kernels/add.hip": add()})
    code, said = rocverify("init", "--dry-run")
    assert code == 0, said
    assert "| class AddOne:" in said
    assert [path.name for path in project.rglob("*")] == ["kernels", "add.hip"]


@pytest.mark.long
def test_what_is_there_stays_to_the_byte(project: Path, rocverify: Run) -> None:
    there = {
        "kernels/add.hip": add(),
        "rocverify.toml": '# ours\nkernel_globs = ["kernels/*.hip"]\n',
        "kernels/__init__.py": "# ours\n",
        "kernels/contracts/add.py": "ours = 1\n",
        PAGE: "ours\n",
        ".gitignore": "*.o\r\n# ours",
        ".planning/phases/03-ours/03-01-PLAN.md": "---\nphase: 03-ours\nplan: 01\n---\n",
    }
    write(project, there)
    (project / ".gitignore").write_bytes(there[".gitignore"].encode())
    (project / ".git").mkdir()
    code, said = rocverify("init")
    assert code == 1, said
    after = contents(project)
    assert after.pop(".gitignore") == b"*.o\r\n# ours\r\n/.rocverify/\r\n/reports/latest/\r\n"
    assert after == {name: text.encode() for name, text in there.items() if name != ".gitignore"}
    assert (
        "left     kernels/contracts/add.py  (is there already, and has no contract of kernels/add.hip)"
        in said
    )


@pytest.mark.drawn(2, fast=2)
@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no source of this project defines a kernel"),
        ({"kernels/host.hip": "int main() {}\n", "readme.txt": "__global__"}, "defines a kernel"),
        ({"kernels/add.hip": add(), "rocverify.toml": "gates = 1\n"}, "gates"),
        ({"kernels/add.hip": add(), "pyproject.toml": "[tool.rocverify\n"}, "is not valid TOML"),
        ({"kernels/add.hip": add(), "kernels/kernels.toml": "[[kernel]]\n"}, "kernels/kernels.toml"),
        ({"kernels/add.hip": add(), ".planning": "a file\n"}, ".planning"),
    ],
)
def test_what_cannot_be_begun_is_told(
    project: Path, rocverify: Run, files: Mapping[str, str], words: str
) -> None:
    write(project, files)
    code, said = rocverify("init")
    assert code == 2, said
    assert words in said
    assert "Traceback" not in said


def test_a_folder_that_cannot_be_written_to(
    project: Path, rocverify: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, {"kernels/add.hip": add()})

    whole = Path.open

    def refused(path: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        if mode in ("r", "rb"):
            return whole(path, mode, *more, **named)
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refused)
    code, said = rocverify("init")
    assert code == 2, said
    assert "rocverify.toml: cannot be written: Permission denied" in said


@pytest.mark.long
def test_what_does_not_compile_is_left_and_said(project: Path, rocverify: Run) -> None:
    write(project, {"kernels/add.hip": add(), "kernels/bad.hip": add("bad").replace("+ 1", "+ one")})
    write(
        project,
        {"host.cpp": 'auto k = "__global__ void k()"; auto r = R"x(__global__ void "k")x"; // __global__'},
    )
    write(project, {"kernels/worse.hip": "__global__ void worse( { int }\n"})
    code, said = rocverify("init")
    assert code == 1, said
    assert "left     kernels/bad.hip  (no contract of it was begun: kernels/bad.hip" in said
    assert "left     kernels/worse.hip  (it says __global__, and no kernel of it could be read)" in said
    assert "host.cpp" not in said
    assert "`bad` is compiled" in (project / PLAN).read_text(encoding="utf-8")
    assert (project / "kernels/contracts/add.py").is_file()


@pytest.mark.long
def test_a_kernel_that_came_later_is_named_with_the_command(project: Path, rocverify: Run) -> None:
    write(project, {"kernels/add.hip": add()})
    assert rocverify("init")[0] == 0
    text = add() + add("add_two").partition("\n")[2]
    write(project, {"kernels/add.hip": text})
    before = contents(project)
    code, said = rocverify("init")
    assert (code, contents(project)) == (1, before), said
    assert "no contract of add_two; begin it with: rocverify contract new kernels/add.hip" in said
    place = project / "kernels/contracts/add.py"
    place.write_text(place.read_text(encoding="utf-8").replace('symbol="add_one"', "symbol=names()"))
    code, said = rocverify("init")
    assert (code, "no contract of" in said) == (0, False), said


@pytest.mark.long
def test_kernels_of_one_name_in_several_folders_and_odd_names(project: Path, rocverify: Run) -> None:
    write(
        project,
        {
            "one/add.hip": add("dims"),
            "two/add.hip": add("größe"),
            "two/my-class.hip": add("launch_kernel") + add("launch").partition("\n")[2],
        },
    )
    code, said = rocverify("init")
    assert code == 0, said
    texts = {p.name: p.read_text(encoding="utf-8") for p in project.glob("contracts/*.py")}
    assert set(texts) == {"__init__.py", "one_add.py", "two_add.py", "my_class.py"}
    assert "class DimsKernel:" in texts["one_add.py"]
    assert "class Größe:" in texts["two_add.py"]
    assert "class LaunchKernel:" in texts["my_class.py"]
    assert "class Launch2:" in texts["my_class.py"]
    plan = (project / PLAN).read_text(encoding="utf-8")
    assert '"contracts.two_add:Größe"' in plan
    assert "`größe` is compiled" in plan
    code, said = rocverify("explain", "01")
    assert (code, "no check" in said, "less than" in said) == (0, False, False), said
    settings = load_settings(project)
    assert settings.kernel_globs == ("one/**/*.hip", "two/**/*.hip")
    assert settings.contract_globs == ("contracts/*.py",)


@pytest.mark.long
def test_src_stays_a_folder_of_the_import_path(project: Path, rocverify: Run) -> None:
    settings = 'contract_globs = ["src/engine/contracts/*.py"]\n'
    write(project, {"src/engine/__init__.py": "", "src/engine/add.hip": add(), "rocverify.toml": settings})
    code, said = rocverify("init")
    assert code == 0, said
    assert not (project / "src/__init__.py").exists()
    assert (project / "src/engine/contracts/__init__.py").exists()
    assert '"engine.contracts.add:AddOne"' in (project / PLAN).read_text(encoding="utf-8")


@pytest.mark.long
def test_so_does_a_folder_that_pyproject_names(project: Path, rocverify: Run) -> None:
    """Its modules go by their names there, in `init` and in a run."""
    settings = 'contract_globs = ["lib/python/engine/contracts/*.py"]\n'
    write(
        project,
        {
            "pyproject.toml": '[tool.setuptools]\npackage-dir = {"" = "lib/python"}\n',
            "lib/python/engine/__init__.py": "",
            "lib/python/engine/add.hip": add(),
            "rocverify.toml": settings,
        },
    )
    code, said = rocverify("init")
    assert code == 0, said
    assert not (project / "lib/__init__.py").exists()
    assert not (project / "lib/python/__init__.py").exists()
    assert '"engine.contracts.add:AddOne"' in (project / PLAN).read_text(encoding="utf-8")
    code, said = rocverify("run", "phase", "1", "--device", "emulator")
    assert "there is no module" not in said
    assert "engine.contracts.add:AddOne: is not finished" in said, said


@pytest.mark.long
def test_contracts_do_not_need_what_a_package_imports(project: Path, rocverify: Run) -> None:
    """A package's own module is often heavy: contracts are begun outside of it."""
    write(project, {"engine/__init__.py": "import torch_that_is_not_here\n", "engine/add.hip": add()})
    code, said = rocverify("init")
    assert code == 0, said
    settings = tomllib.loads((project / "rocverify.toml").read_text(encoding="utf-8"))
    assert settings["contract_globs"] == ["contracts/*.py"]
    place = project / "contracts/add.py"
    text = place.read_text(encoding="utf-8")
    for body in ("return x + 1", 'return {"two": x + 2}'):
        text = re.sub(r"raise NotImplementedError.*", body, text, count=1)
    place.write_text(text, encoding="utf-8")
    code, said = rocverify("run", "plan", "01-01")
    assert code == 0, said


@pytest.mark.long
def test_settings_of_pyproject_are_kept_and_followed(project: Path, rocverify: Run) -> None:
    text = '[tool.rocverify]\ncontract_globs = ["checks/*.py"]\nreports_dir = "out"\n'
    write(project, {"pyproject.toml": text, "kernels/add.hip": add()})
    (project / ".git").mkdir()
    code, said = rocverify("init")
    assert code == 0, said
    assert "kept     pyproject.toml" in said
    assert not (project / "rocverify.toml").exists()
    assert (project / "checks/add.py").is_file()
    assert "/out/latest/" in (project / ".gitignore").read_text(encoding="utf-8")


@pytest.mark.long
def test_flags_of_the_build_are_those_that_contracts_are_begun_with(project: Path, rocverify: Run) -> None:
    source = '#include "step.h"\n' + add().replace("+ 1", "+ STEP")
    build = "include_directories(include)\nadd_library(k gpu/add.hip)\n"
    write(project, {"CMakeLists.txt": build, "include/step.h": "#define STEP 2\n", "gpu/add.hip": source})
    code, said = rocverify("init")
    assert code == 0, said
    assert "class AddOne" in (project / "gpu/contracts/add.py").read_text(encoding="utf-8")


@pytest.mark.long
def test_links_are_not_written_through(project: Path, rocverify: Run, tmp_path: Path) -> None:
    write(project, {"kernels/add.hip": add()})
    (tmp_path / "elsewhere").mkdir()
    (project / ".planning").symlink_to(tmp_path / "elsewhere")
    code, said = rocverify("init")
    assert code == 2, said
    assert not any((tmp_path / "elsewhere").iterdir())


@pytest.mark.long
def test_outside_of_a_repository_nothing_is_ignored(project: Path, rocverify: Run) -> None:
    write(project, {"kernels/add.hip": add()})
    code, said = rocverify("init", "--root", str(project))
    assert code == 0, said
    assert "left     .gitignore  (this is not a git repository)" in said
    assert not (project / ".gitignore").exists()


@pytest.mark.long
def test_plans_that_are_there_get_entries_for_what_leaves_nothing_to_judge(
    project: Path, rocverify: Run
) -> None:
    plan = ".planning/phases/02-ours/02-01-PLAN.md"
    truths = ["`add_one` matches the CPU reference", "Constant brightness is 32", "The code is clean"]
    listed = "".join(f"    - '{truth}'\n" for truth in truths)
    text = f"---\nphase: 02-ours\nplan: 01\nmust_haves:\n  truths:\n{listed}---\n\nOurs.\n"
    write(project, {"kernels/add.hip": add(), "kernels/host.py": "brightness = 32\n", plan: text})
    write(project, {plan.replace("01-PLAN", "02-PLAN"): "---\na: [\n---\n"})
    code, said = rocverify("init")
    assert code == 1, said
    assert f"added    {plan}  (1 entry)" in said
    assert "has 2 plans; no check decides 1 must-haves of them, see `rocverify bind`" in said
    assert f"left     {plan.replace('01-PLAN', '02-PLAN')}:3" in said
    after = (project / plan).read_text(encoding="utf-8")
    entries = after.partition("rocverify:\n")[2].partition("---\n")[0]
    assert after.replace(f"rocverify:\n{entries}", "") == text
    assert entries.startswith("  - proves: T2\n    check: constant_value\n")
    assert not (project / PLAN).exists()
    first = contents(project)
    assert rocverify("init")[0] == 1
    assert contents(project) == first
