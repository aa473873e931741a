"""The verdicts that another commit holds: of its VERIFICATION documents, else of its report.json."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rocverify.errors import ToolchainError, UsageError
from rocverify.markdown import one_line
from rocverify.records import MustHaveVerdict
from rocverify.report.block import content_digest, find_block
from rocverify.report.frontmatter import values_of
from rocverify.report.model import DemandReport, Report
from rocverify.report.reading import report_of
from rocverify.store.tools import run_tool

if TYPE_CHECKING:
    from rocverify.plan.model import Plan

_TIMEOUT_S = 20.0
_VERIFICATION = "-VERIFICATION.md"
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_MUST_HAVES = ("Id", "Statement", "Verdict")
_DEMANDS = ("Requirement", "Criterion")


@dataclass
class Earlier:
    """What was known at a commit. must_haves: id and verdict by plan and text (on one line); demands: by the
    phase's folder and id; gaps: the texts of all gaps, steps of `<verify>` among them; plans: those whose
    verdicts are here."""

    ref: str
    commit: str
    plans: set[str] = field(default_factory=set)
    must_haves: dict[tuple[str, str], tuple[str, MustHaveVerdict]] = field(default_factory=dict)
    demands: dict[tuple[str, str], MustHaveVerdict] = field(default_factory=dict)
    gaps: set[str] = field(default_factory=set)

    def add(self, identity: str, text: str, verdict: MustHaveVerdict) -> None:
        """A must-have, `16-01/T2`. Of two with one text the better counts: what is worse than it is new."""
        plan = identity.partition("/")[0]
        known = self.must_haves.get((plan, text))
        self.plans.add(plan)
        if known is None or _RANK[known[1]] < _RANK[verdict]:
            self.must_haves[plan, text] = (identity, verdict)


_RANK = {MustHaveVerdict.FAILED: 0, MustHaveVerdict.UNVERIFIED: 1, MustHaveVerdict.VERIFIED: 2}


def read_earlier(root: Path, reports_dir: str, ref: str, plans: Iterable[Plan]) -> Earlier:
    """The verdicts of `plans` at `ref` (whatever git takes for a commit).

    Raises UsageError where there is no such commit, where its documents cannot be read or were edited, and
    where it has no verdict of any of the plans.
    """
    plans = tuple(plans)
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if not commit:
        raise UsageError(
            "is not a commit of this repository",
            where=f"--baseline {ref}",
            hint="fetch it first (in CI: fetch-depth: 0), or name one that `git log` shows",
        )
    earlier = Earlier(ref, commit.strip())
    for name in _documents(root, earlier.commit, plans):
        _read_verification(earlier, name, _shown(root, earlier.commit, name))
    if not {plan.number for plan in plans} <= earlier.plans:
        name = f"{reports_dir}/latest/report.json"
        _read_report(earlier, f"{ref}:{name}", _shown(root, earlier.commit, name))
    if not {plan.number for plan in plans} & earlier.plans:
        names = ", ".join(plan.number for plan in plans)
        raise UsageError(
            f"has no verdict of {names}: neither a VERIFICATION of their phase nor a report.json in "
            f"{reports_dir}/latest",
            where=f"--baseline {ref}",
            hint="run their phase there (rocverify run phase NN) and commit its VERIFICATION",
        )
    return earlier


def _git(root: Path, *words: str) -> str:
    """What git says; empty where it fails."""
    try:
        done = run_tool(("git", "-C", str(root), "--no-pager", *words), timeout_s=_TIMEOUT_S)
    except ToolchainError as error:
        raise UsageError(f"git {error.message}", where="--baseline", hint="install git") from None
    return done.output if done.returncode == 0 else ""


def _shown(root: Path, commit: str, name: str) -> str:
    return _git(root, "show", "--no-textconv", f"{commit}:./{name}")


def _documents(root: Path, commit: str, plans: Iterable[Plan]) -> Iterator[str]:
    """The VERIFICATION documents in the folders of the plans and above them."""
    folders = {parent.as_posix() for plan in plans for parent in PurePosixPath(plan.path).parents}
    tops = sorted({PurePosixPath(plan.path).parts[0] for plan in plans})
    listed = _git(root, "ls-tree", "-r", "-z", "--name-only", commit, "--", *tops)
    for name in listed.split("\0"):
        if name.endswith(_VERIFICATION) and PurePosixPath(name).parent.as_posix() in folders:
            yield name


def _read_verification(earlier: Earlier, name: str, text: str) -> None:
    where = f"{earlier.ref}:{name}"
    block = find_block(text, where)
    if block is None:
        return  # a person's own
    body = block.body(text)
    if block.attributes.get("content") != content_digest(body):
        raise UsageError(
            "was edited between its markers, so it is not a baseline",
            where=where,
            hint="name a commit that has it as a run wrote it",
        )
    for row in table_rows(body):
        verdict = _verdict(row.get("Verdict", ""))
        if verdict is None:
            continue
        if all(key in row for key in _MUST_HAVES):
            earlier.add(row["Id"], row["Statement"], verdict)
        else:
            folder = PurePosixPath(name).parent.as_posix()
            earlier.demands |= {(folder, row[key]): verdict for key in _DEMANDS if key in row}
    gaps = values_of(text, where).get("gaps")
    earlier.gaps |= {
        one_line(str(gap.get("truth")))
        for gap in (gaps if isinstance(gaps, list) else ())
        if isinstance(gap, Mapping)
    }


def table_rows(body: str) -> Iterator[dict[str, str]]:
    """The rows of the tables of a document, each cell under its title and without Markdown's escapes."""
    titles: list[str] | None = None
    for line in body.splitlines():
        if not line.startswith("| "):
            titles = None
            continue
        cells = [_ESCAPED.sub(r"\1", cell.strip()) for cell in _split(line)]
        if titles is None:
            titles = cells
        elif not set("".join(cells)) <= set("- "):
            yield dict(zip(titles, cells, strict=False))


def _split(line: str) -> list[str]:
    """The cells of a row: a bar divides unless a backslash stands before it."""
    cells, start, at = [], 1, 1
    while at < len(line):
        if line[at] == "\\":
            at += 1
        elif line[at] == "|":
            cells.append(line[start:at])
            start = at + 1
        at += 1
    return cells


def _verdict(word: str) -> MustHaveVerdict | None:
    return next((verdict for verdict in MustHaveVerdict if verdict == word), None)


def _read_report(earlier: Earlier, where: str, text: str) -> None:
    """What a committed report.json adds, of plans that no VERIFICATION tells of."""
    if not text:
        return
    report = report_of(text, where)
    known = set(earlier.plans)
    for must_have in (m for plan in report.plans if plan.plan not in known for m in plan.must_haves):
        earlier.add(must_have.id, one_line(must_have.text), must_have.verdict)
    for folder, demand in demands_of(report):
        earlier.demands.setdefault((folder, demand.id), demand.verdict)
        if demand.verdict is MustHaveVerdict.FAILED:
            earlier.gaps.add(one_line(f"{demand.kind} {demand.id}: {demand.text}"))


def demands_of(report: Report) -> Iterator[tuple[str, DemandReport]]:
    """What the documents ask for, each with its phase's folder."""
    for plan in report.plans:
        folder = PurePosixPath(plan.path).parent.as_posix()
        yield from ((folder, demand) for demand in plan.demands)
    for phase in report.phases:
        yield from ((phase.path, demand) for demand in phase.demands)
