"""What the output of builds and test runners says: tests by what became of them, warnings by class.

Known are Cargo (libtest), CTest, pytest, unittest and GoogleTest; warnings of rustc, clippy, gcc and clang.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CARGO = re.compile(
    r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed; (?P<skipped>\d+) ignored;"
    r" \d+ measured; (?P<left>\d+) filtered out",
    re.MULTILINE,
)
_CTEST = re.compile(r"^\d+% tests passed, (?P<failed>\d+) tests? failed out of (?P<total>\d+)", re.MULTILINE)
_CTEST_SKIPPED = re.compile(r"^\s*\d+/\d+ Test\s+#\d+: .*\*\*\*Skipped", re.MULTILINE)
_CTEST_NONE = re.compile(r"^No tests were found!!!", re.MULTILINE)
_PYTEST = re.compile(
    r"^(?:=+ )?(?P<words>(?:\d+ \w+(?:, )?)+) in [\d.]+s(?: \([\d:]+\))?(?: =+)?\s*$", re.MULTILINE
)
_PYTEST_NONE = re.compile(r"^(?:=+ )?no tests ran in ", re.MULTILINE)
_UNITTEST = re.compile(
    r"^Ran (?P<total>\d+) tests? in [\d.]+s\s*\n\s*\n(?P<end>OK|FAILED|NO TESTS RAN)(?: \((?P<words>.*)\))?$",
    re.MULTILINE,
)
_GOOGLE = re.compile(r"^\[  (?P<what>PASSED|SKIPPED|FAILED) +\] (?P<count>\d+) tests?", re.MULTILINE)

_CLANG = re.compile(
    r"^(?P<place>[^\s:][^:\n]*:\d+(?::\d+)?): warning: (?P<text>.*?)(?: \[-W(?P<name>[^\]]+)\])?$",
    re.MULTILINE,
)
_RUST = re.compile(
    r"^warning(?:\[(?P<code>\w+)\])?: (?P<text>.+)$\n(?P<rest>(?:^(?!warning|error).+\n)*)", re.MULTILINE
)
_RUST_NOTE = re.compile(r"`#\[warn\((?P<name>[\w:]+)\)\]`|-W (?P<flag>[\w:-]+)`")
_RUST_SUM = re.compile(
    r"generated \d+ warnings?|\d+ warnings? emitted|build failed, waiting|profiles for the non root"
)
_IDLE = re.compile(
    r"(?:g?make(?:\[\d+\])?: (?:Nothing to be done|['`]\S+' is up to date)|ninja: no work to do)"
)
_ENTERING = re.compile(r"(?:g?make(?:\[\d+\])?|ninja): (?:Entering|Leaving) directory")


@dataclass(frozen=True, slots=True)
class Ran:
    """Tests that a command ran. `filtered` were left out by the command's own words."""

    runner: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    filtered: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What an output says. `tests` by runner; `warnings` counted by class; `idle`: a build tool had nothing
    to do, so that its warnings were not said again, `idle_only`: and nothing else was done. `counted` is what
    runners counted themselves (`rocverify.commands.runners`)."""

    tests: tuple[Ran, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    idle: bool = False
    idle_only: bool = False
    counted: tuple[Ran, ...] = ()

    def total(self, what: str) -> int:
        """How many tests passed, by the runners' own count where there is one; how many failed or were
        skipped, by that or by what was printed, whichever is more."""
        counted, printed = (sum(int(getattr(one, what)) for one in ran) for ran in (self.counted, self.tests))
        return counted if what == "passed" and self.counted else max(counted, printed)


def read_output(output: str) -> Said:
    """Reads what a command wrote."""
    plain = _COLOURS.sub("", output).replace("\r\n", "\n")
    readers: tuple[Callable[[str], Ran | None], ...] = (of_cargo, _ctest, _pytest, of_unittest, _google)
    found = tuple(tests for reader in readers if (tests := reader(plain)) is not None)
    # ctest and cargo show the output of what they run: one test is not counted twice
    outer = [one for one in found if one.runner in ("ctest", "cargo")]
    lines = [line for line in plain.splitlines() if line.strip() and not _ENTERING.match(line)]
    idle = [line for line in lines if _IDLE.match(line)]
    return Said(tuple(outer) or found, _warnings(plain), bool(idle), bool(idle) and len(idle) == len(lines))


def of_cargo(output: str) -> Ran | None:
    """The tests of `cargo test`, of all its targets."""
    runs = list(_CARGO.finditer(output))
    if not runs:
        return None
    passed, failed, skipped, left = (
        sum(int(run[name]) for run in runs) for name in ("passed", "failed", "skipped", "left")
    )
    return Ran("cargo", passed, failed, skipped, left)


def _ctest(output: str) -> Ran | None:
    runs = list(_CTEST.finditer(output))
    if not runs:
        return Ran("ctest") if _CTEST_NONE.search(output) else None
    failed, total = (sum(int(run[name]) for run in runs) for name in ("failed", "total"))
    skipped = len(_CTEST_SKIPPED.findall(output))
    return Ran("ctest", max(total - failed - skipped, 0), failed, skipped)


def _pytest(output: str) -> Ran | None:
    counts: Counter[str] = Counter()
    for run in _PYTEST.finditer(output):
        for number, word in re.findall(r"(\d+) (\w+)", run["words"]):
            counts[word.removesuffix("s")] += int(number)
    if not counts:
        return Ran("pytest") if _PYTEST_NONE.search(output) else None
    failed = counts["failed"] + counts["error"]
    skipped = counts["skipped"] + counts["xfailed"] + counts["xpassed"]
    return Ran("pytest", counts["passed"], failed, skipped, counts["deselected"])


def of_unittest(output: str) -> Ran | None:
    """The tests of all sessions of unittest."""
    runs = list(_UNITTEST.finditer(output))
    if not runs:
        return None
    total = sum(int(run["total"]) for run in runs)
    words = ", ".join(run["words"] or "" for run in runs)
    counts = {name: int(number) for name, number in re.findall(r"([\w ]+)=(\d+)", words)}
    by = {name.strip(): number for name, number in counts.items()}
    failed = by.get("failures", 0) + by.get("errors", 0) + by.get("unexpected successes", 0)
    skipped = by.get("skipped", 0) + by.get("expected failures", 0)
    return Ran("unittest", max(total - failed - skipped, 0), failed, skipped)


def _google(output: str) -> Ran | None:
    counts: Counter[str] = Counter()
    for found in _GOOGLE.finditer(output):
        counts[found["what"].lower()] += int(found["count"])
    return Ran("gtest", counts["passed"], counts["failed"], counts["skipped"]) if counts else None


def _warnings(output: str) -> dict[str, int]:
    """How often each class is warned of; a text without a class is a class of its own."""
    counts: Counter[str] = Counter()
    names: dict[str, str] = {}
    for found in _CLANG.finditer(output):
        counts[found["name"] or found["text"]] += 1
    for found in _RUST.finditer(output):
        if _RUST_SUM.search(found["text"]):
            continue
        note = _RUST_NOTE.search(found["rest"])
        # rustc says the class once, with the first of its kind: the words before the first name tell the rest
        kind = re.sub(r"`[^`]*`", "_", found["text"])
        name = (note["name"] or note["flag"]).replace("-", "_") if note else found["code"]
        if name:
            names.setdefault(kind, name)
        counts[name or names.get(kind, found["text"])] += 1
    return dict(counts)
