"""Many clients in turn and at once, some killed on their way: nothing of them stays in the device process,
and no other client notices."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.process.client import RemoteDevice
from tests.programs.build import HERE, Workshop, read_program
from tests.programs.devices import emulated
from tests.programs.running import execute, run

CLIENT = read_program(HERE / "stress/client.c")
IN_TURN, AT_ONCE, KILLED = 200, 20, 20
STEADY = 10
"""Equal looks at a process after which it is taken to be at rest."""
_GONE_WITHIN_S = 30.0
_ENDLESS = "1000000"


@pytest.fixture
def device(kept: Path) -> Iterator[RemoteDevice]:
    with emulated(kept) as opened:
        yield opened


def _state(device: RemoteDevice) -> dict[str, int]:
    """What is alive on the device, once all ends of clients have been noticed."""
    patience = time.monotonic() + _GONE_WITHIN_S
    while True:
        state: dict[str, int] = device.process.ask("state", device.index)
        if not any(state.values()) or time.monotonic() > patience:
            return state
        time.sleep(0.05)


def _footprint(device: RemoteDevice) -> dict[str, int]:
    """Open files and threads of the device process, by its entry in /proc, once they stay the same:
    threads of clients that have ended come to their own end."""
    entry = Path(f"/proc/{device.process.pid}")
    seen: list[dict[str, int]] = []
    while len(seen) < STEADY or any(one != seen[-1] for one in seen[-STEADY:]):
        seen.append({name: len(list((entry / name).iterdir())) for name in ("fd", "task")})
        time.sleep(0.05)
    return seen[-1]


@pytest.mark.long
def test_clients_in_turn_leave_nothing(workshop: Workshop, device: RemoteDevice) -> None:
    command = workshop.command(CLIENT)
    for seed in range(3):
        assert run([*command, str(seed), "1"], device.environment()).returncode == 0
    assert not any(_state(device).values())
    before = _footprint(device)
    for seed in range(IN_TURN):
        outcome = run([*command, str(seed), "1"], device.environment())
        assert outcome.returncode == 0, f"client {seed}: {outcome}"
    assert not any(_state(device).values()), _state(device)
    assert _footprint(device) == before


@pytest.mark.long
def test_killed_clients_are_noticed_by_nobody(workshop: Workshop, device: RemoteDevice) -> None:
    command = workshop.command(CLIENT)
    draw = random.Random(11)
    footprints = []
    for _ in range(KILLED // (AT_ONCE // 2) + 1):
        _crowd(command, device, draw)
        assert not any(_state(device).values()), _state(device)
        footprints.append(_footprint(device))
    assert footprints[1:] == footprints[:1] * (len(footprints) - 1)  # the first has opened what stays open


def _crowd(command: tuple[str, ...], device: RemoteDevice, draw: random.Random) -> None:
    """As many clients as are to run at once, half of which are killed; the others must be right."""
    victims = [_started(command, device, str(seed), _ENDLESS) for seed in range(AT_ONCE // 2)]
    others = [_started(command, device, str(seed + 100), "6") for seed in range(AT_ONCE // 2)]
    for victim in victims:
        time.sleep(draw.uniform(0.0, 0.3))
        victim.kill()
        victim.communicate()
    for other in others:
        words, _ = other.communicate(timeout=200)
        assert other.returncode == 0, words


def test_crowd_under_exec(workshop: Workshop) -> None:
    """A shell script as the program: all its children are clients."""
    client, folder = workshop.command(CLIENT)
    outcome = execute([str(HERE / "stress/crowd.sh"), client, folder, "6"])
    assert outcome.returncode == 0, str(outcome)
    assert outcome.launches > 0


def _started(command: tuple[str, ...], device: RemoteDevice, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, *arguments],
        env={**os.environ, **device.environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
