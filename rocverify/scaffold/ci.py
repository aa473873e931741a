"""The beginnings of a CI job that verifies a project: a workflow of GitHub's, or a job of GitLab's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from importlib import metadata
from pathlib import Path, PurePosixPath

from rocverify import __version__
from rocverify.scaffold.render import render
from rocverify.scaffold.steps import State, Step, Writer
from rocverify.settings import Settings
from rocverify.toolchain.packages import debian_packages

_WORKFLOW = ".github/workflows/rocverify.yml"
_JOB = ".gitlab/rocverify.yml"
_PIPELINE = ".gitlab-ci.yml"
_INCLUDE = f"include:\n  - local: {_JOB}\n"
_OTHER_PACKAGES = ("ca-certificates", "git", "python3", "python3-venv")
_PLAIN = re.compile(r"[\w./@+-]+")


class Provider(StrEnum):
    """Whose CI."""

    GITHUB = "github"
    GITLAB = "gitlab"


def ci_steps(provider: Provider, settings: Settings, writer: Writer) -> Iterator[Step]:
    """Writes the job, with the targets of the settings as its matrix. What is there is kept.

    Raises UsageError where a file cannot be written.
    """
    text = render(f"{provider}.yml.j2", **_values(settings))
    if provider is Provider.GITHUB:
        yield writer.new(_WORKFLOW, text, "runs on pushes and pull requests")
        return
    yield writer.new(_JOB, text, "a job on the default branch and on merge requests")
    yield _included(writer)


def _included(writer: Writer) -> Step:
    """The pipeline that includes the job: begun where there is none."""
    step = writer.new(_PIPELINE, _INCLUDE, "a pipeline of this job")
    if step.state is not State.KEPT or _JOB in _text(writer.root / _PIPELINE):
        return step
    return Step(_PIPELINE, State.LEFT, f"add to its `include:` the line `- local: {_JOB}`")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _values(settings: Settings) -> dict[str, object]:
    # What stands in shell lines must be no more than a path there.
    cache = settings.cache_dir
    usable = _PLAIN.fullmatch(cache) and not Path(cache).is_absolute() and PurePosixPath(cache).parts
    reports = (PurePosixPath(settings.reports_dir) / "latest").as_posix()
    globs = (*settings.kernel_globs, *settings.contract_globs, settings.manifest)
    return {
        "targets": list(settings.targets),
        "requirement": requirement(),
        "packages": sorted({*_OTHER_PACKAGES, *debian_packages()}),
        "cache_dir": cache if usable else ".rocverify/cache",
        "reports": reports if _PLAIN.fullmatch(reports) else "reports/latest",
        "globs": [glob for glob in globs if "'" not in glob],
    }


def requirement() -> str:
    """What pip installs to have this rocverify again: its version, or the repository it came from."""
    try:
        text = metadata.distribution("rocverify").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        text = None
    source = json.loads(text) if text else {}
    version = source.get("vcs_info", {})
    if version.get("vcs") == "git" and version.get("commit_id"):
        return f"rocverify @ git+{source['url']}@{version['commit_id']}"
    return f"rocverify=={__version__}"
