"""program, and `program:` of other kinds: what the device sees of a C++ host decides."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rocverify.checks.base import Outcome
from rocverify.commands.trace import allocated_between, totals, under
from rocverify.device.trace.events import Category, TraceEvent
from rocverify.errors import CommandRefusedError, RocverifyError
from rocverify.records import CheckVerdict
from rocverify.settings import Settings
from tests.checks.conftest import Project
from tests.programs.build import Workshop, read_program

SOURCE = Path(__file__).parent / "engine.hip"
Engine = Callable[..., Project]
RUN = ["./engine"]


@pytest.fixture
def engine(tmp_path: Path, kept: Path, own_cache: Path) -> Iterator[Engine]:
    """The project with its program, compiled with defines."""
    made: list[Project] = []

    def make(*defines: str, here: bool = False) -> Project:
        project = Project(
            tmp_path, Settings(device="emulator", cache_dir=str(own_cache), allow_commands=True)
        )
        made.append(project)
        (tmp_path / "src").mkdir()
        source = tmp_path / "src/engine.hip"
        shutil.copy(SOURCE, source)
        # what is to be found in the project by its debug information is compiled there
        workshop = Workshop(tmp_path / "built" if here else kept)
        shutil.copy(
            workshop.executable(read_program(source if here else SOURCE, defines)), tmp_path / "engine"
        )
        return project

    yield make
    for project in made:
        project.close()


def _verdict(outcome: Outcome, verdict: CheckVerdict, words: str) -> None:
    assert outcome.verdict is verdict, outcome.message
    assert words in outcome.message


def test_right_code_passes(engine: Engine) -> None:
    outcome = engine().check(
        "program",
        run=RUN,
        kernels=["_Z5scalePfi"],
        no_others=True,
        reuses_for="_Z5scalePfi",
        max_peak_bytes=800,
        max_allocations=1,
        max_copies={"to_host": 1},
    )
    _verdict(outcome, CheckVerdict.PASSED, "launched _Z5scalePfi x3")
    assert outcome.evidence["peak_bytes"] == 800


def test_it_does_not_run_unless_allowed(engine: Engine) -> None:
    project = engine()
    project.settings = Settings(device="emulator")
    with pytest.raises(CommandRefusedError):
        project.check("program", run=RUN)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"kernels": ["other"]}, "other was not launched"),
        ({"not_launched": ["_Z5scalePfi"]}, "was launched"),
        ({"max_peak_bytes": 799}, "800 bytes at the peak"),
        ({"max_copies": {"to_device": 0}}, "1 copies to device"),
        ({"exit_code": 1}, "exit status 0, not 1"),
    ],
)
def test_what_it_does_not_do_fails(engine: Engine, params: dict[str, Any], said: str) -> None:
    _verdict(engine().check("program", run=RUN, **params), CheckVerdict.FAILED, said)


def test_growth_and_mistakes_fail(engine: Engine) -> None:
    grown = engine("GROW").check("program", run=RUN, reuses_for="_Z5scalePfi")
    _verdict(grown, CheckVerdict.FAILED, "between 3 launches of _Z5scalePfi it allocates 4096 bytes")


def test_an_access_out_of_bounds_fails(engine: Engine) -> None:
    _verdict(engine("WRONG").check("program", run=RUN), CheckVerdict.FAILED, "")


def test_a_program_that_launches_nothing_shows_nothing(engine: Engine) -> None:
    with pytest.raises(RocverifyError, match="launched no kernel"):
        engine().check("program", run=["true"])


ENTRY = "src/engine.hip:step"


@pytest.mark.long
def test_the_trace_decides_for_a_host_in_cpp(engine: Engine) -> None:
    project = engine(here=True)
    wrapper = project.check(
        "wrapper_present", wrapper=ENTRY, source="src/engine.hip", symbol="_Z5scalePfi", program=RUN
    )
    _verdict(wrapper, CheckVerdict.PASSED, "step launches _Z5scalePfi (3 times")
    missing = project.check(
        "wrapper_present", wrapper=ENTRY, source="src/engine.hip", symbol="gone", program=RUN
    )
    _verdict(missing, CheckVerdict.FAILED, "has no kernel gone")
    absent = project.check(
        "wrapper_present", wrapper="src/engine.hip:leap", source="src/engine.hip", symbol="gone", program=RUN
    )
    _verdict(absent, CheckVerdict.FAILED, "defines no function leap")
    with pytest.raises(RocverifyError, match="nothing that runs it was executed"):
        project.check("wrapper_present", wrapper=ENTRY, source="src/engine.hip", symbol="_Z5scalePfi")


@pytest.mark.long
def test_a_copy_back_is_seen(engine: Engine) -> None:
    project = engine("READBACK", here=True)
    project.edit(
        "src/engine.hip",
        "    HIP(hipMemcpy(back, on_x, count * sizeof(float), hipMemcpyDeviceToHost));\n#endif",
        "#endif",
    )
    # The sources do not show what the program does; it is the newer one all the same.
    (project.root / "engine").touch()
    outcome = project.check("no_host_roundtrip", entry=ENTRY, program=RUN)
    _verdict(outcome, CheckVerdict.FAILED, "step copies 800 bytes to the host")


@pytest.mark.long
def test_no_copy_back_passes(engine: Engine) -> None:
    outcome = engine(here=True).check("no_host_roundtrip", entry=ENTRY, program=RUN)
    _verdict(outcome, CheckVerdict.PASSED, "nothing comes back to the host")


def _event(seq: int, category: Category, **more: Any) -> TraceEvent:
    return TraceEvent(seq, "f", category, more.pop("result", "hipSuccess"), **more)


def test_sums_over_a_trace() -> None:
    events = [
        _event(1, Category.ALLOC, bytes=100, dst=1),
        _event(2, Category.ALLOC, bytes=999, dst=2, result="hipErrorOutOfMemory"),
        _event(3, Category.LAUNCH, kernel="k", host_function="Engine::step", callers=("a.cpp:3 run",)),
        _event(4, Category.FREE, src=1),
        _event(5, Category.ALLOC, bytes=60, dst=3),
        _event(6, Category.LAUNCH, kernel="k", host_function="restep"),
        _event(7, Category.D2H, bytes=60),
    ]
    sums = totals(events)
    assert (sums.allocations, sums.peak_bytes, dict(sums.copies)) == (2, 100, {"to_host": 1})
    count, made = allocated_between(events, "k")
    assert (count, [event.seq for event in made]) == (2, [5])
    assert [event.seq for event in under(events, "step")] == [3]
    assert [event.seq for event in under(events, "run")] == [3]
