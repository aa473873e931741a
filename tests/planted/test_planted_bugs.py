"""Every planted bug is found, with its kind and line, and nothing else; no twin has a finding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.emulator.load.loaded import LoadedModule
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.sanitize.memory import SanitizedMemory
from rocverify.device.emulator.sanitize.sanitizer import Sanitizer
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.compiling import compiled
from tests.planted.launching import Outcome, launched, options_of
from tests.planted.suite import Planted, planted_bugs

BUGS = planted_bugs()
LEAST = 112
LEVELS = ("-O1", "-O3")
FLAGS = ("-gline-tables-only",)
INSTRUCTION_LIMIT = 1 << 22


class Bench:
    """Machines with the sanitizer, plain and strict, and the code objects that they have loaded."""

    def __init__(self, toolchain: Toolchain, folder: Path) -> None:
        self._folder = folder
        self._machines = {strict: self._machine(toolchain, strict) for strict in (False, True)}
        self._loaded: dict[tuple[bool, Path, str], LoadedModule] = {}

    def _machine(self, tools: Toolchain, strict: bool) -> Machine:
        return Machine(
            "gfx1100",
            objdump=tools.objdump,
            clang=tools.clang,
            memory=SanitizedMemory(),
            cache_dir=self._folder,
            instruction_limit=INSTRUCTION_LIMIT,
            instruments=[Sanitizer(strict=strict)],
        )

    def run(self, bug: Planted, kernel: str, level: str) -> Outcome:
        options = options_of(bug.words)
        machine = self._machines[options.strict]
        key = (options.strict, bug.source, level)
        if key not in self._loaded:
            self._loaded[key] = machine.load(compiled(self._folder, bug.source, "clang-19", level, *FLAGS))
        return launched(machine, self._loaded[key].kernel(kernel), options)

    def close(self) -> None:
        for machine in self._machines.values():
            machine.close()


@pytest.fixture(scope="session")
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain
) -> Iterator[Bench]:
    kept = request.config.cache
    folder = kept.mkdir("planted") if kept is not None else tmp_path_factory.mktemp("planted")
    made = Bench(toolchain, folder)
    yield made
    made.close()


def _line(source: str | None) -> int:
    return int((source or ":0").rpartition(":")[2])


def _seen(result: Outcome) -> list[tuple[int, str, str]]:
    """Line, kind and detail of everything that a launch brought up."""
    assert not result.findings.dropped
    seen = [(_line(f.source), f.kind, f.detail) for f in result.findings.found]
    if result.fault is not None:
        seen.append((_line(result.fault.source_line), "fault", result.fault.kind))
    return seen


def _check(bench: Bench, bug: Planted, level: str) -> None:
    assert bug.marks, f"{bug} says nowhere what must be found"
    seen = _seen(bench.run(bug, bug.name, level))
    for mark in (mark for mark in bug.marks if mark.certain):
        found = [s for s in seen if s[0] == mark.line and s[1] == mark.kind and s[2] in mark.details]
        assert found, f"{bug}: nothing like {mark} in {seen}"
    marked = {(mark.line, mark.kind, detail) for mark in bug.marks for detail in mark.details}
    stray = [s for s in seen if s not in marked]
    assert not stray, f"{bug}: more than was planted: {stray}"
    assert _seen(bench.run(bug, bug.twin, level)) == [], f"{bug}: the corrected twin"


@pytest.mark.parametrize("bug", BUGS[::7], ids=str)
def test_planted_bug(bench: Bench, bug: Planted) -> None:
    _check(bench, bug, "-O3")


@pytest.mark.drawn(3)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_every_planted_bug(bench: Bench, bug: Planted, level: str) -> None:
    _check(bench, bug, level)


def test_there_are_eighty_bugs_of_all_kinds() -> None:
    assert len(BUGS) >= LEAST
    assert len({str(bug) for bug in BUGS}) == len(BUGS)
    kinds = {(mark.kind, detail) for bug in BUGS for mark in bug.marks for detail in mark.details}
    assert kinds >= {
        *(("uninitialized", detail) for detail in ("address", "branch", "store")),
        *(("race", detail) for detail in ("RAW", "WAR", "WAW")),
        *(("barrier", detail) for detail in ("diverged", "missed", "mixed")),
        *(("fault", kind) for kind in ("global", "lds", "scratch", "unaligned")),
        ("lockstep", "RAW"),
    }
