"""tests_pass: named pytest tests run now, in a process of their own, and every one of them passes.

What is skipped, expected to fail, deselected or not found has shown nothing and is not a pass; nor is a
file without tests. The process gets the run's device, target, seed and code objects in its environment:

    ROCVERIFY_DEVICE  ROCVERIFY_TARGET  ROCVERIFY_SEED  ROCVERIFY_CACHE_DIR  and each `env` of the manifest
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.tests_recorder import PATH_VARIABLE
from rocverify.errors import CompileError, RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_RECORDER = "rocverify.checks.tests_recorder"
_CLEARED = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_CURRENT_TEST")
_XDIST = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")
_OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed", "deselected")
_SHOWN = 10
_OUTPUT_CHARACTERS = 4_000


def _is_node(text: str) -> str:
    """A node id of a file below the root: options and foreign paths are no node ids."""
    path = Path(text.partition("::")[0])
    if text.startswith("-") or path.is_absolute() or ".." in path.parts or path.suffix != ".py":
        raise ValueError(f"{text!r} is no test of this project: give path/to/test_file.py[::test]")
    return text


Node = Annotated[str, AfterValidator(_is_node)]


class TestsPassParams(CheckParams):
    """`nodes`: pytest node ids, relative to the root. `min_passed`: how many tests must pass at least
    (default: one a node). `timeout_s`: what the whole session may take."""

    nodes: tuple[Node, ...] = Field(min_length=1)
    min_passed: int | None = Field(default=None, ge=1)
    timeout_s: float = Field(default=300.0, gt=0)


@dataclass(frozen=True, slots=True)
class TestRecord:
    """What became of one test."""

    nodeid: str
    outcome: str
    reason: str


def run(params: TestsPassParams, ctx: CheckContext) -> Outcome:
    """Raises CompilerNotFoundError and DeviceUnavailableError where tests would have nothing to run on,
    RocverifyError for a session that exceeds its time or dies."""
    for node in params.nodes:
        ctx.code.locate(node.partition("::")[0])
    key = ("tests_pass", params.nodes)
    if key not in ctx.memo:  # in one run, one session shows the same to every must-have
        ctx.memo[key] = _session(params, ctx)
    records, status, output = ctx.memo[key]
    counts = Counter(record.outcome for record in records)
    evidence: dict[str, Any] = {
        "nodes": list(params.nodes),
        "counts": {name: counts[name] for name in _OUTCOMES if counts[name]},
        "pytest_exit_status": status,
    }
    findings = _findings(params, records, status)
    if findings:
        others = f" ({_counted(counts)})" if records else ""
        return Outcome.failed(
            f"{findings[0].message}{others}",
            hint="run `pytest " + " ".join(params.nodes) + "`; what is skipped or deselected shows nothing",
            findings=tuple(findings[:_SHOWN]),
            output=output[-_OUTPUT_CHARACTERS:],
            **evidence,
        )
    noun = "test" if counts["passed"] == 1 else "tests"
    return Outcome.passed(
        f"{counts['passed']} {noun} passed, none skipped: {', '.join(params.nodes)}", **evidence
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in _OUTCOMES if counts.get(name))


def _session(params: TestsPassParams, ctx: CheckContext) -> tuple[list[TestRecord], int, str]:
    """Runs the nodes; the records, pytest's exit status, and what it wrote."""
    with tempfile.TemporaryDirectory(prefix="rocverify-tests-") as scratch:
        record = Path(scratch) / "record.jsonl"
        record.touch()
        command = (
            sys.executable,
            "-m",
            "pytest",
            "-p",
            _RECORDER,
            "-p",
            "no:cacheprovider",
            "-q",
            *params.nodes,
        )
        environment = _environment(ctx) | {PATH_VARIABLE: str(record)}
        try:
            done = subprocess.run(
                command,
                cwd=ctx.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=params.timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RocverifyError(
                f"the tests did not end within {params.timeout_s:g} s",
                where=params.nodes[0],
                hint="raise timeout_s, or name fewer tests",
            ) from None
        lines = record.read_text(encoding="utf-8").splitlines()
    return [TestRecord(**json.loads(line)) for line in lines], done.returncode, done.stdout


def _environment(ctx: CheckContext) -> dict[str, str]:
    """This process's environment, without what steers its own pytest session, and with the run's device."""
    kept = {k: v for k, v in os.environ.items() if k not in (*_CLEARED, *_XDIST)}
    package = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(filter(None, (str(ctx.root), package, os.environ.get("PYTHONPATH"))))
    kept |= {
        "ROCVERIFY_DEVICE": ctx.device.kind,
        "ROCVERIFY_TARGET": ctx.target,
        "ROCVERIFY_SEED": str(ctx.seed),
        "ROCVERIFY_CACHE_DIR": str(ctx.cache_dir),
        "PYTHONPATH": search,
    }
    entries = ctx.manifest.entries
    for entry, built in zip(entries, ctx.builds(entries, [ctx.target]), strict=True):
        kept.pop(entry.env, None)
        if not isinstance(built, CompileError):
            kept[entry.env] = str(built.path)
    return kept


def _findings(params: TestsPassParams, records: Sequence[TestRecord], status: int) -> list[Finding]:
    """Everything that keeps the session from being a pass, failures first."""
    order = {name: rank for rank, name in enumerate(("failed", "error", "xpassed", "xfailed", "skipped"))}
    open_ones = sorted((r for r in records if r.outcome in order), key=lambda r: order[r.outcome])
    found = [_finding(record) for record in open_ones]
    found += [
        Finding(f"{record.nodeid} was deselected, so nothing is known of it", _place(record.nodeid))
        for record in records
        if record.outcome == "deselected"
    ]
    passed = [record.nodeid for record in records if record.outcome == "passed"]
    for node in params.nodes:
        if not any(_belongs(nodeid, node) for nodeid in (r.nodeid for r in records)):
            found.append(Finding(f"{node} names no test that pytest can run", _place(node), entity=node))
        elif not any(_belongs(nodeid, node) for nodeid in passed):
            found.append(Finding(f"no test of {node} passed", _place(node), entity=node))
    least = params.min_passed or len(params.nodes)
    if len(passed) < least:
        found.append(Finding(f"{len(passed)} tests passed, at least {least} must", _place(params.nodes[0])))
    if status != 0 and not found:
        found.append(Finding(f"pytest ended with exit status {status}", _place(params.nodes[0])))
    return found


def _finding(record: TestRecord) -> Finding:
    words = {"error": "could not run", "xfailed": "was expected to fail, and did", "skipped": "was skipped"}
    words |= {"failed": "failed", "xpassed": "was expected to fail, and passed"}
    reason = record.reason.strip()
    text = f"{record.nodeid} {words[record.outcome]}" + (f": {reason}" if reason else "")
    return Finding(text, _place(record.nodeid), entity=record.nodeid)


def _place(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _belongs(nodeid: str, node: str) -> bool:
    """Whether a test is one of those that a node id names: itself, or below it, or a case of it."""
    return nodeid == node or nodeid.startswith((f"{node}::", f"{node}["))


CHECK = CheckKind("tests_pass", TestsPassParams, run, needs_device=True)
