"""The commits whose messages name a plan: `feat(16-01): ...`, `16-01: ...`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rocverify.errors import ToolchainError
from rocverify.store.tools import run_tool

_FIELD, _RECORD = "\x1f", "\x1e"
_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; `date` is the committer's, ISO 8601."""

    sha: str
    date: str
    subject: str


def task_commits(root: Path, plan: str) -> tuple[Commit, ...]:
    """The commits of the repository at `root` that name the plan, oldest first.

    Empty without git, outside a repository, and in one without commits.
    """
    output = _git_log(root, plan)
    named = re.compile(rf"(?<![\w.-]){re.escape(plan)}(?:\)|:)")
    found = []
    for record in output.split(_RECORD):
        sha, _, rest = record.strip("\n").partition(_FIELD)
        date, _, message = rest.partition(_FIELD)
        if sha and named.search(message):
            found.append(Commit(sha[:7], date, message.strip().splitlines()[0]))
    return tuple(reversed(found))


def _git_log(root: Path, plan: str) -> str:
    command = [
        *("git", "-C", str(root), "--no-pager", "log", "--no-color", "--no-show-signature"),
        *("--fixed-strings", f"--grep={plan})", f"--grep={plan}:"),
        *(f"--format=%H{_FIELD}%cs{_FIELD}%B{_RECORD}", "--", "."),
    ]
    try:
        done = run_tool(command, timeout_s=_TIMEOUT_S)
    except ToolchainError:
        return ""
    return done.output if done.returncode == 0 else ""
