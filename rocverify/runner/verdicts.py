"""From what a check returned or raised to the one record of it.

Outcome                                       its own verdict
CompileError, DeviceFaultError,               failed: the kernel or the host code is wrong
SourceError, SubjectError
CompilerNotFoundError, DeviceUnavailableError,not_run: nothing here could run it, or may
CommandRefusedError
any other RocverifyError                      error: the harness could not decide, and says why
no room, no memory, no permission             error: the machine's fault (exit code 2)
anything else                                 error: a bug (exit code 4), with its traceback
"""

from __future__ import annotations

import re
import shlex
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from rocverify.checks.base import CheckSpec, Outcome
from rocverify.errors import (
    CommandRefusedError,
    CompileError,
    CompilerNotFoundError,
    DeviceFaultError,
    DeviceUnavailableError,
    EnvironmentFaultError,
    PlanError,
    RocverifyError,
    SourceError,
    SubjectError,
    UsageError,
    environment_fault,
)
from rocverify.payload import clean_text, jsonable
from rocverify.records import CheckResult, CheckVerdict, Finding

_FAILED = (CompileError, DeviceFaultError, SourceError, SubjectError)
_START = "rocverify/runner/items.py"
_INSTALLED = re.compile(r'File "[^"\n]*/(?:site-packages|lib/python[\d.]+)/|File "[^"\n]*/(?=rocverify/)')
_NOT_RUN = (CompilerNotFoundError, DeviceUnavailableError, CommandRefusedError)


def result_of_outcome(spec: CheckSpec, outcome: Outcome, duration: float, root: Path) -> CheckResult:
    """The record of a check that returned."""
    return _result(
        spec,
        outcome.verdict,
        outcome.message,
        root,
        hint=_with_command(spec, outcome),
        findings=outcome.findings,
        evidence=outcome.evidence,
        duration=duration,
    )


def _with_command(spec: CheckSpec, outcome: Outcome) -> str | None:
    """The hint, with the whole command in place of the seed alone."""
    seed = outcome.evidence.get("seed")
    if outcome.hint is None or seed is None:
        return outcome.hint
    plan, _, _ = spec.id.partition("/")
    command = f"replay with --seed {seed}"
    case = outcome.evidence.get("replay_case")
    only = "" if case is None else f"--case {shlex.quote(str(case))} "
    whole = f"{command}: rocverify run plan {plan} --seed {seed} {only}-- -k {spec.id}"
    return outcome.hint.replace(command, whole)


def result_of_exception(spec: CheckSpec, error: BaseException, duration: float, root: Path) -> CheckResult:
    """The record of a check that raised."""
    if isinstance(error, RocverifyError):
        return _expected(spec, error, duration, root)
    fault = environment_fault(error)
    if fault is not None:
        return _expected(spec, fault, duration, root)
    if isinstance(error, pytest.fail.Exception) and "timeout" in str(error).lower():
        return _result(
            spec,
            CheckVerdict.ERROR,
            f"stopped by the time limit: {error}",
            root,
            hint="raise the limit with `-- --timeout SECONDS`, or reduce the contract's dims",
            evidence={"error": {"type": "Timeout"}},
            duration=duration,
        )
    return internal_error(spec, error, duration, root)


def _expected(spec: CheckSpec, error: RocverifyError, duration: float, root: Path) -> CheckResult:
    verdict = CheckVerdict.ERROR
    if isinstance(error, _FAILED):
        verdict = CheckVerdict.FAILED
    elif isinstance(error, _NOT_RUN):
        verdict = CheckVerdict.NOT_RUN
    described: dict[str, Any] = {"type": type(error).__name__}
    # what the plan itself got wrong (a pattern, a link that claims nothing) stands on the plan's line
    where = error.where or (str(spec.source) if isinstance(error, PlanError) else None)
    if where:
        described["where"] = where
    if isinstance(error, UsageError | EnvironmentFaultError):
        described["usage"] = True
    evidence: dict[str, Any] = {"error": described}
    if isinstance(error, CompileError):
        evidence["compiler_log"] = error.log
    report = getattr(error, "report", None)
    if report is not None:
        evidence["fault"] = report
    finding = Finding(error.message, location=where)
    text = f"{where}: {error.message}" if where else error.message
    return _result(
        spec,
        verdict,
        text,
        root,
        hint=error.hint,
        findings=(finding,) if verdict is CheckVerdict.FAILED else (),
        evidence=evidence,
        duration=duration,
    )


def internal_error(spec: CheckSpec, error: BaseException, duration: float, root: Path) -> CheckResult:
    """The record of a bug: of the harness, or of a subject that raised where no check expects it."""
    trace = _trace(error)
    return _result(
        spec,
        CheckVerdict.ERROR,
        f"internal error: {type(error).__name__}: {error}",
        root,
        hint="this is a bug of the harness; please report it with the text at the end of the run",
        evidence={"error": {"type": type(error).__name__, "internal": True, "traceback": trace}},
        duration=duration,
    )


def _trace(error: BaseException) -> str:
    """The traceback from the check on: what pytest did before it says nothing, and where Python and
    its packages are installed is nobody's business."""
    trace = error.__traceback__
    while trace is not None and not trace.tb_frame.f_code.co_filename.endswith(_START):
        trace = trace.tb_next
    found = traceback.TracebackException(type(error), error, trace or error.__traceback__)
    return _INSTALLED.sub('File "', "".join(found.format()))


def crashed(spec: CheckSpec, text: str, root: Path) -> CheckResult:
    """The record of a check whose process died under it."""
    first = text.strip().partition("\n")[0] or "no trace"
    return _result(
        spec,
        CheckVerdict.ERROR,
        f"the process that ran this check died: {first}",
        root,
        hint="run this check alone, without -n, to see where it dies",
        evidence={"error": {"type": "Crash", "internal": True, "traceback": text}},
    )


def deselected(spec: CheckSpec, reason: str) -> CheckResult:
    """The record of a check that this run was told not to reach."""
    return CheckResult(spec.id, spec.kind, CheckVerdict.NOT_RUN, reason, evidence={"deselected": True})


def is_internal(result: CheckResult) -> bool:
    """Whether the harness itself broke in this check (exit code 4)."""
    return bool(_error(result).get("internal"))


def traces(results: Iterable[CheckResult]) -> list[str]:
    """The traces of the checks in which the harness broke, each under the check's id."""
    broken = [result for result in results if is_internal(result)]
    return [f"{result.id}\n{_error(result).get('traceback', result.message)}" for result in broken]


def is_usage(result: CheckResult) -> bool:
    """Whether a document of the user's (manifest, plan, settings) or their machine stopped this check (exit
    code 2)."""
    return bool(_error(result).get("usage"))


def _error(result: CheckResult) -> dict[str, Any]:
    error = result.evidence.get("error")
    return error if isinstance(error, dict) else {}


def _result(
    spec: CheckSpec,
    verdict: CheckVerdict,
    message: str,
    root: Path,
    *,
    hint: str | None = None,
    findings: tuple[Finding, ...] = (),
    evidence: dict[str, Any] | None = None,
    duration: float = 0.0,
) -> CheckResult:
    return CheckResult(
        id=spec.id,
        kind=spec.kind,
        verdict=verdict,
        message=clean_text(message, root),
        hint=None if hint is None else clean_text(hint, root),
        findings=tuple(Finding(**jsonable(finding, root)) for finding in findings),
        evidence=jsonable(evidence or {}, root),
        duration_s=round(duration, 6),
    )
