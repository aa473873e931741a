"""Launches a planted bug as its comment says: arrays of its own, some freed before the kernel runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rocverify.device.by_hand.arguments import Argument, Buffer, Null, Same, Scalar, parse_argument
from rocverify.device.by_hand.launch import check_arguments
from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.launch.observed import Observed
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.sanitize.findings import Findings
from rocverify.device.faults import FaultReport

TIMEOUT_S = 60.0
SEED = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the sanitizer found in one launch, and the fault that ended it."""

    findings: Findings
    fault: FaultReport | None = None


def options_of(words: Sequence[str]) -> argparse.Namespace:
    """The words of a launch comment: see suite.py."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--grid", type=_triple)
    parser.add_argument("--block", type=_triple)
    parser.add_argument("--shared", type=int, default=0)
    parser.add_argument("--arg", action="append", default=[])
    parser.add_argument("--free", type=int, action="append", default=[])
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--cooperative", action="store_true")
    return parser.parse_args(words)


def _triple(text: str) -> tuple[int, ...]:
    return (*(int(part) for part in text.split(",")), 1, 1)[:3]


def launched(machine: Machine, kernel: LoadedKernel, options: argparse.Namespace) -> Outcome:
    """Runs the kernel once on a machine with the sanitizer."""
    arguments = [parse_argument(text, index, SEED) for index, text in enumerate(options.arg)]
    check_arguments(kernel, arguments)
    addresses = {i: _allocated(machine, one) for i, one in enumerate(arguments) if isinstance(one, Buffer)}
    kept = [address for index, address in addresses.items() if index not in options.free]
    for index in options.free:
        machine.memory.free(addresses[index])
    try:
        stats = machine.launch(
            kernel, options.grid, options.block, options.shared, _kernarg(kernel, arguments, addresses),
            timeout_s=TIMEOUT_S, cooperative=options.cooperative,
        )  # fmt: skip
    except KernelFaultError as error:
        return Outcome(_findings(error.observed), error.report)
    finally:
        for address in kept:
            machine.memory.free(address)
    return Outcome(_findings(stats.observed))


def _findings(observed: Observed) -> Findings:
    found = observed["sanitizer"]
    assert isinstance(found, Findings)
    return found


def _allocated(machine: Machine, array: Buffer) -> int:
    address = machine.memory.malloc(array.content.nbytes, array.text)
    machine.memory.write(address, array.content.view(np.uint8).data)
    if array.undefined:
        machine.memory.undefine(address, array.content.nbytes)
    return address


def _kernarg(kernel: LoadedKernel, arguments: Sequence[Argument], addresses: dict[int, int]) -> bytes:
    takes = kernel.metadata.explicit_args
    segment = bytearray(max((arg.offset + arg.size for arg in takes), default=0))
    for index, (arg, argument) in enumerate(zip(takes, arguments, strict=True)):
        match argument:
            case Scalar(data=data):
                pass
            case Null():
                data = bytes(8)
            case Same(index=other):
                data = addresses[other].to_bytes(8, "little")
            case Buffer():
                data = addresses[index].to_bytes(8, "little")
        segment[arg.offset : arg.offset + len(data)] = data
    return bytes(segment)
