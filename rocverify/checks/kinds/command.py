"""command: a build, a test runner or any other command of the project's ends as it should.

It runs only where the command line allows commands, over the tree but not in it (`rocverify.commands`).
Tests that were skipped or ignored have shown nothing: with an exit status of 0 they leave the check open. How
many passed is known only of runners that the lines start themselves; what a script prints counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, known, named
from rocverify.checks.support.stale import refuse_stale
from rocverify.commands.allowed import SUCCEEDS_ANYHOW, require_allowed
from rocverify.commands.counts import Ran, Said, read_output
from rocverify.commands.lacking import refuse_unclear
from rocverify.commands.lines import says_only, shows_nothing
from rocverify.commands.sandbox import CommandRun, Request, run_commands
from rocverify.errors import RocverifyError
from rocverify.kernel_names import same_kernel
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext

_SHOWN = 4_000
_IN_BACKGROUND = re.compile(r"(?<![&>])&\s*\Z")
_OR_SAYING = re.compile(r"\|\|\s*(?:echo|printf)\b(?:'[^']*'|\"[^\"]*\"|[^;&|'\"])*\Z")
_HIDDEN = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL")


def _can_fail(line: str) -> str:
    if SUCCEEDS_ANYHOW.search(line.strip()) or _IN_BACKGROUND.search(line.strip()):
        raise ValueError(f"{line!r} could not fail: leave out what makes it succeed whatever happens")
    return line.strip()


Line = Annotated[str, Field(min_length=1), AfterValidator(_can_fail)]
Count = Annotated[int, Field(ge=1)]


class CommandParams(CheckParams):
    """`run`: shell lines, one after the other until one fails (a pipe fails with any of its commands);
    `folder` below the root. `exit_code` is that of the last line. `gpu`: `hidden` (HIP has no device),
    `emulated` (the run's device, by rocverify's HIP library), else as the machine has it. `min_passed` tests
    must pass at least, as Cargo, CTest, pytest or unittest counts them where a line starts it itself;
    `min_skipped` must be skipped, `max_skipped` may be. `no_warnings`: classes that must not be warned of
    (`all` for any). `contains` and `not_contains` are texts of the output; `writes` are globs of files that
    the command must write. `kernels` must be launched by it (with `gpu: emulated`). `timeout_s` of each line.
    `fresh`: nothing that Cargo had built before is there."""

    run: tuple[Line, ...] = Field(min_length=1)
    folder: str = "."
    exit_code: int = 0
    gpu: Literal["hidden", "emulated"] | None = None
    min_passed: Count | None = None
    min_skipped: Count | None = None
    max_skipped: int = Field(default=0, ge=0)
    no_warnings: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    timeout_s: float = Field(default=600.0, gt=0)
    fresh: bool = True

    @model_validator(mode="after")
    def _something_runs(self) -> CommandParams:
        if all(says_only(line) for line in self.run):
            raise ValueError(f"{self.run[-1]!r} runs nothing of the project: name the command that shows it")
        looked_at = self.contains or self.not_contains or self.writes
        if all(shows_nothing(line) for line in self.run) and not looked_at:
            raise ValueError(
                f"{self.run[-1]!r} only asks a tool about itself: name the command that shows it"
            )
        if _OR_SAYING.search(self.run[-1]) and not looked_at:
            raise ValueError(f"{self.run[-1]!r} could not fail: leave out what stands behind ||")
        return self


class Tests(Record):
    """How many tests did what, as `runner` counts them."""

    runner: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """By what they did."""
        return {str(name): int(value) for name, value in (self.model_extra or {}).items() if value}


class CommandEvidence(Evidence):
    """How the command ended, what its tests did, what it warned of and launched."""

    run: list[str] = Field(default_factory=list)
    exit_code: int | None = None
    apart: str | None = None
    tests: list[Tests] = Field(default_factory=list)
    tests_by_output: list[Tests] = Field(default_factory=list)
    warnings: dict[str, int] = Field(default_factory=dict)
    launched: dict[str, int] = Field(default_factory=dict)
    output: str | None = None

    def lines(self) -> Iterator[str]:
        """How the lines ended, and the tests that were counted, as lines of a Markdown list."""
        if self.run:
            how = f" ({known(self.apart)})" if self.apart else ""
            yield f"- {'; '.join(map(named, self.run))} ended with {known(self.exit_code)}{how}"
        for words, tests in (("as counted", self.tests), ("by its output", self.tests_by_output)):
            for one in tests:
                told = ", ".join(f"{value} {known(name)}" for name, value in one.counts.items() if value)
                yield f"- {known(one.runner)}, {words}: {told or 'no test'}"
        for name, count in self.warnings.items():
            yield f"- warned {count} times: {known(name)}"
        if self.launched:
            told = ", ".join(f"{named(name)} {count}" for name, count in self.launched.items())
            yield f"- launched: {told}"


def run(params: CommandParams, ctx: CheckContext) -> Outcome:
    """Raises CommandRefusedError where commands are not allowed, RocverifyError for what decides nothing: a
    time limit, a program that is not here, tests that were skipped."""
    require_allowed(ctx.settings, params.run)
    key = ("command", params.model_dump_json(include={"run", "folder", "gpu", "timeout_s", "fresh"}))
    if key not in ctx.memo:  # in one run, one execution shows the same to every must-have
        ctx.memo[key] = _executed(params, ctx)
    done, launched = ctx.memo[key]
    refuse_stale(done, params.run, params.folder, ctx)
    said = replace(read_output(done.output), counted=done.counted)
    evidence = _evidence(params, done, said, launched)
    findings = list(_findings(params, done, said, launched, ctx.root))
    if findings:
        said_last = done.said if done.code != params.exit_code else done.output
        evidence.output = said_last[-_SHOWN:]
        return Outcome.failed(
            findings[0].message,
            hint=f"run `{done.line}`",
            findings=tuple(findings),
            seen=evidence,
        )
    _decide_the_rest(params, done, said)
    return Outcome.passed(_summary(params, said), seen=evidence)


def _executed(params: CommandParams, ctx: CheckContext) -> tuple[CommandRun, Mapping[str, int]]:
    from rocverify.commands.on_device import run_on_device

    request = Request(params.run, params.folder, {}, params.timeout_s, params.fresh)
    if params.gpu == "emulated":
        seen = run_on_device(request, ctx)
        return seen.run, seen.launched
    return run_commands(ctx.root, Request(**{**_fields(request), "variables": _variables(params)})), {}


def _fields(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in Request.__slots__}


def _variables(params: CommandParams) -> dict[str, str]:
    if params.gpu != "hidden":
        return {}
    from rocverify.commands.on_device import library_variables

    return {**library_variables(), **dict.fromkeys(_HIDDEN, "-1")}


def _evidence(
    params: CommandParams, done: CommandRun, said: Said, launched: Mapping[str, int]
) -> CommandEvidence:
    found = CommandEvidence(run=list(params.run), exit_code=done.code, apart=done.apart)
    if said.counted:
        found.tests = _told(said.counted)
    elif said.tests:
        found.tests_by_output = _told(said.tests)
    if said.warnings:
        found.warnings = dict(said.warnings)
    if launched:
        found.launched = dict(launched)
    return found


def _told(tests: Sequence[Ran]) -> list[Tests]:
    return [Tests(**{name: getattr(one, name) for name in one.__slots__}) for one in tests]


def _findings(
    params: CommandParams, done: CommandRun, said: Said, launched: Mapping[str, int], root: Path
) -> Iterator[Finding]:
    refuse_unclear(done, params.exit_code, root)
    if done.code != params.exit_code:
        silent = "" if done.said.strip() else "; it said nothing"
        yield Finding(f"`{done.line}` ended with exit status {done.code}, not {params.exit_code}{silent}", "")
    if failed := said.total("failed"):
        yield Finding(f"{_tests(failed)} failed", "")
    passed, skipped = said.total("passed"), said.total("skipped")
    told = said.counted or said.tests
    if told and not passed and not params.min_skipped and not skipped and not failed:
        yield Finding(f"`{done.line}` ran no test", "")
    if told and params.min_passed and passed < params.min_passed and not skipped:
        yield Finding(f"{_tests(passed)} passed, at least {params.min_passed} must", "")
    if params.min_skipped and told and skipped < params.min_skipped:
        yield Finding(f"{_tests(skipped)} skipped, at least {params.min_skipped} must be", "")
    for name in params.no_warnings:
        yield from _warned(name, said)
    for text in params.contains:
        if text not in done.output:
            yield Finding(f"{text!r} is not in its output", "")
    for text in params.not_contains:
        if text in done.output:
            yield Finding(f"{text!r} is in its output", "")
    for glob in params.writes:
        if not any(fnmatch(path, glob) for path in done.written):
            yield Finding(f"it wrote no file {glob}", glob)
    for symbol in params.kernels:
        if not any(same_kernel(name, symbol) for name in launched):
            yield Finding(
                f"{symbol} was not launched (launched: {', '.join(launched) or 'none'})", "", symbol
            )


def _warned(name: str, said: Said) -> Iterator[Finding]:
    wanted = re.sub(r"^-W", "", name).replace("-", "_")
    for kind, count in said.warnings.items():
        if name == "all" or kind.replace("-", "_") == wanted or wanted in kind.replace("-", "_").split(","):
            yield Finding(f"it warns of {kind} {count} times" if count > 1 else f"it warns of {kind}", "")


def _decide_the_rest(params: CommandParams, done: CommandRun, said: Said) -> None:
    """RocverifyError where nothing is wrong, and something that was asked was not seen."""
    skipped = said.total("skipped")
    if skipped > params.max_skipped and not params.min_skipped:
        raise RocverifyError(
            f"`{done.line}`: {_tests(skipped)} skipped or ignored, so nothing is known of them "
            f"({said.total('passed')} passed)",
            hint="have them run (gpu: emulated, `cargo test -- --include-ignored`), or give max_skipped",
        )
    if (params.min_passed or params.min_skipped) and not said.counted:
        raise RocverifyError(
            f"of `{done.line}` only the exit status is known ({done.code}), not how many tests it ran",
            hint="start Cargo, CTest, pytest or unittest in the line itself: what a script prints is not "
            "counted",
        )
    if said.idle_only:
        raise RocverifyError(
            f"`{done.line}` had nothing to do, so that nothing is known of the sources as they are",
            hint="build anew: `make -B`, `cmake --build build --clean-first`",
        )
    if params.no_warnings and said.idle:
        raise RocverifyError(
            f"`{done.line}` had nothing to build, so that its warnings were not said",
            hint="build anew: `make -B`, `cmake --build build --clean-first`",
        )


def _tests(count: int) -> str:
    return f"{count} test" if count == 1 else f"{count} tests"


def _summary(params: CommandParams, said: Said) -> str:
    words = [f"`{' && '.join(params.run)}` ended with {params.exit_code}"]
    if said.counted:
        words.append(f"{_tests(said.total('passed'))} passed")
    elif said.tests:
        words.append(f"exit status only: that {_tests(said.total('passed'))} passed is what it prints")
    if skipped := said.total("skipped"):
        words.append(f"{skipped} skipped")
    if params.no_warnings:
        words.append(f"no warning of {', '.join(params.no_warnings)}")
    if params.kernels:
        words.append(f"launched {', '.join(params.kernels)}")
    if params.gpu:
        words.append(f"GPU {params.gpu}")
    return "; ".join(words)


CHECK = CheckKind("command", CommandParams, run, evidence=CommandEvidence)
