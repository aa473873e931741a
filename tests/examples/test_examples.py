"""The example projects: each is verified by its own start script, and a mistake in it is found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rocverify.cli.main import main
from tests.docs.pages import programs

OUTPUTS = (
    ".rocverify",
    "reports",
    "build",
    "target",
    "__pycache__",
    ".venv",
    "*-SUMMARY.md",
    "*-VERIFICATION.md",
)
# A mistake of each, and the must-haves that fail by it.
MISTAKES = {
    "python": ("kernels/vectors.py", "-(-n // _BLOCK)", "max(1, n // _BLOCK)", ["T4"]),
    "cpp": (
        "src/main.hip",
        "  return hipGetLastError();",
        "  float first;\n  return hipMemcpy(&first, y, 4, hipMemcpyDeviceToHost);",
        ["T3", "T5"],
    ),
    "rust": ("kernels/saxpy.hip", "y[i] += a * x[i]", "y[i] = a * x[i]", ["T4", "T5"]),
}
VERIFIED = {"python": "8/8", "cpp": "6/6", "rust": "6/6"}


@pytest.fixture
def environment(tmp_path: Path, repo_root: Path, kept: Path) -> dict[str, str]:
    """With `rocverify` on the PATH, and a cache that other tests have filled."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/rocverify").symlink_to(kept)
    path = programs(tmp_path / "bin", repo_root)
    return {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "120"}


def copied(repo_root: Path, name: str, folder: Path) -> Path:
    root = folder / name
    shutil.copytree(repo_root / "examples" / name, root, ignore=shutil.ignore_patterns(*OUTPUTS))
    return root


def verify(root: Path, environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [str(root / "verify.sh")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=280,
    )
    return done.returncode, done.stdout


@pytest.mark.long
@pytest.mark.parametrize("name", VERIFIED)
def test_an_example_is_verified(
    repo_root: Path, tmp_path: Path, environment: dict[str, str], name: str
) -> None:
    if name == "rust" and shutil.which("cargo") is None:
        pytest.skip("no Cargo: install it")
    code, said = verify(copied(repo_root, name, tmp_path), environment)
    assert code == 0, said
    assert f"passed: {VERIFIED[name]} verified" in said


@pytest.mark.drawn(3)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(repo_root: Path, tmp_path: Path, environment: dict[str, str], name: str) -> None:
    if name == "rust" and shutil.which("cargo") is None:
        pytest.skip("no Cargo: install it")
    root = copied(repo_root, name, tmp_path)
    file, right, wrong, failing = MISTAKES[name]
    text = (root / file).read_text(encoding="utf-8")
    assert text.count(right) == 1
    (root / file).write_text(text.replace(right, wrong), encoding="utf-8")
    code, said = verify(root, environment)
    assert code == 1, said
    (plan,) = json.loads((root / "reports/latest/report.json").read_text(encoding="utf-8"))["plans"]
    failed = [one["id"] for one in plan["must_haves"] if one["verdict"] == "failed"]
    assert failed == [f"01-01/{one}" for one in failing]


def test_every_example_is_verified_here(repo_root: Path) -> None:
    with_a_plan = {
        path.parents[3].name for path in (repo_root / "examples").glob("*/.planning/phases/*/*-PLAN.md")
    }
    # Triton's has a test of its own.
    assert with_a_plan - {"triton"} == set(VERIFIED) == set(MISTAKES)
    for name in VERIFIED:
        assert len((repo_root / f"examples/{name}/README.md").read_text(encoding="utf-8").splitlines()) <= 24


def test_init_writes_the_example(tmp_path: Path, repo_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert main(["init", "--example", str(folder), "--dry-run"]) == 0
    assert not folder.exists()
    assert main(["init", "--example", str(folder)]) == 0
    assert "written  verify.sh" in capsys.readouterr().out
    source = copied(repo_root, "python", tmp_path)
    written = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert written == {
        path.relative_to(source): path.read_bytes() for path in source.rglob("*") if path.is_file()
    }
    assert os.access(folder / "verify.sh", os.X_OK)
    (folder / "verify.sh").write_text("mine\n", encoding="utf-8")
    assert main(["init", "--example", str(folder)]) == 0
    assert (folder / "verify.sh").read_text(encoding="utf-8") == "mine\n"
    assert "kept     verify.sh" in capsys.readouterr().out


def test_init_takes_no_other_options_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--example", str(tmp_path / "demo"), "--ci", "github"]) == 2
    assert "--example stands alone" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
