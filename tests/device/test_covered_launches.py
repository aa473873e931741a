"""Which code launches executed: `open_device(..., coverage=True)`, and what `take_coverage` tells."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.device.emulator.coverage.executed import KernelCoverage
from rocverify.device.emulator.coverage.instrument import CoverageInstrument
from rocverify.device.emulator.coverage.record import CoverageLog
from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.machine import LoadedKernel, Machine
from rocverify.device.process.client import RemoteDevice
from rocverify.toolchain.discover import Toolchain
from tests.devices import emulated
from tests.machines import opened_machine


@pytest.fixture
def covering(toolchain: Toolchain, kept: Path) -> Iterator[RemoteDevice]:
    with emulated(toolchain, kept, coverage=True) as device:
        yield device


@pytest.fixture
def machine(toolchain: Toolchain, kept: Path) -> Iterator[Machine]:
    with opened_machine(toolchain, kept, threads=2, instruments=[CoverageInstrument()]) as made:
        yield made


def run_axpy(machine: Machine, kernel: LoadedKernel, count: int, log: CoverageLog) -> None:
    """Of `count` elements, by 64 work-items."""
    memory = machine.memory.malloc(4 * 64)
    kernarg = struct.pack("<QQfI", memory, memory, 1.0, count)
    log.add(machine.launch(kernel, (2, 1, 1), (32, 1, 1), 0, kernarg).observed["coverage"])
    machine.memory.free(memory)


def test_a_block_that_no_launch_enters_is_missed_until_one_does(machine: Machine, image: bytes) -> None:
    kernel, log = machine.load(image).kernel("axpy"), CoverageLog()
    run_axpy(machine, kernel, 0, log)
    (none,) = log.take()
    assert (none.kernel, none.launches) == ("axpy", 1)
    stores = {
        address
        for address, block in kernel.graph.blocks.items()
        if any(inst.mnemonic.startswith("global_store") for inst in block)
    }
    assert stores == set(none.missed)
    assert none.blocks == tuple(kernel.graph.blocks)
    assert log.take() == []
    run_axpy(machine, kernel, 33, log)
    run_axpy(machine, kernel, 0, log)
    (both,) = log.take()
    assert (both.launches, both.missed) == (2, ())
    assert none.merged(both) == KernelCoverage(
        "axpy", none.code_object, 3, none.blocks, frozenset(none.blocks)
    )


def test_of_a_launch_that_faults_is_told_what_came_before(machine: Machine, image: bytes) -> None:
    kernel = machine.load(image).kernel("axpy")
    with pytest.raises(KernelFaultError) as caught:
        machine.launch(kernel, (1, 1, 1), (32, 1, 1), 0, struct.pack("<QQfI", 0, 0, 1.0, 32))
    log = CoverageLog()
    log.add(caught.value.observed["coverage"])
    assert kernel.graph.entry in log.take()[0].executed


def test_merging_different_kernels_is_refused() -> None:
    one = KernelCoverage("a", "x", 1, (0,), frozenset({0}))
    with pytest.raises(ValueError, match="different code"):
        one.merged(KernelCoverage("b", "x", 1, (0,), frozenset()))


def test_launches_on_a_device_that_cannot_tell_add_to_the_count_alone() -> None:
    told = KernelCoverage("a", "x", 1, (0, 16), frozenset({0}))
    blind = KernelCoverage("a", "x", 2, (), frozenset())
    assert told.merged(blind) == blind.merged(told)
    assert (blind.merged(told).launches, blind.merged(told).missed) == (3, (16,))


def test_lines_of_blocks_and_what_of_them_ran() -> None:
    lines = {0: ("k.hip:9", "k.hip:10"), 16: ("k.hip:10", "k.hip:11"), 32: ()}
    one = KernelCoverage("a", "x", 1, (0, 16, 32), frozenset({0}), lines)
    assert one.executed_lines == {"k.hip:9", "k.hip:10"}
    assert one.missed_lines == ("k.hip:11",)
    assert one.to_json() == {
        "kernel": "a",
        "code_object": "x",
        "launches": 1,
        "blocks": 3,
        "executed_blocks": 1,
        "missed_blocks": ["0x10", "0x20"],
        "missed_lines": ["k.hip:11"],
        "models": [],
    }


def launch(device: RemoteDevice, image: bytes, kernel: bytes) -> None:
    hip = device.hip
    _, module = hip.hipModuleLoadData(image)
    _, function = hip.hipModuleGetFunction(module, kernel)
    hip.hipModuleLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, None, None, None)
    hip.hipDeviceSynchronize()


def test_the_device_process_tells_by_kernel_and_once(covering: RemoteDevice, image: bytes) -> None:
    launch(covering, image, b"nothing")
    launch(covering, image, b"nothing")
    (seen,) = covering.take_coverage(lines=True)
    assert (seen.kernel, seen.launches, seen.missed) == ("nothing", 2, ())
    assert covering.take_coverage() == []


def test_a_device_that_was_not_asked_to_tells_what_was_launched(emulator: RemoteDevice, image: bytes) -> None:
    emulator.take_coverage()
    launch(emulator, image, b"nothing")
    (seen,) = emulator.take_coverage(lines=True)
    assert (seen.kernel, seen.launches, seen.blocks, seen.executed) == ("nothing", 1, (), frozenset())
    assert emulator.take_coverage() == []
