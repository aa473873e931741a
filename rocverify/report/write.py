"""Writes what a run leaves behind: report.json and what is made of it for other tools, junit.xml, a SUMMARY
per plan, a VERIFICATION per phase."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic_core import to_json

from rocverify.errors import UsageError
from rocverify.records import CheckVerdict
from rocverify.report.block import find_block
from rocverify.report.codequality import code_quality_text
from rocverify.report.costs import NAME as HISTORY
from rocverify.report.costs import History, extended, history_of, history_text
from rocverify.report.document import Document, read_text, update
from rocverify.report.frontmatter import values_of
from rocverify.report.html.page import NAME as PAGE
from rocverify.report.html.page import html_text
from rocverify.report.model import PlanReport, Report
from rocverify.report.sarif import sarif_text
from rocverify.report.summary import summary_document
from rocverify.report.verification import verification_document
from rocverify.store.digests import digest_if_file
from rocverify.store.files import write_if_changed
from rocverify.store.gate import place

if TYPE_CHECKING:
    from rocverify.plan.model import Plan


@dataclass
class Written:
    """The documents of a run (paths relative to the root): all that belong to it, those that changed, those
    that were kept since a part of their checks says less than they do, and what could not be written."""

    summaries: list[str] = field(default_factory=list)
    verifications: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    errors: list[UsageError] = field(default_factory=list)
    page: str = ""
    """The HTML page; empty where none was written."""


def json_text(report: Report) -> str:
    """The report as it is written to report.json."""
    return to_json(report.to_json(), indent=2, inf_nan_mode="strings").decode() + "\n"


_OWN = ".rocverify"
"""The folder of caches, of which git should keep nothing."""

FILES: Mapping[str, Callable[[Report], str]] = {
    "report.json": json_text,
    "rocverify.sarif": sarif_text,
    "gl-code-quality.json": code_quality_text,
}
"""What is made of a report for programs, by the name in `latest`."""


def write_reports(
    root: Path,
    reports_dir: str,
    report: Report,
    plans: Iterable[Plan],
    *,
    whole_phases: Mapping[str, str],
    junit: bytes | None,
) -> Written:
    """Writes everything; a document that cannot be written stays as it was and is listed in `errors`.

    `whole_phases`: the folders (relative to the root) of the phases all of whose plans are in the
    report, with their numbers. Only those get a VERIFICATION. Where only a part of a plan's checks was to
    run, and nothing in it failed, the documents about it stay as they are.
    """
    written = Written()
    latest = f"{reports_dir}/latest"
    for name, text in FILES.items():
        _plain(root, f"{latest}/{name}", text(report), written)
    written.page = f"{latest}/{PAGE}"
    history = _history(root, f"{latest}/{HISTORY}", report, written)
    _plain(root, written.page, html_text(report, root, history), written)
    if junit is not None:
        _plain(root, f"{latest}/junit.xml", junit.decode("utf-8"), written)
    if (root / _OWN).is_dir() and not (root / _OWN / ".gitignore").exists():
        _plain(root, f"{_OWN}/.gitignore", "*\n", written)
    plans = tuple(plans)
    by_number = {plan.number: plan for plan in plans}
    for part in report.plans:
        plan = by_number[part.plan]
        affects = [other.number for other in plans if plan.number in other.depends_on]
        if _in_part(part):
            written.kept.append(plan.output_path)
            continue
        written.summaries.append(plan.output_path)
        before = _before(root, plan.output_path, written)
        if before is not None:
            document = summary_document(root, report, part, plan, affects, before)
            _document(root, plan.output_path, document, written)
    for folder, number in whole_phases.items():
        parts = [part for part in report.plans if part.path.startswith(f"{folder}/")]
        name = f"{folder}/{number}-VERIFICATION.md"
        if any(map(_in_part, parts)):
            written.kept.append(name)
            continue
        written.verifications.append(name)
        _verification(root, name, report, (number, parts), written)
    return written


def _history(root: Path, name: str, report: Report, written: Written) -> History:
    """What the runs before cost, with this one at the end, which is written."""
    try:
        before = history_of(read_text(place(root, name), name) or "")
    except (UsageError, OSError):
        before = {}  # a link, or not text: writing says so
    history = extended(before, report)
    if history:
        _plain(root, name, history_text(history), written)
    return history


def _in_part(part: PlanReport) -> bool:
    """Whether checks were left out, and those that ran have nothing to tell."""
    left_out = [check for check in part.checks if check.evidence.get("deselected")]
    return bool(left_out) and all(c.verdict is CheckVerdict.PASSED for c in part.checks if c not in left_out)


def _verification(
    root: Path, name: str, report: Report, phase: tuple[str, list[PlanReport]], written: Written
) -> None:
    number, parts = phase
    before = _before(root, name, written)
    if before is None:
        return
    document = verification_document(report, number, parts, _covered(root, parts), values_of(before, name))
    _document(root, name, document, written)


def _before(root: Path, name: str, written: Written) -> str | None:
    """What a document says now, empty where there is none. None, and an error, where it cannot be read."""
    try:
        text = read_text(place(root, name), name) or ""
        values_of(text, name)
        find_block(text, name)
        return text
    except UsageError as error:
        written.errors.append(error)
    except OSError as error:
        written.errors.append(UsageError(f"cannot be written: {error.strerror or error}", where=name))
    return None


def _covered(root: Path, parts: list[PlanReport]) -> dict[str, str]:
    """SHA-256 by path of what a phase's verdicts rest on, as it was verified, and of its SUMMARYs as they
    are now written."""
    found = {
        row.path: row.sha256
        for part in parts
        for row in part.provenance.inputs
        if row.sha256 and not Path(row.path).is_absolute() and ".." not in Path(row.path).parts
    }
    for part in parts:
        if (digest := digest_if_file(root / part.summary)) is not None:
            found[part.summary] = digest
    return found


def _document(root: Path, name: str, document: Document, written: Written) -> None:
    try:
        if update(place(root, name), name, document):
            written.changed.append(name)
    except UsageError as error:
        written.errors.append(error)


def _plain(root: Path, name: str, text: str, written: Written) -> None:
    try:
        if write_if_changed(place(root, name), text):
            written.changed.append(name)
    except UsageError as error:
        written.errors.append(error)
    except OSError as error:
        written.errors.append(UsageError(f"cannot be written: {error.strerror or error}", where=name))
