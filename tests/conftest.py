"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from rocverify.settings import Settings
from tests.shares import SEED_VARIABLE, mark_drawn, seed

# What examples are tried is Hypothesis's own choice, in CI too; how long one takes is nobody's business.
hypothesis.settings.register_profile("rocverify", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("rocverify")
# Threads of NumPy's BLAS would take the other workers' processors for matrices that are small. Before NumPy
# is imported; the command line does the same for itself.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Long enough that what is printed stands on one line, whoever reads it.
os.environ["COLUMNS"] = "400"
# rocverify trusts no cache in CI. Tests look the same everywhere: those of that rule set the variable.
os.environ.pop("CI", None)
# What one of them makes is not there for another one, nor for the projects of who runs them.
os.environ["ROCVERIFY_SHARED_CACHE"] = "0"
# Nor do they write into the log or the summary of the job that runs them.
for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(name, None)
# Before workers are started: they inherit it.
_SEED = seed()


def pytest_report_header() -> str:
    return f"what long tests draw: {SEED_VARIABLE}={_SEED}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that were given more time than others come first: no worker is left alone with one at the end."""
    mark_drawn(items, _SEED)
    items.sort(key=_time_given, reverse=True)


def _time_given(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark is not None else 0.0


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The root of this repository."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def own_cache(repo_root: Path) -> Path:
    """The repository's own cache, for what tests compile and translate of its kernels.

    It is addressed by content and safe for any number of processes: each kernel is compiled once, whichever
    test or worker asks first, and not again in the next session.
    """
    return repo_root / Settings().cache_dir


@pytest.fixture(scope="session")
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for what tests compile and translate of sources of their own; in pytest's cache."""
    cache = request.config.cache
    return cache.mkdir("kept") if cache is not None else tmp_path_factory.mktemp("kept")
