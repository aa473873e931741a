"""The pytest plugin: collects PLAN.md files under `.planning`, runs their checks, shows their verdicts; and
the fixture `hip_device`.

Known to pytest by an entry point, so that `pytest .planning` works; in a session without a plan it
does nothing and loads nothing. `rocverify run` names it with `-p` in a session of its own
(`rocverify.runner.session`), where no configuration of the user's reaches it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rocverify.device.process.client import DeviceProcess
    from rocverify.runner.bound import BoundPlan
    from rocverify.runner.hip_device import HipDevice
    from rocverify.runner.judgement import RunJudgement
    from rocverify.runner.recorder import Recorder
    from rocverify.runner.state import State

RECORDER = "rocverify-recorder"
_PAYLOAD = "rocverify"
_OUTPUT = "rocverify_plans"

_SHOWN: dict[str, tuple[str, str, tuple[str, dict[str, bool]]]] = {
    "error": ("error", "E", ("ERROR", {"red": True})),
    "not_run": ("not_run", "n", ("NOT_RUN", {"yellow": True})),
    "unverified": ("unverified", "u", ("UNVERIFIED", {"yellow": True})),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options `--rocverify-*`."""
    group = parser.getgroup("rocverify", "rocverify: checks of PLAN.md files")
    group.addoption("--rocverify-root", metavar="DIR", help="root of the project under verification")
    group.addoption("--rocverify-device", metavar="KIND", help="auto, amd, nvidia or emulator")
    group.addoption(
        "--rocverify-target",
        metavar="GFX",
        action="append",
        dest="rocverify_targets",
        help="target to compile for (repeatable); the first one is what the emulator runs",
    )
    group.addoption("--rocverify-seed", metavar="N", type=int, help="replay a run's random inputs")
    group.addoption("--rocverify-gate", metavar="GATE", help="strict or lenient")
    group.addoption("--rocverify-cache-dir", metavar="DIR", help="where compiled kernels are kept")
    group.addoption(
        "--rocverify-workers",
        metavar="N",
        default="1",
        type=_workers,
        help="processes that run checks side by side; auto: as many as processors, up to 4",
    )
    group.addoption("--rocverify-case", metavar="CASE", help="the one case that is to be replayed")
    group.addoption(
        "--rocverify-allow-commands",
        action="store_true",
        default=None,
        help="run the commands that plans name",
    )
    for name, what in (("flag", "compiler flag that the manifest may set"), ("include", "folder of headers")):
        group.addoption(
            f"--rocverify-allow-{name}",
            metavar=name.upper(),
            action="append",
            dest=f"rocverify_allow_{name}s",
            help=f"a further {what} (repeatable)",
        )


def _workers(text: str) -> str:
    """A number of workers, as argparse takes it."""
    if text != "auto" and not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor auto")
    return text


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Runs the checks side by side, unless one worker is asked for."""
    if session.config.getoption("rocverify_workers") == "1":
        return None
    from rocverify.runner.workers import run_with_workers

    return run_with_workers(session)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collects PLAN.md files; None for any other file."""
    if not is_plan(file_path):
        return None
    from rocverify.runner.items import PlanFile

    collector: pytest.Collector = PlanFile.from_parent(parent, path=file_path)
    return collector


def is_plan(path: Path) -> bool:
    """Whether a file is a plan of a phase: `PLAN.md` or `*-PLAN.md` somewhere below `.planning`."""
    return (path.name == "PLAN.md" or path.name.endswith("-PLAN.md")) and ".planning" in path.parts[:-1]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets the items of plans complete their reports."""
    report = yield
    complete = getattr(item, "complete", None)
    if complete is not None and type(item).__module__ == "rocverify.runner.items":
        complete(report, call)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> Any:
    """A check's verdict as the status of its report; None for reports of other tests."""
    text: str | None = getattr(report, _PAYLOAD, None)
    if text is None:
        return None
    import json

    return _SHOWN.get(json.loads(text)["verdict"])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Gives a worker of xdist the seed of the session."""
    from rocverify.runner.state import state_of

    node.workerinput["rocverify_seed"] = state_of(node.config).seed


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Binds the plans that a worker of xdist has collected."""
    from rocverify.runner.state import state_of

    for path, root in getattr(node, "workeroutput", {}).get(_OUTPUT, ()):
        state_of(node.config).bind(Path(path), Path(root))


@pytest.fixture(scope="session")
def _hip_process() -> Iterator[Callable[[], DeviceProcess]]:
    """Gives a device process, started when it is asked for; all devices of hip_device are in it."""
    started: list[DeviceProcess] = []

    def process() -> DeviceProcess:
        from rocverify.device.process.client import DeviceProcess

        if not started:
            started.append(DeviceProcess())
        return started[0]

    yield process
    for one in started:
        one.close()


@pytest.fixture
def hip_device(
    request: pytest.FixtureRequest, _hip_process: Callable[[], DeviceProcess]
) -> Iterator[HipDevice]:
    """An emulated GPU of the test's own, with the sanitizer and exact counters: `load` for kernels called on
    NumPy arrays, `hip` for hip-python, `environment()` for programs. The marker `hip_device` changes it."""
    from rocverify.runner.hip_device import MARKER, HipDevice

    marker = request.node.get_closest_marker(MARKER)
    device = HipDevice.marked(_hip_process, {} if marker is None else marker.kwargs)
    yield device
    device.close()


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker of the fixture `hip_device`."""
    config.addinivalue_line(
        "markers",
        "hip_device(target=None, sanitize=True, strict=False, counters=True, threads=None, timeout_s=300): "
        "what the device of the fixture hip_device is",
    )
    if hasattr(config, "workerinput") or config.pluginmanager.has_plugin(RECORDER):
        return
    from rocverify.runner.recorder import Recorder

    config.pluginmanager.register(Recorder(), RECORDER)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turns what was left undecided into the exit status of the session."""
    from rocverify.runner.state import started_state

    state = started_state(session.config)
    if state is None:
        return
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_OUTPUT] = [(str(path), str(state.root_of(path))) for path in state.bound]
    elif session.exitstatus == pytest.ExitCode.OK and _undecided(session.config):
        # Green is what was verified. pytest's own code for it, so that CI need not know ours.
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """Closes what the session has opened."""
    from rocverify.runner.state import started_state

    state = started_state(config)
    if state is not None:
        state.close()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints the verdicts of the plans below the tests."""
    runs = _judgements(config)
    plans = [plan for run in runs for plan in run.plans]
    if not plans:
        return
    terminalreporter.section("must-haves")
    for plan in plans:
        for judged in plan.must_haves:
            must_have = judged.bound.must_have
            terminalreporter.line(f"{judged.verdict:<10} {must_have.id}  {must_have.text}")
            if judged.reason:
                terminalreporter.line(f"{'':<10} {judged.reason}")
        terminalreporter.line(f"{plan.plan.number}: {plan.status}, {plan.verified}/{plan.total} verified")
    for demand in (demand for run in runs for demand in run.demands):
        if demand.reason:
            terminalreporter.line(
                f"{demand.verdict:<10} {demand.demand.kind} {demand.demand.id}: {demand.reason}"
            )


def _judgements(config: pytest.Config) -> list[RunJudgement]:
    known = _known(config)
    if known is None:
        return []
    from rocverify.runner.judgement import judge_run

    state, recorder = known
    roots: dict[Path, list[BoundPlan]] = {}
    for path, bound in state.bound.items():
        roots.setdefault(state.root_of(path), []).append(bound)
    return [judge_run(root, plans, recorder.results) for root, plans in roots.items()]


def _undecided(config: pytest.Config) -> bool:
    """Whether an item that this session ran left its must-have open, and the gate is strict."""
    known = _known(config)
    if known is None:
        return False
    state, recorder = known
    passed = all(result.verdict == "passed" for result in recorder.results.values())
    if not recorder.undecided and passed and not any(_unproved(run) for run in _judgements(config)):
        return False
    return any(state.settings(state.root_of(path)).gate == "strict" for path in state.bound)


def _unproved(run: RunJudgement) -> bool:
    """Whether checks tried less than their must-have says, or nothing proves what a document asks for."""
    tried = [judged for plan in run.plans for judged in plan.must_haves if judged.bound.uncovered]
    all_ran = (not any(r.evidence.get("deselected") for r in judged.results) for judged in tried)
    return any(not demand.must_haves for demand in run.demands) or any(all_ran)


def _known(config: pytest.Config) -> tuple[State, Recorder] | None:
    """The state and the recorder of a session that had to do with plans."""
    from rocverify.runner.state import started_state

    state = started_state(config)
    recorder: Recorder | None = config.pluginmanager.get_plugin(RECORDER)
    return None if state is None or recorder is None else (state, recorder)
