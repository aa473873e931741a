"""One pytest session in this process, in which nothing but our plugin and the user's options counts.

The project under verification has a pytest configuration of its own: `addopts`, `filterwarnings`,
markers, a conftest.py, plugins installed beside it. None of them may turn a verdict, so the session
gets our configuration file, our list of plugins and no conftest. What stands after `--` on the
command line comes last and wins.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from rocverify.errors import RocverifyError, UsageError
from rocverify.records import CheckResult
from rocverify.runner.bound import BoundPlan
from rocverify.runner.durations import cache_folder
from rocverify.runner.recorder import Observer, Recorder
from rocverify.runner.verdicts import crashed
from rocverify.settings import Settings

CONFIGURATION = Path(__file__).with_name("pytest.ini")
_PLUGINS = ("rocverify.runner.plugin", "xdist.plugin", "pytest_timeout")
_CLEARED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


@dataclass(frozen=True, slots=True)
class Request:
    """What to run. `write` False keeps every file out of the tree: byte code and caches too."""

    root: Path
    settings: Settings
    seed: int
    plans: tuple[BoundPlan, ...]
    pytest_args: tuple[str, ...] = ()
    write: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session saw. `unbuilt`: of kernel sources that do not compile; `ran`: at least one of our items
    was executed; `broken`: texts of harness bugs; `foreign`: other tests that failed, where the user's
    options collected some."""

    results: Mapping[str, CheckResult]
    device: Mapping[str, object] | None
    toolchain: Mapping[str, object] | None
    code_objects: Sequence[Mapping[str, object]]
    unbuilt: Sequence[RocverifyError]
    ran: bool
    interrupted: bool
    broken: tuple[str, ...]
    foreign: tuple[str, ...]
    junit: bytes | None


def run_session(request: Request, observer: Observer | None = None) -> Outcome:
    """Runs every check of the request's plans; UsageError if pytest rejects its options,
    EnvironmentFaultError where this machine has no room for what pytest itself writes."""
    recorder = Recorder(observer, {request.root / bound.plan.path: bound for bound in request.plans})
    with (
        tempfile.TemporaryDirectory(prefix="rocverify-") as scratch,
        _environment(request),
        chdir(request.root) if _is_odd(request.root) else nullcontext(),
    ):
        junit = Path(scratch) / "junit.xml"
        arguments = _arguments(request, Path(scratch), junit)
        status = pytest.main(arguments, plugins=[recorder, _Terminal(quiet=observer is not None)])
        if recorder.machine_fault is not None:
            raise recorder.machine_fault
        if status == pytest.ExitCode.USAGE_ERROR:
            raise UsageError(
                "pytest rejected its options (its message is above)",
                where=" ".join(request.pytest_args) or None,
                hint="what follows `--` goes to pytest",
            )
        return _outcome(request, recorder, junit.read_bytes() if junit.is_file() else None)


def _arguments(request: Request, scratch: Path, junit: Path) -> list[str]:
    settings = request.settings
    cache = cache_folder(request.root) if request.write else scratch / "pytest"
    arguments = [
        *("-c", str(CONFIGURATION), f"--rootdir={request.root}", "--noconftest", "--assert=plain"),
        # Else it would list every folder above the root, and make an object for each of their entries.
        f"--confcutdir={request.root}",
        *(part for plugin in _plugins(request.pytest_args) for part in ("-p", plugin)),
        # Its sweeps of the garbage collector take longer than many a check, and decide nothing.
        *("-p", "no:unraisableexception"),
        *("-o", f"cache_dir={cache}", f"--junitxml={junit}"),
        *(f"--rocverify-root={request.root}", f"--rocverify-seed={request.seed}"),
        "--rocverify-workers=auto",
        *(f"--rocverify-device={settings.device}", f"--rocverify-gate={settings.gate}"),
        *(f"--rocverify-target={target}" for target in settings.targets),
        f"--rocverify-cache-dir={settings.cache_dir}",
        *(f"--rocverify-allow-flag={flag}" for flag in settings.allow_flags),
        *(f"--rocverify-allow-include={folder}" for folder in settings.allow_includes),
        *([] if settings.case is None else [f"--rocverify-case={settings.case}"]),
        *(["--rocverify-allow-commands"] if settings.allow_commands else []),
    ]
    base = Path() if _is_odd(request.root) else request.root
    return [*arguments, *request.pytest_args, *(str(base / bound.plan.path) for bound in request.plans)]


def _is_odd(root: Path) -> bool:
    """Whether pytest would take a part of the root's name for a node id; then paths are given from it."""
    return any(mark in str(root) for mark in ("[", "::"))


def _plugins(arguments: Sequence[str]) -> tuple[str, ...]:
    benchmark = any(argument.startswith("--benchmark") for argument in arguments)
    return (*_PLUGINS, "pytest_benchmark.plugin") if benchmark else _PLUGINS


@contextmanager
def _environment(request: Request) -> Iterator[None]:
    """No options from the environment, no plugins but ours, and no byte code where nothing is written."""
    names = (*_CLEARED, "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTHONDONTWRITEBYTECODE")
    before = {name: os.environ.get(name) for name in names}
    byte_code = sys.dont_write_bytecode
    for name in _CLEARED:
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    if not request.write:
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    try:
        yield
    finally:
        sys.dont_write_bytecode = byte_code
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _outcome(request: Request, recorder: Recorder, junit: bytes | None) -> Outcome:
    specs = {nodeid: spec for plan in request.plans for nodeid, spec in plan.nodeids().items()}
    results = dict(recorder.results)
    broken = [*recorder.internal_errors, *recorder.collect_errors]
    for nodeid, text in recorder.lost.items():
        if nodeid in specs:
            results[specs[nodeid].id] = crashed(specs[nodeid], text, request.root)
    if recorder.stop_reason is not None:
        broken.append(f"the session was stopped: {recorder.stop_reason}")
    return Outcome(
        results=results,
        device=recorder.device(),
        toolchain=recorder.toolchain(),
        code_objects=recorder.code_objects(),
        unbuilt=recorder.unbuilt,
        ran=bool(results or recorder.undecided),
        interrupted=recorder.interrupted,
        broken=tuple(broken),
        foreign=tuple(nodeid for nodeid in recorder.lost if nodeid not in specs),
        junit=junit,
    )


class _Terminal:
    """Takes pytest's own output away while an observer shows progress, unless the user asks for it."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        asked = config.option.verbose > 0 or config.option.collectonly
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if self._quiet and not asked and reporter is not None:
            config.pluginmanager.unregister(reporter)
            config.pluginmanager.register(pytest.TerminalReporter(config, io.StringIO()), "terminalreporter")
