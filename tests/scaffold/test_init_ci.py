"""CI jobs: what `init --ci` writes, and this repository's own workflow, action and hooks."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rocverify.cli.main import cli
from rocverify.device.emulator.isa.targets import TARGETS
from rocverify.scaffold import ci
from rocverify.scaffold.ci import Provider, ci_steps, requirement
from rocverify.scaffold.steps import State, Writer
from rocverify.settings import Settings
from rocverify.toolchain.packages import debian_packages
from tests.scaffold.conftest import Run

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOW = ".github/workflows/rocverify.yml"
JOB = ".gitlab/rocverify.yml"
PIPELINE = ".gitlab-ci.yml"
SETTINGS = Settings(targets=("gfx1100", "gfx1030"), reports_dir="out", kernel_globs=("src/**/*.hip",))


def write(root: Path, provider: Provider, settings: Settings = SETTINGS, *, dry: bool = False) -> list[State]:
    return [step.state for step in ci_steps(provider, settings, Writer(root, dry))]


def read(root: Path, name: str) -> Any:
    # YAML 1.1 has `on` for true.
    return yaml.safe_load((root / name).read_text(encoding="utf-8").replace("\non:", '\n"on":', 1))


def scripts(data: Any) -> Iterator[str]:
    """The shell lines of a workflow, action or job."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "run" and isinstance(value, str):
                yield value
            elif key in ("script", "before_script"):
                yield "\n".join(value)
            else:
                yield from scripts(value)
    elif isinstance(data, list):
        for value in data:
            yield from scripts(value)


def parses(script: str) -> bool:
    return subprocess.run(["bash", "-n", "-c", script], check=False).returncode == 0


def test_githubs_workflow_runs_each_target_and_keeps_what_there_is_to_keep(tmp_path: Path) -> None:
    assert write(tmp_path, Provider.GITHUB) == [State.WRITTEN]
    workflow = read(tmp_path, WORKFLOW)
    assert set(workflow["on"]) == {"push", "pull_request"}
    job = workflow["jobs"]["verify"]
    assert job["strategy"]["matrix"] == {"target": ["gfx1100", "gfx1030"]}
    uses = {step["uses"].partition("@")[0]: step for step in job["steps"] if "uses" in step}
    assert uses["actions/upload-artifact"]["with"]["path"] == "out/latest"
    assert uses["github/codeql-action/upload-sarif"]["with"]["sarif_file"] == "out/latest/rocverify.sarif"
    restored, saved = (uses[f"actions/cache/{name}"] for name in ("restore", "save"))
    assert restored["with"]["key"] == saved["with"]["key"]
    assert "src/**/*.hip" in restored["with"]["key"]
    assert "matrix.target" in restored["with"]["key"]
    assert restored["with"]["key"].startswith(restored["with"]["restore-keys"].rstrip())
    assert "github.event_name == 'push'" in saved["if"]
    assert "default_branch" in saved["if"]
    lines = list(scripts(workflow))
    assert any("rocverify run all --target" in line for line in lines)
    assert all(map(parses, lines))
    # What an event or a matrix says is never part of a script.
    assert not any("${{" in line for line in lines)


def test_gitlabs_job_does_the_same(tmp_path: Path) -> None:
    assert write(tmp_path, Provider.GITLAB) == [State.WRITTEN, State.WRITTEN]
    assert read(tmp_path, PIPELINE) == {"include": [{"local": JOB}]}
    job = read(tmp_path, JOB)["rocverify"]
    assert job["parallel"]["matrix"] == [{"TARGET": ["gfx1100", "gfx1030"]}]
    assert job["artifacts"]["reports"] == {
        "junit": "out/latest/junit.xml",
        "codequality": "out/latest/gl-code-quality.json",
    }
    assert job["artifacts"]["when"] == "always"
    assert job["variables"]["CACHE_POLICY"] == "pull"
    (saves,) = (rule for rule in job["rules"] if "variables" in rule)
    assert saves["if"] == "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
    assert all(map(parses, scripts(job)))


@pytest.mark.parametrize("provider", Provider)
def test_what_is_there_is_kept(tmp_path: Path, provider: Provider) -> None:
    write(tmp_path, provider)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert set(write(tmp_path, provider, Settings())) == {State.KEPT}
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_pipeline_that_is_there_stays_and_says_what_it_lacks(tmp_path: Path) -> None:
    pipeline = tmp_path / PIPELINE
    pipeline.write_text("stages: [test]\n", encoding="utf-8")
    *_, step = ci_steps(Provider.GITLAB, SETTINGS, Writer(tmp_path, dry=False))
    assert (step.state, step.note) == (State.LEFT, f"add to its `include:` the line `- local: {JOB}`")
    assert pipeline.read_text(encoding="utf-8") == "stages: [test]\n"


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path, Provider.GITLAB, dry=True) == [State.WRITTEN, State.WRITTEN]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["/var/cache/x", "a; rm -rf $HOME", "$(id)", "."])
def test_settings_are_no_part_of_a_shell_line_unless_they_are_plain_paths(
    tmp_path: Path, folder: str
) -> None:
    write(tmp_path, Provider.GITHUB, Settings(cache_dir=folder, reports_dir=folder))
    text = (tmp_path / WORKFLOW).read_text(encoding="utf-8")
    assert "rm -rf .rocverify/cache #" in text
    assert "$HOME" not in text
    assert "$(id)" not in text


def test_init_takes_it(project: Path, rocverify: Run) -> None:
    (project / "kernels").mkdir()
    (project / "kernels/add.hip").write_text(
        '#include <hip/hip_runtime.h>\nextern "C" __global__ void add(float* y) { y[threadIdx.x] += 1; }\n',
        encoding="utf-8",
    )
    code, said = rocverify("init", "--ci", "github", "--dry-run")
    assert code == 0, said
    assert f"written  {WORKFLOW}" in said
    assert "|         target: [" in said
    assert not (project / ".github").exists()
    code, said = rocverify("init", "--ci", "github")
    assert code == 0, said
    assert (project / WORKFLOW).is_file()


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (None, "rocverify=="),
        ('{"url": "file:///home/me/rocverify", "dir_info": {"editable": true}}', "rocverify=="),
        (
            '{"url": "https://example.org/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc1"}}',
            "rocverify @ git+https://example.org/r.git@abc1",
        ),
    ],
)
def test_what_pip_installs_is_where_this_came_from(
    monkeypatch: pytest.MonkeyPatch, told: str | None, wanted: str
) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return told

    monkeypatch.setattr(ci.metadata, "distribution", lambda _: Distribution())
    assert requirement().startswith(wanted)


# -- this repository's own -------------------------------------------------------------------------------


def test_the_own_workflow_and_action_fit_each_other() -> None:
    action, workflow = read(REPOSITORY, "action.yml"), read(REPOSITORY, WORKFLOW)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    ours = [step for step in steps if step.get("uses") == "./"]
    assert ours
    assert all(set(step["with"]) <= set(action["inputs"]) for step in ours)
    lines = [*scripts(action), *scripts(workflow)]
    assert all(map(parses, lines))
    assert not any("${{" in line for line in lines)
    assert (REPOSITORY / ".ci/run").exists()
    (install,) = (line for line in lines if "clang-19" in line)
    assert set(debian_packages()) <= set(install.split())


def test_the_own_workflow_runs_families_and_every_python_that_is_supported() -> None:
    jobs = read(REPOSITORY, WORKFLOW)["jobs"]
    families = {TARGETS[name].family.name for name in jobs["verify"]["strategy"]["matrix"]["target"]}
    assert families == {target.family.name for target in TARGETS.values()}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [
        re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line) for line in project["classifiers"]
    ]
    pythons = [found[1] for found in named if found]
    assert jobs["wheel"]["strategy"]["matrix"]["python"] == pythons == ["3.11", "3.12", "3.13", "3.14"]
    assert jobs["suite"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert project["requires-python"] == f">={pythons[0]}"
    for job in jobs.values():
        uploads = [
            step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")
        ]
        assert uploads
    cached = [
        step["with"]["key"] for step in jobs["suite"]["steps"] if "actions/cache@" in step.get("uses", "")
    ]
    assert cached == ["pip-${{ matrix.python }}-${{ hashFiles('pyproject.toml') }}"]


def test_hooks_name_commands_that_there_are() -> None:
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in hooks] == ["rocverify-lint", "rocverify-explain", "rocverify-run"]
    for hook in hooks:
        program, command = hook["entry"].split()
        assert program == "rocverify"
        assert command in cli.list_commands(None)
        assert re.search(hook["files"], ".planning/phases/16-x/16-01-PLAN.md")
        assert not re.search(hook["files"], "docs/picture.png")
