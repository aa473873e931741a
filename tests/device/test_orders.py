"""The order in which waves and workgroups run, and what unwritten memory holds: drawn from a seed."""

from __future__ import annotations

import ctypes
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator import abi
from rocverify.device.emulator.launch.schedule import POISON, Schedule
from rocverify.device.hip.executor import Executor
from rocverify.device.hip.items import Item
from rocverify.device.process.client import RemoteDevice
from rocverify.device.process.placed import Ordering
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from tests.device.conftest import Bench
from tests.devices import emulated

GROUPS, WAVES = 12, 4


@pytest.fixture(scope="module")
def orders(toolchain: Toolchain, kept: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = tmp_path_factory.mktemp("orders")
    shutil.copy(Path(__file__).parent / "orders.hip", root)
    entry = ManifestEntry("orders.hip", (), "ORDERS", flags=("-O2",))
    return Builder(root, toolchain, kept).build(entry, "gfx1100").path.read_bytes()


@pytest.fixture(scope="module")
def device(toolchain: Toolchain, kept: Path) -> Iterator[RemoteDevice]:
    with emulated(toolchain, kept) as opened:
        yield opened


@contextmanager
def ordered(device: RemoteDevice, seed: int) -> Iterator[None]:
    """Waves and workgroups run as the seed says, for a block, as they do in a call of the judge's."""
    device.hip.hipDeviceSynchronize()
    placed = device.place(os.getpid(), [], order=Ordering("eager", seed))
    try:
        yield
    finally:
        device.collect(placed, ())


def came(device: RemoteDevice, orders: bytes) -> tuple[list[int], list[list[int]]]:
    """The places of the workgroups, and of the waves in each."""
    bench = Bench(device.hip, orders)
    sizes = (1, GROUPS, GROUPS * WAVES)
    pointers = [bench.upload(np.zeros(size, np.uint32)) for size in sizes]
    arguments = tuple(ctypes.c_void_p(int(p)) for p in pointers)
    assert not int(bench.launch("came", arguments, grid=(GROUPS, 1, 1), block=(32 * WAVES, 1, 1)))
    groups, waves = (
        bench.download(p, np.zeros(size, np.uint32)) for p, size in zip(pointers[1:], sizes[1:], strict=True)
    )
    return groups.tolist(), waves.reshape(GROUPS, WAVES).tolist()


def test_without_a_seed_waves_and_workgroups_come_in_their_own_order(
    device: RemoteDevice, orders: bytes
) -> None:
    assert came(device, orders) == (list(range(GROUPS)), [list(range(WAVES))] * GROUPS)


def test_a_seed_decides_the_order_and_each_comes_once(device: RemoteDevice, orders: bytes) -> None:
    seen = []
    for seed in (1, 2, 1, 3):
        with ordered(device, seed):
            groups, waves = came(device, orders)
        assert sorted(groups) == list(range(GROUPS))
        assert all(sorted(one) == list(range(WAVES)) for one in waves)
        assert len({tuple(one) for one in waves}) > 1
        seen.append((groups, waves))
    assert seen[0] == seen[2]
    assert seen[0] != seen[1] != seen[3] != seen[0]
    assert came(device, orders) == (list(range(GROUPS)), [list(range(WAVES))] * GROUPS)


def test_a_seed_decides_what_unwritten_memory_holds(device: RemoteDevice, orders: bytes) -> None:
    held = set()
    for seed in (1, 2):
        with ordered(device, seed):
            bench, out = Bench(device.hip, orders), np.zeros(64, np.uint32)
            pointers = (bench.ok(bench.hip.hipMalloc(128)), bench.upload(out))
            assert not int(bench.launch("unwritten", tuple(ctypes.c_void_p(int(p)) for p in pointers)))
            words = bench.download(pointers[1], out)
        assert len(set(words.tolist())) == 1
        assert np.isnan(words.view(np.float32)).all()
        assert np.isnan(words.view(np.float16)).all()
        held.add(int(words[0]))
    assert len(held) == 2
    assert POISON not in held


def test_workgroups_change_places_only_with_those_that_may_be_resident_beside_them() -> None:
    """In the runtime's own words: a window of 5 of 12 workgroups, the last of 2."""
    launch = abi.Launch(group_count=12, resident=5)
    Schedule(7).apply(launch)
    assert (launch.window, launch.order_seed != 0) == (5, True)
    assert {launch.stride * place % 5 for place in range(5)} == set(range(5))
    assert {launch.last_stride * place % 2 for place in range(2)} == {0, 1}
    Schedule().apply(launch)
    assert (launch.order_seed, launch.poison) == (0, POISON)


def test_work_that_was_deferred_runs_once_the_order_is_eager() -> None:
    ran: list[str] = []
    executor = Executor("lazy", 0, clock=lambda: 0.0, execute=lambda item, _: ran.append(item.label))
    executor.add(item := Item(lambda _: None, "one"), ())
    assert (executor.pending(), ran) == ([item], [])
    executor.reorder("eager", 0)
    until(lambda: item.done)
    executor.reorder("lazy", 0)
    executor.add(later := Item(lambda _: None, "two"), ())
    assert (executor.pending(), ran) == ([later], ["one"])
    executor.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)
