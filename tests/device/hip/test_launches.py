"""Modules, kernels and launches on plain numbers, what the harness changes, the trace that comes of it."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from rocverify.device.trace.events import LaunchArgument
from rocverify.toolchain.bundles import DeviceCode, write_bundle

N = 100


@pytest.fixture
def axpy(client):
    return client.function(client.module(), "axpy")


def arguments(y: int, x: int) -> bytes:
    return struct.pack("<QQfI", y, x, 2.0, N)


def test_a_kernel_runs_on_what_was_uploaded(client, axpy):
    x, y = np.arange(N, dtype=np.float32), np.ones(N, dtype=np.float32)
    device_x, device_y = client.upload(x.tobytes()), client.upload(y.tobytes())
    assert client.launch(axpy, arguments(device_y, device_x), grid=2, block=64).code == 0
    assert client.download(device_y, 4 * N) == (2 * x + y).tobytes()
    event = client.events[-1]
    assert (event.function, event.category, event.result) == ("hipModuleLaunchKernel", "launch", "hipSuccess")
    assert (event.kernel, event.grid, event.block, event.shared_bytes) == ("axpy", (2, 1, 1), (64, 1, 1), 0)
    assert event.args == (
        LaunchArgument("c_void_p", 8, device_y),
        LaunchArgument("c_void_p", 8, device_x),
        LaunchArgument("c_uint", 4, 0x40000000),
        LaunchArgument("c_uint", 4, N),
    )
    assert event.code_object is not None
    assert event.code_object == client.events[0].code_object


def test_a_function_comes_with_what_a_client_has_to_know(client):
    answer = client.answer("hipModuleGetFunction", client.module(), payload=b"axpy")
    record = bytes(answer.payload)
    nargs, kernarg, block, shared, *grid, _ = struct.unpack_from("<8I", record)
    assert (nargs, kernarg, block, shared) == (4, 24, 1024, 65536)
    assert grid == [(2**32 - 1) // 1024, 65535, 65535]
    assert struct.unpack_from("<8I", record, 32) == (0, 8, 8, 8, 16, 4, 20, 4)
    assert record[64:] == b"axpy\0"
    assert (
        client.function(client.events and client.context.functions[answer.values[0]].module, "axpy")
        == (answer.values[0])
    )


def test_launches_that_cannot_be_are_refused(client, axpy):
    kernarg = arguments(0, 0)
    module = client.context.functions[axpy].module
    bounded = client.function(module, "bounded")
    for launch, code in (
        ((axpy, kernarg, 0, 32), 9),
        ((axpy, kernarg, 1, 2048), 9),
        ((axpy, kernarg, 2**31, 32), 9),
        ((bounded, bytes(8), 1, 128), 719),
        ((axpy, kernarg, 1, 32, 70_000), 1),
        ((axpy, kernarg[:20], 1, 32), 1),
        ((0x77, kernarg, 1, 32), 400),
    ):
        assert client.launch(*launch).code == code, client.reason
    wide = (axpy, 1, 70_000, 1, 32, 1, 1, 0, 0, 0, 0, 0)
    assert client.answer("hipModuleLaunchKernel", *wide, payload=kernarg).code == 9
    assert "along y, at most 65535" in client.reason


def test_part_of_a_workgroup_is_not_launched(client, axpy):
    args = (axpy, 100, 1, 1, 32, 1, 1, 0, 0, 0, 0, 1)
    assert client.answer("hipExtModuleLaunchKernel", *args, payload=arguments(0, 0)).code == 1
    assert "(100, 1, 1) work-items are not whole workgroups of (32, 1, 1)" in client.reason
    event = client.events[-1]
    assert (event.grid, event.block) == ((4, 1, 1), (32, 1, 1))
    x, y = client.upload(b"\0\0\x80\x3f" * N), client.upload(bytes(4 * N))
    args = (axpy, 20, 1, 1, 32, 1, 1, 0, 0, 0, 0, 1)
    assert client.answer("hipExtModuleLaunchKernel", *args, payload=arguments(y, x)).code == 0
    assert (client.events[-1].grid, client.events[-1].block) == ((1, 1, 1), (20, 1, 1))
    assert client.download(y, 4 * N) == b"\0\0\0\x40" * 20 + bytes(4 * (N - 20))


def test_too_few_and_too_many_argument_bytes_show_in_the_trace(client, axpy):
    client.launch(axpy, struct.pack("<QI", 0x1000, 7))
    assert client.events[-1].result == "hipErrorInvalidValue"
    assert client.events[-1].args == (LaunchArgument("c_void_p", 8, 0x1000), LaunchArgument("c_uint", 4, 7))
    client.context.control.ghost()
    client.launch(axpy, arguments(1, 2) + struct.pack("<I", 5))
    assert client.events[-1].args[4] == LaunchArgument("c_uint", 4, 5)
    client.launch(axpy, arguments(1, 2) + bytes(4))
    assert len(client.events[-1].args) == 4


def test_a_fault_stays_until_it_is_cleared(client):
    site = client.site(5, "P\t/project/main.py\t3\tmain")
    out = client.ok("hipMalloc", 64, site=site)
    unchecked = client.function(client.module(), "unchecked")
    client.launch(unchecked, struct.pack("<Q", out), block=64)
    assert client.answer("hipDeviceSynchronize").code == 700
    assert client.events[-2].result == "hipErrorIllegalAddress"
    fault = client.context.control.last_fault
    assert "(hipMalloc at /project/main.py:3)" in fault.allocation
    assert client.answer("hipMalloc", 8).code == 700
    assert client.answer("hipFree", out).code == 700
    assert out not in client.context.allocations
    assert client.answer("hipMemGetInfo").code == 0
    client.context.control.clear_fault()
    assert client.context.control.last_fault is None
    client.ok("hipMalloc", 8)


def test_a_fault_is_not_forgotten_by_a_reset(client):
    unchecked = client.function(client.module(), "unchecked")
    client.launch(unchecked, struct.pack("<Q", client.ok("hipMalloc", 64)), block=64)
    assert client.answer("hipDeviceReset").code == 0
    client.ok("hipMalloc", 8)
    assert client.context.control.last_fault is None
    assert [fault.kernel for fault in client.context.control.faults] == ["unchecked"]


def test_ghosts_report_success_and_do_nothing(client, axpy):
    y = client.upload(bytes(4 * N))
    token = client.context.control.ghost({"axpy"})
    assert client.launch(axpy, arguments(y, 0), grid=2, block=64).code == 0
    assert client.events[-1].ghost
    client.context.control.lift(token)
    client.launch(axpy, arguments(y, y), grid=2, block=64)
    assert not client.events[-1].ghost


def test_refused_functions_fail_and_do_nothing(client):
    token = client.context.control.refuse({"hipMalloc"})
    assert "refused by the harness" in client.fails("hipErrorLaunchFailure", "hipMalloc", 8)
    assert client.events[-1].reason == client.reason
    client.context.control.lift(token)
    client.ok("hipMalloc", 8)


def test_kernels_of_an_unloaded_module_say_so(client, axpy):
    module = client.context.functions[axpy].module
    client.ok("hipModuleUnload", module, site=client.site(3, "P\t/project/main.py\t9\tmain"))
    assert client.launch(axpy, arguments(0, 0)).code == 400
    assert client.reason.startswith("the kernel axpy is of the module")
    assert "unloaded at /project/main.py:9" in client.reason
    assert "unloaded" in client.fails("hipErrorInvalidHandle", "hipModuleUnload", module)


def test_missing_kernels_and_bad_images_have_their_codes(client):
    module = client.module()
    reason = client.fails("hipErrorNotFound", "hipModuleGetFunction", module, payload=b"axpi")
    assert "axpy" in reason
    client.fails("hipErrorInvalidImage", "hipModuleLoadData", client.host.put(b"no image at all"), 15)
    client.fails("hipErrorInvalidValue", "hipModuleLoadData", 0, 15)
    nothing = client.fails("hipErrorInvalidImage", "hipModuleLoadData", 0x5000, 0)
    assert "at 0x5000 is neither a code object nor a bundle" in nothing
    assert "the file empty.hsaco" in client.fails(
        "hipErrorInvalidImage", "hipModuleLoad", 0, 0, payload=b"empty.hsaco"
    )


def test_a_program_for_other_targets_is_told_what_to_do(client):
    codes = [DeviceCode(name, "", client.image) for name in ("gfx942", "gfx90a")]
    bundle = write_bundle(codes)
    reason = client.fails(
        "hipErrorNoBinaryForGpu", "rv_load_fat_binary", client.host.put(bundle), len(bundle)
    )
    assert "holds gfx942 and gfx90a; this device is gfx1100" in reason
    assert "--offload-arch=gfx1100 or use --target" in reason
    right = write_bundle([*codes, DeviceCode("gfx1100", "", client.image)])
    client.ok("rv_load_fat_binary", client.host.put(right), len(right))


def test_a_reset_keeps_the_program_s_own_module(client):
    bundle = write_bundle([DeviceCode("gfx1100", "", client.image)])
    module = client.ok("rv_load_fat_binary", client.host.put(bundle), len(bundle))
    client.ok("hipDeviceReset")
    client.function(module, "axpy")


def test_kernels_tell_about_themselves(client, axpy):
    assert bytes(client.answer("hipKernelNameRef", axpy).payload) == b"axpy"
    assert client.ok("hipFuncGetAttribute", 0, axpy) == 1024
    values = client.answer("hipFuncGetAttributes", axpy).values
    assert len(values) == 10
    assert values[5] == 1024
    client.ok("hipFuncSetAttribute", axpy, 8, 32768)
    assert client.ok("hipFuncGetAttribute", 8, axpy) == 32768
    client.fails("hipErrorInvalidValue", "hipFuncSetAttribute", axpy, 8, 1 << 20)
    client.fails("hipErrorInvalidValue", "hipFuncGetAttribute", 99, axpy)
    assert client.ok("hipModuleOccupancyMaxActiveBlocksPerMultiprocessor", axpy, 256, 0) > 0
    grid, block = client.answer("hipModuleOccupancyMaxPotentialBlockSize", axpy, 0, 0).values
    assert block % 32 == 0 < grid


def test_a_late_failure_of_an_unanswered_call_is_told_at_the_next_wait(client, axpy):
    args = (axpy, 0, 1, 1, 32, 1, 1, 0, 0, 0, 0, 0)
    client.answer("hipModuleLaunchKernel", *args, payload=arguments(0, 0), waits=False)
    assert client.answer("hipDeviceSynchronize").code == 9
    assert client.answer("hipDeviceSynchronize").code == 0
