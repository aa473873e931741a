"""What a sabotage is, how it is done to a copy of this repository, and what a run of it must say.

A sabotage is data: the edits, what to run, and exactly what must not pass afterwards. An edit replaces text
that must stand exactly once in the file, so that a sabotage which no longer applies fails loudly.

To add one:

1. Put a `Sabotage` with a telling name and its `changes` into the SABOTAGES of the module whose docstring
   fits. Texts that several sabotages replace stand in places.py.
2. Choose the narrowest `run` and `options` that show all of it; leave both out where the whole phase should
   be seen. The long suite draws half of them; `fast=True` is for the few that everybody runs every time,
   `exhaustive=True` for a fault that another sabotage has in another kernel.
3. Run it: `pytest tests/sabotage -m "long or not long" -k "its name"`. The failure shows what the run said.
4. Judge that by hand before writing it down: is it the check that should notice, does nothing fail without
   cause, does the message name file and line, kernel, function, and what to do? If not, the harness is what
   needs the change. Then fill in `failed` (or `error`, `not_run`, `undecided`) and `says`.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rocverify.cli.main import main

SEED = 20_16
PHASE = ".planning/phases/16-gpu-rope-implementation"
# What to run: a narrow selection where the whole phase would show nothing more.
WRAPPERS = ("--", "-k", "wrapper_present")
ROUNDTRIPS = ("--", "-k", "no_host_roundtrip")
TEXTS = ("--", "-k", "artifact or key_link or documented")
ARTIFACTS = ("--", "-k", "artifact")
HEADS = ("--", "-k", "ROPE-02")
POSITIONS = ("--", "-k", "ROPE-03")
RAW = ("--", "-k", "ROPE-05 and correctness and not correctness.")
_FOREIGN_VARIABLES = ("PYTEST_", "COV_", "ROCVERIFY_", "PYTHONPATH")


@dataclass(frozen=True)
class Edit:
    """Replaces `old`, which stands exactly once in `file`, by `new`."""

    file: str
    old: str
    new: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        found = text.count(self.old)
        assert found == 1, f"{self.file} has the text to be replaced {found} times, not once:\n{self.old}"
        assert self.new != self.old, f"the edit of {self.file} changes nothing"
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Delete:
    """Deletes a file, which must be there."""

    file: str

    def apply(self, root: Path) -> None:
        (root / self.file).unlink()


@dataclass(frozen=True)
class Create:
    """Writes a file, which must not be there yet."""

    file: str
    text: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        assert not path.exists(), f"{self.file} exists"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text, encoding="utf-8")


@dataclass(frozen=True)
class Cut:
    """Replaces everything from `start` up to `end`, each of which stands once behind the other, by `new`."""

    file: str
    start: str
    end: str
    new: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        head, found, rest = path.read_text(encoding="utf-8").partition(self.start)
        assert found, f"{self.file} has no {self.start!r}"
        assert self.start not in rest, f"{self.file} has {self.start!r} twice"
        _, found, tail = rest.partition(self.end)
        assert found, f"{self.file} has no {self.end!r} after {self.start!r}"
        path.write_text(head + self.new + found + tail, encoding="utf-8")


@dataclass(frozen=True)
class Link:
    """Replaces a file by a symbolic link to a copy of it beside the repository."""

    file: str

    def apply(self, root: Path) -> None:
        path = root / self.file
        outside = root.parent / f"outside-{path.name}"
        path.rename(outside)
        path.symlink_to(outside)


Change = Edit | Delete | Create | Cut | Link


@dataclass(frozen=True)
class At:
    """The place `file:line` of the first line of the sabotaged file in which `text` stands."""

    file: str
    text: str

    def resolve(self, root: Path) -> str:
        lines = (root / self.file).read_text(encoding="utf-8").splitlines()
        number = next((i for i, line in enumerate(lines, 1) if self.text in line), None)
        assert number is not None, f"no line of the sabotaged {self.file} has {self.text!r}"
        return f"{self.file}:{number}"


@dataclass(frozen=True)
class Sabotage:
    """One sabotage and what a run must say of it.

    `run` is the selection ("phase 16", "plan 16-02"); `options` what follows, pytest's after "--".
    `failed`, `error` and `not_run` are the checks with that verdict, by must-have:
    {"16-01/T1": "kernel_compiled wrapper_present*3"}, where the last are the first three of their kind. All
    other checks that were selected must pass. `undecided` are must-haves that no check decides. `says` holds,
    by check (or must-have, for its reason), what its message, findings and hint must contain; `shows` what
    the command must print. With exit code 2 and nothing else expected, no check was run at all: a document
    is wrong.
    """

    name: str
    changes: tuple[Change, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)
    not_run: Mapping[str, str] = field(default_factory=dict)
    undecided: tuple[str, ...] = ()
    says: Mapping[str, tuple[str | At, ...]] = field(default_factory=dict)
    shows: tuple[str, ...] = ()
    exit_code: int = 1
    run: str = "phase 16"
    options: tuple[str, ...] = ()
    fast: bool = False
    exhaustive: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Ran:
    """What `rocverify run` gave. `report` is None where it wrote none."""

    root: Path
    exit_code: int
    output: str
    report: dict[str, Any] | None

    def checks(self) -> dict[str, dict[str, Any]]:
        """The records of all checks that were selected, by id."""
        found = {}
        for plan in self._plans():
            for check in plan["checks"]:
                if not (check["evidence"] or {}).get("deselected"):
                    found[check["id"]] = check
        return found

    def not_passed(self) -> dict[str, str]:
        """The verdicts of all selected checks that did not pass, by id."""
        return {i: c["verdict"] for i, c in self.checks().items() if c["verdict"] != "passed"}

    def must_haves(self) -> dict[str, dict[str, Any]]:
        """The must-haves by id."""
        return {m["id"]: m for plan in self._plans() for m in plan["must_haves"]}

    def said(self, identity: str) -> str:
        """Everything that the report says about a check, or the reason that it gives for a must-have."""
        if identity not in self.checks():
            return str(self.must_haves()[identity]["reason"])
        check = self.checks()[identity]
        findings = [f"{f['location']} {f['kernel']} {f['message']}" for f in check["findings"]]
        log = (check["evidence"] or {}).get("compiler_log", "")
        return "\n".join([check["message"], *findings, log, f"hint: {check['hint']}"])

    def _plans(self) -> list[dict[str, Any]]:
        assert self.report is not None, f"no report was written\n{self.output}"
        return list(self.report["plans"])


def run(
    root: Path,
    selection: str = "phase 16",
    options: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Ran:
    """`rocverify run <selection>` on the project at `root`, in this process: a start of Python each would be
    a fifth of the time of all sabotages."""
    report = root.parent / "report.json"
    report.unlink(missing_ok=True)
    shown = io.StringIO()
    with redirect_stdout(shown), redirect_stderr(shown), chdir(root.parent), _in_environment(variables):
        code = main(arguments(root, selection, options, report))
    data = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else None
    return Ran(root, code, shown.getvalue(), data)


def command(root: Path, selection: str, options: Sequence[str], report: Path) -> list[str]:
    """The command line of the same for a process of its own."""
    return [sys.executable, "-m", "rocverify", *arguments(root, selection, options, report)]


def arguments(root: Path, selection: str, options: Sequence[str], report: Path) -> list[str]:
    """What `rocverify` is given; `options` come last, since pytest's own follow a `--` in them."""
    seed = [] if "--seed" in options else ["--seed", str(SEED)]
    return [
        "run",
        *selection.split(),
        "--root",
        str(root),
        "--device",
        "emulator",
        "--trust-cache",
        "--json",
        str(report),
        *seed,
        *options,
    ]


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would steer the run, and with `variables`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN_VARIABLES)}
    return {**kept, **(variables or {})}


@contextmanager
def _in_environment(variables: Mapping[str, str] | None) -> Iterator[None]:
    """Has this process's environment be `environment(variables)` meanwhile."""
    before = dict(os.environ)
    try:
        _set_environment(environment(variables))
        yield
    finally:
        _set_environment(before)


def _set_environment(variables: Mapping[str, str]) -> None:
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


def copy_of(template: Path, folder: Path, changes: Sequence[Change] = ()) -> Path:
    """A copy of the template repository in `folder`, changed."""
    root = folder / "repository"
    shutil.copytree(template, root, symlinks=True)
    for change in changes:
        change.apply(root)
    return root


def judge(sabotage: Sabotage, ran: Ran) -> None:
    """Asserts that the run said exactly what the sabotage calls for."""
    for words in sabotage.shows:
        assert words in ran.output, ran.output
    if sabotage.exit_code == 2 and not sabotage.error:
        assert (ran.exit_code, ran.report) == (2, None), ran.output
        return
    expected = {
        **_by_check(sabotage.failed, "failed"),
        **_by_check(sabotage.error, "error"),
        **_by_check(sabotage.not_run, "not_run"),
    }
    assert ran.not_passed() == expected, ran.output
    assert ran.exit_code == sabotage.exit_code, ran.output
    verdicts = {i: m["verdict"] for i, m in ran.must_haves().items()}
    assert {i for i, v in verdicts.items() if v == "failed"} == set(sabotage.failed)
    for identity in (*sabotage.error, *sabotage.not_run, *sabotage.undecided):
        wanted = "failed" if identity in sabotage.failed else "unverified"
        assert verdicts[identity] == wanted, identity
    if "--" not in sabotage.options:
        unverified = {*sabotage.error, *sabotage.not_run, *sabotage.undecided} - set(sabotage.failed)
        assert {i for i, v in verdicts.items() if v == "unverified"} == unverified
    for identity, wanted in sabotage.says.items():
        said = ran.said(identity)
        for text in wanted:
            words = text.resolve(ran.root) if isinstance(text, At) else text
            assert words in said, f"{identity} does not say {words!r}:\n{said}"


def every(sabotages: Sequence[Sabotage]) -> pytest.MarkDecorator:
    """Parametrizes a test by `sabotage`; of all but the fast and the exhaustive ones half are long."""
    params = [pytest.param(s, id=s.name, marks=_marks(s)) for s in sabotages]
    return pytest.mark.parametrize("sabotage", params)


def _marks(sabotage: Sabotage) -> tuple[pytest.MarkDecorator, ...]:
    if sabotage.exhaustive:
        return (pytest.mark.exhaustive,)
    return () if sabotage.fast else (pytest.mark.drawn(2),)


def check(sabotage: Sabotage, template: Path, cache: Path, folder: Path) -> None:
    """Does the sabotage to a copy of the template in `folder`, runs it and judges what was said.

    cache: one that all runs share, so that each compiles and translates only what it has changed.
    """
    root = copy_of(template, folder, sabotage.changes)
    judge(sabotage, run(root, sabotage.run, ("--cache-dir", str(cache), *sabotage.options)))
    shutil.rmtree(root)  # a hundred copies are a lot; the one that failed stays to be looked at


def _by_check(expected: Mapping[str, str], verdict: str) -> dict[str, str]:
    return {
        f"{must_have}/{name}": verdict
        for must_have, words in expected.items()
        for word in words.split()
        for name in _names(word)
    }


def _names(word: str) -> list[str]:
    """`correctness*3`: correctness, correctness.2 and correctness.3."""
    kind, _, count = word.partition("*")
    return [kind, *(f"{kind}.{number}" for number in range(2, int(count or 1) + 1))]
