"""Variables of code objects through hip-python's functions, and symbols of a host program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.process.client import RemoteDevice

CODE = real_hip.hipError_t
KIND = real_hip.hipMemcpyKind


def test_a_variable_is_written_and_read_back(bench: Any, emulator: RemoteDevice) -> None:
    hip = emulator.hip
    address, size = bench.ok(hip.hipModuleGetGlobal(bench.module, b"answer"))
    wanted, seen = np.arange(size // 4, dtype=np.int32) + 77, np.zeros(size // 4, np.int32)
    assert hip.hipMemcpy(address, wanted, size, KIND.hipMemcpyHostToDevice) == (CODE.hipSuccess,)
    assert hip.hipMemcpyDtoH(seen, address, size) == (CODE.hipSuccess,)
    assert (seen == wanted).all()
    out = bench.upload(np.zeros(1, np.int32))
    assert bench.launch("read_answer", (out,), block=(1, 1, 1)) == CODE.hipSuccess
    assert bench.download(out, np.zeros(1, np.int32))[0] == 77


def test_an_unknown_variable(bench: Any, emulator: RemoteDevice) -> None:
    assert emulator.hip.hipModuleGetGlobal(bench.module, b"no_such")[0] == CODE.hipErrorNotFound


@pytest.mark.parametrize("name", ["hipGetSymbolAddress", "hipGetSymbolSize"])
def test_symbols_of_a_host_program_are_unknown(bench: Any, emulator: RemoteDevice, name: str) -> None:
    address, _ = bench.ok(emulator.hip.hipModuleGetGlobal(bench.module, b"answer"))
    assert getattr(emulator.hip, name)(address)[0] == CODE.hipErrorInvalidSymbol
    assert "hipModuleGetGlobal" in (emulator.last_reason() or "")


def test_copies_to_and_from_symbols_are_refused(bench: Any, emulator: RemoteDevice) -> None:
    hip, host = emulator.hip, np.zeros(1, np.int32)
    address, size = bench.ok(hip.hipModuleGetGlobal(bench.module, b"answer"))
    to, back = KIND.hipMemcpyHostToDevice, KIND.hipMemcpyDeviceToHost
    refused = (CODE.hipErrorInvalidSymbol,)
    assert hip.hipMemcpyToSymbol(address, host, size, 0, to) == refused
    assert hip.hipMemcpyToSymbolAsync(address, host, size, 0, to, None) == refused
    assert hip.hipMemcpyFromSymbol(host, address, size, 0, back) == refused
    assert hip.hipMemcpyFromSymbolAsync(host, address, size, 0, back, None) == refused
    assert hip.hipGetLastError() == (CODE.hipErrorInvalidSymbol,)
