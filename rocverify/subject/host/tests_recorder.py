"""A pytest plugin that writes down what became of every test of a session, as signed JSON lines.

`tests_pass` starts its sessions by `main`, in a process that has nothing else of rocverify but what contracts
declare themselves with. It changes no outcome: what pytest shows may be cut, coloured or configured, this is
not. Beside outcomes it writes whether the test's own code was entered, how many of its assertions were seen,
and which plugins came from the project without being named. The key is in no name of the process's, and the
file a descriptor, before any code of the project can be imported.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import inspect
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from _pytest.assertion import rewrite

from .assertions import Assertions, is_constant
from .declarations import Declarations

_LONGEST = 2_000


def signature(key: bytes, number: int, text: str) -> str:
    """What stands before line `number` of the record."""
    return hmac.new(key, f"{number}:{text}".encode(), hashlib.sha256).hexdigest()


def _writer(key: bytes, record: int) -> Callable[[dict[str, Any]], None]:
    """Writes signed lines to a descriptor, which no child gets."""
    os.set_inheritable(record, False)
    number = 0

    def write(entry: dict[str, Any]) -> None:
        nonlocal number
        text = json.dumps(entry)
        os.write(record, f"{signature(key, number, text)}\t{text}\n".encode())
        number += 1

    return write


class Recorder:
    """The plugin."""

    def __init__(
        self, root: Path, conftests: Sequence[Path], write: Callable[[dict[str, Any]], None]
    ) -> None:
        self._write = write
        self._root = root
        self._conftests = conftests
        self._named: set[str] = set()
        self._asserts: Counter[str] = Counter()
        self._entered: set[str] = set()
        self._assertions = Assertions(root)

    def load_named(self, config: pytest.Config) -> None:
        """Has pytest report the asserts of helpers, and registers the conftest files that the plan names."""
        rewriting = config.pluginmanager.rewrite_hook
        if rewriting is not None:
            rewriting.mark_rewrite(*self._assertions.helpers())
        for number, path in enumerate(self._conftests):
            name = f"rocverify_named_conftest_{number}"
            spec = importlib.util.spec_from_file_location(name, path)
            if spec is None or spec.loader is None:
                raise pytest.UsageError(f"{path} cannot be imported")
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            spec.loader.exec_module(module)
            self._named.add(name)
            config.pluginmanager.register(module, name)

    def pytest_plugin_registered(self, plugin: object, plugin_name: str | None = None) -> None:
        """Notes a plugin of the project that nobody has named."""
        file = getattr(plugin, "__file__", None) or getattr(inspect.getmodule(type(plugin)), "__file__", None)
        if plugin_name in self._named or not file or not Path(file).resolve().is_relative_to(self._root):
            return
        if "site-packages" not in file:
            self._write({"nodeid": str(file), "outcome": "plugin", "reason": str(plugin_name or plugin)})

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Notes the tests that were deselected."""
        for item in items:
            self._outcome(item.nodeid, "deselected", "")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notes what could not be collected, or was skipped as a whole."""
        if report.outcome != "passed":
            self._outcome(report.nodeid, "skipped" if report.skipped else "error", _text(report))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        """Watches whether the code of a test is entered, and whether it asserts."""
        code, test = _code_of(item), item.nodeid
        if code is None:  # no code of Python's own: nothing to look for
            self._entered.add(test)
            self._asserts[test] += 1
            yield
            return

        def watch(frame: FrameType, event: str, argument: object) -> None:
            del argument
            if event != "call":
                return
            if frame.f_code is code:
                self._entered.add(test)
            if test in self._entered and not self._asserts[test]:
                self._asserts[test] += self._assertions.entered(frame)
            if test in self._entered and self._asserts[test]:
                sys.setprofile(None)

        sys.setprofile(watch)
        try:
            yield
        finally:
            sys.setprofile(None)

    def pytest_assertion_pass(self, item: pytest.Item, orig: str) -> None:
        """Counts an assertion that passed, unless it is about a constant."""
        if not is_constant(orig):
            self._asserts[item.nodeid] += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes how a test ended."""
        if hasattr(report, "wasxfail"):
            if report.skipped or report.when == "call":
                outcome = "xfailed" if report.skipped else "xpassed"
                self._outcome(report.nodeid, outcome, str(report.wasxfail))
        elif report.when == "call" or not report.passed:
            outcome = "error" if report.failed and report.when != "call" else report.outcome
            if outcome == "passed" and report.nodeid not in self._entered:
                self._outcome(report.nodeid, "not_called", "its code was never entered")
            else:
                self._outcome(report.nodeid, outcome, "" if report.passed else _text(report))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Writes that the session has ended, with its exit status."""
        self._write({"end": int(exitstatus)})

    def _outcome(self, nodeid: str, outcome: str, reason: str) -> None:
        asserts = self._asserts[nodeid]
        self._write({"nodeid": nodeid, "outcome": outcome, "reason": reason, "asserts": asserts})


def _code_of(item: pytest.Item) -> CodeType | None:
    """The code that a test's author wrote, below decorators that say what they wrap."""
    function = getattr(item, "obj", None)
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", None)
    written: Any = inner or function
    function = inspect.unwrap(written) if callable(written) else None
    return getattr(getattr(function, "__func__", function), "__code__", None)


def _text(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Why it did not pass: the last lines of the traceback, or the reason of a skip."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return f"{Path(crash.path).name}:{crash.lineno}: {crash.message}"[:_LONGEST]
    return report.longreprtext[-_LONGEST:]


class _Start:
    """Registers the recorder before any plugin that the plan names is configured."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        # Asserts that sessions without the hook have rewritten and kept would not report themselves.
        rewrite._read_pyc = lambda *_, **__: None
        self._recorder.load_named(config)
        config.pluginmanager.register(self._recorder, "rocverify-tests-recorder")


def main(
    record: int,
    *,
    key: str,
    root: str,
    conftests: Sequence[str],
    folders: Sequence[str],
    package: str,
    declarations: Sequence[str],
    arguments: Sequence[str],
) -> None:
    """Runs pytest with `arguments`, and ends the process. Until now nothing of the project could be imported;
    from here on its `folders` come first, as in a session of its own. key: in hexadecimal."""
    sys.meta_path.insert(0, Declarations(Path(package), declarations))
    write = _writer(bytes.fromhex(key), record)
    del key  # frames can be looked into
    recorder = Recorder(Path(root), [Path(name) for name in conftests], write)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (*folders, os.environ.get("PYTHONPATH"))))
    sys.path[:0] = folders
    sys.argv[:] = ["pytest", *arguments]
    sys.exit(pytest.main(list(arguments), plugins=[_Start(recorder)]))
