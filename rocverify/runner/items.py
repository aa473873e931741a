"""What pytest collects from a PLAN.md: one item for each check, and one for each must-have without.

The heavy rooms (plan, binding, checks) are imported when a plan is collected, not with this module:
pytest loads it in every session in which the plugin is known.
"""

from __future__ import annotations

import json
import warnings
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rocverify.errors import RocverifyError
from rocverify.records import CheckResult, CheckVerdict, output_tail
from rocverify.runner.bound import EMPTY, item_name
from rocverify.runner.state import state_of

if TYPE_CHECKING:
    from rocverify.binding.model import BoundMustHave
    from rocverify.checks.base import CheckSpec, Outcome

PAYLOAD = "rocverify"
"""Attribute of a TestReport that holds our JSON text."""

UNDECIDED = "unverified"

_LOG_LINES = 12
"""Several checks may stop at one compile error: a terminal shows its beginning, the report all of it."""


class PlanFile(pytest.File):
    """A PLAN.md."""

    def collect(self) -> Iterable[pytest.Item]:
        """An item for each check of the plan, and for each must-have without one."""
        root = state_of(self.config).root_of(self.path)
        bound = state_of(self.config).bind(self.path, root)
        for must_have in bound.must_haves:
            for spec in must_have.checks:
                yield CheckItem.from_parent(
                    self, name=item_name(spec.id), spec=spec, bound=must_have, root=root
                )
            if not must_have.checks:
                yield UndecidedItem.from_parent(
                    self,
                    name=item_name(must_have.must_have.id),
                    identity=must_have.must_have.id,
                    reason=must_have.reason,
                    line=must_have.must_have.source.line,
                )
        if not bound.must_haves:
            yield UndecidedItem.from_parent(
                self,
                name=EMPTY,
                identity=f"{bound.plan.number}/{EMPTY}",
                reason="the plan lists no must-haves, so nothing of it can be verified",
                line=1,
            )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Expected errors in their own words, without a traceback."""
        del style
        if isinstance(excinfo.value, RocverifyError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class PlanItem(pytest.Item):
    """An item of a PLAN.md. `complete` turns pytest's report of it into ours."""

    line: int

    def reportinfo(self) -> tuple[Path, int, str]:
        """File, line (from 0) and name, for pytest."""
        return self.path, self.line - 1, self.name

    @abstractmethod
    def complete(self, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
        """Puts our outcome and our JSON on the report of one phase."""


class UndecidedItem(PlanItem):
    """A must-have that no check decides: shown in every run, and never green."""

    def __init__(self, *, identity: str, reason: str, line: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.identity = identity
        self.reason = reason
        self.line = line

    def runtest(self) -> None:
        """Nothing can be executed here; the report says so."""

    def complete(self, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
        """Marks the report as that of a must-have without a check."""
        del call
        if report.when != "call":
            return
        self.user_properties.append(("rocverify.verdict", UNDECIDED))
        report.outcome = "skipped"
        report.longrepr = (str(self.path), self.line, f"{UNDECIDED}: {self.reason}")
        payload = {"verdict": UNDECIDED, "undecided": self.identity, "reason": self.reason}
        setattr(report, PAYLOAD, json.dumps(payload))


class CheckItem(PlanItem):
    """One check of one must-have."""

    def __init__(self, *, spec: CheckSpec, bound: BoundMustHave, root: Path, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.root = root
        self.line = spec.source.line
        self.outcome: Outcome | None = None
        must_have = bound.must_have
        words = (spec.id, spec.kind, must_have.id, str(must_have.type), must_have.requirement)
        self.extra_keyword_matches.update(word for word in words if word)

    def runtest(self) -> None:
        """Runs the check."""
        from rocverify.checks.registry import CHECKS
        from rocverify.checks.support.kernel_coverage import with_executed

        kind = CHECKS[self.spec.kind]
        params = kind.params.model_validate(dict(self.spec.params))
        context = state_of(self.config).context(self.root)
        if any(CHECKS[item.spec.kind].needs_device for item in _checks_of(self.session)):
            context.expect_device()
        with warnings.catch_warnings():
            # A project's `filterwarnings = error` is about its tests, not about what kernels compute.
            warnings.simplefilter("default")
            context.executed.clear()
            self.outcome = with_executed(kind.run(params, context), context)
        if self.spec.kind == "performance" and hasattr(self.config, "_benchmarksession"):
            from rocverify.runner.benchmarks import add_benchmark

            add_benchmark(self, self.outcome.evidence)

    def complete(self, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
        """Puts the check's result into the report."""
        result = self._result(report, call)
        if result is None:
            return
        state = state_of(self.config)
        self.user_properties.extend(
            (
                ("rocverify.id", result.id),
                ("rocverify.verdict", str(result.verdict)),
                ("rocverify.message", result.message),
                ("rocverify.seed", state.seed),
            )
        )
        payload = {
            "verdict": str(result.verdict),
            "result": result.to_json(),
            "environment": state.environment(self.root),
        }
        setattr(report, PAYLOAD, json.dumps(payload, allow_nan=False))
        _show(report, result, self)

    def _result(self, report: pytest.TestReport, call: pytest.CallInfo[None]) -> CheckResult | None:
        from rocverify.runner.verdicts import result_of_exception, result_of_outcome

        if call.excinfo is not None:
            return result_of_exception(self.spec, call.excinfo.value, call.duration, self.root)
        if report.when != "call" or self.outcome is None:
            return None
        return result_of_outcome(self.spec, self.outcome, call.duration, self.root)


def _show(report: pytest.TestReport, result: CheckResult, item: PlanItem) -> None:
    """Gives the report the outcome that pytest, JUnit, `-x` and `--lf` act on."""
    text = details(result)
    if result.verdict is CheckVerdict.PASSED:
        report.outcome, report.longrepr = "passed", None
    elif result.verdict is CheckVerdict.NOT_RUN:
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.line, f"not_run: {text}")
    else:
        report.outcome, report.longrepr = "failed", text
        if result.verdict is CheckVerdict.ERROR:
            # JUnit and pytest call a failure outside the call phase an error: nothing was decided.
            report.when = "setup"


def details(result: CheckResult) -> str:
    """A check's message with what its findings add to it, and what to do."""
    lines = [result.message]
    for finding in result.findings:
        if finding.message not in result.message or (finding.location or "") not in result.message:
            told = not finding.location or finding.location in finding.message.partition("\n")[0]
            lines.append(f"  {'' if told else f'{finding.location}: '}{finding.message}")
    log = str(result.evidence.get("compiler_log") or "").rstrip().splitlines()
    lines += log[:_LOG_LINES]
    if len(log) > _LOG_LINES:
        lines.append(f"  ({len(log) - _LOG_LINES} more lines of the compiler's, in the report)")
    lines += [f"  | {line}" for line in output_tail(result.evidence).splitlines()]
    if result.hint:
        lines.append(f"  hint: {result.hint}")
    return "\n".join(lines)


def _checks_of(session: pytest.Session) -> Iterator[CheckItem]:
    """The checks that a session has collected."""
    return (item for item in session.items if isinstance(item, CheckItem))
