"""What the `run` commands do once they know which plans: run, judge, write, show, and the exit code."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from rocverify.cli import github
from rocverify.cli.boundary import bug_report
from rocverify.cli.first_run import made_first
from rocverify.cli.options import Options, find_root
from rocverify.cli.output import Screen
from rocverify.errors import ExitCode, PlanError, UsageError
from rocverify.plan.owners import check_summaries
from rocverify.report.assemble import Run, assemble
from rocverify.report.baseline import compared, gated
from rocverify.report.earlier import Earlier, read_earlier
from rocverify.report.model import BaselineReport, Report
from rocverify.report.write import Written, json_text, write_reports
from rocverify.runner.bound import BoundPlan, bind_plans
from rocverify.runner.judgement import RunJudgement, exit_code, judge_run
from rocverify.runner.session import Outcome, Request, run_session
from rocverify.runner.verdicts import is_usage, traces
from rocverify.settings import Settings
from rocverify.store.cache_aside import cache_aside
from rocverify.store.files import write_if_changed
from rocverify.store.pruning import prune_seldom
from rocverify.store.run_lock import writing
from rocverify.store.seal import in_ci
from rocverify.store.user_folders import user_cache

Select = Callable[[Path], tuple[Path, ...]]


def execute(options: Options, selection: str, select: Select) -> int:
    """Runs the plans that `select` finds below the root; `selection` is how the user named them."""
    to_stderr = options.json == "-"
    with github.commands_stopped(to_stderr=to_stderr):
        code, report = _run(options, selection, select)
    if report is not None:
        github.show(report, to_stderr=to_stderr)
    return code


def _run(options: Options, selection: str, select: Select) -> tuple[int, Report | None]:
    """The exit code, and the report of a run that was not interrupted."""
    with ExitStack() as stack:
        root = find_root(options.root)
        settings = _settings(options, root, stack)
        seed = settings.seed if settings.seed is not None else secrets.randbits(32)
        refused: list[PlanError] = []
        plans = _bound(select(root), root, settings, refused)
        check_summaries(root, (bound.plan for bound in plans))
        earlier = _earlier(options.baseline, root, settings, plans)
        request = Request(root, settings, seed, plans, options.pytest_args, options.write)
        screen = stack.enter_context(
            Screen(
                plans,
                to_stderr=options.json == "-",
                commands=settings.allow_commands,
                verbose=options.verbose,
            )
        )
        first = made_first(plans, root / settings.cache_dir)
        screen.begin(selection, seed, settings.device, refused, first)
        started, clock = datetime.now(UTC), time.monotonic()
        outcome = run_session(request, screen)
        judged = judge_run(root, plans, outcome.results, everything=selection == "all")
        code = _exit_code(outcome, judged, settings.gate, refused)
        if outcome.interrupted:
            screen.interrupted(judged.plans)
            return code, None
        run = Run(
            root=root,
            settings=settings,
            seed=seed,
            selection=selection,
            pytest_args=options.pytest_args,
            started=started,
            duration_s=time.monotonic() - clock,
            device=outcome.device,
            toolchain=outcome.toolchain,
            code_objects=outcome.code_objects,
            unbuilt=outcome.unbuilt,
            refused=tuple(refused),
            baseline=options.baseline,
        )
        report = assemble(run, judged, code)
        if earlier is not None:
            baseline = compared(report, earlier)
            code = _exit_code(outcome, judged, settings.gate, refused, baseline)
            report = report.model_copy(update={"baseline": baseline, "exit_code": code})
        finished = _finish(options, request, outcome, judged, report, screen)
        prune_seldom([*([root / settings.cache_dir] if options.write else []), user_cache()])
        return finished, report


def _settings(options: Options, root: Path, stack: ExitStack) -> Settings:
    """The settings, with a cache that this run may use."""
    settings = options.settings(root)
    if in_ci() and not options.trust_cache:
        # What lies in the tree may come from a job of somebody else's.
        aside = stack.enter_context(tempfile.TemporaryDirectory(prefix="rocverify-cache-"))
        return options.settings(root, cache_dir=aside)
    if not options.write and (root / settings.cache_dir).resolve().is_relative_to(root):
        return options.settings(root, cache_dir=_aside(root, settings.cache_dir, stack))
    return settings


def _aside(root: Path, cache_dir: str, stack: ExitStack) -> str:
    """A cache outside the tree: the user's, or one for this run alone where that cannot be written to."""
    try:
        return str(cache_aside(root, cache_dir))
    except OSError:
        return stack.enter_context(tempfile.TemporaryDirectory(prefix="rocverify-cache-"))


def _bound(
    paths: tuple[Path, ...], root: Path, settings: Settings, refused: list[PlanError]
) -> tuple[BoundPlan, ...]:
    """The plans that can be read; where none can, every reason is shown and the last one raised."""
    try:
        plans = bind_plans(paths, root, settings, refused)
    except PlanError:
        for error in refused:
            click.echo(f"error: {error}", err=True)
        raise
    for subject in {bound.subject for bound in plans if bound.subject is not None}:
        subject.code.keep()
    return plans


def _earlier(ref: str | None, root: Path, settings: Settings, plans: Sequence[BoundPlan]) -> Earlier | None:
    """The verdicts of `--baseline`, before anything is run."""
    if ref is None:
        return None
    return read_earlier(root, settings.reports_dir, ref, [bound.plan for bound in plans])


def _exit_code(
    outcome: Outcome,
    judged: RunJudgement,
    gate: str,
    refused: list[PlanError],
    baseline: BaselineReport | None = None,
) -> ExitCode:
    """baseline: gaps that it knows do not count."""
    if outcome.interrupted:
        return ExitCode.INTERRUPTED
    code = exit_code(judged, gate=gate, broken=bool(outcome.broken))
    if baseline is not None:
        code = gated(code, baseline, gate)
        stopped = any(map(is_usage, outcome.results.values()))
        if stopped and code in (ExitCode.VERIFIED, ExitCode.UNVERIFIED):
            code = ExitCode.USAGE
    if code is ExitCode.VERIFIED and outcome.foreign:
        return ExitCode.GAPS_FOUND
    if refused and code in (ExitCode.VERIFIED, ExitCode.UNVERIFIED):
        return ExitCode.USAGE
    return code


def _finish(
    options: Options,
    request: Request,
    outcome: Outcome,
    judged: RunJudgement,
    report: Report,
    screen: Screen,
) -> int:
    """Writes, shows and settles the exit code; what could not be written makes it 2 at least."""
    written = Written()
    if options.write and outcome.ran:
        with writing(request.root, report.command, partial(click.echo, err=True)):
            written = write_reports(
                request.root,
                request.settings.reports_dir,
                report,
                [plan.plan for plan in request.plans],
                whole_phases={phase.folder: phase.number for phase in judged.phases if phase.there},
                junit=outcome.junit,
            )
    _write_json(options.json, report, written)
    screen.finish(report, written, outcome)
    broken = [*outcome.broken, *traces(outcome.results.values())]
    if broken:
        click.echo(bug_report(broken), err=True)
    for error in written.errors:
        click.echo(f"error: {error}", err=True)
    if written.errors and report.exit_code in (ExitCode.VERIFIED, ExitCode.UNVERIFIED):
        return ExitCode.USAGE
    return report.exit_code


def _write_json(path: str | None, report: Report, written: Written) -> None:
    if path == "-":
        click.echo(json_text(report), nl=False)
    elif path is not None:
        try:
            write_if_changed(Path(path), json_text(report))
        except OSError as error:
            written.errors.append(UsageError(f"cannot be written: {error.strerror or error}", where=path))
