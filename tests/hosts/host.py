"""The projects of tests/fixtures, copied and changed, and what a run must say of them.

A sabotage is data: the edits, the plan that is run, which must-haves fail by which kind of check, and what
those checks say. Nothing else of the plan may fail. Commands are not allowed: sources and objects decide,
and what a command would decide is not run.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.sabotage.sabotage import At, Change, Ran, run

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
_OUTPUTS = ("target", "build", "__pycache__", ".rocverify", "reports")


@dataclass(frozen=True)
class Sabotage:
    """`failed`: the kind by must-have ("T1"), all of them; `says`: what the first of them must say;
    `missing`: why it is not noticed yet. `error` holds what can no longer be told because of it, which is all
    of it where nothing fails; `only` is pytest's `-k`, where the plan's other checks are costly and would
    show nothing more."""

    name: str
    plan: str
    changes: tuple[Change, ...]
    failed: Mapping[str, str]
    says: tuple[str | At, ...]
    missing: str = ""
    fast: bool = False
    error: Mapping[str, str] | None = None
    only: str = ""


def copied(host: str, folder: Path, changes: Sequence[Change] = ()) -> Path:
    """A copy of a host in a folder of its own, changed."""
    root = folder / host
    shutil.copytree(FIXTURES / host, root, ignore=shutil.ignore_patterns(*_OUTPUTS))
    for change in changes:
        change.apply(root)
    return root


def verify(root: Path, cache: Path, selection: str, *options: str) -> Ran:
    """`rocverify run SELECTION` on a host, in this process."""
    return run(root, selection, ("--cache-dir", str(cache), *options))


def find_nothing(host: str, folder: Path, cache: Path) -> None:
    """Asserts that a host as it is has no finding, and that only what a command would decide is open."""
    ran = verify(copied(host, folder), cache, "all")
    assert not by_verdict(ran, "failed"), ran.output
    assert not by_verdict(ran, "error"), ran.output
    undecided = {m["id"] for m in ran.must_haves().values() if m["verdict"] != "verified"}
    waiting = {i.rpartition("/")[0] for i, verdict in ran.not_passed().items() if verdict == "not_run"}
    assert undecided == waiting, ran.output


def by_verdict(ran: Ran, verdict: str) -> dict[str, dict[str, Any]]:
    """The first check of each must-have and kind that ended so: `01-01/T1 kernel_compiled`."""
    found: dict[str, dict[str, Any]] = {}
    for identity, check in ran.checks().items():
        if check["verdict"] == verdict:
            found.setdefault(f"{identity.rpartition('/')[0]} {check['kind']}", check)
    return found


def judge(sabotage: Sabotage, host: str, folder: Path, cache: Path) -> None:
    """Asserts that exactly the checks that should notice it did, and that the first says where it is."""
    root = copied(host, folder, sabotage.changes)
    options = ("--", "-k", sabotage.only) if sabotage.only else ()
    ran = verify(root, cache, f"plan {sabotage.plan}", *options)
    failed = by_verdict(ran, "failed")
    assert set(failed) == _expected(sabotage.plan, sabotage.failed), ran.output
    assert set(by_verdict(ran, "error")) == _expected(sabotage.plan, sabotage.error or {}), ran.output
    noticed, open_ones = sabotage.failed, sabotage.error or {}
    seen = failed if noticed else by_verdict(ran, "error")
    said = ran.said(seen[f"{sabotage.plan}/{_first(noticed or open_ones)}"]["id"])
    for words in sabotage.says:
        wanted = words.resolve(root) if isinstance(words, At) else words
        assert wanted in said, said
    assert ran.exit_code == (1 if noticed else 3)


def _expected(plan: str, failed: Mapping[str, str]) -> set[str]:
    return {f"{plan}/{tail} {kind}" for tail, kinds in failed.items() for kind in kinds.split()}


def _first(failed: Mapping[str, str]) -> str:
    tail, kinds = next(iter(failed.items()))
    return f"{tail} {kinds.split()[0]}"


def each(sabotages: Sequence[Sabotage]) -> pytest.MarkDecorator:
    """Parametrizes a test by `sabotage`, half of which are long; what is not noticed yet is a strict xfail
    with its reason."""
    return pytest.mark.parametrize("sabotage", [_param(one) for one in sabotages])


def _param(sabotage: Sabotage) -> Any:
    marks = [pytest.mark.xfail(reason=sabotage.missing, strict=True)] if sabotage.missing else []
    marks += [] if sabotage.fast else [pytest.mark.drawn(2)]
    return pytest.param(sabotage, id=sabotage.name, marks=marks)
