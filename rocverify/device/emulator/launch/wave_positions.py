"""Where the waves of a launch stand that cannot go on, or had to stop: who waits at which barrier, who runs
where."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence

from rocverify.device.emulator import abi
from rocverify.device.emulator.launch.polled import polled
from rocverify.device.emulator.load.loaded import LoadedModule
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.faults import FaultReport

MOST_PLACES = 6
"""Places that a message names; there is a wave at each, but few are of interest."""

MOST_LISTED = 4096
"""Workgroups of a launch up to which those are listed that have ended."""

KINDS = ("deadlock", "limit", "stopped")
"""The faults that the other waves may be the reason of."""

_THIRD_PERSON = {"have": "has", "go": "goes"}
POLL, ENDED, NOT_BEGUN = "poll at", "have ended", "have not begun"
BARRIER, GRID = "wait at the barrier", "wait at the grid barrier"
_WAITING = (POLL, ENDED, BARRIER, GRID)


@dataclasses.dataclass(frozen=True, slots=True)
class WaveState:
    """A wave: its workgroup's number in the grid, its own, what it does at `pc`, and in words the memory that
    it polls."""

    group: int
    index: int
    doing: str
    pc: int
    polled: str


def with_waves(
    report: FaultReport, workers: Sequence[abi.Worker], module: LoadedModule, memory: DeviceMemory
) -> FaultReport:
    """The report with the user's own source line; for what waves may do to one another, its message also
    says where each wave stands, and how many workgroups have not begun."""
    launch = abi.Launch.from_address(workers[0].launch)
    states: list[WaveState] = []
    if report.kind in KINDS:
        states = [one for worker in workers for one in _states(worker, launch, module, memory)]
    places = {state.pc for state in states} | ({report.pc} if report.pc is not None else set())
    lines = module.user_lines(places)
    if report.pc in lines:
        report = dataclasses.replace(report, source_line=lines[report.pc])
    parts = [report.message]
    if launch.waves_per_group * launch.group_count > 1 and states:
        parts.append(_described(states, launch.group_count, lines))
    if states:
        parts += _ended(states, launch)
    waiting = launch.group_count - launch.next_group
    if states and waiting > 0 and all(state.doing in _WAITING for state in states):
        parts.append(
            f"{waiting} workgroup{'s have' if waiting > 1 else ' has'} not begun: the device holds "
            f"{launch.resident} of this kernel at a time"
        )
    return dataclasses.replace(report, message="; ".join(parts))


def _ended(states: list[WaveState], launch: abi.Launch) -> Iterator[str]:
    begun = min(launch.next_group, launch.group_count)
    ended = sorted(set(range(min(begun, MOST_LISTED))) - {state.group for state in states})
    if begun > MOST_LISTED:
        yield f"{begun - len({state.group for state in states})} workgroups have ended"
    elif ended:
        who, verb = ("workgroups", "have") if len(ended) > 1 else ("workgroup", "has")
        yield f"{who} {_ranges(ended)} {verb} ended"


def _states(
    worker: abi.Worker, launch: abi.Launch, module: LoadedModule, memory: DeviceMemory
) -> Iterator[WaveState]:
    for slot in range(worker.taken):
        first = worker.waves + slot * launch.waves_per_group * launch.wave_bytes
        group = abi.Wave.from_address(first).group
        if group == abi.NO_GROUP:
            continue
        for index in range(launch.waves_per_group):
            wave = abi.Wave.from_address(first + index * launch.wave_bytes)
            doing = _doing(wave)
            words = polled(wave, module.listing, memory) if doing == POLL else ""
            yield WaveState(group, index, doing, wave.pc, words)


def _doing(wave: abi.Wave) -> str:
    match abi.Status(wave.status):
        case abi.Status.ENDED:
            return ENDED
        case abi.Status.BARRIER:
            return BARRIER
        case abi.Status.GRID:
            return GRID
        case abi.Status.READY:
            return "go on after" if wave.pc else NOT_BEGUN
        case _:
            return POLL if wave.same or wave.slept else "run at"


def _described(states: list[WaveState], groups: int, lines: dict[int, str]) -> str:
    places: defaultdict[tuple[str, str], list[WaveState]] = defaultdict(list)
    for state in states:
        at = "" if state.doing in (ENDED, NOT_BEGUN) else f" {lines.get(state.pc, f'pc {state.pc:#x}')}"
        places[state.doing, f"{at} for {state.polled}" if state.polled else at].append(state)
    parts = [f"{_who(waves, groups)} {_verb(doing, waves)}{at}" for (doing, at), waves in places.items()]
    more = [f"and {len(parts) - MOST_PLACES} more places"] if len(parts) > MOST_PLACES else []
    return ", ".join([*parts[:MOST_PLACES], *more])


def _verb(doing: str, waves: list[WaveState]) -> str:
    if len({wave.index for wave in waves}) > 1:
        return doing
    verb, _, rest = doing.partition(" ")
    return f"{_THIRD_PERSON.get(verb, f'{verb}s')} {rest}"


def _who(waves: list[WaveState], count: int) -> str:
    """`wave 3`, `waves 0-2, 5`; of a launch of several workgroups, `wave 0 of workgroups 1-9`."""
    numbers = sorted({wave.index for wave in waves})
    text = f"wave{'s' if len(numbers) > 1 else ''} {_ranges(numbers)}"
    if count == 1:
        return text
    groups = sorted({wave.group for wave in waves})
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
