"""Devices, properties, streams, events and errors of the emulator's HIP."""

from __future__ import annotations

import time
from typing import Any

import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.base import Device
from rocverify.device.process.client import RemoteDevice
from rocverify.errors import DeviceUnavailableError

CODE = real_hip.hipError_t
OK = (CODE.hipSuccess,)


def test_it_is_a_device(emulator: RemoteDevice) -> None:
    assert isinstance(emulator, Device)
    assert (emulator.kind, emulator.target) == ("emulator", "gfx1100")
    assert "emulator" in emulator.name
    assert emulator.info.to_json()["kind"] == "emulator"


def test_other_targets_are_unavailable(toolchain: Any) -> None:
    with pytest.raises(DeviceUnavailableError, match="not for gfx90a"):
        RemoteDevice.open("gfx90a", objdump=toolchain.objdump, clang=toolchain.clang, linker=toolchain.linker)


def test_one_device(emulator: RemoteDevice) -> None:
    hip = emulator.hip
    assert hip.hipInit(0) == OK
    assert hip.hipInit(1) == (CODE.hipErrorInvalidValue,)
    assert hip.hipGetDeviceCount() == (CODE.hipSuccess, 1)
    assert hip.hipSetDevice(0) == OK
    assert hip.hipSetDevice(1) == (CODE.hipErrorInvalidDevice,)
    assert hip.hipGetDevice() == (CODE.hipSuccess, 0)
    assert hip.hipDeviceGet(0) == (CODE.hipSuccess, 0)
    assert hip.hipDeviceComputeCapability(0) == (CODE.hipSuccess, 11, 0)
    assert str(hip.hipDeviceGetName(64, 0)[1]) == emulator.name
    assert str(hip.hipDeviceGetName(4, 0)[1]) == emulator.name[:3]
    assert hip.hipDriverGetVersion()[1] >= 60_000_000


def test_properties_are_hip_pythons_record(emulator: RemoteDevice) -> None:
    code, properties = emulator.hip.hipGetDeviceProperties(0)
    assert code == CODE.hipSuccess
    assert type(properties) is real_hip.hipDeviceProp_t
    assert properties.gcnArchName == "gfx1100"
    assert properties.name == emulator.name
    assert (properties.warpSize, properties.maxThreadsPerBlock) == (32, 1024)
    assert properties.maxThreadsDim == [1024, 1024, 1024]
    assert properties.maxGridSize == [2**31 - 1, 65535, 65535]
    assert (properties.major, properties.minor) == (11, 0)
    assert properties.sharedMemPerBlock == 65536
    assert properties.totalGlobalMem == emulator.hip.hipMemGetInfo()[2]
    assert properties.cooperativeLaunch == 1


def test_properties_leave_the_neighbours_of_arrays_alone(emulator: RemoteDevice) -> None:
    _, properties = emulator.hip.hipGetDeviceProperties(0)
    assert properties.reserved == [0] * len(properties.reserved)
    assert properties.maxTexture2D == [0, 0]
    assert bytes(properties.luid) == bytes(8)


def test_properties_of_a_device_that_is_not_there(emulator: RemoteDevice) -> None:
    code, properties = emulator.hip.hipGetDeviceProperties(1)
    assert code == CODE.hipErrorInvalidDevice
    assert properties.gcnArchName == ""


def test_attributes_agree_with_properties(emulator: RemoteDevice) -> None:
    _, properties = emulator.hip.hipGetDeviceProperties(0)
    ask, members = emulator.hip.hipDeviceGetAttribute, real_hip.hipDeviceAttribute_t
    for attribute, value in (
        (members.hipDeviceAttributeWarpSize, properties.warpSize),
        (members.hipDeviceAttributeMultiprocessorCount, properties.multiProcessorCount),
        (members.hipDeviceAttributeMaxThreadsPerBlock, properties.maxThreadsPerBlock),
        (members.hipDeviceAttributeMaxBlockDimY, properties.maxThreadsDim[1]),
        (members.hipDeviceAttributeMaxGridDimX, properties.maxGridSize[0]),
        (members.hipDeviceAttributeMaxSharedMemoryPerBlock, properties.sharedMemPerBlock),
        (members.hipDeviceAttributeComputeCapabilityMajor, 11),
        (members.hipDeviceAttributeComputeCapabilityMinor, 0),
    ):
        assert ask(attribute, 0) == (CODE.hipSuccess, value), attribute
    assert ask(members.hipDeviceAttributePciChipId, 0) == (CODE.hipErrorInvalidValue, 0)
    assert ask(members.hipDeviceAttributeWarpSize, 3) == (CODE.hipErrorInvalidDevice, 0)


def test_streams(emulator: RemoteDevice) -> None:
    hip = emulator.hip
    code, stream = hip.hipStreamCreateWithFlags(1)
    assert (code, type(stream)) == (CODE.hipSuccess, real_hip.ihipStream_t)
    assert hip.hipStreamGetFlags(stream) == (CODE.hipSuccess, 1)
    for usable in (stream, None, real_hip.ihipStream_t.fromObj(None), 2):
        assert hip.hipStreamSynchronize(usable) == OK
        assert hip.hipStreamQuery(usable) == OK
    assert hip.hipStreamCreateWithFlags(8) == (CODE.hipErrorInvalidValue, None)
    code, low = hip.hipStreamCreateWithPriority(0, -7)
    assert hip.hipStreamGetPriority(low) == (CODE.hipSuccess, -1)
    assert hip.hipStreamDestroy(stream) == OK
    assert hip.hipStreamSynchronize(stream) == (CODE.hipErrorInvalidHandle,)
    assert hip.hipStreamDestroy(stream) == (CODE.hipErrorInvalidHandle,)
    assert hip.hipStreamDestroy(None) == (CODE.hipErrorInvalidHandle,)
    assert hip.hipMallocAsync(16, stream) == (CODE.hipErrorInvalidHandle, None)
    assert hip.hipMemsetAsync(None, 0, 0, stream) == (CODE.hipErrorInvalidHandle,)


def test_events_measure_the_hosts_time(emulator: RemoteDevice) -> None:
    hip = emulator.hip
    _, start = hip.hipEventCreate()
    _, stop = hip.hipEventCreate()
    assert hip.hipEventElapsedTime(start, stop) == (CODE.hipErrorInvalidHandle, 0.0)
    assert hip.hipEventRecord(start, None) == OK
    time.sleep(0.005)
    assert hip.hipEventRecord(stop, None) == OK
    assert hip.hipEventSynchronize(stop) == OK
    assert hip.hipEventQuery(stop) == OK
    assert hip.hipStreamWaitEvent(None, stop, 0) == OK
    code, milliseconds = hip.hipEventElapsedTime(start, stop)
    assert code == CODE.hipSuccess
    assert 5.0 <= milliseconds < 5000.0
    _, untimed = hip.hipEventCreateWithFlags(2)
    hip.hipEventRecord(untimed, None)
    assert hip.hipEventElapsedTime(start, untimed)[0] == CODE.hipErrorInvalidHandle
    assert hip.hipEventDestroy(start) == OK
    assert hip.hipEventDestroy(start) == (CODE.hipErrorInvalidHandle,)


def test_error_texts(emulator: RemoteDevice) -> None:
    hip = emulator.hip
    assert hip.hipGetErrorName(CODE.hipErrorInvalidValue)[0] == CODE.hipSuccess
    assert str(hip.hipGetErrorName(CODE.hipErrorInvalidValue)[1]) == "hipErrorInvalidValue"
    assert str(hip.hipGetErrorString(CODE.hipErrorInvalidValue)[1]) == "invalid argument"
    assert str(hip.hipDrvGetErrorName(CODE.hipErrorNotFound)[1]) == "hipErrorNotFound"
    assert str(hip.hipDrvGetErrorString(CODE.hipErrorTbd)[1]) == "hipErrorTbd"


def test_last_error_is_the_last_error_and_not_the_last_result(emulator: RemoteDevice) -> None:
    hip = emulator.hip
    hip.hipSetDevice(5)
    hip.hipSetDevice(0)
    assert hip.hipPeekAtLastError() == (CODE.hipErrorInvalidDevice,)
    assert hip.hipGetLastError() == (CODE.hipErrorInvalidDevice,)
    assert hip.hipGetLastError() == OK
    assert emulator.last_reason() is None
