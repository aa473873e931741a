"""Where the waves of a launch stand that cannot go on, or had to stop: who waits at which barrier, who runs
where."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator

from rocverify.device.emulator import abi
from rocverify.device.emulator.load.loaded import LoadedModule
from rocverify.device.faults import FaultReport

MOST_PLACES = 6
"""Places that a message names; there is a wave at each, but few are of interest."""

KINDS = ("deadlock", "limit", "stopped")
"""The faults that the other waves may be the reason of."""

_THIRD_PERSON = {"have": "has", "go": "goes"}
POLL, ENDED, NOT_BEGUN = "poll at", "have ended", "have not begun"


@dataclasses.dataclass(frozen=True, slots=True)
class WaveState:
    """A wave: its workgroup's number among the resident ones, its own, and what it does at `pc`."""

    slot: int
    index: int
    doing: str
    pc: int


def with_waves(report: FaultReport, worker: abi.Worker, module: LoadedModule) -> FaultReport:
    """The report with the user's own source line; for what waves may do to one another, its message also
    says where each wave stands."""
    launch = abi.Launch.from_address(worker.launch)
    states = list(_states(worker, launch)) if report.kind in KINDS else []
    places = {state.pc for state in states} | ({report.pc} if report.pc is not None else set())
    lines = module.user_lines(places)
    if report.pc in lines:
        report = dataclasses.replace(report, source_line=lines[report.pc])
    parts = [report.message]
    if launch.waves_per_group * launch.resident > 1 and states:
        parts.append(_described(states, launch.resident, lines))
    if report.kind in KINDS and launch.group_count > launch.resident and _poll_only(states):
        parts.append(
            "if it waits for another workgroup: those of an ordinary launch need not run at the same time "
            "(hipModuleLaunchCooperativeKernel)"
        )
    return dataclasses.replace(report, message="; ".join(parts))


def _states(worker: abi.Worker, launch: abi.Launch) -> Iterator[WaveState]:
    for number in range(worker.taken * launch.waves_per_group):
        wave = abi.Wave.from_address(worker.waves + number * launch.wave_bytes)
        slot, index = divmod(number, launch.waves_per_group)
        yield WaveState(slot, index, _doing(wave), wave.pc)


def _doing(wave: abi.Wave) -> str:
    match abi.Status(wave.status):
        case abi.Status.ENDED:
            return ENDED
        case abi.Status.BARRIER:
            return "wait at the barrier"
        case abi.Status.GRID:
            return "wait at the grid barrier"
        case abi.Status.READY:
            return "go on after" if wave.pc else NOT_BEGUN
        case _:
            return POLL if wave.same else "run at"


def _poll_only(states: list[WaveState]) -> bool:
    return all(state.doing in (POLL, ENDED) for state in states)


def _described(states: list[WaveState], resident: int, lines: dict[int, str]) -> str:
    places: defaultdict[tuple[str, str], list[WaveState]] = defaultdict(list)
    for state in states:
        at = "" if state.doing in (ENDED, NOT_BEGUN) else f" {lines.get(state.pc, f'pc {state.pc:#x}')}"
        places[state.doing, at].append(state)
    parts = [f"{_who(waves, resident)} {_verb(doing, waves)}{at}" for (doing, at), waves in places.items()]
    more = [f"and {len(parts) - MOST_PLACES} more places"] if len(parts) > MOST_PLACES else []
    return ", ".join([*parts[:MOST_PLACES], *more])


def _verb(doing: str, waves: list[WaveState]) -> str:
    if len({wave.index for wave in waves}) > 1:
        return doing
    verb, _, rest = doing.partition(" ")
    return f"{_THIRD_PERSON.get(verb, f'{verb}s')} {rest}"


def _who(waves: list[WaveState], resident: int) -> str:
    """`wave 3`, `waves 0-2, 5`; of a cooperative launch, `waves 0 of workgroups 1-9`."""
    numbers = sorted({wave.index for wave in waves})
    text = f"wave{'s' if len(numbers) > 1 else ''} {_ranges(numbers)}"
    if resident == 1:
        return text
    groups = sorted({wave.slot for wave in waves})
    return f"{text} of workgroup{'s' if len(groups) > 1 else ''} {_ranges(groups)}"


def _ranges(numbers: list[int]) -> str:
    """Ascending numbers as `0-2, 5`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
