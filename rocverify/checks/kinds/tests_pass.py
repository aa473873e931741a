"""tests_pass: named pytest tests run now, in a process of their own, and every one of them passes.

What is skipped, expected to fail, deselected or not found has shown nothing and is not a pass; nor is a file
without tests, or a test whose code was never entered. A test that looks at no result decides nothing.
Of the project's own configuration, conftest files and plugins only what the plan names is loaded. Kernels
that the plan names must be launched by the tests, as the device sees it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, digest, known, named
from rocverify.checks.support.tests_session import SessionRecord, SessionRequest, TestRecord, run_tests
from rocverify.errors import RocverifyError
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed", "deselected", "not_called")
_SHOWN = 10
_OUTPUT_CHARACTERS = 4_000


def _is_node(text: str) -> str:
    """A node id of a file below the root: options and foreign paths are no node ids."""
    path = Path(text.partition("::")[0])
    if text.startswith("-") or path.is_absolute() or ".." in path.parts or path.suffix != ".py":
        raise ValueError(f"{text!r} is not a test of this project: give path/to/test_file.py[::test]")
    return text


Node = Annotated[str, AfterValidator(_is_node)]
Plugin = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*$")]


class TestsPassParams(CheckParams):
    """`nodes`: pytest node ids, relative to the root. `min_passed`: how many tests must pass at least
    (default: one a node). `timeout_s`: what the whole session may take. `conftests`: files of fixtures and
    hooks, `plugins`: modules, `ini`: a configuration file, which the session is to load; without, it loads
    none of the project's. `kernels`: symbols that the tests must launch."""

    nodes: tuple[Node, ...] = Field(min_length=1)
    min_passed: int | None = Field(default=None, ge=1)
    timeout_s: float = Field(default=300.0, gt=0)
    conftests: tuple[Node, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    ini: str | None = Field(default=None, min_length=1)
    kernels: tuple[str, ...] = ()


class TestsPassEvidence(Evidence):
    """What the session did: outcomes by their names, assertions that were seen, launches by kernel."""

    nodes: list[str] = Field(default_factory=list)
    counts: dict[str, int] = Field(default_factory=dict)
    asserts: int | None = None
    launched: dict[str, int] = Field(default_factory=dict)
    loaded: dict[str, str] = Field(default_factory=dict)
    pytest_exit_status: int | None = None
    output: str | None = None

    def lines(self) -> Iterator[str]:
        """The tests that were run, and how they ended, as lines of a Markdown list."""
        if self.nodes:
            yield f"- tests: {', '.join(map(named, self.nodes))}"
        if self.counts:
            told = ", ".join(f"{count} {known(name)}" for name, count in self.counts.items())
            yield f"- {told}; {self.asserts} assertions seen"
        if self.launched:
            told = ", ".join(f"{named(name)} {count}" for name, count in self.launched.items())
            yield f"- launched: {told}"
        for name, sha256 in self.loaded.items():
            yield f"- loaded: {named(name)} ({digest(sha256)})"


def run(params: TestsPassParams, ctx: CheckContext) -> Outcome:
    """Raises CompilerNotFoundError and DeviceUnavailableError where tests would have nothing to run on,
    RocverifyError for a session that exceeds its time or dies."""
    for node in params.nodes:
        ctx.code.locate(node.partition("::")[0])
    asked = SessionRequest(params.nodes, params.conftests, params.plugins, params.ini, params.timeout_s)
    key = ("tests_pass", replace(asked, timeout_s=0.0))
    if key not in ctx.memo:  # in one run, one session shows the same to every must-have
        ctx.memo[key] = run_tests(asked, ctx)
    done: SessionRecord = ctx.memo[key]
    ctx.executed += done.executed
    records, output = done.tests, done.output
    counts = Counter(record.outcome for record in records)
    evidence = TestsPassEvidence(
        nodes=list(params.nodes),
        counts={name: counts[name] for name in _OUTCOMES if counts[name]},
        asserts=sum(record.asserts for record in records),
        launched=dict(done.launched),
        loaded=dict(done.loaded),
        pytest_exit_status=done.status,
    )
    _refuse_plugins(params, records)
    findings = [*_findings(params, records, done.status), *_launches(params, done)]
    if findings:
        evidence.output = output[-_OUTPUT_CHARACTERS:]
        others = f" ({_counted(counts)})" if records else ""
        return Outcome.failed(
            f"{findings[0].message}{others}",
            hint="run `pytest " + " ".join(params.nodes) + "`; what is skipped or deselected shows nothing",
            findings=tuple(findings[:_SHOWN]),
            seen=evidence,
        )
    _refuse_unasserted(records)
    noun = "test" if counts["passed"] == 1 else "tests"
    launched = f"; launched {', '.join(params.kernels)}" if params.kernels else ""
    return Outcome.passed(
        f"{counts['passed']} {noun} passed, none skipped: {', '.join(params.nodes)}{launched}", seen=evidence
    )


def _refuse_plugins(params: TestsPassParams, records: Sequence[TestRecord]) -> None:
    """RocverifyError where tests load hooks that the plan does not name: an outcome may be theirs."""
    found = next((record for record in records if record.outcome == "plugin"), None)
    if found is not None:
        raise RocverifyError(
            f"the tests load {found.reason} of the project, which the plan does not name",
            where=params.nodes[0],
            hint=f"name it: plugins: [{found.reason}]; its digest is then part of the evidence",
        )


def _refuse_unasserted(records: Sequence[TestRecord]) -> None:
    """RocverifyError where a test passed and no assertion of it was seen."""
    silent = [record.nodeid for record in records if record.outcome == "passed" and not record.asserts]
    if silent:
        more = f" (nor {len(silent) - 1} more)" if len(silent) > 1 else ""
        raise RocverifyError(
            f"{silent[0]} passed, but asserts nothing{more}: no result was looked at",
            where=_place(silent[0]),
            hint="assert in each test what it must show (assert, numpy.testing, pytest.raises, a helper "
            "of the tests that asserts), or name only the tests that do",
        )


def _launches(params: TestsPassParams, done: SessionRecord) -> list[Finding]:
    seen = ", ".join(done.launched) or "no kernel at all"
    return [
        Finding(f"no test launched {symbol}: they launched {seen}", _place(params.nodes[0]), symbol)
        for symbol in params.kernels
        if symbol not in done.launched
    ]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in _OUTCOMES if counts.get(name))


def _findings(params: TestsPassParams, records: Sequence[TestRecord], status: int) -> list[Finding]:
    """Everything that keeps the session from being a pass, failures first."""
    order = {
        name: rank
        for rank, name in enumerate(("failed", "error", "not_called", "xpassed", "xfailed", "skipped"))
    }
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
    words |= {"not_called": "passed without being called"}
    words |= {"failed": "failed", "xpassed": "was expected to fail, and passed"}
    reason = record.reason.strip()
    text = f"{record.nodeid} {words[record.outcome]}" + (f": {reason}" if reason else "")
    return Finding(text, _place(record.nodeid), entity=record.nodeid)


def _place(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def _belongs(nodeid: str, node: str) -> bool:
    """Whether a test is one of those that a node id names: itself, or below it, or a case of it."""
    return nodeid == node or nodeid.startswith((f"{node}::", f"{node}["))


CHECK = CheckKind("tests_pass", TestsPassParams, run, needs_device=True, evidence=TestsPassEvidence)
