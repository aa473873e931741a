"""Tools run with a time limit, without a shell, and in an environment of their own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from rocverify.errors import ToolchainError
from rocverify.store.tools import run_tool

_ENDED = re.compile(r"subprocess\.(run|call|check_output|check_call)\(|os\.(system|popen)\(|shell=True")


def test_words_are_not_a_shells() -> None:
    done = run_tool([sys.executable, "-c", "import sys; print(sys.argv[1:])", "$HOME; `id`"], timeout_s=60)
    assert (done.returncode, done.output) == (0, "['$HOME; `id`']\n")


def test_what_would_change_a_tool_does_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPATH", "/elsewhere")
    shown = [sys.executable, "-c", "import os; print(os.environ.get('CPATH'), os.environ['LC_ALL'])"]
    assert run_tool(shown, timeout_s=60).output == "None C\n"
    assert run_tool(shown, timeout_s=60, environment={"CPATH": "x", "LC_ALL": "y"}).output == "x y\n"


def test_a_tool_that_hangs_or_is_not_there_is_an_error() -> None:
    with pytest.raises(ToolchainError, match=r"did not finish within 0\.2 s"):
        run_tool([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=0.2)
    with pytest.raises(ToolchainError, match="cannot be run"):
        run_tool(["/no/such/tool"], timeout_s=1)


def test_nothing_else_runs_tools(repo_root: Path) -> None:
    """But the session of tests, which has descriptors of its own, and the sandbox, which reads what a
    project's command says while it says it, up to a limit."""
    found = {
        path.relative_to(repo_root).as_posix()
        for path in (repo_root / "rocverify").rglob("*.py")
        if _ENDED.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"rocverify/checks/support/tests_session.py", "rocverify/commands/sandbox.py"}
