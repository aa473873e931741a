"""What test runners count, which a command's line starts itself.

What a program prints anybody can print. CTest and pytest write a record of their own, outside the tree; of
Cargo and unittest the output counts where nothing else in the line writes to it. Of scripts, `make` and
programs that run tests only the exit status is known.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from rocverify.commands.counts import Ran, of_cargo, of_unittest
from rocverify.commands.lines import Segment, segments
from rocverify.errors import ToolchainError
from rocverify.store.tools import run_tool

_CTEST = re.compile(r"(?<![\w./-])ctest(?=\s|\Z)")
_UNITTEST_END = re.compile(r"^Ran \d+ tests? in ", re.MULTILINE)
_NO_HARNESS = re.compile(r"^\s*harness\s*=\s*false\b", re.MULTILINE)
_LARGEST = 64_000_000
_PROBE_S = 20.0


class Runner:
    """A line and the runner in it, if there is one. `record` is where it may write what it counts."""

    def __init__(self, line: str, folder: Path, record: Path) -> None:
        self._folder, self._record = folder, record
        self._parts = segments(line)
        self._tools = [part.tool for part in self._parts]
        ctest = "ctest" in self._tools and len(_CTEST.findall(line)) == 1 and ctest_writes_records()
        self.line = _CTEST.sub(f"ctest --output-junit {record}", line) if ctest else line
        """What is to be run in the line's place."""

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        """What has pytest write its record."""
        if "pytest" not in self._tools:
            return {}
        own = given.get("PYTEST_ADDOPTS", "")
        return {"PYTEST_ADDOPTS": f"{own} --junitxml={self._record} -o junit_family=xunit2".strip()}

    def counted(self, output: str) -> Iterator[Ran]:
        """What it counted; nothing where only its exit status is known."""
        for tool in ("ctest", "pytest"):
            if tool in self._tools and (found := self._recorded(tool)) is not None:
                yield found
        if "cargo test" in self._tools and self._alone("cargo") and not self._has_own_harness():
            found = of_cargo(output)
        elif "unittest" in self._tools and self._alone("unittest") and not self._is_shadowed():
            found = of_unittest(output[_last(_UNITTEST_END, output) :])
        else:
            return
        if found is not None:
            yield found

    def _recorded(self, tool: str) -> Ran | None:
        try:
            if self._record.stat().st_size > _LARGEST:
                return None
            cases = list(ElementTree.parse(self._record).iter("testcase"))
        except (OSError, ElementTree.ParseError):
            return None
        failed = [
            case for case in cases if case.find("failure") is not None or case.find("error") is not None
        ]
        skipped = [case for case in cases if case not in failed and _is_skipped(case)]
        return Ran(tool, len(cases) - len(failed) - len(skipped), len(failed), len(skipped))

    def _alone(self, tool: str) -> bool:
        """Whether nothing else in the line writes to its output."""
        others = (part for part in self._parts if not _is_silent(part))
        return all(part.tool.partition(" ")[0] == tool and part.then in ("", "&&", ";") for part in others)

    def _has_own_harness(self) -> bool:
        manifests = (p for p in self._folder.rglob("Cargo.toml") if "target" not in p.parts)
        return any(_NO_HARNESS.search(path.read_text("utf-8", "replace")) for path in manifests)

    def _is_shadowed(self) -> bool:
        return (self._folder / "unittest.py").exists() or (self._folder / "unittest").exists()


def _is_silent(part: Segment) -> bool:
    return part.words[:1] in (("cd",), ("export",), ("set",))


def _is_skipped(case: ElementTree.Element) -> bool:
    return case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((found.start() for found in pattern.finditer(text)), default=len(text))


@cache
def ctest_writes_records() -> bool:
    """Whether CTest is here and knows `--output-junit` (since 3.21)."""
    path = shutil.which("ctest")
    if path is None:
        return False
    try:
        said = run_tool([path, "--version"], timeout_s=_PROBE_S).output
    except ToolchainError:
        return False
    found = re.search(r"version (\d+)\.(\d+)", said)
    return found is not None and (int(found[1]), int(found[2])) >= (3, 21)
